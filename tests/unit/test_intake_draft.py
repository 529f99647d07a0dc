"""A draft's states by commands and authors, how two authors' texts meet, and the form both ways."""

from collections.abc import Mapping
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.commands.drafting import _check_size
from services.intake.domain.difference import SentBack, is_locked
from services.intake.domain.draft import (
    NEVER,
    Author,
    Clash,
    Command,
    Draft,
    Stamp,
    State,
    clashes,
    merge,
    transition,
)
from services.intake.domain.form import forms_of
from services.intake.forms.report import Asked, fields_of, known_names, read, sections
from shared.contracts.inbound import ReportSubmitted
from shared.refusal import Refusal
from shared.web.problems import Problem

pytestmark = pytest.mark.unit

LEADS_TO: Mapping[tuple[State, Command], tuple[State, str]] = {
    ("none", "save"): ("draft", "author head office"),
    ("draft", "save"): ("draft", "author head office"),
    ("draft", "ask"): ("awaiting-head", "author"),
    ("draft", "discard"): ("none", "author head office"),
    ("draft", "submit"): ("none", "author head office"),
    ("awaiting-head", "take-back"): ("draft", "author head"),
    ("awaiting-head", "approve"): ("approved", "head"),
    ("awaiting-head", "send-back"): ("draft", "head"),
    ("awaiting-head", "submit"): ("none", "head"),
    ("approved", "take-back"): ("draft", "author head"),
    ("approved", "submit"): ("none", "author head"),
}


@pytest.mark.parametrize("head_approves", [False, True])
@pytest.mark.parametrize(
    ("state", "command", "author"),
    list(product(get_args(State), get_args(Command), get_args(Author))),
)
def test_every_state_command_and_author(
    state: State, command: Command, author: Author, head_approves: bool
) -> None:
    to, who = LEADS_TO.get((state, command), (None, ""))
    unapproved = (state, command, author) == ("draft", "submit", "author") and head_approves
    if to is not None and author in who.split() and not unapproved:
        assert transition(state, command, author, head_approves=head_approves) == to
        return
    with pytest.raises(Refusal) as caught:
        transition(state, command, author, head_approves=head_approves)
    if to is None:
        assert caught.value.name == f"cannot-{command}"
    else:
        assert caught.value.name == ("approval-needed" if unapproved else "not-yours-to-do")
    assert caught.value.detail


# --- two authors ---

FIRST = 100


def saved(*typed: Mapping[str, str], now: Draft = Draft()) -> Draft:  # noqa: B008
    """Saved one after the other, each by somebody who had seen the one before."""
    for one in typed:
        now = merge(now, now.version, one, FIRST)
    return now


def test_a_field_that_somebody_else_changed_since_clashes() -> None:
    base = saved({"a": "1", "b": "1"})
    now = merge(base, base.version, {"a": "theirs"}, FIRST)
    assert clashes(now, base.version, {"a": "mine", "b": "mine"}) == [Clash("a", "theirs", "mine")]


def test_a_field_that_one_did_not_touch_is_left_to_the_other() -> None:
    base = saved({"a": "1", "b": "1"})
    now = merge(base, base.version, {"a": "theirs"}, FIRST)
    mine = {"a": "1", "b": "mine"}
    assert clashes(now, base.version, mine) == []
    assert merge(now, base.version, mine, FIRST).fields == {"a": "theirs", "b": "mine"}


def test_an_emptied_field_is_a_change_too() -> None:
    base = saved({"a": "1"})
    now = merge(base, base.version, {"a": ""}, FIRST)
    assert now.fields == {}
    assert clashes(now, base.version, {"a": "mine"}) == [Clash("a", "", "mine")]


def test_two_who_begin_at_once_clash() -> None:
    begun = Draft(fields={"a": "sent"})
    now = merge(begun, 0, {"a": "theirs"}, FIRST)
    assert clashes(now, 0, {"a": "mine"}) == [Clash("a", "theirs", "mine")]
    assert clashes(now, 0, {"a": "sent", "b": "mine"}) == []


def test_of_a_draft_that_is_gone_everything_clashes() -> None:
    gone = saved({"a": "1"}, {"a": "2"})
    for now in (Draft(fields={"a": "sent"}), saved({"a": "new"}, now=Draft(begun=0))):
        later = Draft(now.version + FIRST, now.begun + FIRST, now.fields, now.stamps)
        there = later if now.version else now
        assert [c.name for c in clashes(there, gone.version, {"a": "2"})] == ["a"]
    assert clashes(gone, NEVER, {"a": "2", "b": "x"}) == [Clash("b", "", "x")]


texts = st.sampled_from(["", "1", "2", "3"])
typings = st.dictionaries(st.sampled_from("abc"), texts, min_size=1)


@given(st.lists(typings, min_size=1, max_size=6), st.data())
def test_nothing_that_two_typed_is_ever_lost(saves: list[dict[str, str]], data: Any) -> None:
    """Whatever somebody saved after one looked is still there, or one is told of it first."""
    now = saved(saves[0])
    seen = data.draw(st.integers(0, len(saves) - 1))
    history = [now]
    for one in saves[1:]:
        history.append(merge(history[-1], history[-1].version, one, FIRST))
    base, now = history[seen], history[-1]
    mine = {**{name: base.fields.get(name, "") for name in "abc"}, **data.draw(typings)}
    if clashes(now, base.version, mine):
        return
    merged = merge(now, base.version, mine, FIRST)
    for name in "abc":
        was, theirs, typed = (one.get(name, "") for one in (base.fields, now.fields, mine))
        got = merged.fields.get(name, "")
        if typed != was:
            assert got == typed
        elif name not in {n for one in saves[seen + 1 :] for n in one}:
            assert got == was
        else:
            assert got in {theirs, typed}
            if theirs != was:
                assert got == theirs


