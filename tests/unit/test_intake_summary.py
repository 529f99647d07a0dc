"""What the office is told in the morning: who hears of what, when, and of nothing twice."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.office import Subject
from services.intake.domain.summary import (
    Judge,
    Overdue,
    Received,
    Summary,
    last_morning,
    next_morning,
    summaries,
)
from services.intake.domain.workday import NATIONAL, WorkCalendar
from shared.calendar import WARD_ZONE, ward_day

pytestmark = pytest.mark.unit


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=WARD_ZONE)


OFFICER = Judge("officer", frozenset({"phong-vhxh"}), is_officer=True)
SUBSTITUTE = Judge("substitute", frozenset({"van-phong"}), is_officer=False)
SINCE, NEW = at("2025-12-04 07:30"), at("2025-12-04 09:00")
OLD = at("2025-12-03 09:00")


def received(code: str, when: datetime = NEW, proposed_by: str | None = None) -> Received:
    return Received(Subject(code, proposed_by, f"{code}.reporter"), when, when.year)


def late(*deadlines: datetime) -> list[Overdue]:
    return [Overdue(due, 2030 if due == NEW else 2024) for due in deadlines]


def test_the_officer_hears_of_all_but_their_own_and_the_substitute_of_the_rest() -> None:
    waiting = [
        received("truong-1"),
        received("truong-2", OLD),
        received("phong-vhxh"),
        received("can-bo-1", OLD, "phong-vhxh"),
    ]
    assert summaries([OFFICER, SUBSTITUTE], waiting, late(OLD, NEW, NEW), SINCE) == [
        Summary("officer", 2, 1, 3, 2, 2030),
        Summary("substitute", 2, 1, 0, 0, 2025),
    ]


def test_what_nobody_else_may_judge_is_told_to_nobody_who_may_not() -> None:
    own = [received("van-phong", proposed_by="phong-vhxh")]
    assert summaries([OFFICER, SUBSTITUTE], own, [], SINCE) == []


def test_without_an_officer_the_substitute_hears_of_all() -> None:
    waiting = [received("truong-1"), received("van-phong")]
    told = summaries([SUBSTITUTE], waiting, late(NEW), SINCE)
    assert told == [Summary("substitute", 1, 1, 1, 1, 2030)]


def test_what_was_told_before_is_no_news() -> None:
    assert summaries([OFFICER], [received("truong-1", OLD)], late(OLD), SINCE) == []


def test_what_came_at_the_very_moment_of_the_summary_before_is_news() -> None:
    [told] = summaries([OFFICER], [received("truong-1", SINCE)], late(SINCE), SINCE)
    assert (told.waiting_new, told.overdue_new) == (1, 1)


def test_a_file_that_is_ones_own_as_its_reporter_is_not_told() -> None:
    reporter = Judge("truong-1.reporter", frozenset(), is_officer=True)
    assert summaries([reporter], [received("truong-1")], [], SINCE) == []


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2025-12-04 07:29:59", "2025-12-03 07:30", "2025-12-04 07:30"),
        ("2025-12-04 07:30", "2025-12-04 07:30", "2025-12-05 07:30"),
        ("2025-12-06 12:00", "2025-12-05 07:30", "2025-12-08 07:30"),
        ("2025-09-02 08:00", "2025-08-29 07:30", "2025-09-03 07:30"),
    ],
)
def test_mornings_are_of_working_days(now: str, last: str, following: str) -> None:
    assert last_morning(NATIONAL, at(now)) == at(last)
    assert next_morning(NATIONAL, at(now)) == at(following)


def test_a_day_that_the_ward_works_is_a_morning() -> None:
    saturday = at("2025-12-06 12:00")
    works = WorkCalendar({saturday.date(): True})
    assert last_morning(works, saturday) == at("2025-12-06 07:30")


MOMENTS = st.integers(0, 60 * 24 * 40).map(
    lambda minutes: at("2025-11-01 00:00") + timedelta(minutes=minutes)
)


@given(MOMENTS)
def test_now_is_between_two_mornings_without_one_in_between(now: datetime) -> None:
    last, following = last_morning(NATIONAL, now), next_morning(NATIONAL, now)
    assert last <= now < following
    between = [last + timedelta(days=n) for n in range(1, (following - last).days)]
    assert not any(NATIONAL.is_working(ward_day(day)) for day in between)


@given(st.lists(MOMENTS, unique=True, min_size=2), st.lists(MOMENTS))
def test_each_report_is_news_once_however_often_it_is_looked(
    looks: list[datetime], came: list[datetime]
) -> None:
    mornings = sorted({last_morning(NATIONAL, now) for now in looks})
    told = [
        one.waiting_new
        for since, until in pairwise(mornings)
        for one in summaries(
            [OFFICER], [received("truong-1", when) for when in came if when < until], [], since
        )
    ]
    between = [when for when in came if mornings[0] <= when < mornings[-1]]
    assert sum(told) == len(between)
