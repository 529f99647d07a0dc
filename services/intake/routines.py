"""The planner: says when somebody must be reminded, and that a duty is overdue."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.intake.domain.deadline import OVERDUE, Reminder, latest_due
from services.intake.domain.obligation import command_of, may, state_of
from services.intake.store import desk as store
from shared.calendar import days_between
from shared.contracts.intake import ObligationOverdue, ReminderDue
from shared.messaging import UnitOfWork, Works
from shared.routine import Routine

BATCH = 200
"""Obligations a turn."""


def planner(works: Works) -> Routine:
    """Sends what is due now; after an outage only the latest reminder of each duty."""

    async def turn() -> int:
        async with works.engine.connect() as connection:
            duties = await store.duties_to_remind(connection, works.business.now(), BATCH)
        if not duties:
            return 0
        async with works.begin(*{f"{row.ward}/{row.participant}" for row in duties}) as work:
            return await _remind(work, [row.id for row in duties])

    async def pending() -> int:
        async with works.engine.connect() as connection:
            return await store.count_due(connection, works.business.now())

    return Routine("planner", turn, pending, after_reading=(ReminderDue.TOPIC,))


async def _remind(work: UnitOfWork, duties: Iterable[UUID]) -> int:
    """Read again what is due, now that the participants' locks are held, and settle all of it."""
    now = work.business.now()
    by_duty: dict[UUID, list[Any]] = {}
    for row in await store.due_reminders(work.connection, now, duties):
        by_duty.setdefault(row.id, []).append(row)
    settled: list[dict[str, Any]] = []
    for identity, rows in by_duty.items():
        allowed = [row for row in rows if _may_be_told(row)]
        reminders = [Reminder(row.offset_days, row.due_at) for row in allowed]
        latest = latest_due(reminders, rows[0].due, now)
        for row in rows:
            sent = latest is not None and row.offset_days == latest.offset
            if sent:
                work.publish(_reminder(row, days_between(now, row.due)))
            became = "sent" if sent else "superseded" if row in allowed else "cancelled"
            settled.append({"which": identity, "offset": row.offset_days, "became": became})
    await store.settle_reminders(work.connection, settled)
    return len(settled)


def _may_be_told(row: Any) -> bool:
    return may(state_of(row.met_at), command_of(row.offset_days), row.manner)


def _reminder(row: Any, days_left: int) -> ReminderDue | ObligationOverdue:
    common = {
        "ward": row.ward,
        "participant": row.participant,
        "obligation": row.id,
        "kind": row.kind,
        "period": row.period,
        "manner": row.manner,
        "due": row.due,
        "due_text": row.due_text,
    }
    if row.offset_days == OVERDUE:
        return ObligationOverdue.model_validate({**common, "days_late": -days_left})
    return ReminderDue.model_validate(
        {**common, "offset_days": row.offset_days, "days_left": days_left}
    )
