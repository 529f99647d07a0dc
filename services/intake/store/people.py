"""The directory: who is in it, what they hold on a day, and for whom they act."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.directory import (
    Acting,
    Delegation,
    Holding,
    Holdings,
    Scope,
    delegated_on,
    heads_on,
    holdings_on,
    roles_on,
    sessions_on,
    units_on,
)
from services.intake.store.tables import (
    contact,
    correction_request,
    delegation,
    participant,
    role_held,
)
from shared.calendar import ward_day
from shared.messaging.tables import act, answer
from shared.roles import Role

ERASURE_ACT = "person-erased"
"""It names a document and nothing of the person, so that it can go on being proved."""
_NOBODY = Holdings("", "", "", frozenset(), frozenset(), frozenset())


async def holdings(connection: AsyncConnection, ward: str, person: str, on: date) -> Holdings:
    """What somebody is on a day; nothing at all for whoever is unknown or erased."""
    row = await find(connection, ward, person)
    if row is None or row.erased_on is not None:
        return _NOBODY
    held = (await held_by(connection, ward, [person])).get(person, [])
    return holdings_on(row.name, row.email, row.unit, held, on)


async def delegations_of(
    connection: AsyncConnection, ward: str, person: str, on: date
) -> list[Acting]:
    """For whom somebody may act on a day, and as what; the longest standing first."""
    query = (
        sa.select(delegation, contact.c.name, contact.c.unit)
        .join(
            contact,
            sa.and_(
                contact.c.ward == delegation.c.ward, contact.c.person == delegation.c.principal
            ),
        )
        .where(
            delegation.c.ward == ward,
            delegation.c.delegate == person,
            contact.c.erased_on.is_(None),
        )
        .order_by(delegation.c.since, delegation.c.id)
    )
    rows = (await connection.execute(query)).all()
    held = await held_by(connection, ward, {row.principal for row in rows})
    acting = (_acting(row, held.get(row.principal, []), on) for row in rows)
    return [one for one in acting if one.roles]


def _acting(row: Any, principals: Sequence[Holding], on: date) -> Acting:
    lent = delegated_on(delegation_of(row), principals, on)
    return Acting(
        id=row.id,
        principal=row.principal,
        name=row.name,
        unit=row.unit,
        roles=frozenset(roles_on(lent, on)),
        units=units_on(lent, on),
        sessions=sessions_on(lent, on),
        document=row.document,
        until=row.until,
        heads=heads_on(lent, on),
        stakes=frozenset({row.unit} - {""}) | units_on(principals, on),
    )


async def find_by_email(connection: AsyncConnection, email: str) -> list[tuple[str, str]]:
    """(ward, person) of everyone with the address, however it is written."""
    query = (
        sa.select(contact.c.ward, contact.c.person)
        .where(
            sa.func.lower(contact.c.email) == email.strip().lower(), contact.c.erased_on.is_(None)
        )
        .order_by(contact.c.ward, contact.c.person)
    )
    rows = await connection.execute(query)
    return [(row.ward, row.person) for row in rows if email.strip()]


async def find(connection: AsyncConnection, ward: str, person: str) -> sa.Row[Any] | None:
    query = sa.select(contact).where(contact.c.ward == ward, contact.c.person == person)
    return (await connection.execute(query)).one_or_none()


async def held_by(
    connection: AsyncConnection, ward: str, people: Iterable[str]
) -> dict[str, list[Holding]]:
    """Everything that people hold or held, by person."""
    found: dict[str, list[Holding]] = {}
    for row in await roles_of(connection, ward, people):
        found.setdefault(row.person, []).append(holding_of(row))
    return found


async def roles_of(
    connection: AsyncConnection, ward: str, people: Iterable[str]
) -> Sequence[sa.Row[Any]]:
    """Rows of `role_held`, the oldest first."""
    query = (
        sa.select(role_held)
        .where(role_held.c.ward == ward, role_held.c.person.in_(sorted(set(people))))
        .order_by(role_held.c.since, role_held.c.id)
    )
    return (await connection.execute(query)).all()


def holding_of(row: Any) -> Holding:
    return Holding(
        role=cast(Role, row.role),
        scope=cast(Scope, row.scope),
        of=row.scope_of,
        since=row.since,
        until=row.until,
        ended_on=row.ended_on,
        granted_by=row.granted_by,
    )


def delegation_of(row: Any) -> Delegation:
    return Delegation(
        principal=row.principal,
        delegate=row.delegate,
        roles=frozenset(row.roles),
        since=row.since,
        until=row.until,
        document=row.document,
        ended_on=row.ended_on,
    )


async def everybody(
    connection: AsyncConnection, ward: str, *, role: str = "", on: date
) -> Sequence[sa.Row[Any]]:
    """The ward's people, or those who hold a role on a day; in no order."""
    query = sa.select(contact).where(contact.c.ward == ward)
    if role:
        query = query.where(contact.c.person.in_(_holders(ward, role, on)))
    return (await connection.execute(query)).all()


