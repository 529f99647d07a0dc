"""Derivations as they may be shown."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.domain.result import basis_shown, derivation_of
from services.scoring.domain.score import Line
from services.scoring.store.periods import PeriodFile, result_lines


async def shown_lines(
    connection: AsyncConnection, file: PeriodFile, of: Collection[str], *, sees_all: bool
) -> dict[str, tuple[Line, ...]]:
    """The lines as they were frozen, else as they stand now for whoever looks."""
    if file.frozen_at is not None:
        return await result_lines(connection, file.ward, file.code, of)
    lines: dict[str, tuple[Line, ...]] = {}
    for code in of:
        assessment = file.assessments[code]
        basis = basis_shown(assessment, sees_all=sees_all)
        derivation = derivation_of(assessment, basis, file.texts)
        if derivation is not None:
            lines[code] = derivation.lines
    return lines
