"""Working days as the ward counts them: the country's, and what the ward says of single days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Literal

from shared.refusal import Refusal
from shared.working_days import is_national_working_day

DayKind = Literal["off", "working", "usual"]
"""What a ward says of a day: nobody works, it is worked, or (taking that back) as usual."""

ESCALATION_GRACE = 3
"""Working days between a deadline and the word to the head, where a ward sets no other number
[design reading]."""
LONGEST_GRACE = 60
_FURTHEST = timedelta(days=3 * 366)
_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """`exceptions`: days that the ward has set itself; True is worked."""

    exceptions: Mapping[date, bool] = field(default_factory=lambda: MappingProxyType({}))

    def is_working(self, day: date) -> bool:
        known = self.exceptions.get(day)
        return is_national_working_day(day) if known is None else known

    def on_or_before(self, day: date) -> date:
        while not self.is_working(day):
            day -= _ONE
        return day

    def on_or_after(self, day: date) -> date:
        while not self.is_working(day):
            day += _ONE
        return day

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after a day, from 1."""
        for _ in range(count):
            day = self.on_or_after(day + _ONE)
        return day


NATIONAL = WorkCalendar()


@dataclass(frozen=True, slots=True)
class Planning:
    """By what a ward's reminders are planned; `grace` in working days, None: nobody is told."""

    calendar: WorkCalendar = NATIONAL
    grace: int | None = ESCALATION_GRACE


NATIONAL_PLANNING = Planning()


def check_day(day: date, today: date) -> None:
    """Raises Refusal: what has been is not changed, and nobody plans that far ahead."""
    if day < today:
        detail = "Ngày đã qua không đổi được nữa; chỉ đặt được từ hôm nay trở đi."
        raise Refusal("day-passed", detail, "/day")
    if day > today + _FURTHEST:
        raise Refusal("day-too-far", "Chỉ đặt được lịch trong ba năm tới.", "/day")
