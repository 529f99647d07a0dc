"""Deadlines and the reminders that lead to them (plan V.1, VI.1.d, VI.2.c)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.calendar import days_between, morning_of, ward_day

OVERDUE = -1
"""The offset of the row that finds an obligation still open, the day after its deadline."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """A planned reminder: `offset` calendar days before the deadline's day, at 07:30."""

    offset: int
    due_at: datetime


def plan_reminders(
    deadline: datetime, offsets: Iterable[int], now: datetime, *, overdue: bool
) -> list[Reminder]:
    """The reminders still ahead of `now`; with `overdue`, also the one for the day after."""
    day = ward_day(deadline)
    wanted = {*offsets, OVERDUE} if overdue else set(offsets)
    planned = [Reminder(offset, morning_of(day - timedelta(days=offset))) for offset in wanted]
    return sorted((r for r in planned if r.due_at > now), key=lambda r: r.due_at)


def latest_due(reminders: Sequence[Reminder], now: datetime) -> Reminder | None:
    """After an outage only the last of those that came due goes out."""
    due = [reminder for reminder in reminders if reminder.due_at <= now]
    return max(due, key=lambda r: r.due_at, default=None)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Late is accepted and flagged; `days` counts calendar days after the deadline's day."""

    late: bool
    days: int


def lateness(deadline: datetime, received_at: datetime) -> Lateness:
    """Judged by when the door took it; the deadline's last second is on time."""
    if received_at <= deadline.replace(microsecond=999_999):
        return Lateness(False, 0)
    return Lateness(True, max(0, days_between(deadline, received_at)))
