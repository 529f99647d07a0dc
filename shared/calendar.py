"""Dates as the ward counts them."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WARD_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_LAST_SECOND = time(23, 59, 59)


def last_moment_before(day: date) -> datetime:
    """The last on-time moment of "trước ngày <day>": the day itself does not count."""
    return last_moment_of(day - timedelta(days=1))


def last_moment_of(day: date) -> datetime:
    """23:59:59 of a day in the ward's zone."""
    return datetime.combine(day, _LAST_SECOND, WARD_ZONE)


def morning_of(day: date) -> datetime:
    """07:30, when offices open."""
    return datetime.combine(day, time(7, 30), WARD_ZONE)


def ward_day(instant: datetime) -> date:
    """The calendar day of an instant in the ward's zone."""
    return instant.astimezone(WARD_ZONE).date()


def days_between(earlier: datetime, later: datetime) -> int:
    """Calendar days from one instant's day to another's; negative when `later` comes first."""
    return (ward_day(later) - ward_day(earlier)).days


def vietnamese_date(day: date) -> str:
    """09/12/2025."""
    return day.strftime("%d/%m/%Y")


def vietnamese_time(instant: datetime) -> str:
    """16:05 ngày 09/12/2025, in the ward's zone."""
    return instant.astimezone(WARD_ZONE).strftime("%H:%M ngày %d/%m/%Y")
