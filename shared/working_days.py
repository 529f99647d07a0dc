"""Working days of the country: weekends, public holidays, days off in lieu and swap days.

What is known of a year is what the library was released with: the Government announces swap days
late in the year before, so a ward enters what came since as days of its own.
"""

from datetime import date, timedelta

from holidays import country_holidays

_SATURDAY = 5
_SWAPPED = "Ngày làm bù"
_VIETNAM = country_holidays("VN", language="vi")


def is_national_working_day(day: date) -> bool:
    """Monday to Friday without public holidays, and weekend days that are worked instead."""
    return bool(_VIETNAM.is_working_day(day))


def special_days(year: int) -> list[tuple[date, bool, str]]:
    """A year's days that are not as their weekday says: (day, whether it is worked, its name)."""
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range(366)]
    found = [(day, is_national_working_day(day), str(_VIETNAM.get(day, ""))) for day in days]
    return [
        (day, working, name or _SWAPPED)
        for day, working, name in found
        if day.year == year and (name or working != (day.weekday() < _SATURDAY))
    ]
