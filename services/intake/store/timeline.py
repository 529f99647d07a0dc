"""A participant's timeline: what it owed and did, and what was made of it.

The log of acts is not read: it names no ward, and what it says of a participant stands in the
tables, with more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import ESCALATED, OVERDUE
from services.intake.domain.timeline import Happened, What
from services.intake.store.desk import seen_by
from services.intake.store.draft_tables import reopening
from services.intake.store.reminding import hand_reminder
from services.intake.store.tables import (
    judgement,
    obligation,
    obligation_change,
    participant,
    period,
    plan,
    reminder,
    report,
    role_held,
)
from shared.calendar import WARD_ZONE
from shared.web.identity import Person

_VERSION = ("ward", "participant", "period", "revision")


@dataclass(frozen=True, slots=True)
class Story:
    """The participant's row, and what happened, the oldest first."""

    participant: Any
    acts: Sequence[Happened]


async def of_participant(
    connection: AsyncConnection, person: Person, code: str, *, with_roles: bool
) -> Story | None:
    """The timeline of somebody inside the person's scope, else None.

    `with_roles`: also who was given a role for it, which only the directory's readers see.
    """
    found = await connection.execute(
        sa.select(participant).where(seen_by(person), participant.c.participant == code)
    )
    row = found.one_or_none()
    if row is None:
        return None
    periods = await _periods(connection, row.ward)
    acts = [
        Happened(row.registered_at, "registered"),
        *await _duties(connection, row, periods),
        *await _by_hand(connection, row, periods),
        *await _plans(connection, row, periods),
        *await _reports(connection, row, periods),
        *(await _roles(connection, row) if with_roles else ()),
    ]
    return Story(row, sorted(acts, key=lambda act: (act.at, act.what == "met")))


Period = Mapping[str, Any]
"""What is told of a duty's period: `period`, `title`, `kind`."""


async def _periods(connection: AsyncConnection, ward: str) -> Mapping[str, Period]:
    names = ("period", "title", "kind")
    query = sa.select(*(period.c[name] for name in names)).where(period.c.ward == ward)
    rows = await connection.execute(query)
    return {row.period: {name: getattr(row, name) for name in names} for row in rows}


async def _duties(
    connection: AsyncConnection, owner: Any, periods: Mapping[str, Period]
) -> list[Happened]:
    """Opened, changed, told of, met."""
    rows = await _of(connection, obligation, owner)
    ids = [row.id for row in rows]
    changes = await _about(connection, obligation_change, ids)
    told = await _about(connection, reminder, ids)
    found: list[Happened] = []
    for row in rows:
        common = {**periods[row.period], "obligation": row.id}
        mine = [change for change in changes if change.obligation == row.id]
        before = mine[0].was_due if mine else row.due
        text = row.due_text if before == row.due else f"{before.astimezone(WARD_ZONE):%d/%m/%Y}"
        found.append(Happened(row.opened_at, "opened", **common, due_text=text))
        found += _changes(row, mine, common)
        found += _told((one for one in told if one.obligation == row.id), common)
        if row.met_at is not None:
            note = "" if row.on_time else "late"
            found.append(Happened(row.met_at, "met", **common, due_text=row.due_text, note=note))
    return found


def _changes(row: Any, changes: Sequence[Any], common: Mapping[str, Any]) -> Iterator[Happened]:
    for change in changes:
        yield Happened(
            change.done_at,
            change.command,
            change.done_by,
            change.acting_for,
            due_text=change.due_text,
            note="; ".join(text for text in (change.reason, change.document) if text),
            **common,
        )
    known = {change.done_at for change in changes}
    if row.withdrawn_at is not None and row.withdrawn_at not in known:
        yield Happened(row.withdrawn_at, "withdraw", note=row.withdrawn_reason, **common)


_TOLD: Mapping[int, What] = {OVERDUE: "overdue", ESCALATED: "escalated"}


def _told(reminders: Iterable[Any], common: Mapping[str, Any]) -> Iterator[Happened]:
    for row in reminders:
        if row.state == "sent":
            days = row.offset_days if row.offset_days >= 0 else None
            what = _TOLD.get(row.offset_days, "reminded")
            yield Happened(row.due_at, what, days=days, **common)


