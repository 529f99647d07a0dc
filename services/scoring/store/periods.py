"""Everything on record about one period, as the domain sees it; and the frozen results."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.domain.assessment import Acceptance, Assessment
from services.scoring.domain.claim import Claim
from services.scoring.domain.participant import Participant
from services.scoring.domain.result import Result
from services.scoring.domain.score import Derivation, Line, LineKind
from services.scoring.domain.sheet import Adoption
from services.scoring.store import marks as mark_store
from services.scoring.store.facts import claim_of, participant_of
from services.scoring.store.scopes import Condition
from services.scoring.store.sheets import adoptions
from services.scoring.store.tables import (
    acceptance,
    claim,
    freezing,
    movement,
    participant,
    period,
    reopening,
    result,
    result_line,
)
from shared.rows import insert_rows


@dataclass(frozen=True, slots=True)
class Movement:
    """`groups`: group -> criteria codes; `texts`: criterion -> text; `blocks`: code -> title."""

    groups: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str]
    blocks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PeriodFile:
    """One period: its sheet, every assessment, and the results once they are frozen."""

    ward: str
    code: str
    title: str
    opened_on: date
    report_by_text: str
    movement: Movement | None
    adoption: Adoption | None
    frozen_at: datetime | None
    assessments: Mapping[str, Assessment]
    results: Mapping[str, Result]

    @property
    def texts(self) -> Mapping[str, str]:
        return self.movement.texts if self.movement else {}

    @property
    def blocks(self) -> Mapping[str, str]:
        return self.movement.blocks if self.movement else {}


async def period_to_show(connection: AsyncConnection, ward: str) -> str | None:
    """The latest frozen period, else the latest opened one."""
    code: str | None = await connection.scalar(
        sa.select(period.c.period)
        .outerjoin(
            freezing,
            (freezing.c.ward == period.c.ward) & (freezing.c.period == period.c.period),
        )
        .where(period.c.ward == ward)
        .order_by(
            freezing.c.frozen_at.desc().nulls_last(),
            period.c.opened_on.desc(),
            period.c.period.desc(),
        )
        .limit(1)
    )
    return code


async def periods(connection: AsyncConnection, ward: str) -> list[tuple[str, str]]:
    """(code, title) of every period, the newest first."""
    rows = await connection.execute(
        sa.select(period.c.period, period.c.title)
        .where(period.c.ward == ward)
        .order_by(period.c.opened_on.desc(), period.c.period.desc())
    )
    return [(row.period, row.title) for row in rows]


async def load(
    connection: AsyncConnection,
    ward: str,
    code: str,
    of: Collection[str] | None = None,
    seen: Condition | None = None,
) -> PeriodFile | None:
    """The file of a period; None: no such period.

    Of all its participants, or of those named by `of` and let in by `seen` (`store.scopes`);
    nothing at all is loaded of the others.
    """
    found = await connection.execute(
        sa.select(period).where(period.c.ward == ward, period.c.period == code)
    )
    row = found.one_or_none()
    if row is None:
        return None
    adopted = await adoptions(connection, [(ward, code)])
    frozen_at = await connection.scalar(
        sa.select(freezing.c.frozen_at).where(freezing.c.ward == ward, freezing.c.period == code)
    )
    adoption = adopted.get((ward, code))
    people = await _people(connection, ward, of, seen)
    return PeriodFile(
        ward,
        code,
        row.title,
        row.opened_on,
        row.report_by_text,
        await _movement(connection, ward, row.movement),
        adoption,
        frozen_at,
        await _assessments(connection, ward, code, people, adoption, frozen=frozen_at is not None),
        await _results(connection, ward, code, [who.code for who in people]),
    )


async def _movement(connection: AsyncConnection, ward: str, code: str) -> Movement | None:
    found = await connection.execute(
        sa.select(movement.c.groups, movement.c.blocks).where(
            movement.c.ward == ward, movement.c.movement == code
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    return Movement(
        {group["code"]: tuple(c["code"] for c in group["criteria"]) for group in row.groups},
        {c["code"]: c["text"] for group in row.groups for c in group["criteria"]},
        {block["code"]: block["title"] for block in row.blocks},
    )


async def _people(
    connection: AsyncConnection, ward: str, of: Collection[str] | None, seen: Condition | None
) -> list[Participant]:
    query = sa.select(participant).where(participant.c.ward == ward)
    if of is not None:
        query = query.where(participant.c.participant.in_(of))
    if seen is not None:
        query = query.where(seen)
    rows = await connection.execute(query.order_by(participant.c.participant))
    return [participant_of(row) for row in rows]


async def _assessments(
    connection: AsyncConnection,
    ward: str,
    code: str,
    people: Collection[Participant],
    adoption: Adoption | None,
    *,
    frozen: bool,
) -> dict[str, Assessment]:
    of = [who.code for who in people]
    said = await _claims(connection, ward, code, of)
    marked = await mark_store.in_force(connection, ward, code, of)
    assessments: dict[str, Assessment] = {}
    for who in people:
        one, accepted = said.get(who.code, (None, None))
        assessments[who.code] = Assessment(
            who,
            adoption.sheet if adoption else None,
            one,
            accepted,
            mark_store.marks_of(marked, who.code, one),
            frozen=frozen,
        )
    return assessments


async def _claims(
    connection: AsyncConnection, ward: str, code: str, of: Collection[str]
) -> dict[str, tuple[Claim, Acceptance | None]]:
    """Of each participant the claim that was accepted last, not opened again; else the newest."""
    key = ("ward", "participant", "period", "report_id", "revision")
    opened_again = (
        sa.select(sa.literal(1))
        .where(*(reopening.c[name] == claim.c[name] for name in key))
        .correlate(claim)
        .exists()
    )
    same = sa.and_(*(acceptance.c[name] == claim.c[name] for name in key), ~opened_again)
    query = (
        sa.select(claim, acceptance.c.accepted_at, acceptance.c.late.label("accepted_late"))
        .select_from(claim)
        .outerjoin(acceptance, same)
        .where(claim.c.ward == ward, claim.c.period == code, claim.c.participant.in_(of))
        .ext(distinct_on(claim.c.participant))
        .order_by(
            claim.c.participant,
            acceptance.c.accepted_at.is_(None),
            claim.c.revision.desc(),
            claim.c.received_at.desc(),
            claim.c.report_id,
        )
    )
    return {
        row.participant: (claim_of(row), _acceptance_of(row))
        for row in await connection.execute(query)
    }


def _acceptance_of(row: Any) -> Acceptance | None:
    if row.accepted_at is None:
        return None
    return Acceptance(row.revision, row.accepted_at, row.accepted_late)


async def _results(
    connection: AsyncConnection, ward: str, code: str, of: Collection[str]
) -> dict[str, Result]:
    rows = await connection.execute(
        sa.select(result).where(
            result.c.ward == ward, result.c.period == code, result.c.participant.in_(of)
        )
    )
    return {
        row.participant: Result(
            row.participant,
            row.report_id,
            row.revision,
            row.sheet_version,
            row.group_code,
            row.block,
            row.block_title,
            row.total,
            row.grade,
            row.rank,
            row.ranked,
            row.late,
        )
        for row in rows
    }


async def result_lines(
    connection: AsyncConnection, ward: str, code: str, of: Collection[str]
) -> dict[str, tuple[Line, ...]]:
    """The frozen derivations, line by line."""
    rows = await connection.execute(
        sa.select(result_line)
        .where(
            result_line.c.ward == ward,
            result_line.c.period == code,
            result_line.c.participant.in_(of),
        )
        .order_by(result_line.c.participant, result_line.c.position)
    )
    lines: dict[str, tuple[Line, ...]] = {}
    for row in rows:
        line = Line(
            LineKind(row.kind),
            row.text,
            row.counted,
            row.criterion,
            row.max_points,
            row.self_score,
            row.verified,
            row.council,
            row.note,
        )
        lines[row.participant] = (*lines.get(row.participant, ()), line)
    return lines


async def freeze(
    connection: AsyncConnection,
    ward: str,
    code: str,
    concluded: Sequence[tuple[Result, Derivation]],
    *,
    by: str,
    at: datetime,
) -> None:
    """Write down every result and every line of it."""
    key = {"ward": ward, "period": code}
    await connection.execute(sa.insert(freezing).values(**key, frozen_at=at, frozen_by=by))
    rows = []
    lines = []
    for one, derivation in concluded:
        values = asdict(one)
        group = values.pop("group")
        rows.append({**key, **values, "group_code": group})
        lines += [
            {**key, "participant": one.participant, "position": position, **asdict(line)}
            for position, line in enumerate(derivation.lines, start=1)
        ]
    await insert_rows(connection, result, rows)
    await insert_rows(connection, result_line, lines)
