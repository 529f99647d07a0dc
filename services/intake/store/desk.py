"""The desk's queries: the roll, periods, duties, reports, the board."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import Lateness, Return
from services.intake.domain.report import ReportState, Version
from services.intake.store.tables import (
    MOMENT,
    contact,
    judgement,
    movement,
    obligation,
    participant,
    period,
    plan,
    reminder,
    report,
)
from shared.calendar import WARD_ZONE
from shared.rows import as_table
from shared.web.identity import Person

_VERSION = ("ward", "participant", "period", "revision")

Key = tuple[str, str]
"""(participant, period)."""


def seen_by(person: Person) -> sa.ColumnElement[bool]:
    """The scope of all that the desk shows: rows of `participant` that somebody may see.

    All of their ward for those who see all, and for machines that may read the board; else their
    own units and whom these propose.
    """
    own_ward = participant.c.ward == person.ward
    if person.sees_all or "board:read" in person.scopes:
        return own_ward
    units = sorted(person.all_units)
    own_unit = sa.or_(participant.c.participant.in_(units), participant.c.proposed_by.in_(units))
    return sa.and_(own_ward, own_unit)


async def movements(connection: AsyncConnection, ward: str) -> dict[str, dict[str, Any]]:
    """The newest version of each of the ward's movements, as it was entered, by code."""
    query = (
        sa.select(movement.c.movement, movement.c.data)
        .where(movement.c.ward == ward)
        .ext(distinct_on(movement.c.movement))
        .order_by(movement.c.movement, movement.c.version.desc())
    )
    return {row.movement: row.data for row in await connection.execute(query)}


async def movement_version(
    connection: AsyncConnection, ward: str, code: str, version: int
) -> dict[str, Any] | None:
    data: dict[str, Any] | None = await connection.scalar(
        sa.select(movement.c.data).where(
            movement.c.ward == ward, movement.c.movement == code, movement.c.version == version
        )
    )
    return data


async def participants(
    connection: AsyncConnection, ward: str, codes: Iterable[str] | None = None
) -> dict[str, sa.Row[Any]]:
    """Participants by code; all of the ward's without `codes`."""
    query = sa.select(participant).where(participant.c.ward == ward)
    if codes is not None:
        query = query.where(participant.c.participant.in_(sorted(set(codes))))
    rows = await connection.execute(query.order_by(participant.c.participant))
    return {row.participant: row for row in rows}


async def periods(connection: AsyncConnection, ward: str) -> dict[str, sa.Row[Any]]:
    """Open periods by code, the newest first."""
    rows = await connection.execute(
        sa.select(period).where(period.c.ward == ward).order_by(period.c.due.desc())
    )
    return {row.period: row for row in rows}


async def contacts(
    connection: AsyncConnection, ward: str, people: Iterable[str]
) -> dict[str, sa.Row[Any]]:
    """Contacts by person."""
    query = sa.select(contact).where(
        contact.c.ward == ward, contact.c.person.in_(sorted(set(people)))
    )
    return {row.person: row for row in await connection.execute(query)}


async def plan_of(
    connection: AsyncConnection, ward: str, participant_code: str, period_code: str
) -> sa.Row[Any] | None:
    """The plan that a participant recorded for a period."""
    query = sa.select(plan).where(
        plan.c.ward == ward,
        plan.c.participant == participant_code,
        plan.c.period == period_code,
    )
    return (await connection.execute(query)).one_or_none()


_MADE_OF_IT = ("outcome", "reasons", "correct_by", "judged_at", "judged_by")
_JUDGED = sa.and_(*(report.c[name] == judgement.c[name] for name in _VERSION))


