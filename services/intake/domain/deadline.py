"""Deadlines and the reminders that lead to them (plan V.1, VI.1.d, VI.2.c)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from shared.calendar import days_between, morning_of, ward_day
from shared.refusal import Refusal

OVERDUE = -1
"""The offset of the row that finds an obligation still open, the day after its deadline."""

Corrections = Literal["by-their-own-date", "by-the-deadline"]
"""What a corrected report is judged by [design reading; a setting of the movement]: the date that
the office gave when it sent the report back, or the period's deadline like any other."""
BY_THEIR_OWN_DATE: Corrections = "by-their-own-date"


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
    planned = [Reminder(offset, morning_of(day - timedelta(days=offset))) for offset in {*offsets}]
    planned = [reminder for reminder in planned if reminder.due_at <= deadline]
    if overdue:
        planned.append(Reminder(OVERDUE, morning_of(day + timedelta(days=1))))
    return sorted((r for r in planned if r.due_at > now), key=lambda r: r.due_at)


def latest_due(reminders: Sequence[Reminder], deadline: datetime, now: datetime) -> Reminder | None:
    """After an outage only the last of those that came due goes out, if it is still true.

    Once the deadline has passed nobody is reminded of it: what is left is that it is overdue.
    """
    passed = lateness(deadline, now).late
    due = [r for r in reminders if r.due_at <= now and passed == (r.offset == OVERDUE)]
    return max(due, key=lambda r: r.due_at, default=None)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Late is accepted and flagged; `days` counts calendar days after the deadline's day."""

    late: bool
    days: int


@dataclass(frozen=True, slots=True)
class Return:
    """The office sent a version back: by when it is to be corrected, and how late it was."""

    correct_by: datetime
    lateness: Lateness


def lateness(deadline: datetime, received_at: datetime) -> Lateness:
    """Judged by when the door took it; the deadline's last second is on time."""
    if received_at <= deadline.replace(microsecond=999_999):
        return Lateness(False, 0)
    return Lateness(True, max(0, days_between(deadline, received_at)))


def lateness_of_version(
    deadline: datetime, returned: Return | None, rule: Corrections, received_at: datetime
) -> Lateness:
    """How late a version is; `returned` is the newest return of an earlier one.

    By their own date, corrections are as late as what they correct, and later only by the days
    after the date that the office gave: the office's own time makes nobody late, and a return
    makes nothing on time that was late.
    """
    if returned is None or rule == "by-the-deadline":
        return lateness(deadline, received_at)
    before = returned.lateness
    further = lateness(max(deadline, returned.correct_by), received_at)
    return Lateness(before.late or further.late, before.days + further.days)


def check_correction_date(correct_by: datetime, now: datetime) -> None:
    """Raises Refusal unless there is time left to correct."""
    if correct_by <= now:
        raise Refusal("date-passed", "Hạn chỉnh sửa phải ở sau thời điểm này.", "/correct_by")


def plan_on_time(due: datetime, issued_on: date, today: date) -> bool:
    """A unit's plan is judged by its date of issue. Raises Refusal on a date to come."""
    if issued_on > today:
        raise Refusal("not-issued-yet", "Ngày ban hành không thể ở tương lai.", "/issued_on")
    return issued_on <= ward_day(due)
