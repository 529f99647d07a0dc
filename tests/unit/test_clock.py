"""The business clock follows its anchors; the system clock follows nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import WARD_ZONE
from shared.clock import Anchor, BusinessClock, SystemClock, set_business_clock

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
AUGUST = datetime(2025, 8, 1, 8, 0, tzinfo=WARD_ZONE)
HOUR = timedelta(hours=1)


@dataclass
class SetClock:
    """A system clock that stands where it was put."""

    instant: datetime = START

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def system() -> SetClock:
    return SetClock()


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "clock" / "anchors.jsonl"


@pytest.fixture
def business(system: SetClock, anchors: Path) -> BusinessClock:
    return BusinessClock(system, anchors)


def test_system_time_is_told_in_the_ward_s_zone() -> None:
    assert SystemClock().now().utcoffset() == timedelta(hours=7)


def test_without_a_file_business_time_is_system_time(system: SetClock, anchors: Path) -> None:
    for clock in (BusinessClock(system), BusinessClock(system, anchors)):
        assert clock.now() == START
        assert clock.now().utcoffset() == timedelta(hours=7)


def test_a_clock_with_rate_0_stands_still(
    system: SetClock, anchors: Path, business: BusinessClock
) -> None:
    set_business_clock(anchors, Anchor(START, AUGUST, 0))
    system.instant += 5 * HOUR
    assert business.now() == AUGUST


def test_a_clock_with_rate_1_goes_on(
    system: SetClock, anchors: Path, business: BusinessClock
) -> None:
    set_business_clock(anchors, Anchor(START, AUGUST, 1))
    system.instant += 5 * HOUR
    assert business.now() == AUGUST + 5 * HOUR


def test_each_instant_has_the_anchor_that_was_in_force(
    anchors: Path, business: BusinessClock
) -> None:
    set_business_clock(anchors, Anchor(START, AUGUST, 1))
    set_business_clock(anchors, Anchor(START + 2 * HOUR, AUGUST + timedelta(days=30), 0))
    set_business_clock(anchors, Anchor(START + 3 * HOUR, AUGUST + timedelta(days=40), 1))
    assert business.at(START - HOUR) == START - HOUR, "before the first anchor: system time"
    assert business.at(START) == AUGUST
    assert business.at(START + HOUR) == AUGUST + HOUR
    assert business.at(START + 2.5 * HOUR) == AUGUST + timedelta(days=30)
    assert business.at(START + 4 * HOUR) == AUGUST + timedelta(days=40) + HOUR


def test_of_two_anchors_at_one_instant_the_later_line_is_in_force(
    anchors: Path, business: BusinessClock
) -> None:
    set_business_clock(anchors, Anchor(START, AUGUST + timedelta(days=9), 0))
    set_business_clock(anchors, Anchor(START, AUGUST, 0))
    assert business.now() == AUGUST


def test_a_new_anchor_is_seen_by_a_clock_that_was_read_before(
    anchors: Path, business: BusinessClock
) -> None:
    set_business_clock(anchors, Anchor(START, AUGUST, 0))
    assert business.now() == AUGUST
    set_business_clock(anchors, Anchor(START, AUGUST + HOUR, 0))
    assert business.now() == AUGUST + HOUR


def test_a_line_that_is_not_whole_yet_is_passed_over(
    anchors: Path, business: BusinessClock
) -> None:
    set_business_clock(anchors, Anchor(START, AUGUST, 0))
    half = Anchor(START, AUGUST + HOUR, 0).to_line()[:40]
    with anchors.open("a") as file:
        file.write(half)
    assert business.now() == AUGUST


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.sampled_from([0.0, 1.0]))
def test_business_time_never_runs_backwards_between_anchors(
    seconds: list[int], rate: float
) -> None:
    clock = clock_of([Anchor(START, AUGUST, rate)])
    seen = [clock(START + timedelta(seconds=second)) for second in sorted(seconds)]
    assert seen == sorted(seen)


def clock_of(anchors: list[Anchor]) -> Callable[[datetime], datetime]:
    clock = BusinessClock(SetClock())
    clock._anchors = anchors
    return clock.at


def test_a_line_is_read_as_it_was_written() -> None:
    anchor = Anchor(START, AUGUST, 1.0)
    assert Anchor.from_line(anchor.to_line()) == anchor
