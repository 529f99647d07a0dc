"""Roles with scope and dates, which of them exclude each other, and acting for somebody."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.directory import (
    NAMED_BY_DECISION,
    OF_THE_UNIT,
    PERSONAL,
    Delegation,
    Holding,
    Scope,
    check_delegation,
    check_grant,
    check_together,
    delegated_on,
    holdings_on,
    is_found,
    own_units,
    roles_on,
    scopes_of,
    stands_in_for,
    units_on,
    warnings_of,
)
from services.intake.pages.role_words import ROLE_WORDS
from shared.refusal import Refusal
from shared.roles import ROLES, Role
from shared.roles import ROLES as TOKEN_ROLES

pytestmark = pytest.mark.unit

TODAY = date(2025, 8, 1)
SCOPES: tuple[Scope, ...] = get_args(Scope)
OF: dict[Scope, str] = {"ward": "", "unit": "thcs-1", "session": "s-1"}
DECIDING = {"chairman", "council", "council-secretary", "assessor", "inspector", "clerk"}

days = st.dates(TODAY, TODAY + timedelta(days=12))
maybe = st.none() | days


def holding(role: Role, scope: Scope | None = None, **more: object) -> Holding:
    kind = scope or scopes_of(role)[0]
    return replace(Holding(role, kind, OF[kind], TODAY), **more)  # type: ignore[arg-type]


def refused(wanted: Holding, **more: object) -> str:
    """Why a grant is refused; "" when it is not."""
    usual = {
        "person": "lan",
        "own": frozenset({"van-phong"}),
        "stands_in": frozenset(),
        "also": frozenset(),
        "by": frozenset({"officer"}),
        "document": "12/QĐ",
    }
    try:
        check_grant(wanted, **(usual | more))  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.name
    return ""


def test_the_roles_are_those_that_tokens_and_pages_name() -> None:
    assert ROLES == TOKEN_ROLES
    assert set(ROLE_WORDS) == set(ROLES)


@pytest.mark.parametrize(("role", "scope"), list(product(ROLES, SCOPES)))
def test_each_role_is_held_for_its_scope_alone(role: Role, scope: Scope) -> None:
    allowed = {
        "reporter": {"unit"},
        "head": {"unit"},
        "substitute-officer": {"unit"},
        "council": {"ward", "session"},
        "council-secretary": {"ward", "session"},
    }.get(role, {"ward"})
    assert refused(holding(role, scope)) == ("" if scope in allowed else "wrong-scope")
    nameless = Holding(role, scope, "" if scope != "ward" else "x", TODAY)
    assert refused(nameless) == "wrong-scope"


@pytest.mark.parametrize(("one", "other"), list(product(ROLES, ROLES)))
def test_which_roles_exclude_each_other(one: Role, other: Role) -> None:
    pair = {one, other}
    excluded = len(pair) > 1 and (
        "auditor" in pair or ("operator" in pair and bool(pair & DECIDING))
    )
    why = refused(holding(one), also=frozenset({other}))
    assert why == ("roles-exclude" if excluded else "")
    try:
        check_together(other, one)
        both_ways = False
    except Refusal:
        both_ways = True
    assert both_ways == excluded


@pytest.mark.parametrize("role", ROLES)
def test_nobody_grants_themselves_and_some_need_a_decision(role: Role) -> None:
    assert refused(holding(role), by=frozenset({"lan"})) == "own-role"
    assert refused(holding(role), by=frozenset({"pho", "lan"})) == "own-role"
    needs = role in {"chairman", "council", "council-secretary"}
    assert refused(holding(role), document="") == ("document-missing" if needs else "")
    assert (role in NAMED_BY_DECISION) == needs
    early = holding(role, until=TODAY - timedelta(days=1))
    assert refused(early) == "days-reversed"
    assert refused(holding(role, until=TODAY)) == ""


UNITS = (frozenset[str](), frozenset({"thcs-1"}), frozenset({"thcs-2"}), frozenset({"a", "thcs-1"}))


@pytest.mark.parametrize(("role", "own", "stands_in"), list(product(ROLES, UNITS, UNITS)))
def test_nobody_stands_in_for_a_unit_of_their_own(
    role: Role, own: frozenset[str], stands_in: frozenset[str]
) -> None:
    """Whichever comes first: taking its file, or answering for it."""
    takes = role == "substitute-officer" and "thcs-1" in own
    answers = role in {"reporter", "head"} and "thcs-1" in stands_in
    why = refused(holding(role), own=own, stands_in=stands_in)
    assert why == ("own-unit" if takes or answers else "")


@pytest.mark.parametrize(("role", "own"), list(product(ROLES, UNITS)))
def test_nobody_is_lent_the_file_of_a_unit_of_their_own(role: Role, own: frozenset[str]) -> None:
    why = not_lent(lend(frozenset({role})), own=own)
    if role in PERSONAL:
        assert why == "role-personal"
    else:
        assert why == ("own-unit" if role == "substitute-officer" and "thcs-1" in own else "")


@given(
    st.sampled_from(("", "a", "b")), st.lists(st.tuples(st.sampled_from(ROLES), days, maybe)), days
)
def test_ones_units_are_all_that_one_answers_for_now_or_later(
    unit: str, held: list[tuple[Role, date, date | None]], on: date
) -> None:
    holdings = [holding(role, since=since, until=until) for role, since, until in held]
    open_ones = {role for role, _, until in held if until is None or on <= until}
    expected = {unit} - {""} | ({"thcs-1"} if open_ones & {"reporter", "head"} else set())
    assert own_units(unit, holdings, on) == expected
    taken = {"thcs-1"} if "substitute-officer" in open_ones else set()
    assert stands_in_for(holdings, on) == taken
    assert units_on(holdings, on) <= own_units(unit, holdings, on)


def in_words(since: date, until: date | None, ended: date | None, on: date) -> bool:
    """A role as a calendar: the set of days on which it counts."""
    counted = [TODAY + timedelta(days=n) for n in range(-1, 15)]
    if ended is not None:
        counted = [day for day in counted if day < ended]
    if until is not None:
        counted = [day for day in counted if day <= until]
    return on in [day for day in counted if day >= since]


@given(since=days, until=maybe, ended=maybe, on=days)
def test_a_role_counts_from_its_first_day_to_its_last_or_until_it_is_ended(
    since: date, until: date | None, ended: date | None, on: date
) -> None:
    one = Holding("clerk", "ward", "", since, until, ended)
    assert one.in_force(on) == in_words(since, until, ended, on)
    if one.in_force(on) and ended is None:
        assert one.is_open(on)


def test_units_are_those_of_reporters_and_heads_and_sessions_only_limit() -> None:
    held = [
        holding("reporter"),
        holding("substitute-officer", of="phong-vhxh"),
        holding("council", "session"),
        holding("council-secretary", "session", of="s-2"),
        holding("council-secretary", "ward"),
        holding("head", of="cu", ended_on=TODAY),
        holding("head", of="mn-1"),
    ]
    found = holdings_on("Lan", "lan@ward.example", "van-phong", held, TODAY)
    assert found.units == {"thcs-1", "mn-1"}
    assert found.heads == {"mn-1"}, "not where they only report, nor where it has ended"
    assert found.sessions == {"s-1"}, "the secretary's is held for the ward as well"
    assert found.roles == {"reporter", "head", "substitute-officer", "council", "council-secretary"}
    assert units_on([holding(role) for role in ROLES], TODAY) == {"thcs-1"}
    assert {"reporter", "head"} == OF_THE_UNIT


role_sets = st.frozensets(st.sampled_from(ROLES), max_size=5)
held_roles = st.lists(
    st.builds(
        lambda role, since, until, ended: holding(role, since=since, until=until, ended_on=ended),
        st.sampled_from(ROLES),
        days,
        maybe,
        maybe,
    ),
    max_size=6,
)


@given(lent=role_sets, held=held_roles, since=days, until=days, ended=maybe, on=days)
def test_whoever_acts_for_somebody_never_gets_more_than_they_hold_that_day(
    lent: frozenset[Role],
    held: list[Holding],
    since: date,
    until: date,
    ended: date | None,
    on: date,
) -> None:
    given_away = Delegation("a", "b", lent, since, until, "1/UQ", ended)
    got = delegated_on(given_away, held, on)
    assert all(one.in_force(on) for one in got)
    assert roles_on(got, on) <= lent & roles_on(held, on)
    assert units_on(got, on) <= units_on(held, on)
    if not in_words(since, until, ended, on):
        assert got == ()
    else:
        assert roles_on(got, on) == lent & roles_on(held, on)


def lend(roles: frozenset[Role], **more: object) -> Delegation:
    usual = Delegation("a", "b", roles, TODAY, TODAY + timedelta(days=5), "1/UQ")
    return replace(usual, **more)  # type: ignore[arg-type]


def not_lent(wanted: Delegation, **more: object) -> str:
    usual: dict[str, object] = {
        "principals": [holding(role) for role in ROLES],
        "delegates": frozenset(),
        "by": frozenset({"officer"}),
    }
    try:
        check_delegation(wanted, **(usual | more))  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.name
    return ""


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_lent_by_a_document_unless_it_is_personal(role: Role) -> None:
    roles = frozenset({role})
    personal = "role-personal" if role in {"council", "auditor"} else ""
    assert (role in PERSONAL) == bool(personal)
    assert not_lent(lend(roles)) == personal
    assert not_lent(lend(roles), by=frozenset({"a"})) == personal
    assert not_lent(lend(roles), by=frozenset({"a", "b"})) == "own-role"
    assert not_lent(lend(roles, document="")) == "document-missing"
    assert not_lent(lend(roles, delegate="a")) == "same-person"
    assert not_lent(lend(roles, until=TODAY - timedelta(days=1))) == "days-reversed"
    assert not_lent(lend(roles), principals=[]) == (personal or "role-not-held")
    later = [holding(role, since=TODAY + timedelta(days=1))]
    assert not_lent(lend(roles), principals=later) == (personal or "role-not-held")
    assert not_lent(lend(roles), delegates=frozenset({"auditor"})) == (personal or "roles-exclude")


def test_what_a_ward_is_told_about_who_holds_what() -> None:
    known: list[tuple[Role, str]] = [("operator", ""), ("officer", "phong-vhxh")]
    assert len(warnings_of(known, ["phong-vhxh", "thcs-1"])) == 1
    assert warnings_of(known, ["thcs-1"]) == ()
    assert warnings_of([*known, ("substitute-officer", "phong-vhxh")], ["phong-vhxh"]) == ()
    assert len(warnings_of([*known, ("substitute-officer", "thcs-1")], ["phong-vhxh"])) == 1
    assert len(warnings_of([], [])) == 2


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("truong", True),
        ("TRƯỜNG", True),
        ("trưởng", False),
        ("do", True),
        ("đô", True),
        ("đo", False),
        ("van-phong", True),
        ("", True),
        ("Tru\u031bo\u031b\u0300ng", True),
    ],
)
def test_a_search_without_marks_finds_words_with_them(search: str, found: bool) -> None:
    assert is_found(search, "Trường Đô", "van-phong@ward.example") is found
