"""The published language is what is committed, and grows without breaking anybody."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, create_model

from shared.contracts import schemas
from shared.contracts.base import Event, Points, Text
from shared.contracts.schemas import (
    all_breaking,
    breaking,
    check,
    committed,
    current,
    events,
    schema_of,
    write,
)

pytestmark = pytest.mark.contract

Schema = dict[str, Any]


def test_the_models_are_the_committed_schemas() -> None:
    assert check() == []


def test_every_event_of_every_publisher_has_a_schema() -> None:
    assert set(committed()) == set(events())
    publishers = {event.PUBLISHER for event in events().values()}
    assert publishers == {"intake", "scoring", "awards", "notify", "inbound", "outbound"}


def test_a_type_has_one_model() -> None:
    models = [
        event for event in Event.__subclasses__() if event.__module__.startswith("shared.contracts")
    ]
    types = [event.TYPE for event in models if event.TYPE]
    assert len(types) == len(set(types))


def test_points_are_strings_and_tombstones_null() -> None:
    score = current()["vn.thidua.scoring.score-computed.v1"]
    assert score["properties"]["total"]["type"] == "string"
    assert current()["vn.thidua.intake.contact-erased.v1"]["type"] == "null"


# --- what breaks and what does not ---


class Base(Event):
    TYPE = "vn.thidua.test.report-seen.v1"


def model(**fields: Any) -> Schema:
    return schema_of(create_model("Seen", __base__=Base, **fields))


OLD = {"title": (Text, ...), "count": (int, 0), "kind": (str, "a"), "total": (Points, ...)}


@pytest.mark.parametrize(
    "field",
    [(int | None, None), (str, "x"), (list[int], []), (Text, Field(default="", max_length=9))],
)
def test_a_new_optional_field_is_additive(field: Any) -> None:
    assert breaking(model(**OLD), model(**OLD, more=field)) == []


def test_words_for_people_may_change() -> None:
    old = model(**OLD)
    new = copy.deepcopy(old) | {"description": "Said better.", "title": "Another"}
    new["properties"]["count"]["description"] = "How many."
    assert breaking(old, new) == []


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("title", None, "/title: the field is gone"),
        ("count", None, "/count: the field is gone"),
        ("more", (int, ...), "/more: is required now"),
        ("count", (int, ...), "/count: is required now"),
        ("title", (Text, ""), "/title: is required no more"),
        ("count", (str, "0"), "/count type"),
        ("count", (int | None, 0), "/count"),
        ("count", (int, Field(default=0, ge=1)), "/count minimum"),
        ("count", (int, 1), "/count default"),
        ("kind", (str, Field(default="a", max_length=5)), "/kind maxLength"),
        ("kind", (str, Field(default="a", pattern="^a$")), "/kind pattern"),
        ("total", (str, ...), "/total pattern"),
    ],
)
def test_any_other_change_breaks_and_is_named(name: str, field: Any, words: str) -> None:
    fields = {**OLD, name: field}
    if field is None:
        del fields[name]
    reasons = breaking(model(**OLD), model(**fields))
    assert any(words in reason for reason in reasons), reasons


Change = Callable[[Schema], object]


def score(schema: Schema) -> Any:
    return schema["$defs"]["Item"]["properties"]["self_score"]["anyOf"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["$defs"]["Item"]["properties"].pop("narrative"), "/items/*/narrative: the"),
        (lambda s: s["$defs"]["Item"]["required"].append("narrative"), "narrative: is required"),
        (lambda s: s["properties"]["items"].update(maxItems=1), "/items maxItems"),
        (
            lambda s: s["$defs"]["Item"]["properties"]["self_score"]["anyOf"].pop(),
            "/items/*/self_score",
        ),
        (
            lambda s: s["$defs"]["Item"]["properties"]["self_score"]["anyOf"][0].update(
                pattern="x"
            ),
            "/items/*/self_score pattern",
        ),
        (lambda s: s.update({"x-topic": "thidua.other.v1"}), "x-topic"),
    ],
)
def test_changes_deep_inside_are_found(change: Change, words: str) -> None:
    old = committed()["vn.thidua.inbound.report-submitted.v1"]
    new = copy.deepcopy(old)
    change(new)
    reasons = breaking(old, new)
    assert any(words in reason for reason in reasons), reasons


def test_an_enumeration_neither_shrinks_nor_grows() -> None:
    old = committed()["vn.thidua.scoring.score-computed.v1"]
    for values in (["self"], ["self", "verified", "final"]):
        new = copy.deepcopy(old)
        new["properties"]["stage"]["enum"] = values
        assert breaking(old, new) == [
            f'/stage enum: was ["self", "verified"], is {json.dumps(values)}'
        ]


def test_every_committed_schema_is_compatible_with_itself() -> None:
    assert all_breaking(committed(), committed()) == []


def test_a_type_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    some = {"a": model(**OLD)}
    assert all_breaking(some, {}) == ["a: the type is gone"]
    assert all_breaking({}, some) == []


# --- the command ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert write(tmp_path / "schemas") == []
    return tmp_path / "schemas"


def edit(folder: Path, change: Change) -> None:
    file = folder / "vn.thidua.scoring.score-computed.v1.json"
    schema = json.loads(file.read_text("utf-8"))
    change(schema)
    file.write_text(json.dumps(schema), "utf-8")


def test_what_was_written_is_in_order(folder: Path) -> None:
    assert check(folder) == []


def test_growth_is_told_and_written(folder: Path) -> None:
    edit(folder, lambda s: s["properties"]["stage"].update(title="Old words"))
    (folder / "vn.thidua.scoring.sheet-adopted.v1.json").unlink()
    assert [line.partition(":")[2] for line in check(folder)] == [
        " has grown; run `python -m shared.contracts.schemas write`"
    ] * 2
    assert write(folder) == []
    assert check(folder) == []


def test_a_break_is_refused_and_nothing_is_written(folder: Path) -> None:
    edit(folder, lambda s: s["properties"].update(gone={"type": "string"}))
    reasons = [f"{'vn.thidua.scoring.score-computed.v1'}/gone: the field is gone"]
    assert check(folder) == reasons
    assert write(folder) == reasons
    assert check(folder) == reasons


def test_the_command_s_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schemas.main(["check"]) == 0
    monkeypatch.setattr(schemas, "check", lambda: ["a: the type is gone"])
    assert schemas.main(["check"]) == 1
    assert capsys.readouterr().err == "a: the type is gone\n"
