"""Quorum, ballots and tally, for any council; and the decision that follows."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.awards.domain.ballot import check_voter, fill_in
from services.awards.domain.decision import Listed, check_date, check_number, in_order, slug_of
from services.awards.domain.session import (
    Roll,
    call_roll,
    check_members,
    check_open,
    has_quorum,
    parse_share,
)
from services.awards.domain.tally import Choice, PassRule, Tally, count, parse_rule, passes
from shared.refusal import Refusal

pytestmark = pytest.mark.unit
TWO_THIRDS = Fraction(2, 3)
MAJORITY = parse_rule("majority-of-total")
small = st.integers(0, 9)
tallies = st.builds(Tally, small, small, small, small, small)


@given(present=st.integers(0, 200), members=st.integers(1, 200))
def test_two_thirds_are_counted_without_rounding(present: int, members: int) -> None:
    assert has_quorum(present, members, TWO_THIRDS) == (3 * present >= 2 * members)


@pytest.mark.parametrize(
    ("present", "members", "enough"),
    [(6, 9, True), (5, 9, False), (7, 10, True), (6, 10, False), (0, 0, False)],
)
def test_quorums_by_hand(present: int, members: int, enough: bool) -> None:
    assert has_quorum(present, members, TWO_THIRDS) is enough


@given(share=st.fractions(min_value=0, max_value=1, max_denominator=999))
def test_a_share_is_read_exactly(share: Fraction) -> None:
    text = f"{share.numerator}/{share.denominator}"
    if share == 0:
        with pytest.raises(Refusal, match="bad-share"):
            parse_share(text, "/rule/quorum")
    else:
        assert parse_share(text, "/rule/quorum") == share


@pytest.mark.parametrize("text", ["", "2", "3/2", "2/0", "-1/2", "0.66", "2/3 ", "٢/٣"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="bad-share"):
        parse_share(text, "/rule/quorum")


@given(tally=tallies)
def test_a_majority_is_of_all_members_whoever_came(tally: Tally) -> None:
    assert passes(tally, MAJORITY) == (2 * tally.yes > tally.total)


@given(tally=tallies)
def test_a_majority_is_more_than_all_others_together(tally: Tally) -> None:
    others = tally.no + tally.abstain + tally.recused + tally.silent
    assert passes(tally, MAJORITY) == (tally.yes > others)


@given(tally=tallies)
def test_a_share_is_enough_when_reached(tally: Tally) -> None:
    rule = parse_rule("4/5-of-total")
    assert passes(tally, rule) == (tally.total > 0 and 5 * tally.yes >= 4 * tally.total)


@given(tally=tallies)
def test_recused_members_leave_the_denominator_only_where_the_rule_says_so(tally: Tally) -> None:
    leave = parse_rule("majority-of-total", "leave")
    assert passes(tally, leave) == (2 * tally.yes > tally.total - tally.recused)
    assert passes(tally, leave) or not passes(tally, MAJORITY)


@given(tally=tallies, rule=st.sampled_from(["majority-of-total", "2/3-of-total"]))
def test_one_more_yes_never_loses(tally: Tally, rule: str) -> None:
    more = Tally(tally.yes + 1, tally.no, tally.abstain, tally.recused, tally.silent)
    read = parse_rule(rule)
    assert passes(more, read) or not passes(tally, read)


@given(
    choices=st.lists(st.sampled_from(Choice)),
    recused=st.integers(0, 9),
    absent=st.integers(0, 9),
)
def test_every_member_is_counted_once(choices: list[Choice], recused: int, absent: int) -> None:
    members = len(choices) + recused + absent
    tally = count(choices, recused, members)
    assert tally.total == members
    assert (tally.yes, tally.silent) == (choices.count(Choice.YES), absent)
    assert count(reversed(choices), recused, members) == tally


def test_more_ballots_than_members_is_a_fault() -> None:
    with pytest.raises(ValueError, match="2 ballots and 1 recused of 2"):
        count([Choice.YES, Choice.NO], 1, 2)


@pytest.mark.parametrize("text", ["", "majority", "unanimous", "4/5", "0/5-of-total"])
def test_rules_of_passing_that_are_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_rule(text)
    assert refused.value.pointer == "/rule/pass"


def test_rules_of_passing() -> None:
    assert parse_rule("majority-of-total") == PassRule(Fraction(1, 2), strict=True)
    assert parse_rule("4/5-of-total") == PassRule(Fraction(4, 5), strict=False)


MEMBERS = ["an", "binh", "chi"]


@pytest.mark.parametrize(
    ("act", "name", "pointer"),
    [
        (lambda: check_members(["an", "an"]), "named-twice", "/members/1"),
        (lambda: call_roll(MEMBERS, ["an", "an"], []), "named-twice", "/present/1"),
        (lambda: call_roll(MEMBERS, [], ["an", "an"]), "named-twice", "/written/1"),
        (lambda: call_roll(MEMBERS, ["dung"], []), "not-a-member", "/present/0"),
        (lambda: call_roll(MEMBERS, ["an"], ["dung"]), "not-a-member", "/written/0"),
        (lambda: call_roll(MEMBERS, ["an"], ["an"]), "present-and-written", "/written/0"),
        (lambda: call_roll(MEMBERS, ["an"], [], {"binh"}), "voter-left-out", "/present"),
        (lambda: check_open(None, 3, TWO_THIRDS), "no-roll", ""),
        (
            lambda: check_open(Roll(frozenset({"an"}), frozenset({"binh"})), 3, TWO_THIRDS),
            "no-quorum",
            "",
        ),
        (lambda: check_voter("chi", Roll(frozenset({"an"}))), "not-on-the-roll", ""),
    ],
)
def test_rolls_that_are_refused(act: Callable[[], object], name: str, pointer: str) -> None:
    with pytest.raises(Refusal) as refused:
        act()
    assert (refused.value.name, refused.value.pointer) == (name, pointer)


def test_those_present_and_those_in_writing_vote() -> None:
    roll = call_roll(MEMBERS, ["an", "binh"], ["chi"], {"chi"})
    assert roll.voting == set(MEMBERS)
    check_open(roll, 3, TWO_THIRDS)
    check_voter("chi", roll)


AGENDA = ["x", "y", "z"]
YES, NO = Choice.YES, Choice.NO


@pytest.mark.parametrize(
    ("choices", "name", "pointer"),
    [
        ([("x", YES), ("y", YES)], None, ""),
        ([("y", NO), ("x", YES)], None, ""),
        ([("x", YES)], "incomplete-ballot", "/choices"),
        ([], "incomplete-ballot", "/choices"),
        ([("x", YES), ("y", NO), ("z", YES)], "own-unit", "/choices/2/dossier"),
        ([("x", YES), ("y", NO), ("w", YES)], "not-on-the-agenda", "/choices/2/dossier"),
        ([("x", YES), ("y", NO), ("x", NO)], "chosen-twice", "/choices/2/dossier"),
    ],
)
def test_ballot_papers(choices: list[tuple[str, Choice]], name: str | None, pointer: str) -> None:
    if name is None:
        assert fill_in(choices, AGENDA, own=["z"]) == dict(choices)
        return
    with pytest.raises(Refusal) as refused:
        fill_in(choices, AGENDA, own=["z"])
    assert (refused.value.name, refused.value.pointer) == (name, pointer)


def test_a_member_with_a_stake_in_everything_hands_in_an_empty_paper() -> None:
    assert fill_in([], AGENDA, own=AGENDA) == {}


@pytest.mark.parametrize(
    ("number", "slug"),
    [
        ("358/QĐ-UBND", "358-qd-ubnd"),
        ("05 /QĐ-UBND", "05-qd-ubnd"),
        ("12/QĐ-UBND (Đợt 2)", "12-qd-ubnd-dot-2"),
        ("7", "7"),
    ],
)
def test_numbers_become_names_of_folders(number: str, slug: str) -> None:
    assert check_number(number) == slug


@pytest.mark.parametrize("number", ["", "QĐ-UBND", "/QĐ"])
def test_a_decision_has_a_number(number: str) -> None:
    with pytest.raises(Refusal, match="bad-decision-number"):
        check_number(number)


@given(text=st.text())
def test_a_slug_is_plain(text: str) -> None:
    slug = slug_of(text)
    assert all(char.isascii() and (char.isalnum() or char == "-") for char in slug)
    assert slug_of(slug) == slug


@pytest.mark.parametrize(
    ("decided_on", "name"),
    [
        (date(2025, 12, 30), None),
        (date(2025, 12, 29), "decided-before-approval"),
        (date(2025, 12, 31), "decided-in-future"),
    ],
)
def test_a_decision_follows_the_approval(decided_on: date, name: str | None) -> None:
    held, approved, today = date(2025, 12, 29), date(2025, 12, 30), date(2025, 12, 30)
    if name is None:
        check_date(decided_on, held, approved, today)
        return
    with pytest.raises(Refusal, match=name) as refused:
        check_date(decided_on, held, approved, today)
    assert refused.value.pointer == "/decided_on"


LISTED = [
    Listed("d1", True, "phong-ban", 1, "phong-b"),
    Listed("d2", True, "phong-ban", 2, "phong-a"),
    Listed("d3", True, "truong-hoc", 1, "truong-1"),
    Listed("d4", True, "truong-hoc", 1, "truong-2"),
    Listed("d5", False, "ca-nhan", 1, "nguoi-1"),
]


@given(st.permutations(LISTED))
def test_the_list_of_a_decision_has_one_order(shuffled: list[Listed]) -> None:
    assert in_order(shuffled) == LISTED
