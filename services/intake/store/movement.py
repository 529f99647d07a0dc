"""Versions of movements, ended phases, and duties in bulk as rules lay, move and withdraw them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.desk import JUDGED, Key
from services.intake.store.tables import (
    MOMENT,
    judgement,
    movement,
    obligation,
    participant,
    period,
    phase_review,
    plan,
    report,
)
from shared.rows import as_table


async def versions(connection: AsyncConnection, ward: str) -> Sequence[sa.Row[Any]]:
    """All versions of the ward's movements, the newest first, without what they say."""
    shown = [column for column in movement.c if column.name != "data"]
    query = (
        sa.select(*shown)
        .add_columns(movement.c.data["title"].astext.label("title"))
        .where(movement.c.ward == ward)
        .order_by(movement.c.movement, movement.c.version.desc())
    )
    return (await connection.execute(query)).all()


async def version(
    connection: AsyncConnection, ward: str, code: str, number: int
) -> sa.Row[Any] | None:
    query = sa.select(movement).where(
        movement.c.ward == ward, movement.c.movement == code, movement.c.version == number
    )
    return (await connection.execute(query)).one_or_none()


async def in_force(connection: AsyncConnection, ward: str, code: str) -> sa.Row[Any] | None:
    """The adopted version of a movement."""
    query = sa.select(movement).where(
        movement.c.ward == ward, movement.c.movement == code, movement.c.state == "adopted"
    )
    return (await connection.execute(query)).one_or_none()


async def change_version(
    connection: AsyncConnection, ward: str, code: str, version: int, **values: Any
) -> None:
    which = (movement.c.ward == ward, movement.c.movement == code, movement.c.version == version)
    await connection.execute(sa.update(movement).where(*which).values(**values))


async def drop_draft(connection: AsyncConnection, ward: str, code: str, number: int) -> None:
    which = (movement.c.ward == ward, movement.c.movement == code, movement.c.version == number)
    await connection.execute(sa.delete(movement).where(*which, movement.c.state == "draft"))


async def ended_phases(connection: AsyncConnection, ward: str, code: str) -> dict[int, date]:
    """The day of the review that ended each phase, by its number."""
    rows = await phase_reviews(connection, ward, code)
    return {row.phase: row.reviewed_on for row in rows}


async def phase_reviews(connection: AsyncConnection, ward: str, code: str) -> Sequence[sa.Row[Any]]:
    query = (
        sa.select(phase_review)
        .where(phase_review.c.ward == ward, phase_review.c.movement == code)
        .order_by(phase_review.c.phase)
    )
    return (await connection.execute(query)).all()


async def codes_on_roll(connection: AsyncConnection, ward: str) -> list[str]:
    query = sa.select(participant.c.participant).where(participant.c.ward == ward)
    return list((await connection.scalars(query)).all())


async def laid(
    connection: AsyncConnection,
    ward: str,
    periods: Iterable[str],
    of: Iterable[str] | None = None,
) -> Sequence[sa.Row[Any]]:
    """All duties of these periods, whatever became of them; `of` these participants only, where
    given."""
    query = sa.select(obligation).where(
        obligation.c.ward == ward, obligation.c.period.in_(sorted(set(periods)))
    )
    if of is not None:
        query = query.where(obligation.c.participant.in_(sorted(set(of))))
    return (await connection.execute(query.order_by(obligation.c.id))).all()


async def sent(
    connection: AsyncConnection, ward: str, periods: Iterable[str], code: str | None = None
) -> set[Key]:
    """For which of these periods there is a report that was not taken back, or a document; of one
    participant only, where given."""
    asked = sorted(set(periods))
    kept = judgement.c.outcome.is_distinct_from("withdrawn")
    reports = sa.select(report.c.participant, report.c.period).outerjoin(judgement, JUDGED)
    reports = reports.where(report.c.ward == ward, report.c.period.in_(asked), kept)
    plans = sa.select(plan.c.participant, plan.c.period)
    plans = plans.where(plan.c.ward == ward, plan.c.period.in_(asked))
    if code is not None:
        reports = reports.where(report.c.participant == code)
        plans = plans.where(plan.c.participant == code)
    rows = await connection.execute(reports.union(plans))
    return {(row.participant, row.period) for row in rows}


_CHANGED = {"which": obligation.c.id.type, "due": MOMENT, "text": sa.Text(), "manner": sa.Text()}


async def move_duties(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Give open duties (`which`) another `due`, `text`, `manner`."""
    if not rows:
        return
    given = as_table(rows, _CHANGED)
    await connection.execute(
        sa.update(obligation)
        .where(obligation.c.id == given.c.which)
        .values(due=given.c.due, due_text=given.c.text, manner=given.c.manner)
    )


async def reopen_duties(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Ask again, as `move_duties`, for duties that a rule had withdrawn."""
    await move_duties(connection, rows)
    await connection.execute(
        sa.update(obligation)
        .where(obligation.c.id.in_([row["which"] for row in rows]))
        .values(withdrawn_at=None, withdrawn_why="", withdrawn_reason="")
    )


async def withdraw_duties(
    connection: AsyncConnection, which: Iterable[UUID], at: datetime, reason: str
) -> None:
    """A rule asks no more for them."""
    await connection.execute(
        sa.update(obligation)
        .where(obligation.c.id.in_(sorted(which)))
        .values(withdrawn_at=at, withdrawn_why="rule-changed", withdrawn_reason=reason)
    )


async def change_period(connection: AsyncConnection, ward: str, code: str, **values: Any) -> None:
    which = (period.c.ward == ward, period.c.period == code)
    await connection.execute(sa.update(period).where(*which).values(**values))