async def report_states(
    connection: AsyncConnection, ward: str, keys: Iterable[Key]
) -> dict[Key, ReportState]:
    """What became of each participant's report for a period, where there is one."""
    query = (
        sa.select(
            *(column for column in report.c if column.name != "body"),
            judgement.c.outcome,
            judgement.c.correct_by,
        )
        .outerjoin(judgement, _JUDGED)
        .where(
            report.c.ward == ward,
            sa.tuple_(report.c.participant, report.c.period).in_(sorted(set(keys))),
        )
        .order_by(report.c.participant, report.c.period, report.c.revision)
    )
    rows: Iterable[Any] = await connection.execute(query)
    stories = groupby(rows, key=lambda row: (row.participant, row.period))
    return {key: _state(list(versions)) for key, versions in stories}


def _state(rows: Sequence[Any]) -> ReportState:
    returns = [
        Return(row.correct_by, Lateness(row.late, row.days_late))
        for row in rows
        if row.outcome == "returned"
    ]
    return ReportState(
        rows[-1].outcome or "received",
        tuple(_version(row) for row in rows),
        returns[-1] if returns else None,
    )


def _version(row: Any) -> Version:
    lateness = Lateness(row.late, row.days_late)
    received_at = row.received_at.astimezone(WARD_ZONE)
    return Version(row.revision, str(row.report_id), row.digest, received_at, lateness)


async def judged_version(
    connection: AsyncConnection, ward: str, key: Key, revision: int
) -> sa.Row[Any] | None:
    """One version of a report with what the office made of it."""
    query = (
        sa.select(report, *(judgement.c[name] for name in _MADE_OF_IT))
        .outerjoin(judgement, _JUDGED)
        .where(
            report.c.ward == ward,
            report.c.participant == key[0],
            report.c.period == key[1],
            report.c.revision == revision,
        )
    )
    return (await connection.execute(query)).one_or_none()


async def open_obligations(
    connection: AsyncConnection, ward: str, keys: Iterable[Key], kind: str
) -> dict[Key, sa.Row[Any]]:
    """Obligations of a kind that are not met, by (participant, period)."""
    query = sa.select(obligation).where(
        obligation.c.ward == ward,
        obligation.c.kind == kind,
        obligation.c.met_at.is_(None),
        sa.tuple_(obligation.c.participant, obligation.c.period).in_(sorted(set(keys))),
    )
    rows = await connection.execute(query)
    return {(row.participant, row.period): row for row in rows}


_MET = {"which": obligation.c.id.type, "at": MOMENT, "timely": sa.Boolean()}


async def meet(connection: AsyncConnection, met: Sequence[Mapping[str, Any]]) -> None:
    """Mark obligations (`which`, `at`, `timely`) met and cancel what was planned for them."""
    if not met:
        return
    given = as_table(met, _MET)
    await connection.execute(
        sa.update(obligation)
        .where(obligation.c.id == given.c.which, obligation.c.met_at.is_(None))
        .values(met_at=given.c.at, on_time=given.c.timely)
    )
    await connection.execute(
        sa.update(reminder)
        .where(reminder.c.obligation == given.c.which, reminder.c.state == "planned")
        .values(state="cancelled")
    )


_DUE = sa.and_(reminder.c.state == "planned", reminder.c.due_at <= sa.bindparam("now"))


