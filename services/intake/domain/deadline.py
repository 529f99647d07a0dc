"""Deadlines and the reminders that lead to them (plan V.1, VI.1.d, VI.2.c)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from services.intake.domain.workday import NATIONAL_PLANNING, Planning
from shared.calendar import days_between, morning_of, ward_day
from shared.refusal import Refusal

OVERDUE = -1
"""The offset of the row that finds an obligation still open, on the first working day after its
deadline."""
ESCALATED = -2
"""The offset of the row that tells the head of the unit, when the ward's grace is over too."""

Corrections = Literal["by-their-own-date", "by-the-deadline"]
"""What a corrected report is judged by [design reading; a setting of the movement]: the date that
the office gave when it sent the report back, or the period's deadline like any other."""
BY_THEIR_OWN_DATE: Corrections = "by-their-own-date"


@dataclass(frozen=True, slots=True)
class Reminder:
    """A planned reminder: `offset` calendar days before the deadline's day, at 07:30 of the
    working day on which it goes out."""

    offset: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Before:
    """What was planned for a deadline before it is planned again: the offsets that still `wait`
    for a morning ahead, and the mornings of which something was `said`.
    """

    wait: frozenset[int] = frozenset()
    said: frozenset[datetime] = frozenset()


NOTHING_BEFORE = Before()


def plan_reminders(
    deadline: datetime,
    offsets: Iterable[int],
    now: datetime,
    *,
    overdue: bool,
    by: Planning = NATIONAL_PLANNING,
    laid_at: datetime | None = None,
    before: Before = NOTHING_BEFORE,
) -> list[Reminder]:
    """The reminders still ahead of `now`; with `overdue`, also those for the days after.

    Where a duty is planned again, `laid_at` is when it was laid: what should have gone out after
    its deadline since then is planned too, for nothing else would say that it is overdue.

    A day off is moved to the working day before it. Of reminders that meet on one day the one
    nearest to the deadline stays, so nobody is written to twice in a morning. What waited and
    would now have gone out on a morning that has passed is planned for it all the same, and so
    goes out at once, unless something was said of that morning.
    """
    day, calendar = ward_day(deadline), by.calendar
    mornings = {
        offset: morning_of(calendar.on_or_before(day - timedelta(days=offset)))
        for offset in sorted({*offsets}, reverse=True)
    }
    slots = {at: offset for offset, at in mornings.items()}
    missed = {at for offset, at in mornings.items() if offset in before.wait} - before.said
    planned = [
        Reminder(offset, at)
        for at, offset in slots.items()
        if at <= deadline and (now < at or at in missed)
    ]
    if overdue:
        since = now if laid_at is None else min(laid_at, now)
        planned += [one for one in _after_the_deadline(day, by) if one.due_at > since]
    return sorted(planned, key=_by_time)


def _after_the_deadline(day: date, by: Planning) -> list[Reminder]:
    found = [Reminder(OVERDUE, morning_of(by.calendar.after(day, 1)))]
    if by.grace is not None:
        found.append(Reminder(ESCALATED, morning_of(by.calendar.after(day, by.grace + 1))))
    return found


def _by_time(reminder: Reminder) -> tuple[datetime, int]:
    return reminder.due_at, -reminder.offset


def to_send(reminders: Sequence[Reminder], deadline: datetime, now: datetime) -> list[Reminder]:
    """What goes out of those that came due: one to the participant at most, one to the head."""
    to_head = escalation_due(reminders, deadline, now)
    latest = latest_due(reminders, deadline, now)
    return [one for one in (latest, to_head) if one is not None]


def latest_due(reminders: Sequence[Reminder], deadline: datetime, now: datetime) -> Reminder | None:
    """After an outage only the last of those that came due goes out, if it is still true.

    Once the deadline has passed nobody is reminded of it: what is left is that it is overdue.
    """
    passed = lateness(deadline, now).late
    wanted = [r for r in reminders if r.offset != ESCALATED and passed == (r.offset == OVERDUE)]
    return max((r for r in wanted if r.due_at <= now), key=_by_time, default=None)


def escalation_due(
    reminders: Sequence[Reminder], deadline: datetime, now: datetime
) -> Reminder | None:
    """The word to the head, once it came due and while the deadline has passed."""
    if not lateness(deadline, now).late:
        return None
    return next((r for r in reminders if r.offset == ESCALATED and r.due_at <= now), None)


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


def check_new_date(due: datetime, was: datetime, now: datetime) -> None:
    """Raises Refusal unless a deadline is moved to another moment that is still ahead."""
    if due == was:
        raise Refusal("same-date", "Hạn mới trùng với hạn đang có.", "/last_day")
    if due <= now:
        raise Refusal("date-passed", "Hạn mới phải ở sau thời điểm này.", "/last_day")


def plan_on_time(due: datetime, issued_on: date, today: date) -> bool:
    """A unit's plan is judged by its date of issue. Raises Refusal on a date to come."""
    if issued_on > today:
        raise Refusal("not-issued-yet", "Ngày ban hành không thể ở tương lai.", "/issued_on")
    return issued_on <= ward_day(due)
