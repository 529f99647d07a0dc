"""What may be said anew of somebody on the roll, and who may leave it how."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.domain.roster import (
    OnFile,
    Place,
    Successor,
    check_departure,
    check_hand_over,
    check_on_the_roll,
    check_place,
    check_proposer,
    check_return,
)
from shared.calendar import last_moment_of
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

MOVEMENT = {
    "groups": [{"code": "a"}, {"code": "b"}],
    "blocks": [{"code": "truong-hoc", "group": "a"}, {"code": "mat-tran", "group": "b"}],
}
UNIT = Successor("thcs-2", collective=True, has_left=False)


@pytest.mark.parametrize(
    ("group", "block"), list(product(("a", "b", "x"), ("truong-hoc", "mat-tran", "y")))
)
def test_a_khoi_is_one_of_its_group(group: str, block: str) -> None:
    place = Place(group, block)
    if (group, block) in {("a", "truong-hoc"), ("b", "mat-tran")}:
        check_place(place, MOVEMENT)
        return
    with pytest.raises(Refusal) as caught:
        check_place(place, MOVEMENT)
    assert caught.value.pointer == ("/group" if group == "x" else "/block")


@pytest.mark.parametrize(
    ("into", "found", "proposes", "name"),
    [
        (None, None, 0, ""),
        (None, None, 2, "still-proposes"),
        ("thcs-2", UNIT, 0, ""),
        ("thcs-2", UNIT, 2, ""),
        ("thcs-2", None, 0, "unknown-unit"),
        ("thcs-2", Successor("thcs-2", collective=False, has_left=False), 0, "unknown-unit"),
        ("thcs-2", Successor("thcs-2", collective=True, has_left=True), 0, "unknown-unit"),
        ("thcs-1", Successor("thcs-1", collective=True, has_left=False), 0, "same-unit"),
    ],
)
def test_who_may_leave(into: str | None, found: Successor | None, proposes: int, name: str) -> None:
    if not name:
        check_departure("thcs-1", into, found, proposes)
        return
    with pytest.raises(Refusal) as caught:
        check_departure("thcs-1", into, found, proposes)
    assert (caught.value.name, caught.value.pointer) == (name, "/into")


def test_of_whoever_has_left_the_record_is_closed() -> None:
    check_on_the_roll(has_left=False)
    with pytest.raises(Refusal):
        check_on_the_roll(has_left=True)


GONE = Successor("thcs-2", collective=True, has_left=True)
PERSON = Successor("thcs-2", collective=False, has_left=False)


@pytest.mark.parametrize(
    ("left", "by", "found", "name"),
    [
        (True, None, None, ""),
        (True, "thcs-2", UNIT, ""),
        (True, "thcs-2", None, "unknown-unit"),
        (True, "thcs-2", GONE, "unknown-unit"),
        (True, "thcs-2", PERSON, "unknown-unit"),
        (False, None, None, "still-here"),
        (False, "thcs-2", UNIT, "still-here"),
    ],
)
def test_who_may_come_back(left: bool, by: str | None, found: Successor | None, name: str) -> None:
    if not name:
        check_return(left, by, found)
        return
    with pytest.raises(Refusal) as caught:
        check_return(left, by, found)
    assert caught.value.name == name


def test_who_proposes_somebody_is_a_unit_that_takes_part() -> None:
    check_proposer("thcs-2", UNIT)
    check_proposer(None, None)
    for found in (None, GONE, PERSON):
        with pytest.raises(Refusal):
            check_proposer("thcs-2", found)


DUE = {
    year: last_moment_of(date(2025, 1, 1) + timedelta(days=100 * number))
    for number, year in enumerate((2025, 2026, 2027), 1)
}
acts = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.sampled_from(("report", "accept")), st.sampled_from(sorted(DUE))),
    st.tuples(st.just("hand-over"), st.integers(0, 2)),
)


@given(st.lists(acts, max_size=40))
@example([("report", 2025), ("wait", 60), ("wait", 60), ("hand-over", 1), ("report", 2025)])
@example([("report", 2025), ("accept", 2025), ("hand-over", 1), ("report", 2026)])
def test_in_one_period_a_person_is_in_one_unit(story: Sequence[tuple[str, int]]) -> None:
    """Whatever is reported, accepted and handed over; and who is on no file goes over freely."""
    now, unit = datetime(2025, 1, 1, 8, tzinfo=DUE[2025].tzinfo), 0
    in_units: dict[int, set[int]] = {}
    accepted: set[int] = set()
    for act, number in story:
        if act == "wait":
            now += timedelta(days=number)
        elif act == "report" and number not in accepted:
            in_units.setdefault(number, set()).add(unit)
        elif act == "accept" and number in in_units:
            accepted.add(number)
        elif act == "hand-over":
            files = [OnFile(str(one), DUE[one], one in accepted) for one in in_units]
            free = all(one in accepted and DUE[one] < now for one in in_units)
            if free:
                check_hand_over(files, now)
                unit = number
            else:
                with pytest.raises(Refusal) as caught:
                    check_hand_over(files, now)
                assert caught.value.pointer == "/proposed_by"
    assert all(len(units) == 1 for units in in_units.values())
