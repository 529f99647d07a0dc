"""The planner: says when somebody must be reminded, and that a duty is overdue."""

from collections.abc import Sequence
from typing import Any

from services.intake import store
from services.intake.domain.deadline import OVERDUE, Reminder, latest_due
from shared.calendar import days_between
from shared.contracts.intake import ObligationOverdue, ReminderDue
from shared.messaging import UnitOfWork, Works
from shared.routine import Routine

BATCH = 200


def planner(works: Works) -> Routine:
    """Sends what is due now; after an outage only the latest reminder of each duty."""

    async def turn() -> int:
        async with works.engine.connect() as connection:
            due = await store.due_reminders(connection, works.business.now(), BATCH)
        if not due:
            return 0
        async with works.begin(*{f"{row.ward}/{row.participant}" for row in due}) as work:
            return await _remind(work)

    async def pending() -> int:
        async with works.engine.connect() as connection:
            return await store.count_due(connection, works.business.now())

    return Routine("planner", turn, pending)


async def _remind(work: UnitOfWork) -> int:
    now = work.business.now()
    by_duty: dict[Any, list[Any]] = {}
    for row in await store.due_reminders(work.connection, now, BATCH):
        by_duty.setdefault(row.id, []).append(row)
    settled: list[dict[str, Any]] = []
    for identity, rows in by_duty.items():
        latest = latest_due([Reminder(row.offset_days, row.due_at) for row in rows], now)
        for row in rows:
            sent = latest is not None and row.offset_days == latest.offset
            became = "sent" if sent else "superseded"
            settled.append({"which": identity, "offset": row.offset_days, "became": became})
        await _publish(work, [r for r in rows if latest and r.offset_days == latest.offset])
    await store.settle_reminders(work.connection, settled)
    return len(settled)


async def _publish(work: UnitOfWork, rows: Sequence[Any]) -> None:
    now = work.business.now()
    for row in rows:
        await work.lock(f"{row.ward}/{row.participant}")
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
        left = days_between(now, row.due)
        if row.offset_days == OVERDUE:
            work.publish(ObligationOverdue.model_validate({**common, "days_late": -left}))
        else:
            work.publish(
                ReminderDue.model_validate(
                    {**common, "offset_days": row.offset_days, "days_left": max(left, 0)}
                )
            )
