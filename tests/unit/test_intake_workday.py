"""Working days: the country's calendar for years that are known, and the ward's own days."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.workday import NATIONAL, WorkCalendar, check_day
from shared.refusal import Refusal
from shared.working_days import is_national_working_day, special_days

pytestmark = pytest.mark.unit

days = st.dates(date(2025, 1, 1), date(2030, 12, 31))
exceptions = st.dictionaries(days, st.booleans(), max_size=40)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2025-12-09", True),
        ("2025-12-06", False),
        ("2025-09-01", False),
        ("2025-09-02", False),
        ("2026-02-20", False),
        ("2026-04-27", False),
        ("2026-08-22", True),
        ("2026-08-31", False),
        ("2027-02-04", False),
        ("2027-02-11", True),
    ],
)
def test_the_country_works_and_rests(day: str, working: bool) -> None:
    """Weekends, National Day, Tết, days off in lieu, and the Saturday worked in their place."""
    assert is_national_working_day(date.fromisoformat(day)) is working


def test_a_year_names_what_is_not_as_its_weekday_says() -> None:
    found = {day.isoformat(): (working, name) for day, working, name in special_days(2026)}
    assert found["2026-08-22"] == (True, "Ngày làm bù")
    assert found["2026-09-02"] == (False, "Quốc khánh")
    assert "2026-08-23" not in found


@given(exceptions, days)
def test_what_the_ward_says_of_a_day_counts(said: Mapping[date, bool], day: date) -> None:
    found = WorkCalendar(said).is_working(day)
    assert found == said.get(day, is_national_working_day(day))


@given(exceptions, days)
def test_the_nearest_working_days_are_found(said: Mapping[date, bool], day: date) -> None:
    calendar = WorkCalendar(said)
    before, after = calendar.on_or_before(day), calendar.on_or_after(day)
    assert before <= day <= after
    assert calendar.is_working(before)
    assert calendar.is_working(after)
    skipped = [before + timedelta(n) for n in range(1, (after - before).days)]
    assert not any(calendar.is_working(one) for one in skipped)


@given(exceptions, days, st.integers(1, 30))
def test_working_days_after_a_day_are_counted(
    said: Mapping[date, bool], day: date, count: int
) -> None:
    calendar = WorkCalendar(said)
    found = calendar.after(day, count)
    between = [day + timedelta(n) for n in range(1, (found - day).days + 1)]
    assert sum(calendar.is_working(one) for one in between) == count
    assert calendar.is_working(found)


def test_days_are_set_from_today_on() -> None:
    today = date(2026, 5, 4)
    check_day(today, today)
    for day, name in ((date(2026, 5, 3), "day-passed"), (date(2029, 6, 1), "day-too-far")):
        with pytest.raises(Refusal) as caught:
            check_day(day, today)
        assert (caught.value.name, caught.value.pointer) == (name, "/day")


def test_without_exceptions_it_is_the_countrys_calendar() -> None:
    assert NATIONAL.on_or_before(date(2027, 2, 10)) == date(2027, 2, 3)
    assert NATIONAL.after(date(2025, 12, 9), 3) == date(2025, 12, 12)
