"""States of a version, and what changed between two of them in words."""

from itertools import product
from typing import Any, get_args

import pytest

from services.intake.domain.movement import (
    TRANSITIONS,
    Change,
    Command,
    State,
    check_number,
    difference,
    transition,
)
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

ALLOWED: dict[tuple[State, Command], State | None] = {
    ("draft", "edit"): "draft",
    ("draft", "drop"): None,
    ("draft", "adopt"): "adopted",
    ("adopted", "supersede"): "superseded",
}


@pytest.mark.parametrize(("state", "command"), list(product(get_args(State), get_args(Command))))
def test_every_state_and_command(state: State, command: Command) -> None:
    if (state, command) in ALLOWED:
        assert transition(state, command, 2) == ALLOWED[state, command]
        return
    with pytest.raises(Refusal) as caught:
        transition(state, command, 2)
    assert caught.value.name == "version-exists"
    assert "Phiên bản 2" in caught.value.detail


def test_the_table_is_all_there_is() -> None:
    assert TRANSITIONS == ALLOWED


@pytest.mark.parametrize(("number", "adopted"), [(1, None), (7, None), (2, 1), (9, 1)])
def test_numbers_only_grow(number: int, adopted: int | None) -> None:
    check_number(number, adopted)
    for older in (number, number + 1):
        with pytest.raises(Refusal) as caught:
            check_number(number, older)
        assert (caught.value.name, caught.value.pointer) == ("version-order", "/version")


RULE: dict[str, Any] = {
    "code": "annual-report",
    "kind": "annual-report",
    "title": "Năm",
    "due": {"month": 12, "day": 10, "on": None, "before": True},
    "manners": ["owes", "invited"],
    "offsets": [],
}
OLD: dict[str, Any] = {
    "title": "Phong trào A",
    "place": "Tứ Minh",
    "launched_on": "2025-08-01",
    "reminder_offsets": [30, 7],
    "corrections": "by-their-own-date",
    "contents": [{"number": 1, "text": "Nhận thức"}, {"number": 2, "text": "Hạ tầng"}],
    "groups": [
        {"code": "a", "title": "Phòng, ban", "criteria": [{"code": "a1", "text": "Dữ liệu"}]},
        {"code": "b", "title": "Mặt trận", "criteria": [{"code": "b1", "text": "Vận động"}]},
    ],
    "blocks": [{"code": "truong-hoc", "group": "a", "title": "Trường học"}],
    "forms": [{"code": "giay-khen", "title": "Giấy khen", "annual": True}],
    "rules": [RULE],
    "phases": [{"number": 1, "title": "Giai đoạn 1", "first_year": 2025, "last_year": 2027}],
    "strictness": [{"kind": "school", "manner": "owes"}],
}


def test_nothing_differs_from_itself_and_an_older_version_without_rules_is_read() -> None:
    assert difference(OLD, OLD) == []
    bare = {name: OLD[name] for name in ("title", "contents", "groups", "blocks", "forms")}
    found = difference(bare, OLD)
    assert ("rules", "added", "Năm") in {(one.section, one.what, one.after) for one in found}


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        (
            "title",
            "Phong trào B",
            [Change("version", "", "changed", "title", "Phong trào A", "Phong trào B")],
        ),
        (
            "launched_on",
            "2026-01-15",
            [Change("version", "", "changed", "launched_on", "01/08/2025", "15/01/2026")],
        ),
        (
            "reminder_offsets",
            [30, 7, 0],
            [Change("version", "", "changed", "reminder_offsets", "30, 7", "30, 7, 0")],
        ),
        (
            "corrections",
            "by-the-deadline",
            [
                Change(
                    "version",
                    "",
                    "changed",
                    "corrections",
                    "theo hạn chỉnh sửa",
                    "theo hạn của kỳ",
                )
            ],
        ),
        (
            "contents",
            [{"number": 1, "text": "Tư duy"}, {"number": 3, "text": "Xanh"}],
            [
                Change("contents", "2", "removed", "", "Hạ tầng", ""),
                Change("contents", "1", "changed", "text", "Nhận thức", "Tư duy"),
                Change("contents", "3", "added", "", "", "Xanh"),
            ],
        ),
        (
            "groups",
            [
                {"code": "a", "title": "Phòng, ban", "criteria": []},
                {
                    "code": "b",
                    "title": "Mặt trận",
                    "criteria": [
                        {"code": "b1", "text": "Vận động"},
                        {"code": "a1", "text": "Dữ liệu"},
                    ],
                },
            ],
            [Change("criteria", "a1", "changed", "group", "a", "b")],
        ),
        ("blocks", [], [Change("blocks", "truong-hoc", "removed", "", "Trường học", "")]),
        (
            "forms",
            [{"code": "giay-khen", "title": "Giấy khen", "annual": False}],
            [Change("forms", "giay-khen", "changed", "annual", "có", "không")],
        ),
        (
            "rules",
            [{**RULE, "due": {"month": 12, "day": 5, "on": None, "before": False}}],
            [
                Change(
                    "rules",
                    "annual-report",
                    "changed",
                    "due",
                    "trước ngày 10/12 hằng năm",
                    "đến hết ngày 05/12 hằng năm",
                )
            ],
        ),
        (
            "rules",
            [{**RULE, "due": {}, "manners": ["owes"]}],
            [
                Change(
                    "rules",
                    "annual-report",
                    "changed",
                    "due",
                    "trước ngày 10/12 hằng năm",
                    "không",
                ),
                Change(
                    "rules",
                    "annual-report",
                    "changed",
                    "manners",
                    "có trách nhiệm, được mời",
                    "có trách nhiệm",
                ),
            ],
        ),
        (
            "strictness",
            [{"kind": "school", "manner": "invited"}],
            [Change("strictness", "school", "changed", "manner", "có trách nhiệm", "được mời")],
        ),
    ],
)
def test_what_changed_in_words(part: str, value: Any, expected: list[Change]) -> None:
    assert difference(OLD, {**OLD, part: value}) == expected
    back = difference({**OLD, part: value}, OLD)
    assert {(one.code, one.before, one.after) for one in back} == {
        (one.code, one.after, one.before) for one in expected
    }