def _holders(ward: str, role: str, on: date) -> sa.Select[tuple[str]]:
    return sa.select(role_held.c.person).where(
        role_held.c.ward == ward, role_held.c.role == role, _in_force(role_held, on)
    )


def _in_force(table: sa.Table, on: date) -> sa.ColumnElement[bool]:
    """As `Holding.in_force` and `Delegation.in_force` have it."""
    return sa.and_(
        table.c.since <= on,
        sa.or_(table.c.until.is_(None), table.c.until >= on),
        sa.or_(table.c.ended_on.is_(None), table.c.ended_on > on),
    )


async def role(connection: AsyncConnection, ward: str, person: str, number: int) -> Any:
    """One row of `role_held`, or None."""
    query = sa.select(role_held).where(
        role_held.c.ward == ward, role_held.c.person == person, role_held.c.id == number
    )
    return (await connection.execute(query)).one_or_none()


async def delegation_row(connection: AsyncConnection, ward: str, number: int) -> Any:
    query = sa.select(delegation).where(delegation.c.ward == ward, delegation.c.id == number)
    return (await connection.execute(query)).one_or_none()


async def delegations_with(
    connection: AsyncConnection, ward: str, person: str
) -> Sequence[sa.Row[Any]]:
    """Delegations from somebody or to them, the oldest first."""
    query = (
        sa.select(delegation)
        .where(
            delegation.c.ward == ward,
            sa.or_(delegation.c.principal == person, delegation.c.delegate == person),
        )
        .order_by(delegation.c.since, delegation.c.id)
    )
    return (await connection.execute(query)).all()


async def lent_to(
    connection: AsyncConnection, ward: str, people: Iterable[str]
) -> Sequence[sa.Row[Any]]:
    """Rows of `delegation` by which these act for others, whatever became of them."""
    query = sa.select(delegation).where(
        delegation.c.ward == ward, delegation.c.delegate.in_(sorted(set(people)))
    )
    return (await connection.execute(query.order_by(delegation.c.id))).all()


async def delegates_on(connection: AsyncConnection, ward: str, person: str, on: date) -> list[str]:
    """Who may act for somebody on a day."""
    query = (
        sa.select(delegation.c.delegate)
        .where(
            delegation.c.ward == ward,
            delegation.c.principal == person,
            _in_force(delegation, on),
        )
        .distinct()
        .order_by(delegation.c.delegate)
    )
    return list(await connection.scalars(query))


async def who_holds_what(
    connection: AsyncConnection, ward: str, on: date
) -> list[tuple[Role, str]]:
    """(role, unit) in force on a day: the holder's own unit, for a substitute whom they replace."""
    unit = sa.case(
        (role_held.c.role == "substitute-officer", role_held.c.scope_of), else_=contact.c.unit
    )
    query = (
        sa.select(role_held.c.role, unit.label("unit"))
        .join(
            contact,
            sa.and_(contact.c.ward == role_held.c.ward, contact.c.person == role_held.c.person),
        )
        .where(role_held.c.ward == ward, _in_force(role_held, on))
        .distinct()
    )
    return [(cast(Role, row.role), row.unit) for row in await connection.execute(query)]


async def reports_for(connection: AsyncConnection, ward: str, person: str) -> list[str]:
    """Participants on the roll that somebody is the reporter of."""
    query = (
        sa.select(participant.c.participant)
        .where(participant.c.ward == ward, participant.c.reporter == person)
        .order_by(participant.c.participant)
    )
    return list(await connection.scalars(query))


