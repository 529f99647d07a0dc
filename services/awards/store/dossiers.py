"""Dossiers, what happened to them, and their publication."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.domain.dossier import LIVE, Command, State
from services.awards.domain.publication import Window
from services.awards.store.scopes import Condition, dossiers_in_full, dossiers_seen_by
from services.awards.store.tables import (
    agenda,
    award,
    decision,
    document,
    dossier,
    outcome,
    publication,
    step,
)
from shared.rows import as_table, insert_rows
from shared.web.identity import Person
from shared.web.paging import keyset

Values = dict[str, Any]
_COUNTS = ("yes", "no", "abstain", "recused", "silent", "members")
_PUBLIC: list[sa.Column[Any]] = [
    dossier.c[name] for name in ("ward", "name", "unit", "achievement", "form_title")
]


async def add(connection: AsyncConnection, values: Values) -> None:
    await connection.execute(sa.insert(dossier).values(values))


async def move(
    connection: AsyncConnection,
    ward: str,
    moves: Sequence[tuple[str, Command, State]],
    actor: str,
    at: datetime,
) -> None:
    """Enter each dossier's step and its new state."""
    if not moves:
        return
    steps = [
        {
            "ward": ward,
            "dossier": name,
            "state": str(state),
            "command": str(command),
            "actor": actor,
            "at": at,
        }
        for name, command, state in moves
    ]
    its = as_table(steps, {name: step.c[name].type for name in ("dossier", "state")})
    await connection.execute(
        sa.update(dossier)
        .where(dossier.c.ward == ward, dossier.c.dossier == its.c.dossier)
        .values(state=its.c.state)
    )
    await insert_rows(connection, step, steps)


async def publish(
    connection: AsyncConnection, ward: str, dossiers: Sequence[str], window: Window
) -> None:
    rows = [
        {"ward": ward, "dossier": d, "window_from": window.first, "window_until": window.last}
        for d in dossiers
    ]
    await insert_rows(connection, publication, rows)


async def find(connection: AsyncConnection, ward: str, name: str) -> sa.Row[Any] | None:
    return (await load(connection, ward, [name])).get(name)


async def load(
    connection: AsyncConnection, ward: str, names: Sequence[str]
) -> dict[str, sa.Row[Any]]:
    """Dossier -> its row with its publication window (None before publication)."""
    query = (
        sa.select(dossier, publication.c.window_from, publication.c.window_until)
        .select_from(dossier.outerjoin(publication, _same(publication)))
        .where(dossier.c.ward == ward, dossier.c.dossier.in_(names))
    )
    return {row.dossier: row for row in await connection.execute(query)}


async def live_of(connection: AsyncConnection, ward: str, period: str) -> dict[str, str]:
    """Participant -> its live dossier in a period; at most one."""
    query = sa.select(dossier.c.participant, dossier.c.dossier).where(
        dossier.c.ward == ward,
        dossier.c.period == period,
        dossier.c.state.in_([str(state) for state in LIVE]),
    )
    return {row.participant: row.dossier for row in await connection.execute(query)}


def _whole(seen: Condition, in_full: Condition) -> sa.Select[*tuple[Any, ...]]:
    """Dossiers with window, session, counts and decision, where they have them, in no order.

    Of those that are not `in_full`, reason and counts are NULL.
    """
    joined = (
        dossier.outerjoin(publication, _same(publication))
        .outerjoin(agenda, _same(agenda))
        .outerjoin(outcome, _same(outcome))
        .outerjoin(award, _same(award))
        .outerjoin(
            decision,
            sa.and_(award.c.ward == decision.c.ward, award.c.session == decision.c.session),
        )
    )
    printed = sa.exists().where(_same(document))
    return (
        sa.select(
            *(column for column in dossier.c if column.name != "reason"),
            _if(in_full, dossier.c.reason),
            publication.c.window_from,
            publication.c.window_until,
            agenda.c.session,
            *(_if(in_full, outcome.c[name]) for name in _COUNTS),
            award.c.ordinal,
            decision.c.number,
            decision.c.decided_on,
            printed.label("printed"),
        )
        .select_from(joined)
        .where(seen)
    )


