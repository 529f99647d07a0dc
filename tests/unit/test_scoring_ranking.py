"""Ranks inside one khối, never across; equal totals share a rank."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.ranking import Contender, rank

pytestmark = pytest.mark.unit


def contenders(*totals: int, block: str = "x", group: str = "a") -> list[Contender]:
    return [
        Contender(f"{group}-{block}-{number}", group, block, Decimal(total))
        for number, total in enumerate(totals)
    ]


def test_ties_share_a_rank_and_the_next_is_left_out() -> None:
    places = rank(contenders(90, 85, 85, 70))
    assert [place.rank for place in places.values()] == [1, 2, 2, 4]
    assert {place.ranked for place in places.values()} == {4}


def test_blocks_and_groups_are_apart() -> None:
    one, other, stranger = contenders(50), contenders(99, block="y"), contenders(99, group="b")
    assert {place.rank for place in rank([*one, *other, *stranger]).values()} == {1}


everybody = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 20)), max_size=30
).map(
    lambda rows: [
        Contender(f"p{number}", group, block, Decimal(total) / 4)
        for number, (group, block, total) in enumerate(rows)
    ]
)


@given(everybody)
def test_a_place_counts_those_before_it(everyone: list[Contender]) -> None:
    places = rank(everyone)
    assert places.keys() == {one.participant for one in everyone}
    for one in everyone:
        rivals = [r for r in everyone if (r.group, r.block) == (one.group, one.block)]
        better = sum(rival.total > one.total for rival in rivals)
        assert places[one.participant].rank == better + 1
        assert places[one.participant].ranked == len(rivals)


@given(everybody, st.randoms())
def test_the_order_of_arrival_does_not_matter(everyone: list[Contender], dice: object) -> None:
    shuffled = sorted(everyone, key=lambda _: dice.random())  # type: ignore[attr-defined]
    assert rank(shuffled) == rank(everyone)


@given(everybody)
def test_every_block_has_a_first(everyone: list[Contender]) -> None:
    places = rank(everyone)
    firsts = Counter(
        (one.group, one.block) for one in everyone if places[one.participant].rank == 1
    )
    assert firsts.keys() == {(one.group, one.block) for one in everyone}
