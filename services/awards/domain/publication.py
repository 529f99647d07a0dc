"""The days on which the public may give an opinion on a candidate."""

from dataclasses import dataclass
from datetime import date, timedelta

from shared.calendar import vietnamese_date
from shared.refusal import Refusal

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Window:
    """Both days included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def working_days(self) -> int:
        """Mondays to Fridays; public holidays are not taken off yet."""
        days = (self.last - self.first).days + 1
        return sum((self.first + timedelta(n)).weekday() < _SATURDAY for n in range(days))


LONGEST = timedelta(days=366)


def check_window(window: Window, today: date) -> None:
    """Raises Refusal. The length is the officer's to give; it can be neither past nor reversed."""
    if window.last < window.first:
        detail = "Ngày kết thúc phải bằng hoặc sau ngày bắt đầu."
        raise Refusal("window-reversed", detail, "/window_until")
    if window.last - window.first > LONGEST:
        detail = "Thời gian công khai không được dài quá một năm."
        raise Refusal("window-too-long", detail, "/window_until")
    if window.first < today:
        detail = f"Không ghi lùi ngày công khai; hôm nay là ngày {vietnamese_date(today)}."
        raise Refusal("window-back-dated", detail, "/window_from")


def advice(window: Window, advised_days: int) -> str:
    """A remark on a short window, or "". `advised_days` is a setting [design reading], not law."""
    if window.working_days >= advised_days:
        return ""
    return (
        f"Thời gian công khai có {window.working_days} ngày làm việc, ngắn hơn mức "
        f"{advised_days} ngày làm việc mà phường đặt ra."
    )
