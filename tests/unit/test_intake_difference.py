"""What may change of a report that was sent back, and what differs between two versions."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.difference import (
    KEYED,
    LISTED,
    SECTIONS,
    TEXTS,
    Change,
    SentBack,
    differences,
    is_locked,
    leads_somewhere,
    locked_changes,
)

pytestmark = pytest.mark.unit

Body = dict[str, Any]


def body(**changes: Any) -> Body:
    usual: Body = {
        "form_version": 2,
        "situation": "Đã họp.",
        "digital_literacy": "",
        "difficulties": "Thiếu máy.",
        "contents": [{"content": 1, "text": "Một"}, {"content": 2, "text": "Hai"}],
        "items": [item("a1"), item("a2")],
        "indicators": [{"code": "dvc", "value": "80"}],
        "role_models": [{"name": "Tổ 1", "summary": "Tốt"}, {"name": "Tổ 2", "summary": "Khá"}],
        "nominations": [{"subject": "Tổ 1", "form": "giay-khen", "reason": "Dẫn đầu"}],
    }
    return copy.deepcopy(usual | changes)


def item(code: str, **changes: Any) -> Body:
    return {
        "criterion": code,
        "self_score": "10",
        "narrative": f"Nói về {code}",
        "not_applicable": False,
        "nothing_arose": False,
        "reason": "",
        "evidence": [],
        **changes,
    }


def locked(pointers: tuple[str, ...], new: Body, old: Body | None = None) -> set[str]:
    found = locked_changes(SentBack(1, old or body(), pointers), new)
    assert all(found.values())
    return set(found)


# --- locking, case by case ---


@pytest.mark.parametrize(
    ("pointers", "changes", "expected"),
    [
        (("/items/0",), {}, set()),
        (("/items/0",), {"items": [item("a1", narrative="Khác"), item("a2")]}, set()),
        (("/items/0/narrative",), {"items": [item("a2"), item("a1", self_score="9")]}, set()),
        (("/items/0",), {"items": [item("a2")]}, set()),
        (("/items/0",), {"items": [item("a1")]}, {"/items"}),
        (("/items/0",), {"items": [item("a1"), item("a2", self_score="9")]}, {"/items/1"}),
        (("/items/0",), {"items": [item("a1"), item("a2"), item("a3")]}, {"/items/2"}),
        (("/items",), {"items": [item("a1", reason="x"), item("a3")]}, set()),
        (("/situation",), {"situation": "Khác"}, set()),
        (("/situation",), {"difficulties": ""}, {"/difficulties"}),
        (("/contents/1",), {"contents": [{"content": 2, "text": "!"}]}, {"/contents"}),
        (("",), {"situation": "", "items": [item("a9")], "role_models": []}, set()),
        (("/role_models/0",), {"role_models": [{"name": "Tổ 2", "summary": "Khá"}]}, set()),
        (
            ("/role_models/1",),
            {"role_models": [{"name": "Tổ 2", "summary": "Khá"}]},
            {"/role_models"},
        ),
        (
            ("/role_models/1",),
            {"role_models": [{"name": "?", "summary": "Tốt"}, {"name": "Tổ 2", "summary": "Khá"}]},
            {"/role_models/0"},
        ),
        (
            ("/nominations",),
            {"nominations": [], "indicators": []},
            {"/indicators"},
        ),
        (("/items/1", "/difficulties"), {"difficulties": "", "situation": ""}, {"/situation"}),
    ],
)
def test_what_was_not_sent_back_stays(
    pointers: tuple[str, ...], changes: Body, expected: set[str]
) -> None:
    assert locked(pointers, body(**changes)) == expected


def test_a_content_that_is_there_twice_is_kept_as_it_is() -> None:
    twice = body(contents=[{"content": 1, "text": "a"}, {"content": 1, "text": "b"}])
    assert locked(("/situation",), twice, twice) == set()
    swapped = body(contents=[{"content": 1, "text": "b"}, {"content": 1, "text": "a"}])
    assert locked(("/situation",), swapped, twice) == {"/contents/0", "/contents/1"}
    assert locked(("/contents/1",), swapped, twice) == set()


def test_what_form_1_did_not_ask_for_is_not_locked() -> None:
    old = body(form_version=1, situation="", items=[item("a1", not_applicable=True), item("a2")])
    for name in ("nothing_arose", "reason"):
        for one in old["items"]:
            del one[name]
    del old["digital_literacy"]
    filled = [item("a1", not_applicable=True, reason="Không có một cửa"), item("a2")]
    new = body(situation="Mới", digital_literacy="Lớp 1", items=filled)
    assert locked(("/contents/0",), new, old) == set()
    arose = body(items=[item("a1", not_applicable=True), item("a2", nothing_arose=True)])
    assert locked(("/contents/0",), arose, old) == {"/items/1"}


@pytest.mark.parametrize(
    ("pointers", "part", "expected"),
    [
        (("/items/0",), "items.a1", False),
        (("/items/0",), "items.a2", True),
        (("/items/0",), "items.a9", True),
        (("/items",), "items.a9", False),
        (("/contents/1",), "contents.2", False),
        (("/role_models/1",), "role_models.1", False),
        (("/role_models/1",), "role_models.0", True),
        (("/role_models/1",), "role_models.2", True),
        (("/situation",), "situation", False),
        (("/items/0",), "digital_literacy", True),
        (("",), "nominations.0", False),
    ],
)
def test_the_form_shows_what_is_locked(
    pointers: tuple[str, ...], part: str, expected: bool
) -> None:
    assert is_locked(SentBack(1, body(), pointers), part) is expected


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", True),
        ("/items", True),
        ("/items/1", True),
        ("/items/1/narrative", True),
        ("/items/2", False),
        ("/items/x", False),
        ("/items/²", False),
        ("/situation", True),
        ("/situation/0", False),
        ("/revision", False),
        ("/nominations/0", True),
    ],
)
def test_a_reason_leads_to_a_place_of_the_report(pointer: str, expected: bool) -> None:
    assert leads_somewhere(body(), pointer) is expected


def test_a_report_from_before_a_section_has_nothing_in_it() -> None:
    before = {name: part for name, part in body().items() if name != "aims"}
    assert leads_somewhere(before, "/aims")
    assert not leads_somewhere(before, "/aims/0")


# --- properties ---

texts = st.sampled_from(["", "a", "b"])
_part: dict[str, st.SearchStrategy[Body]] = {
    "contents": st.builds(lambda n, t: {"content": n, "text": t}, st.integers(1, 3), texts),
    "items": st.builds(
        lambda c, t, e: item(c, narrative=t, nothing_arose=e),
        st.sampled_from(["a1", "a2", "a3"]),
        texts,
        st.booleans(),
    ),
    "indicators": st.builds(lambda c, t: {"code": c, "value": t}, st.sampled_from("xy"), texts),
    "aims": st.builds(
        lambda c, t: {"aim": c, "reached": "partly", "result": t}, st.sampled_from("xy"), texts
    ),
    "role_models": st.builds(lambda c, t: {"name": c, "summary": t}, st.sampled_from("xy"), texts),
    "nominations": st.builds(
        lambda c, t: {"subject": c, "form": "giay-khen", "reason": t}, st.sampled_from("xy"), texts
    ),
}


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    form, version = draw(st.sampled_from([("annual-report", 2), ("midterm-review", 1)]))
    made: Body = {"form": form, "form_version": version}
    made |= {name: draw(texts) for name in TEXTS}
    for section, by in {**KEYED, **LISTED}.items():
        unique = (lambda one, by=by: one[by]) if section in KEYED else None
        made[section] = draw(st.lists(_part[section], max_size=3, unique_by=unique))
    return made


@st.composite
def places(draw: st.DrawFn, of: Body) -> str:
    section = draw(st.sampled_from(SECTIONS))
    if section in TEXTS or not of[section] or draw(st.booleans()):
        return f"/{section}"
    return f"/{section}/{draw(st.integers(0, len(of[section]) - 1))}"


@given(st.data())
def test_nothing_changed_is_never_refused_whatever_was_sent_back(data: st.DataObject) -> None:
    old = data.draw(bodies())
    pointers = tuple(data.draw(st.lists(places(old), max_size=3)))
    assert locked(pointers, copy.deepcopy(old), old) == set()


@given(bodies(), bodies())
def test_all_of_it_sent_back_means_all_of_it_may_change(old: Body, new: Body) -> None:
    assert locked(("",), new, old) == set()


@given(bodies(), bodies())
def test_with_nothing_sent_back_any_difference_is_refused_and_nothing_else(
    old: Body, new: Body
) -> None:
    same = all(old[name] == new[name] for name in (*TEXTS, *LISTED)) and all(
        {one[by]: one for one in old[section]} == {one[by]: one for one in new[section]}
        for section, by in KEYED.items()
    )
    assert (locked((), new, old) == set()) is same


@given(st.data())
def test_more_sent_back_never_forbids_more(data: st.DataObject) -> None:
    old, new = data.draw(bodies()), data.draw(bodies())
    few = tuple(data.draw(st.lists(places(old), max_size=2)))
    more = (*few, data.draw(places(old)))
    if not locked(few, new, old):
        assert not locked(more, new, old)


@given(st.data())
def test_only_what_was_sent_back_can_differ_after_a_correction(data: st.DataObject) -> None:
    old, new = data.draw(bodies()), data.draw(bodies())
    pointers = tuple(data.draw(st.lists(places(old), max_size=3)))
    if locked(pointers, new, old):
        return
    opened = {pointer.split("/")[1] for pointer in pointers}
    assert {change.place.partition("/")[0] for change in differences(old, new)} <= opened


@given(bodies(), bodies())
def test_differences_are_none_only_between_equals_and_swap_with_the_versions(
    old: Body, new: Body
) -> None:
    assert differences(old, old) == []
    there = {(one.place, one.old, one.new) for one in differences(old, new)}
    assert there == {(one.place, one.new, one.old) for one in differences(new, old)}


# --- differences ---


def test_differences_are_told_by_place_in_the_order_of_the_report() -> None:
    evidence = [{"title": "Ảnh", "url": "https://a.example/1"}]
    new = body(
        situation="Đã họp hai lần.",
        items=[item("a2", evidence=evidence), item("a3")],
        difficulties="",
    )
    assert differences(body(), new) == [
        Change("situation", "Đã họp.", "Đã họp hai lần."),
        Change("items/a1", "a1", None),
        Change("items/a1/self_score", "10", None),
        Change("items/a1/narrative", "Nói về a1", None),
        Change("items/a2/evidence/1", None, "Ảnh – https://a.example/1"),
        Change("items/a3", None, "a3"),
        Change("items/a3/self_score", None, "10"),
        Change("items/a3/narrative", None, "Nói về a3"),
        Change("difficulties", "Thiếu máy.", None),
    ]


def test_two_of_one_name_are_told_apart() -> None:
    twice = body(role_models=[{"name": "Tổ 1", "summary": "a"}, {"name": "Tổ 1", "summary": "b"}])
    once = body(role_models=[{"name": "Tổ 1", "summary": "a"}])
    assert [change.place for change in differences(once, twice)] == [
        "role_models/Tổ 1 (2)",
        "role_models/Tổ 1 (2)/summary",
    ]