def _if(shown: Condition, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.case((shown, column), else_=None).label(column.name)


async def seen_of(
    connection: AsyncConnection, person: Person, period: str | None = None
) -> Sequence[sa.Row[Any]]:
    """Every dossier that somebody may see, those decided last."""
    order = (dossier.c.period, decision.c.decided_on, award.c.ordinal, dossier.c.dossier)
    query = _seen(person, period).order_by(*order)
    return (await connection.execute(query)).all()


def _seen(person: Person, period: str | None) -> sa.Select[*tuple[Any, ...]]:
    seen = dossiers_seen_by(person)
    if period is not None:
        seen = sa.and_(seen, dossier.c.period == period)
    return _whole(seen, dossiers_in_full(person))


async def part_of(
    connection: AsyncConnection,
    person: Person,
    period: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """At most `limit` dossiers that somebody may see, behind a (period, dossier)."""
    place = (dossier.c.period, dossier.c.dossier)
    query = keyset(_seen(person, period), place, after).limit(limit)
    rows: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
    return rows


async def one_of(connection: AsyncConnection, person: Person, name: str) -> sa.Row[Any] | None:
    """A dossier; None also where it is not for this person to see."""
    query = _seen(person, None).where(dossier.c.dossier == name)
    return (await connection.execute(query)).one_or_none()


async def decided_part(
    connection: AsyncConnection,
    ward: str,
    period: str | None,
    after: tuple[date, str, int] | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Awards of a ward as anybody may know them, behind a (day, session, ordinal)."""
    known = sa.and_(dossier.c.ward == ward, award.c.ordinal.is_not(None))
    if period is not None:
        known = sa.and_(known, dossier.c.period == period)
    query = _whole(known, sa.false()).add_columns(award.c.session.label("decided_in"))
    place = (decision.c.decided_on, award.c.session, award.c.ordinal)
    query = keyset(query, place, after).limit(limit)
    rows: Sequence[sa.Row[Any]] = (await connection.execute(query)).all()
    return rows


async def steps_of(connection: AsyncConnection, ward: str, name: str) -> Sequence[sa.Row[Any]]:
    """What happened to a dossier, in order."""
    query = sa.select(step).where(step.c.ward == ward, step.c.dossier == name).order_by(step.c.at)
    return (await connection.execute(query)).all()


def _same(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.ward == dossier.c.ward, table.c.dossier == dossier.c.dossier)


async def candidates_on(connection: AsyncConnection, today: date) -> Sequence[sa.Row[Any]]:
    """What the public may give an opinion on today, in every ward."""
    query = (
        sa.select(
            *[*_PUBLIC, publication.c.window_from, publication.c.window_until],
        )
        .select_from(dossier.join(publication, _same(publication)))
        .where(
            publication.c.window_from <= today,
            publication.c.window_until >= today,
            dossier.c.state.in_([str(State.PUBLISHED), str(State.IN_SESSION)]),
        )
        .order_by(dossier.c.ward, publication.c.window_until, dossier.c.name)
    )
    return (await connection.execute(query)).all()


async def decided(connection: AsyncConnection) -> Sequence[sa.Row[Any]]:
    """What the public sees of every award, the newest decisions first."""
    joined = dossier.join(award, _same(award)).join(
        decision, sa.and_(award.c.ward == decision.c.ward, award.c.session == decision.c.session)
    )
    query = (
        sa.select(
            *[*_PUBLIC, award.c.ordinal, decision.c.number, decision.c.decided_on],
        )
        .select_from(joined)
        .order_by(decision.c.decided_on.desc(), decision.c.number, award.c.ordinal)
    )
    return (await connection.execute(query)).all()