async def duties_to_remind(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Obligations (id, ward, participant) with reminders that came due, the oldest first."""
    query = (
        sa.select(obligation.c.id, obligation.c.ward, obligation.c.participant)
        .join(reminder, reminder.c.obligation == obligation.c.id)
        .where(_DUE)
        .group_by(obligation.c.id)
        .order_by(sa.func.min(reminder.c.due_at), obligation.c.id)
        .limit(limit)
    )
    return (await connection.execute(query, {"now": now})).all()


async def due_reminders(
    connection: AsyncConnection, now: datetime, obligations: Iterable[uuid.UUID]
) -> Sequence[sa.Row[Any]]:
    """All reminders of these obligations that came due, with the obligation, oldest first."""
    query = (
        sa.select(obligation, reminder.c.offset_days, reminder.c.due_at)
        .join(reminder, reminder.c.obligation == obligation.c.id)
        .where(_DUE, obligation.c.id.in_(sorted(obligations)))
        .order_by(reminder.c.due_at, obligation.c.id)
    )
    return (await connection.execute(query, {"now": now})).all()


async def count_due(connection: AsyncConnection, now: datetime) -> int:
    query = sa.select(sa.func.count()).select_from(reminder).where(_DUE)
    return await connection.scalar(query, {"now": now}) or 0


async def count_obligations(connection: AsyncConnection, ward: str, period_code: str) -> int:
    query = sa.select(sa.func.count()).where(
        obligation.c.ward == ward, obligation.c.period == period_code
    )
    return await connection.scalar(query) or 0


_SETTLED = {"which": obligation.c.id.type, "offset": sa.Integer(), "became": sa.Text()}


async def settle_reminders(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record what became of reminders (`which`, `offset`, `became`)."""
    if not rows:
        return
    given = as_table(rows, _SETTLED)
    await connection.execute(
        sa.update(reminder)
        .where(
            reminder.c.obligation == given.c.which,
            reminder.c.offset_days == given.c.offset,
            reminder.c.state == "planned",
        )
        .values(state=given.c.became)
    )


_HEARD = sa.text(
    "UPDATE reminder SET state = CASE"
    " WHEN reminder.offset_days = told.offset_days THEN 'sent' ELSE 'superseded' END"
    " FROM unnest(:obligations, :offsets) AS said(obligation, offset_days)"
    " JOIN reminder AS told USING (obligation, offset_days)"
    " WHERE reminder.obligation = told.obligation AND reminder.due_at <= told.due_at"
    " AND reminder.state = 'planned'"
).bindparams(
    sa.bindparam("obligations", type_=ARRAY(UUID(as_uuid=True))),
    sa.bindparam("offsets", type_=ARRAY(sa.Integer)),
)


async def hear_of_reminders(
    connection: AsyncConnection, said: Iterable[tuple[uuid.UUID, int]]
) -> None:
    """What our own topic says was sent (obligation, offset) is not sent again, nor what it
    superseded.
    """
    obligations, offsets = zip(*said, strict=True)
    await connection.execute(_HEARD, {"obligations": obligations, "offsets": offsets})


async def board(
    connection: AsyncConnection, person: Person, period_code: str, after: str = "", limit: int = 0
) -> Sequence[Any]:
    """One row for each participant whom somebody may see, by code: its obligation, its plan, its
    newest report and what became of it. From `after` on, `limit` rows (0: all of them).
    """
    ward = person.ward
    newest = (
        sa.select(report)
        .where(report.c.ward == ward, report.c.period == period_code)
        .ext(distinct_on(report.c.participant))
        .order_by(report.c.participant, report.c.revision.desc())
        .subquery("newest")
    )
    same_version = sa.and_(
        judgement.c.ward == ward,
        judgement.c.period == period_code,
        judgement.c.participant == newest.c.participant,
        judgement.c.revision == newest.c.revision,
    )
    query = (
        sa.select(
            participant.c.participant,
            participant.c.name,
            participant.c.block,
            participant.c.manner,
            participant.c.proposed_by,
            obligation.c.id.label("obligation"),
            obligation.c.due,
            obligation.c.met_at,
            obligation.c.on_time,
            plan.c.on_time.label("plan_on_time"),
            newest.c.revision,
            newest.c.received_at,
            newest.c.late,
            newest.c.days_late,
            newest.c.door,
            newest.c.publisher,
            judgement.c.outcome,
        )
        .outerjoin(obligation, _of_period(obligation, period_code))
        .outerjoin(plan, _of_period(plan, period_code))
        .outerjoin(newest, newest.c.participant == participant.c.participant)
        .outerjoin(judgement, same_version)
        .where(seen_by(person), participant.c.participant > after)
        .order_by(participant.c.participant)
        .limit(limit or None)
    )
    return (await connection.execute(query)).all()


def _of_period(table: sa.Table, period_code: str) -> sa.ColumnElement[bool]:
    """What a table has of a participant for a period."""
    return sa.and_(
        table.c.ward == participant.c.ward,
        table.c.participant == participant.c.participant,
        table.c.period == period_code,
    )