async def _by_hand(
    connection: AsyncConnection, owner: Any, periods: Mapping[str, Period]
) -> list[Happened]:
    query = (
        sa.select(hand_reminder, obligation.c.period, obligation.c.due_text)
        .join(obligation, obligation.c.id == hand_reminder.c.obligation)
        .where(hand_reminder.c.ward == owner.ward, hand_reminder.c.participant == owner.participant)
    )
    return [
        Happened(
            row.sent_at,
            "reminded-by-hand",
            row.reminded_by,
            row.acting_for,
            **periods[row.period],
            obligation=row.obligation,
            days=row.days_left,
            due_text=row.due_text,
        )
        for row in await connection.execute(query)
    ]


async def _plans(
    connection: AsyncConnection, owner: Any, periods: Mapping[str, Period]
) -> list[Happened]:
    return [
        Happened(
            row.recorded_at,
            "plan-recorded",
            row.recorded_by,
            row.acting_for,
            **periods[row.period],
            days=None if row.on_time else 0,
            note=f"{row.number} ngày {row.issued_on:%d/%m/%Y}",
        )
        for row in await _of(connection, plan, owner)
    ]


async def _reports(
    connection: AsyncConnection, owner: Any, periods: Mapping[str, Period]
) -> list[Happened]:
    """Versions, and who made what of each."""
    opened = ("reopened_at", "reopened_by")
    query = (
        sa.select(
            *(column for column in report.c if column.name not in {"body", "digest"}),
            *(judgement.c[name] for name in ("outcome", "judged_at", "judged_by", "reasons")),
            judgement.c.acting_for.label("judged_for"),
            judgement.c.correct_by,
            *(reopening.c[name] for name in opened),
            reopening.c.acting_for.label("reopened_for"),
        )
        .outerjoin(judgement, _same(judgement))
        .outerjoin(reopening, _same(reopening))
        .where(report.c.ward == owner.ward, report.c.participant == owner.participant)
    )
    rows = await connection.execute(query)
    return [act for row in rows for act in _of_version(row, periods[row.period])]


_JUDGED: Mapping[str, What] = {
    "returned": "report-returned",
    "accepted": "report-accepted",
    "withdrawn": "report-withdrawn",
}


def _of_version(row: Any, of: Period) -> Iterator[Happened]:
    versions = {"revision": row.revision, "movement_version": row.movement_version}

    def act(at: datetime, what: What, by: str, acting_for: str, **more: Any) -> Happened:
        return Happened(at, what, by, acting_for, **of, **versions, **more)

    late = row.days_late if row.late else None
    yield act(
        row.received_at,
        "report-received",
        row.submitted_by,
        row.acting_for,
        days=late,
        publisher=row.publisher or "",
        note=row.door if row.door == "paper" else "",
    )
    if row.outcome is not None:
        places = len(row.reasons) if row.outcome == "returned" else None
        yield act(row.judged_at, _JUDGED[row.outcome], row.judged_by, row.judged_for, days=places)
    if row.reopened_at is not None:
        yield act(row.reopened_at, "report-reopened", row.reopened_by, row.reopened_for)


async def _roles(connection: AsyncConnection, owner: Any) -> list[Happened]:
    c = role_held.c
    query = sa.select(role_held).where(
        c.ward == owner.ward, c.scope == "unit", c.scope_of == owner.participant
    )
    found: list[Happened] = []
    for row in await connection.execute(query):
        note = f"{row.role}: {row.person}"
        found.append(Happened(row.granted_at, "role-granted", row.granted_by, note=note))
        if row.ended_at is not None:
            found.append(Happened(row.ended_at, "role-ended", row.ended_by or "", note=note))
    return found


def _same(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == report.c[name] for name in _VERSION))


async def _of(connection: AsyncConnection, table: sa.Table, owner: Any) -> Sequence[Any]:
    query = sa.select(table).where(
        table.c.ward == owner.ward, table.c.participant == owner.participant
    )
    return (await connection.execute(query)).all()


async def _about(connection: AsyncConnection, table: sa.Table, ids: Sequence[Any]) -> Sequence[Any]:
    order = table.c.done_at if table is obligation_change else table.c.due_at
    query = sa.select(table).where(table.c.obligation.in_(ids)).order_by(order)
    return (await connection.execute(query)).all()
