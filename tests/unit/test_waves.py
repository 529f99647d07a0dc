"""A batch is cut into waves so that handlers get runs, and every key keeps its order."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.waves import waves

pytestmark = pytest.mark.unit

Item = tuple[str, str, int]
"""key, kind, number in the batch"""

batches = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y", "z"])), max_size=40
).map(lambda pairs: [(key, kind, number) for number, (key, kind) in enumerate(pairs)])


def cut(items: list[Item]) -> list[dict[str, list[Item]]]:
    return waves(items, lambda item: item[0], lambda item: item[1])


def as_handled(items: list[Item]) -> list[Item]:
    """The order in which handlers see the events."""
    return [item for wave in cut(items) for group in wave.values() for item in group]


def story(items: list[Item], key: str) -> list[Item]:
    return [item for item in items if item[0] == key]


@given(batches)
def test_every_key_keeps_its_order(items: list[Item]) -> None:
    handled = as_handled(items)
    for key in ("a", "b", "c"):
        assert story(handled, key) == story(items, key)


@given(batches)
def test_each_event_is_handled_exactly_once(items: list[Item]) -> None:
    assert sorted(as_handled(items), key=lambda item: item[2]) == items


@given(batches)
def test_a_group_holds_one_kind_only(items: list[Item]) -> None:
    for wave in cut(items):
        for kind, group in wave.items():
            assert {item[1] for item in group} == {kind}


@given(batches)
def test_a_handler_gets_all_of_a_run_at_once(items: list[Item]) -> None:
    for key in ("a", "b", "c"):
        runs = [list(run) for _, run in groupby(story(items, key), lambda item: item[1])]
        for number, run in enumerate(runs):
            assert story(cut(items)[number][run[0][1]], key) == run


@given(batches)
def test_there_are_as_many_waves_as_the_longest_story_has_runs(items: list[Item]) -> None:
    lengths = [
        sum(1 for _ in groupby(story(items, key), lambda item: item[1])) for key in ("a", "b", "c")
    ]
    assert len(cut(items)) == max(lengths)
