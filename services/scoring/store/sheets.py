"""Score sheets, as proposed and as adopted."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.domain.sheet import (
    Adoption,
    CriterionPoints,
    Grade,
    GroupSheet,
    Part,
    Sheet,
)
from services.scoring.store.tables import adoption, sheet


async def find_sheet(
    connection: AsyncConnection, ward: str, period: str, version: int
) -> Sheet | None:
    content = await connection.scalar(
        sa.select(sheet.c.content).where(
            sheet.c.ward == ward, sheet.c.period == period, sheet.c.version == version
        )
    )
    return None if content is None else _of_json(content)


async def add_sheet(
    connection: AsyncConnection, ward: str, period: str, new: Sheet, by: str, at: datetime
) -> None:
    await connection.execute(
        sa.insert(sheet).values(
            ward=ward,
            period=period,
            version=new.version,
            content=_to_json(new),
            proposed_by=by,
            proposed_at=at,
        )
    )


async def adoptions(
    connection: AsyncConnection, periods: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Adoption]:
    """(ward, period) -> the adopted sheet and the document that adopted it."""
    rows = await connection.execute(
        sa.select(adoption, sheet.c.content)
        .join(
            sheet,
            (sheet.c.ward == adoption.c.ward)
            & (sheet.c.period == adoption.c.period)
            & (sheet.c.version == adoption.c.sheet_version),
        )
        .where(sa.tuple_(adoption.c.ward, adoption.c.period).in_(set(periods)))
    )
    return {
        (row.ward, row.period): Adoption(_of_json(row.content), row.document_number, row.adopted_on)
        for row in rows
    }


async def add_adoption(
    connection: AsyncConnection, ward: str, period: str, new: Adoption, by: str, at: datetime
) -> None:
    await connection.execute(
        sa.insert(adoption).values(
            ward=ward,
            period=period,
            sheet_version=new.sheet.version,
            document_number=new.document_number,
            adopted_on=new.adopted_on,
            entered_by=by,
            entered_at=at,
        )
    )


def _to_json(one: Sheet) -> dict[str, Any]:
    return {
        "version": one.version,
        "groups": [
            {"code": group.code, "criteria": [_criterion_to_json(c) for c in group.criteria]}
            for group in one.groups
        ],
        "bonus_cap": str(one.bonus_cap),
        "deduction_cap": str(one.deduction_cap),
        "late_deduction": str(one.late_deduction),
        "grades": [{"name": g.name, "from_points": str(g.from_points)} for g in one.grades],
        "not_applicable": one.not_applicable,
    }


def _criterion_to_json(criterion: CriterionPoints) -> dict[str, Any]:
    return {
        "code": criterion.code,
        "max_points": str(criterion.max_points),
        "parts": [
            {"code": part.code, "title": part.title, "max_points": str(part.max_points)}
            for part in criterion.parts
        ],
    }


def _of_json(data: Mapping[str, Any]) -> Sheet:
    return Sheet(
        data["version"],
        tuple(
            GroupSheet(group["code"], tuple(_criterion_of_json(c) for c in group["criteria"]))
            for group in data["groups"]
        ),
        Decimal(data["bonus_cap"]),
        Decimal(data["deduction_cap"]),
        Decimal(data["late_deduction"]),
        tuple(Grade(g["name"], Decimal(g["from_points"])) for g in data["grades"]),
        data["not_applicable"],
    )


def _criterion_of_json(data: Mapping[str, Any]) -> CriterionPoints:
    parts = tuple(
        Part(part["code"], part["title"], Decimal(part["max_points"])) for part in data["parts"]
    )
    return CriterionPoints(data["code"], Decimal(data["max_points"]), parts)
