"""The page of events is what models, handlers and examples say; each event has a valid example."""

from typing import Any

import jsonschema_rs
import pytest

from deploy.events import OTHERS, PAGE, UNITS, fields_of, page, readers, sayers
from shared.contracts.base import Event
from shared.contracts.examples import EXAMPLES, WARD, all_examples, example_of
from shared.contracts.schemas import committed, events

pytestmark = pytest.mark.contract

ALL = list(events().values())
_NOBODY = {
    "vn.thidua.intake.plan-recorded.v1",
}
"""Facts that are on record for whoever comes later."""


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m deploy.events`"


def test_every_event_has_one_example() -> None:
    assert set(EXAMPLES) == set(events())
    assert {type(one) for one in all_examples()} == set(ALL)


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.TYPE)
def test_an_example_is_valid_by_the_committed_schema_and_read_back_the_same(
    event: type[Event],
) -> None:
    example = example_of(event)
    schema = committed()[event.TYPE]
    value: Any = None if event.ERASES else example.model_dump(mode="json")
    faults = jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(value)
    assert [fault.message for fault in faults] == []
    assert event.model_validate_json(example.model_dump_json()) == example
    assert example.key == f"{WARD}/{example.subject}"


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.TYPE)
def test_somebody_says_each_event_and_somebody_reads_it(event: type[Event]) -> None:
    assert len(sayers(event)) == 1
    assert (sayers(event) == [OTHERS]) == (event.PUBLISHER == "inbound")
    assert bool(readers(event)) == (event.TYPE not in _NOBODY)


def test_every_whole_number_says_what_it_counts() -> None:
    for event in ALL:
        for name, words, _ in fields_of(committed()[event.TYPE]):
            assert "whole number" not in words, f"{event.TYPE} {name}: add it to UNITS"
    told = {name.rpartition(".")[2] for e in ALL for name, _, _ in fields_of(committed()[e.TYPE])}
    assert set(UNITS) <= told, "a unit of no field"


def test_no_example_names_a_real_person_or_place_on_the_net() -> None:
    for one in all_examples():
        text = one.model_dump_json()
        assert text.count("@") == text.count("@tu-minh.example")
        assert text.count("https://") == text.count(".example/")