@given(st.lists(typings, min_size=1, max_size=5))
def test_alone_nobody_ever_clashes_and_gets_what_was_typed(saves: list[dict[str, str]]) -> None:
    now, expected = Draft(), dict[str, str]()
    for one in saves:
        assert clashes(now, now.version, one) == []
        now = merge(now, now.version, one, FIRST)
        expected |= one
    assert now.fields == {name: text for name, text in expected.items() if text}
    assert now.version == FIRST + len(saves) - 1


def test_old_texts_are_not_kept_and_what_is_kept_of_fields_counts_for_the_size() -> None:
    long = "x" * 100_000
    now = saved({"a": long}, {"a": "y" * 100_000}, {"a": ""})
    assert now.fields == {}
    assert sum(len(stamp.was) for stamp in now.stamps.values()) < 100
    assert clashes(now, FIRST + 1, {"a": "y" * 100_000}) == []
    many = {f"role_models.{n}.name": Stamp(2, 1, "0" * 64) for n in range(12_000)}
    _check_size(now)
    with pytest.raises(Problem) as caught:
        _check_size(Draft(2, 1, {}, many))
    assert caught.value.name == "draft-too-large"


# --- the form ---

ASKED = Asked(
    forms_of("annual-report", "")[-1],
    [(1, "Nội dung 1"), (2, "Nội dung 2")],
    [("a1", "Tiêu chí a1"), ("a2", "Tiêu chí a2")],
    [("giay-khen", "Giấy khen")],
)
FULL: dict[str, Any] = {
    "ward": "tu-minh",
    "participant": "thcs-1",
    "period": "2025-annual",
    "report_id": "f0b7b1de-7c5a-4d0f-8f7e-3f6f5a2b2026",
    "revision": 1,
    "form_version": 2,
    "submitted_at": "2025-12-01T09:00:00+07:00",
    "situation": "Đã họp.",
    "contents": [{"content": 2, "text": "Hai"}],
    "items": [
        {
            "criterion": "a1",
            "self_score": "38.50",
            "narrative": "Tốt",
            "evidence": [
                {"title": "Ảnh", "url": "https://a.example/1", "sha256": "0" * 64},
                {"title": "Biên bản", "url": "https://a.example/2"},
            ],
        },
        {"criterion": "a2", "nothing_arose": True, "reason": "Chưa có."},
    ],
    "indicators": [{"code": "dvc", "value": "80"}],
    "role_models": [{"name": "Tổ 1", "summary": "Tốt"}, {"name": "Tổ 2", "summary": "Khá"}],
    "nominations": [{"subject": "Tổ 1", "form": "giay-khen", "reason": "Dẫn đầu"}],
    "digital_literacy": "Ba lớp.",
    "difficulties": "Thiếu máy.",
}


def sent(**changes: Any) -> dict[str, Any]:
    return ReportSubmitted.model_validate(FULL | changes).model_dump(mode="json")


def test_what_was_sent_comes_back_from_the_form_unchanged() -> None:
    body = sent()
    fields = fields_of(body)
    assert fields["items.a1.self_score"] == "38,50"
    assert set(fields) <= known_names(ASKED, fields)
    found = read(ASKED, fields, body)
    assert sent(**found.content) == body


def test_rows_that_are_left_empty_are_left_out_and_their_places_known() -> None:
    fields = {
        "items.a2.evidence.3.url": "ftp://x",
        "role_models.2.name": "Tổ 3",
        "nominations.1.subject": "Tổ 1",
    }
    found = read(ASKED, fields, {})
    assert found.name_of("/items/0/evidence/0/url") == "items.a2.evidence.3.url"
    assert found.name_of("/items/0/criterion") == "items.a2.self_score"
    assert found.name_of("/role_models/0/summary") == "role_models.2.summary"
    assert found.name_of("/nominations/0") == "nominations.1.subject"
    assert found.name_of("/period") == ""


def test_the_form_asks_for_what_the_contract_has_and_for_nothing_else() -> None:
    """One source: the contract's fields, but for what the desk itself fills in."""
    names = {name.split(".")[0] for name in known_names(ASKED, {})}
    own = {"ward", "participant", "period", "report_id", "revision", "form_version"}
    of_reviews = {"aims", "lessons", "directions"}
    assert names == set(ReportSubmitted.model_fields) - own - of_reviews - {"submitted_at", "form"}


def test_a_field_s_limit_is_the_contract_s() -> None:
    limits = {
        one.name: one.limit
        for section in sections(ASKED, {})
        for part in section.parts
        for one in part.fields
    }
    assert limits["situation"] == 20_000
    assert limits["role_models.0.name"] == 300
    assert limits["items.a1.reason"] == 5_000


def test_locked_parts_are_those_of_the_form() -> None:
    before = SentBack(1, sent(), ("/items/0/narrative", "/role_models/1"))
    parts = [part.code for section in sections(ASKED, fields_of(sent())) for part in section.parts]
    open_parts = [code for code in parts if not is_locked(before, code)]
    assert open_parts == ["items.a1", "role_models.1"]
