"""What other services told us, and what the public may see of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.store.tables import (
    candidate,
    conclusion,
    honour,
    mail,
    movement,
    notice,
    obligation,
    participant,
    period,
)
from shared.rows import add_rows, as_table

Values = dict[str, Any]


async def add_notices(connection: AsyncConnection, rows: Sequence[Values]) -> None:
    """Notices, each with its mail waiting to be addressed; those that are known stay alone."""
    await add_rows(connection, notice, rows)
    await add_rows(connection, mail, [{"id": row["id"], "status": "waiting"} for row in rows])


async def leave(connection: AsyncConnection, ward: str, code: str, day: date) -> None:
    """A participant takes part no more from a day on."""
    await connection.execute(
        sa.update(participant)
        .where(participant.c.ward == ward, participant.c.participant == code)
        .values(left_on=day)
    )


async def withdraw(connection: AsyncConnection, why: Mapping[UUID, str]) -> None:
    """Obligations that are not asked for any more, and why."""
    given = as_table(
        [{"which": which, "why": reason} for which, reason in why.items()],
        {"which": obligation.c.obligation.type, "why": sa.Text()},
    )
    await connection.execute(
        sa.update(obligation)
        .where(obligation.c.obligation == given.c.which)
        .values(withdrawn=given.c.why)
    )


async def addressees(
    connection: AsyncConnection, obligations: Iterable[UUID]
) -> dict[UUID, list[str]]:
    """Who beside the reporter was to be told of obligations before, by obligation."""
    query = (
        sa.select(notice.c.obligation, notice.c.addressee)
        .where(notice.c.obligation.in_(sorted(obligations)), notice.c.addressee != "")
        .distinct()
        .order_by(notice.c.addressee)
    )
    found: dict[UUID, list[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.obligation, []).append(row.addressee)
    return found


async def newest_movements(
    connection: AsyncConnection, wards: Iterable[str] | None = None
) -> dict[str, sa.Row[Any]]:
    """Each ward's newest movement (title, place), by ward."""
    query = (
        sa.select(movement)
        .ext(distinct_on(movement.c.ward))
        .order_by(movement.c.ward, movement.c.launched_on.desc(), movement.c.movement)
    )
    if wards is not None:
        query = query.where(movement.c.ward.in_(sorted(set(wards))))
    return {row.ward: row for row in await connection.execute(query)}


def _titled(table: sa.Table, *more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    known = sa.and_(period.c.ward == table.c.ward, period.c.period == table.c.period)
    shown = [table.c[name] for name in ("name", "unit", "achievement", "form_title")]
    title = sa.func.coalesce(period.c.title, table.c.period).label("period_title")
    return sa.select(*shown, title, table.c.period, *more).outerjoin(period, known)


async def honours(connection: AsyncConnection, ward: str) -> Sequence[Any]:
    """Awards decided: the newest period first, in it the newest decision, in its own order."""
    c = honour.c
    query = (
        _titled(honour, c.decision_number, c.decided_on)
        .where(c.ward == ward)
        .order_by(
            period.c.report_by.desc().nulls_first(),
            c.period.desc(),
            c.decided_on.desc(),
            c.decision_number,
            c.ordinal,
        )
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows


async def candidates(connection: AsyncConnection, ward: str) -> Sequence[Any]:
    """Candidates under publication: neither decided nor voted down; the newest window first."""
    c = candidate.c
    decided = sa.exists().where(honour.c.ward == c.ward, honour.c.dossier == c.dossier)
    failed = sa.exists().where(
        conclusion.c.ward == c.ward,
        conclusion.c.dossier == c.dossier,
        conclusion.c.passed.is_(False),
    )
    query = (
        _titled(candidate, c.window_from, c.window_until)
        .where(c.ward == ward, ~decided, ~failed)
        .order_by(c.window_until.desc(), c.window_from.desc(), c.name)
    )
    rows: Sequence[Any] = (await connection.execute(query)).all()
    return rows
