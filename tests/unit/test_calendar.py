"""Dates as the plan counts them: "trước ngày 10/12" ends with the ninth."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.calendar import (
    WARD_ZONE,
    days_between,
    last_moment_before,
    last_moment_of,
    morning_of,
    vietnamese_date,
    vietnamese_time,
    ward_day,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (date(2025, 12, 10), "2025-12-09T23:59:59+07:00"),
        (date(2026, 1, 1), "2025-12-31T23:59:59+07:00"),
        (date(2028, 3, 1), "2028-02-29T23:59:59+07:00"),
    ],
)
def test_before_a_day_ends_with_the_day_before(day: date, moment: str) -> None:
    assert last_moment_before(day).isoformat() == moment


def test_one_second_later_is_the_day_itself() -> None:
    assert ward_day(last_moment_before(date(2025, 12, 10)) + timedelta(seconds=1)) == date(
        2025, 12, 10
    )


def test_a_day_s_own_last_moment_and_morning() -> None:
    assert last_moment_of(date(2025, 8, 31)).isoformat() == "2025-08-31T23:59:59+07:00"
    assert morning_of(date(2025, 8, 31)).isoformat() == "2025-08-31T07:30:00+07:00"


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2025, 12, 9, 16, 59, 59, tzinfo=UTC), date(2025, 12, 9)),
        (datetime(2025, 12, 9, 17, 0, 0, tzinfo=UTC), date(2025, 12, 10)),
    ],
)
def test_the_ward_s_midnight_is_17_o_clock_utc(instant: datetime, day: date) -> None:
    assert ward_day(instant) == day


def test_days_are_counted_by_the_calendar_not_by_hours() -> None:
    evening = datetime(2025, 12, 8, 23, 59, tzinfo=WARD_ZONE)
    deadline = last_moment_before(date(2025, 12, 10))
    assert days_between(evening, deadline) == 1
    assert days_between(deadline, evening) == -1
    assert days_between(deadline, deadline + timedelta(seconds=1)) == 1


def test_dates_are_written_the_vietnamese_way() -> None:
    assert vietnamese_date(date(2025, 12, 9)) == "09/12/2025"
    assert vietnamese_time(datetime(2025, 12, 9, 9, 5, tzinfo=UTC)) == "16:05 ngày 09/12/2025"
