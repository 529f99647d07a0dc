"""The planner: says when somebody must be reminded, and that a duty is overdue."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.intake.domain.deadline import ESCALATED, OVERDUE, Reminder, to_send
from services.intake.domain.obligation import command_of, may, state_of
from services.intake.store import planning as store
from shared.calendar import days_between, ward_day
from shared.contracts.intake import ObligationEscalated, ObligationOverdue, ReminderDue
from shared.messaging import UnitOfWork, Works
from shared.routine import Routine

BATCH = 200
"""Obligations a turn."""
Heads = Mapping[tuple[str, str], Sequence[str | None]]
"""(ward, unit) -> its heads' ids."""


def planner(works: Works) -> Routine:
    """Sends what is due now; after an outage only the latest reminder of each duty."""

    async def turn() -> int:
        async with works.look() as connection:
            duties = await store.duties_to_remind(connection, works.business.now(), BATCH)
        if not duties:
            return 0
        async with works.begin(*{f"{row.ward}/{row.participant}" for row in duties}) as work:
            return await _remind(work, [row.id for row in duties])

    async def pending() -> int:
        async with works.look() as connection:
            return await store.count_due(connection, works.business.now())

    return Routine("planner", turn, pending, after_reading=(ReminderDue.TOPIC,))


async def _remind(work: UnitOfWork, duties: Iterable[UUID]) -> int:
    """Read again what is due, now that the participants' locks are held, and settle all of it."""
    now = work.business.now()
    by_duty: dict[UUID, list[Any]] = {}
    for row in await store.due_reminders(work.connection, now, duties):
        by_duty.setdefault(row.id, []).append(row)
    heads = await _heads(work, by_duty)
    settled: list[dict[str, Any]] = []
    for rows in by_duty.values():
        allowed = [row for row in rows if _may_be_told(row)]
        reminders = [Reminder(row.offset_days, row.due_at) for row in allowed]
        sent = {one.offset for one in to_send(reminders, rows[0].due, now)}
        for row in rows:
            if row.offset_days in sent:
                _tell(work, row, heads, -days_between(row.due, now))
            settled.append(_settled(row, allowed, sent))
    await store.settle_reminders(work.connection, settled)
    return len(settled)


async def _heads(work: UnitOfWork, by_duty: dict[UUID, list[Any]]) -> Heads:
    """Who heads the units whose heads are to be told now."""
    late = [row for rows in by_duty.values() for row in rows if row.offset_days == ESCALATED]
    if not late:
        return {}
    units = {(row.ward, row.participant) for row in late}
    return await store.heads_of(work.connection, ward_day(work.business.now()), units)


def _settled(row: Any, allowed: Sequence[Any], sent: Container[int]) -> dict[str, Any]:
    became = "sent" if row.offset_days in sent else "superseded" if row in allowed else "cancelled"
    return {
        "which": row.id,
        "deadline": row.deadline,
        "offset": row.offset_days,
        "became": became,
    }


def _may_be_told(row: Any) -> bool:
    """A row planned for another date than the duty's own is history."""
    state = state_of(row.met_at, row.withdrawn_why)
    return row.deadline == row.due and may(state, command_of(row.offset_days), row.manner)


def _tell(work: UnitOfWork, row: Any, heads: Heads, days_left: int) -> None:
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
    if row.offset_days == ESCALATED:
        for head in heads.get((row.ward, row.participant), [None]):
            told = {**common, "days_late": -days_left, "head": head}
            work.publish(ObligationEscalated.model_validate(told))
    elif row.offset_days == OVERDUE:
        work.publish(ObligationOverdue.model_validate({**common, "days_late": -days_left}))
    else:
        planned = {"offset_days": row.offset_days, "days_left": days_left}
        work.publish(ReminderDue.model_validate({**common, **planned}))
