"""What waits for the office, and which of its mornings were looked at."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.directory import roles_on, units_on
from services.intake.domain.obligation import IS_OVERDUE
from services.intake.domain.office import Subject
from services.intake.domain.summary import Judge, Overdue, Received
from services.intake.store.people import held_by
from services.intake.store.tables import (
    MOMENT,
    contact,
    judgement,
    obligation,
    participant,
    period,
    report,
    role_held,
    tables,
)

office_morning = sa.Table(
    "office_morning",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("looked_at", MOMENT, nullable=False),
    sa.Column("next_at", MOMENT, nullable=False),
    sa.Index("ix_office_morning_next_at", "next_at"),
)
"""Up to which moment the office was told what waits for it, and when that is looked at next."""

OFFICE = ("officer", "substitute-officer")


async def begin(connection: AsyncConnection, ward: str, now: datetime) -> None:
    """From now on the ward's mornings are looked at; a ward that has begun goes on as it was."""
    row = insert(office_morning).values(ward=ward, looked_at=now, next_at=now)
    await connection.execute(row.on_conflict_do_nothing())


async def wards_due(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[str]:
    """Wards whose next morning has come, the longest waiting first."""
    query = (
        sa.select(office_morning.c.ward)
        .where(office_morning.c.next_at <= now)
        .order_by(office_morning.c.next_at, office_morning.c.ward)
        .limit(limit)
    )
    return (await connection.scalars(query)).all()


async def count_due(connection: AsyncConnection, now: datetime) -> int:
    query = sa.select(sa.func.count()).select_from(office_morning)
    return await connection.scalar(query.where(office_morning.c.next_at <= now)) or 0


async def looked_at(connection: AsyncConnection, ward: str) -> datetime | None:
    """Up to when a ward's office was told; the row is locked."""
    query = sa.select(office_morning.c.looked_at).where(office_morning.c.ward == ward)
    at: datetime | None = await connection.scalar(query.with_for_update())
    return at


async def put(
    connection: AsyncConnection, ward: str, looked: datetime, following: datetime
) -> None:
    await connection.execute(
        sa.update(office_morning)
        .where(office_morning.c.ward == ward)
        .values(looked_at=looked, next_at=following)
    )


async def hear_of(connection: AsyncConnection, ward: str, at: datetime) -> None:
    """What our own topic says the office was told is not told again."""
    await connection.execute(
        sa.update(office_morning)
        .where(office_morning.c.ward == ward, office_morning.c.looked_at < at)
        .values(looked_at=at)
    )


async def judges(connection: AsyncConnection, ward: str, on: date) -> list[Judge]:
    """Officers and substitutes of a day, without those who were erased, by id."""
    query = (
        sa.select(contact.c.person, contact.c.unit)
        .join(
            role_held,
            sa.and_(role_held.c.ward == contact.c.ward, role_held.c.person == contact.c.person),
        )
        .where(contact.c.ward == ward, contact.c.erased_on.is_(None), role_held.c.role.in_(OFFICE))
        .distinct()
        .order_by(contact.c.person)
    )
    units = {row.person: row.unit for row in await connection.execute(query)}
    held = await held_by(connection, ward, units)
    return [
        Judge(person, (units_on(held[person], on) | {unit}) - {""}, "officer" in roles)
        for person, unit in units.items()
        if (roles := roles_on(held[person], on) & set(OFFICE))
    ]


_ENDS = ("met_at", "withdrawn_at")
_VERSION = ("ward", "participant", "period", "revision")


async def received(connection: AsyncConnection, ward: str, at: datetime) -> list[Received]:
    """Newest versions of reports that were here at a moment, that nobody had judged or taken back
    by then; of whoever left, none.
    """
    newer = report.alias("newer")
    of_version = (report.c[name] == judgement.c[name] for name in _VERSION)
    query = (
        sa.select(report.c.participant, _taken_at(report).label("at"), period.c.year)
        .add_columns(participant.c.proposed_by, participant.c.reporter)
        .join(period, _of_period(report))
        .join(
            participant,
            sa.and_(
                participant.c.ward == report.c.ward,
                participant.c.participant == report.c.participant,
            ),
        )
        .outerjoin(judgement, sa.and_(*of_version, judgement.c.judged_at < at))
        .where(
            report.c.ward == ward,
            participant.c.left_on.is_(None),
            _taken_at(report) < at,
            judgement.c.revision.is_(None),
            ~sa.exists().where(
                *(newer.c[name] == report.c[name] for name in _VERSION[:3]),
                newer.c.revision > report.c.revision,
                _taken_at(newer) < at,
            ),
        )
    )
    return [
        Received(Subject(row.participant, row.proposed_by, row.reporter), row.at, row.year)
        for row in await connection.execute(query)
    ]


def _taken_at(table: sa.FromClause) -> sa.ColumnElement[datetime]:
    return sa.func.coalesce(table.c.taken_at, table.c.received_at)


def _of_period(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(period.c.ward == table.c.ward, period.c.period == table.c.period)


async def overdue(connection: AsyncConnection, ward: str, at: datetime) -> list[Overdue]:
    """Owed duties that were late at a moment, and asked for."""
    query = (
        sa.select(obligation.c.due, period.c.year)
        .join(period, _of_period(obligation))
        .where(
            obligation.c.ward == ward,
            obligation.c.manner.in_(sorted(IS_OVERDUE)),
            obligation.c.due < at,
            *(sa.or_(obligation.c[end].is_(None), obligation.c[end] >= at) for end in _ENDS),
        )
    )
    return [Overdue(row.due, row.year) for row in await connection.execute(query)]
