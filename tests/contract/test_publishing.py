"""What other systems were promised of v1 still holds: see "What may change" in docs/publishing.md.

`published/` holds the schemas as they were when the contract left preview. These files are never
written again: a change that these tests refuse is a v2 beside v1.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest

from shared.contracts import inbound
from shared.contracts.examples import example_of
from shared.contracts.inbound import RejectionCode, ReportReceipt, ReportRejected, ReportSubmitted
from shared.contracts.schemas import breaking, current

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/publishing.md").read_text("utf-8")
FOLDER = Path(__file__).with_name("published")
TYPES = (ReportSubmitted.TYPE, ReportReceipt.TYPE, ReportRejected.TYPE)
FORM = "/form_version enum: was "

Schema = dict[str, Any]


def published(name: str) -> Schema:
    schema: Schema = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return schema


def broken(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What breaks a promise; that a further form of the report is taken breaks none."""
    return [reason for reason in breaking(old, new) if not _takes_more_forms(reason)]


def _takes_more_forms(reason: str) -> bool:
    if not reason.startswith(FORM):
        return False
    was, _, now = reason.removeprefix(FORM).partition(", is ")
    return set(json.loads(was)) < set(json.loads(now))


def test_the_promise_is_about_what_goes_through_publishers_topics() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(TYPES)
    assert {t for t in current() if re.match(r"vn\.thidua\.(in|out)bound\.", t)} == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_v1_has_only_grown_since_it_was_published(name: str) -> None:
    assert broken(published(name), current()[name]) == []


@pytest.mark.parametrize("name", TYPES)
def test_an_example_is_good_by_the_schema_as_it_was_published(name: str) -> None:
    kind = {event.TYPE: event for event in (ReportSubmitted, ReportReceipt, ReportRejected)}[name]
    body = example_of(kind).model_dump(mode="json")
    assert jsonschema_rs.validator_for(published(name)).is_valid(body)


def test_a_report_with_nothing_but_what_was_required_is_still_read() -> None:
    schema = published(ReportSubmitted.TYPE)
    body = example_of(ReportSubmitted).model_dump(mode="json")
    least = {name: body[name] for name in schema["required"]}
    assert ReportSubmitted.model_validate(least).revision == 1


Change = Callable[[Schema], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].pop("nominations"),
        lambda s: s["required"].append("contents"),
        lambda s: s["properties"].update(more={"type": "string"}) or s["required"].append("more"),
        lambda s: s["properties"]["form_version"].update(enum=[2]),
        lambda s: s["properties"]["revision"].update(maximum=10),
        lambda s: s["$defs"]["Item"]["properties"].pop("evidence"),
        lambda s: s.update({"x-topic": "thidua.inbound.v1"}),
    ],
)
def test_what_would_break_a_publisher_is_found(change: Change) -> None:
    old = published(ReportSubmitted.TYPE)
    new = copy.deepcopy(old)
    change(new)
    assert broken(old, new) != []


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].update(more={"type": "string", "default": ""}),
        lambda s: s["properties"]["form_version"].update(enum=[1, 2, 3]),
        lambda s: s.update(description="Said better."),
    ],
)
def test_what_may_change_may_change(change: Change) -> None:
    old = published(ReportSubmitted.TYPE)
    new = copy.deepcopy(old)
    change(new)
    assert broken(old, new) == []


def test_the_page_lists_every_code_and_every_field() -> None:
    codes = re.findall(r"^\| `([a-z-]+)` \| .* \| .* \|$", PAGE, re.M)
    assert sorted(codes) == sorted(get_args(RejectionCode))
    body = PAGE.split("```json\n")[1].split("```")[0]
    assert set(json.loads(body)) <= set(ReportSubmitted.model_fields)
    for event in (ReportSubmitted, ReportReceipt, ReportRejected):
        missing = [name for name in event.model_fields if not re.search(rf"\b{name}\b", PAGE)]
        assert missing == [], event.TYPE


def test_nothing_says_preview_any_more() -> None:
    for text in (PAGE, Path(inbound.__file__).read_text("utf-8")):
        assert "preview" not in text.lower()
