"""What may be said anew of somebody on the roll, and who may leave it how."""

from itertools import product

import pytest

from services.intake.domain.roster import (
    Place,
    Successor,
    check_departure,
    check_on_the_roll,
    check_place,
)
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