async def units_of(connection: AsyncConnection, ward: str) -> dict[str, str]:
    """Collectives on the roll: code -> name."""
    query = sa.select(participant.c.participant, participant.c.name).where(
        participant.c.ward == ward, participant.c.collective
    )
    return {row.participant: row.name for row in await connection.execute(query)}


async def corrections(
    connection: AsyncConnection, ward: str, *, person: str = "", waiting: bool = False
) -> Sequence[sa.Row[Any]]:
    """Requests for correction, the oldest first: of one person, or only those not answered yet."""
    query = sa.select(correction_request).where(correction_request.c.ward == ward)
    if person:
        query = query.where(correction_request.c.person == person)
    if waiting:
        query = query.where(correction_request.c.outcome.is_(None), correction_request.c.text != "")
    return (await connection.execute(query.order_by(correction_request.c.id))).all()


async def correction(connection: AsyncConnection, ward: str, number: int) -> Any:
    query = (
        sa.select(correction_request)
        .where(correction_request.c.ward == ward, correction_request.c.id == number)
        .with_for_update()
    )
    return (await connection.execute(query)).one_or_none()


async def is_off_the_roll(connection: AsyncConnection, ward: str, code: str) -> bool:
    """Whether a ward that has registered somebody has not registered this participant."""
    query = sa.select(sa.func.count(), sa.func.bool_or(participant.c.participant == code)).where(
        participant.c.ward == ward
    )
    registered, found = (await connection.execute(query)).one()
    return bool(registered) and not found


async def add_role(connection: AsyncConnection, row: Mapping[str, Any]) -> int:
    """Returns its number."""
    return await _add(connection, role_held, row)


async def add_delegation(connection: AsyncConnection, row: Mapping[str, Any]) -> int:
    return await _add(connection, delegation, row)


async def add_correction(connection: AsyncConnection, row: Mapping[str, Any]) -> int:
    return await _add(connection, correction_request, row)


async def _add(connection: AsyncConnection, table: sa.Table, row: Mapping[str, Any]) -> int:
    added = await connection.execute(sa.insert(table).values(row).returning(table.c.id))
    return int(added.scalar_one())


async def end_rows(
    connection: AsyncConnection,
    table: sa.Table,
    numbers: Iterable[int],
    at: datetime,
    by: str,
    reason: str,
) -> None:
    """Write the end of roles or delegations that have none yet: they do not count from that day."""
    await connection.execute(
        sa.update(table)
        .where(table.c.id.in_(sorted(numbers)), table.c.ended_on.is_(None))
        .values(ended_on=ward_day(at), ended_at=at, ended_by=by, ended_why=reason)
    )


async def blank(connection: AsyncConnection, ward: str, person: str, on: date) -> None:
    """Forget a name, address and unit, and what was written about the person; the code stays."""
    await connection.execute(
        sa.update(contact)
        .where(contact.c.ward == ward, contact.c.person == person)
        .values(name="", email="", unit="", version=contact.c.version + 1, erased_on=on)
    )
    await connection.execute(
        sa.update(correction_request)
        .where(correction_request.c.ward == ward, correction_request.c.person == person)
        .values(text="", reason="")
    )
    await connection.execute(
        sa.update(role_held)
        .where(role_held.c.ward == ward, role_held.c.person == person)
        .values(ended_why="")
    )
    theirs = sa.or_(delegation.c.principal == person, delegation.c.delegate == person)
    await connection.execute(
        sa.update(delegation).where(delegation.c.ward == ward, theirs).values(ended_why="")
    )
    await connection.execute(
        sa.update(act)
        .where(act.c.subject == f"{ward}/{person}", act.c.name != ERASURE_ACT)
        .values(salt=None)
    )
    await connection.execute(
        sa.delete(answer).where(answer.c.ward == ward, answer.c.person == person)
    )


async def answer_correction(
    connection: AsyncConnection, number: int, values: Mapping[str, Any]
) -> None:
    await connection.execute(
        sa.update(correction_request).where(correction_request.c.id == number).values(values)
    )
