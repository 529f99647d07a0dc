"""Who may be reminded by hand, how often and until when; the share of reports by day."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.deadline import lateness
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED, State
from services.intake.domain.reminding import Asked, check_may_remind, why_not
from services.intake.domain.rule import BY_DOCUMENT
from services.intake.domain.standing import Standing
from services.intake.domain.year import BY_DAY, Cell, cell_state, progress
from shared.calendar import WARD_ZONE, ward_day
from shared.contracts.intake import Manner, ObligationKind
from shared.refusal import Refusal
from tests.unit.test_intake_standing import CASES, Line

pytestmark = pytest.mark.unit

DUE = datetime(2025, 12, 9, 23, 59, 59, tzinfo=WARD_ZONE)
BEFORE, AFTER = DUE - timedelta(days=3), DUE + timedelta(seconds=1)
STATES: tuple[State, ...] = get_args(State)
MANNERS: tuple[Manner, ...] = get_args(Manner)
MAY = {
    ("open", "owes", BEFORE, 0),
    ("open", "owes", AFTER, 0),
    ("open", "invited", BEFORE, 0),
    ("open", "invited", DUE, 0),
    ("open", "owes", DUE, 0),
}


@pytest.mark.parametrize("state", [None, *STATES])
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("now", [BEFORE, DUE, AFTER])
@pytest.mark.parametrize("today", [0, 1])
def test_every_state_manner_and_moment(
    state: State | None, manner: Manner, now: datetime, today: int
) -> None:
    refusal = why_not(Asked(state, manner, DUE, today), now, 1)
    assert (refusal is None) == ((state, manner, now, today) in MAY)


def test_a_refusal_says_why_in_its_order() -> None:
    states: tuple[State, ...] = ("met", "open")
    manners: tuple[Manner, ...] = ("voluntary", "invited", "owes")
    names = [
        why_not(Asked(state, manner, DUE, 1), AFTER, 1)
        for state, manner in product(states, manners)
    ]
    assert [one.name for one in names if one] == [
        *["obligation-closed"] * 3,
        "not-reminded",
        "date-passed",
        "reminded-today",
    ]
    with pytest.raises(Refusal, match="reminded-today"):
        check_may_remind(Asked("open", "owes", DUE, 2), BEFORE, 2)
    check_may_remind(Asked("open", "owes", DUE, 1), BEFORE, 2)


@given(
    st.sampled_from(MANNERS),
    st.integers(1, 4),
    st.lists(st.integers(0, 20 * 60), min_size=1, max_size=60),
    st.integers(0, 60),
)
def test_whatever_is_tried_nobody_is_reminded_too_often_or_too_late(
    manner: Manner, most: int, waits: list[int], met_after: int
) -> None:
    """Tries at any moments around the deadline; what was allowed is recorded by the ward's day."""
    now = DUE - timedelta(days=10)
    sent: list[datetime] = []
    refused: list[datetime] = []
    for tries, minutes in enumerate(waits):
        now += timedelta(minutes=minutes)
        today = sum(ward_day(at) == ward_day(now) for at in sent)
        state: State = "met" if tries >= met_after else "open"
        allowed = why_not(Asked(state, manner, DUE, today), now, most) is None
        assert not (allowed and state == "met")
        (sent if allowed else refused).append(now)
    assert all(number <= most for number in Counter(map(ward_day, sent)).values())
    if manner not in IS_REMINDED:
        assert sent == []
    if manner not in IS_OVERDUE:
        assert not any(lateness(DUE, at).late for at in sent)
    if manner == "owes" and met_after:
        assert sent[0] == DUE - timedelta(days=10) + timedelta(minutes=waits[0])


# --- the board of a year and the one of a period say the same ---


@pytest.mark.parametrize(("kind", "line", "now", "expected"), CASES)
def test_a_duty_stands_the_same_on_both_boards(
    kind: ObligationKind, line: Line, now: datetime, expected: Standing
) -> None:
    by_document = kind in BY_DOCUMENT
    outcome = line.outcome
    cell = Cell(
        line.manner,
        line.due,
        "",
        line.plan_on_time if by_document else None,
        None if by_document else line.revision,
        "accepted" if outcome == "reopened" else outcome,
        reopened=outcome == "reopened",
    )
    assert cell_state(cell, now) == ("taken-back" if expected == "withdrawn" else expected)


# --- the share of reports by day ---


def test_the_share_by_day() -> None:
    shares = dict(zip(BY_DAY, progress({40: 1, 5: 2, 0: 3, -2: 1, None: 1}, -3), strict=True))
    assert [shares[day] for day in (30, 6, 5, 0, -1, -2)] == [
        Decimal("12.5"),
        Decimal("12.5"),
        Decimal("37.5"),
        Decimal("75.0"),
        Decimal("75.0"),
        Decimal("87.5"),
    ]
    assert shares[-4] is None


@given(st.dictionaries(st.none() | st.integers(-20, 60), st.integers(0, 40)), st.integers(-9, 40))
def test_a_share_never_falls_and_days_to_come_are_empty(
    received: dict[int | None, int], left: int
) -> None:
    shares = progress(received, left)
    known = [share for share in shares if share is not None]
    assert known == sorted(known)
    assert all(0 <= share <= 100 for share in known)
    assert [day for day, share in zip(BY_DAY, shares, strict=True) if share is None] == [
        day for day in BY_DAY if day < left
    ]
