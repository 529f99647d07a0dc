"""Sessions of the council: members, agenda, attendance, voters, urn and outcomes."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.domain.session import Roll
from services.awards.domain.tally import Choice, Tally
from services.awards.store.scopes import sessions_seen_by
from services.awards.store.tables import (
    agenda,
    approval,
    attendance,
    ballot,
    closing,
    member,
    outcome,
    recusal,
    roll,
    session,
    urn,
    voter,
)
from shared.rows import insert_rows
from shared.web.identity import Person

Values = dict[str, Any]

_MOVE_SHUFFLED = sa.text(
    "INSERT INTO ballot (ward, session, dossier, choice)"
    " SELECT ward, session, dossier, choice FROM urn"
    " WHERE ward = :ward AND session = :session ORDER BY random()"
)


def _of(table: sa.Table, ward: str, name: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.ward == ward, table.c.session == name)


async def add(
    connection: AsyncConnection, values: Values, members: Sequence[str], dossiers: Sequence[str]
) -> None:
    key = {"ward": values["ward"], "session": values["session"]}
    await connection.execute(sa.insert(session).values(values))
    await insert_rows(connection, member, [{**key, "person": p} for p in members])
    rows = [{**key, "dossier": d, "place": place} for place, d in enumerate(dossiers, 1)]
    await insert_rows(connection, agenda, rows)


async def find(connection: AsyncConnection, ward: str, name: str) -> sa.Row[Any] | None:
    """A session with the instants of its closing and approval (None: not yet)."""
    query = (
        sa.select(session, closing.c.closed_at, approval.c.approved_at)
        .select_from(
            session.outerjoin(
                closing,
                sa.and_(closing.c.ward == session.c.ward, closing.c.session == session.c.session),
            ).outerjoin(
                approval,
                sa.and_(approval.c.ward == session.c.ward, approval.c.session == session.c.session),
            )
        )
        .where(_of(session, ward, name))
    )
    return (await connection.execute(query)).one_or_none()


async def seen_of(
    connection: AsyncConnection, person: Person, name: str | None = None
) -> Sequence[str]:
    """The sessions that somebody may see, in order; or the one of a name, if they may see it."""
    query = (
        sa.select(session.c.session)
        .where(sessions_seen_by(person))
        .order_by(session.c.held_on, session.c.session)
    )
    if name is not None:
        query = query.where(session.c.session == name)
    return (await connection.execute(query)).scalars().all()


async def members_of(connection: AsyncConnection, ward: str, name: str) -> list[str]:
    query = sa.select(member.c.person).where(_of(member, ward, name)).order_by(member.c.person)
    return list((await connection.execute(query)).scalars())


async def agenda_of(connection: AsyncConnection, ward: str, name: str) -> list[str]:
    """Its dossiers in order; fixed once the session is called."""
    query = sa.select(agenda.c.dossier).where(_of(agenda, ward, name)).order_by(agenda.c.place)
    return list((await connection.execute(query)).scalars())


async def last_roll(connection: AsyncConnection, ward: str, name: str) -> tuple[int, Roll | None]:
    """The number of the last roll (0: none) and the roll."""
    number = await connection.scalar(
        sa.select(sa.func.max(roll.c.roll)).where(_of(roll, ward, name))
    )
    if number is None:
        return 0, None
    query = sa.select(attendance.c.person, attendance.c.manner).where(
        _of(attendance, ward, name), attendance.c.roll == number
    )
    rows = (await connection.execute(query)).all()
    present = frozenset(row.person for row in rows if row.manner == "present")
    written = frozenset(row.person for row in rows if row.manner == "written")
    return number, Roll(present, written)


async def add_roll(connection: AsyncConnection, values: Values, called: Roll) -> None:
    await connection.execute(sa.insert(roll).values(values))
    key = {"ward": values["ward"], "session": values["session"], "roll": values["roll"]}
    rows = [
        {**key, "person": person, "manner": manner}
        for manner, people in (("present", called.present), ("written", called.written))
        for person in sorted(people)
    ]
    await insert_rows(connection, attendance, rows)


async def voters_of(connection: AsyncConnection, ward: str, name: str) -> set[str]:
    """Who has handed in a ballot, be it one without any dossier to vote on."""
    query = sa.union(
        sa.select(voter.c.person).where(_of(voter, ward, name)),
        sa.select(recusal.c.person).where(_of(recusal, ward, name)),
    )
    return set((await connection.execute(query)).scalars())


async def cast(
    connection: AsyncConnection,
    key: Mapping[str, str],
    person: str,
    paper: Mapping[str, Choice],
    own: Sequence[str],
) -> None:
    """Tick the voter off and put the choices into the urn, in rows that share nothing."""
    if own:
        rows = [{**key, "dossier": d, "person": person} for d in own]
        await insert_rows(connection, recusal, rows)
    if paper:
        rows = [{**key, "dossier": d, "person": person} for d in paper]
        await insert_rows(connection, voter, rows)
        rows = [{**key, "dossier": d, "choice": str(choice)} for d, choice in paper.items()]
        await insert_rows(connection, urn, rows)


async def empty_the_urn(connection: AsyncConnection, ward: str, name: str) -> int:
    """Move the choices into `ballot`, shuffled and all in one statement; returns how many.

    Rows of one transaction share `xmin`: the urn's rows share it with their voter's, the
    ballots' rows only with each other.
    """
    key = {"ward": ward, "session": name}
    await connection.execute(_MOVE_SHUFFLED, key)
    return (await connection.execute(sa.delete(urn).where(_of(urn, ward, name)))).rowcount


async def ballots_of(connection: AsyncConnection, ward: str, name: str) -> dict[str, list[Choice]]:
    """Dossier -> the choices of a closed session's ballots, in no order."""
    query = sa.select(ballot.c.dossier, ballot.c.choice).where(_of(ballot, ward, name))
    found: dict[str, list[Choice]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.dossier, []).append(Choice(row.choice))
    return found


async def counts_of(
    connection: AsyncConnection, table: sa.Table, ward: str, name: str
) -> dict[str, int]:
    """Dossier -> how many rows of `voter` or `recusal` a session has."""
    query = (
        sa.select(table.c.dossier, sa.func.count().label("rows"))
        .where(_of(table, ward, name))
        .group_by(table.c.dossier)
    )
    return {row.dossier: row.rows for row in await connection.execute(query)}


async def close(
    connection: AsyncConnection, values: Values, tallies: Mapping[str, tuple[Tally, bool]]
) -> None:
    await connection.execute(sa.insert(closing).values(values))
    rows = [
        {
            "ward": values["ward"],
            "session": values["session"],
            "dossier": name,
            "yes": tally.yes,
            "no": tally.no,
            "abstain": tally.abstain,
            "recused": tally.recused,
            "silent": tally.silent,
            "members": tally.total,
            "passed": passed,
        }
        for name, (tally, passed) in tallies.items()
    ]
    await insert_rows(connection, outcome, rows)


async def outcomes_of(
    connection: AsyncConnection, ward: str, name: str
) -> dict[str, tuple[Tally, bool]]:
    """Dossier -> its count and whether it passed; empty before the closing."""
    rows = await connection.execute(sa.select(outcome).where(_of(outcome, ward, name)))
    return {
        row.dossier: (Tally(row.yes, row.no, row.abstain, row.recused, row.silent), row.passed)
        for row in rows
    }


async def approve(connection: AsyncConnection, values: Values) -> None:
    await connection.execute(sa.insert(approval).values(values))
