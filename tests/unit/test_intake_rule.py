"""What rules give, and what changing them does: once, to nobody from before they came, and to
nothing that is done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.rule import (
    Deadline,
    Duty,
    Key,
    Laid,
    Member,
    ObligationRule,
    Phase,
    Rules,
    Standing,
    Who,
    check_rules,
    duties,
    duty_of,
    is_settled,
    manner_of,
    occurrences,
    offsets_in,
    phase_of,
    replan,
)
from shared.calendar import last_moment_of
from shared.contracts.intake import Manner
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

PHASES = (Phase(1, "Giai đoạn 1", 2025, 2027), Phase(2, "Giai đoạn 2", 2027, 2030))
ASKED: frozenset[Manner] = frozenset({"owes", "invited"})
ANNUAL = ObligationRule(
    "annual-report",
    "annual-report",
    "Năm",
    "annual",
    Who(ASKED),
    Deadline(12, 10, before=True),
    "trước ngày 10/12",
)
PLAN = ObligationRule(
    "unit-plan",
    "unit-plan",
    "Kế hoạch",
    "plan",
    Who(ASKED),
    Deadline(8, 31),
    "trong tháng 8 năm 2025",
    years=frozenset({2025}),
    newcomer_days=30,
)
MIDTERM = ObligationRule(
    "so-ket",
    "midterm-report",
    "Sơ kết",
    "so-ket",
    Who(ASKED),
    Deadline(on=date(2027, 11, 30)),
    "đến hết ngày 30/11/2027",
)
RULES = Rules((PLAN, ANNUAL, MIDTERM), PHASES, {"front": "invited"}, (30, 7, 0))
EARLY = datetime(2025, 8, 1, tzinfo=UTC)


def member(code: str = "thcs-1", **changes: object) -> Member:
    known = {"kind": "school", "group": "a", "block": "truong-hoc", "manner": "owes"}
    return Member(participant=code, registered_at=EARLY, **{**known, **changes})  # type: ignore[arg-type]


def laid(duty: Duty, standing: Standing = "open", **changes: object) -> Laid:
    one = Laid(
        duty.participant,
        duty.kind,
        duty.period,
        duty.manner,
        duty.due,
        duty.due_text,
        standing,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def test_six_annual_reports_one_plan_one_review_and_no_year_outside_of_the_movement() -> None:
    found = [one for year in range(2020, 2036) for one in occurrences(RULES, year, {})]
    assert [one.period for one in found] == [
        "2025-plan",
        "2025-annual",
        "2026-annual",
        "2027-annual",
        "2027-so-ket",
        *(f"{year}-annual" for year in (2028, 2029, 2030)),
    ]


def test_before_a_day_ends_with_the_day_before_and_the_year_is_named() -> None:
    _, annual = occurrences(RULES, 2025, {})
    assert annual.due == last_moment_of(date(2025, 12, 9))
    assert (annual.title, annual.due_text) == ("Năm 2025", "trước ngày 10/12/2025")
    plan, _ = occurrences(RULES, 2025, {})
    assert (plan.due, plan.due_text) == (last_moment_of(date(2025, 8, 31)), PLAN.due_text)


def test_a_day_that_nobody_has_set_asks_nobody() -> None:
    unset = replace(RULES, rules=(replace(MIDTERM, due=Deadline()),))
    assert [occurrences(unset, year, {}) for year in range(2025, 2031)] == [[]] * 6


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ({}, dict.fromkeys(range(2025, 2031), 1)),
        ({1: date(2027, 11, 1)}, {2025: 1, 2026: 1, 2027: 1, 2028: 2, 2029: 2, 2030: 2}),
        ({1: date(2028, 2, 1)}, {2027: 1, 2028: 1, 2029: 2}),
        ({1: date(2027, 11, 1), 2: date(2030, 11, 1)}, {2027: 1, 2030: 2}),
    ],
)
def test_a_phase_ends_by_its_review_and_not_by_a_date(
    ended: Mapping[int, date], expected: Mapping[int, int]
) -> None:
    assert {year: phase_of(year, PHASES, ended) for year in expected} == expected
    assert phase_of(2024, PHASES, ended) is None
    assert phase_of(2031, PHASES, ended) is None


def test_a_rule_of_a_phase_holds_in_the_years_that_belong_to_it() -> None:
    second = replace(RULES, rules=(replace(ANNUAL, phase=2),))
    assert occurrences(second, 2028, {}) == []
    assert len(occurrences(second, 2028, {1: date(2027, 11, 1)})) == 1
    assert occurrences(second, 2027, {1: date(2027, 11, 1)}) == []


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (member(), True),
        (member(manner="invited"), True),
        (member(manner="voluntary"), False),
        (member(manner="proposed"), False),
        (member(kind="front"), True),
    ],
)
def test_who_is_asked_by_manner(who: Member, asked: bool) -> None:
    _, annual = occurrences(RULES, 2025, {})
    assert (duty_of(RULES, annual, who) is not None) is asked


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (Who(ASKED, kinds=frozenset({"school"})), Who(ASKED, kinds=frozenset({"front"}))),
        (Who(ASKED, groups=frozenset({"a"})), Who(ASKED, groups=frozenset({"b"}))),
        (Who(ASKED, blocks=frozenset({"truong-hoc"})), Who(ASKED, blocks=frozenset({"khac"}))),
    ],
)
def test_a_rule_may_name_kinds_groups_and_blocks(own: Who, other: Who) -> None:
    for who, asked in ((own, True), (other, False)):
        rules = replace(RULES, rules=(replace(ANNUAL, who=who),))
        [one] = occurrences(rules, 2025, {})
        assert (duty_of(rules, one, member()) is not None) is asked


@pytest.mark.parametrize("manner", get_args(Manner))
def test_strictness_is_the_versions_and_never_makes_an_individual_owe(manner: Manner) -> None:
    strict: dict[str, Manner] = {"front": "invited", "official": "owes"}
    assert manner_of(member(kind="front", manner=manner), strict) == (
        "proposed" if manner == "proposed" else "invited"
    )
    assert manner_of(member(manner=manner), strict) == manner
    proposed = member(kind="official", manner="proposed")
    assert manner_of(proposed, strict) == "proposed"


def test_whoever_comes_late_has_days_of_their_own_for_the_plan_and_owes_no_past_report() -> None:
    came = datetime(2026, 1, 5, 3, tzinfo=UTC)
    plan, annual = occurrences(RULES, 2025, {})
    late = replace(member(), registered_at=came)
    assert duty_of(RULES, annual, late) is None
    own = duty_of(RULES, plan, late)
    assert own is not None
    assert (own.due, own.due_text) == (
        last_moment_of(date(2026, 2, 4)),
        "đến hết ngày 04/02/2026",
    )


def test_offsets_are_a_rules_own_or_the_movements() -> None:
    own = replace(RULES, rules=(replace(ANNUAL, offsets=(5,)), PLAN))
    assert (own.offsets_of("annual-report"), own.offsets_of("unit-plan")) == ((5,), (30, 7, 0))
    data = {"reminder_offsets": [9], "rules": [{"code": "x", "offsets": [3]}]}
    assert [offsets_in(data, rule) for rule in ("x", "", "y")] == [[3], [9], [9]]
    assert offsets_in({"reminder_offsets": [9]}, "") == [9]


@pytest.mark.parametrize(
    ("change", "name", "pointer"),
    [
        ({"rules": (ANNUAL, ANNUAL)}, "code-repeated", "/rules/1/code"),
        ({"rules": (ANNUAL, replace(PLAN, suffix="annual"))}, "code-repeated", "/rules/1/suffix"),
        ({"rules": (replace(ANNUAL, phase=3),)}, "unknown-phase", "/rules/0/phase"),
        ({"phases": (PHASES[1],)}, "phases-numbered", "/phases"),
        (
            {"rules": (replace(ANNUAL, who=replace(ANNUAL.who, groups=frozenset({"z"}))),)},
            "unknown-code",
            "/rules/0/groups",
        ),
        (
            {"rules": (replace(ANNUAL, who=replace(ANNUAL.who, blocks=frozenset({"z"}))),)},
            "unknown-code",
            "/rules/0/blocks",
        ),
    ],
)
def test_rules_that_do_not_hold_together(
    change: dict[str, object], name: str, pointer: str
) -> None:
    found = next(check_rules(replace(RULES, **change), {"a"}, {"truong-hoc"}))  # type: ignore[arg-type]
    assert (found.name, found.pointer) == (name, pointer)
    assert list(check_rules(RULES, {"a"}, {"truong-hoc"})) == []


NOW = datetime(2025, 10, 1, tzinfo=UTC)
ONE = Duty(
    "thcs-1",
    "annual-report",
    "2025-annual",
    "owes",
    last_moment_of(date(2025, 12, 9)),
    "trước ngày 10/12/2025",
    "annual-report",
)
LATER = replace(ONE, due=last_moment_of(date(2025, 12, 19)), due_text="trước ngày 20/12/2025")


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("wanted", ["same", "moved", "gone"])
@pytest.mark.parametrize("standing", [None, *get_args(Standing)])
def test_every_standing_and_every_change(
    standing: Standing | None,
    wanted: str,
    by_hand: bool,
) -> None:
    there = {} if standing is None else {ONE.key: laid(ONE, standing, by_hand=by_hand)}
    wants = {"same": {ONE.key: ONE}, "moved": {ONE.key: LATER}, "gone": {}}[wanted]
    plan = replan(there, wants, NOW)
    did = (len(plan.new), len(plan.moved), len(plan.withdrawn), len(plan.kept))
    expected = (0, 0, 0, 0)
    if standing in {None, "withdrawn"} and wants:
        expected = (1, 0, 0, 0)
    elif standing == "open" and wanted == "moved":
        expected = (0, 0, 0, 1) if by_hand else (0, 1, 0, 0)
    elif standing == "open" and wanted == "gone":
        expected = (0, 0, 1, 0)
    assert did == expected
    assert bool(plan) is any(expected[:3])


@pytest.mark.parametrize("standing", [None, *get_args(Standing)])
def test_what_was_sent_is_not_laid_and_else_nothing_changes(standing: Standing | None) -> None:
    there = {} if standing is None else {ONE.key: laid(ONE, standing)}
    sent = {(ONE.participant, ONE.period)}
    plan = replan(there, {ONE.key: LATER}, NOW, sent)
    assert plan == replace(replan(there, {ONE.key: LATER}, NOW), new=())


def test_nothing_is_laid_anew_or_moved_to_a_date_that_has_passed() -> None:
    past = replace(ONE, due=NOW - timedelta(seconds=1))
    assert not replan({}, {ONE.key: past}, NOW)
    with pytest.raises(Refusal) as caught:
        replan({ONE.key: laid(ONE)}, {ONE.key: past}, NOW)
    assert caught.value.name == "date-passed"
    softer = replace(past, manner="invited")
    assert replan({ONE.key: laid(past)}, {ONE.key: softer}, NOW).moved


@pytest.mark.parametrize(
    ("was", "becomes", "settled"),
    [
        (None, None, False),
        (None, NOW - timedelta(1), False),
        (NOW - timedelta(1), None, True),
        (NOW - timedelta(1), NOW - timedelta(2), True),
        (NOW - timedelta(1), NOW + timedelta(1), False),
        (NOW + timedelta(1), NOW - timedelta(1), False),
        (NOW + timedelta(1), None, False),
        (NOW, None, False),
    ],
)
def test_what_has_passed_stays_under_its_rule(
    was: datetime | None,
    becomes: datetime | None,
    settled: bool,
) -> None:
    assert is_settled(was, becomes, NOW) is settled


def test_the_digest_is_of_what_is_done() -> None:
    plan = replan({ONE.key: laid(ONE)}, {ONE.key: LATER}, NOW)
    same = replan({ONE.key: laid(replace(ONE, due=ONE.due.astimezone(UTC)))}, {ONE.key: LATER}, NOW)
    assert plan.digest() == same.digest()
    other = replan({ONE.key: laid(ONE)}, {ONE.key: replace(LATER, manner="invited")}, NOW)
    assert len({plan.digest(), other.digest(), replan({}, {ONE.key: ONE}, NOW).digest()}) == 3


KINDS = ("school", "front", "office")
members = st.lists(
    st.builds(
        Member,
        st.sampled_from([f"don-vi-{number}" for number in range(6)]),
        st.sampled_from(KINDS),
        st.sampled_from("ab"),
        st.sampled_from("xy"),
        st.sampled_from(get_args(Manner)),
        st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    unique_by=lambda one: one.participant,
    max_size=6,
)
deadlines = st.one_of(
    st.builds(Deadline, st.integers(1, 12), st.integers(1, 28), st.none(), before=st.booleans()),
    st.builds(
        Deadline,
        st.none(),
        st.none(),
        st.dates(date(2025, 1, 2), date(2030, 12, 31)),
        before=st.booleans(),
    ),
    st.just(Deadline()),
)
rule_sets = st.builds(
    Rules,
    st.lists(
        st.builds(
            lambda base, due, manners, kinds, days, phase: replace(
                base,
                due=due,
                who=Who(frozenset(manners), frozenset(kinds)),
                newcomer_days=days,
                phase=phase,
            ),
            st.sampled_from((PLAN, ANNUAL, MIDTERM)),
            deadlines,
            st.sets(st.sampled_from(("owes", "invited", "voluntary"))),
            st.sets(st.sampled_from(KINDS), max_size=2),
            st.none() | st.integers(1, 60),
            st.none() | st.integers(1, 2),
        ),
        unique_by=lambda rule: rule.code,
        max_size=3,
    ).map(tuple),
    st.just(PHASES),
    st.dictionaries(st.sampled_from(KINDS), st.sampled_from(("owes", "invited", "voluntary"))),
    st.just((7, 0)),
)
years = st.sets(st.integers(2024, 2031), max_size=4)
ends = st.dictionaries(st.just(1), st.dates(date(2027, 1, 1), date(2028, 12, 31)))


@given(rule_sets, years, ends, members)
def test_generation_is_a_function_and_asks_nobody_twice_or_from_before_they_came(
    rules: Rules, chosen: set[int], ended: dict[int, date], roll: list[Member]
) -> None:
    found = duties(rules, chosen, ended, roll)
    assert found == duties(rules, chosen, ended, reversed(roll))
    came = {one.participant: one.registered_at for one in roll}
    assert all(duty.due >= came[duty.participant] for duty in found.values())
    assert all(key == duty.key for key, duty in found.items())
    assert all(int(duty.period[:4]) in chosen for duty in found.values())


def done(there: Mapping[Key, Laid], now: datetime, wanted: Mapping[Key, Duty]) -> dict[Key, Laid]:
    """What stands after a re-plan was applied."""
    plan = replan(there, wanted, now)
    after = dict(there)
    after |= {duty.key: laid(duty) for duty in plan.new}
    after |= {duty.key: laid(duty) for _, duty in plan.moved}
    after |= {one.key: replace(one, standing="withdrawn") for one in plan.withdrawn}
    return after


@given(rule_sets, rule_sets, years, members, st.data())
def test_a_replan_of_what_is_unmet_equals_a_fresh_plan(
    old: Rules, new: Rules, chosen: set[int], roll: list[Member], data: st.DataObject
) -> None:
    first = duties(old, chosen, {}, roll)
    there: dict[Key, Laid] = {}
    for key, duty in first.items():
        standing = data.draw(st.sampled_from(get_args(Standing)))
        there[key] = laid(duty, standing)
    now = datetime(2024, 1, 1, tzinfo=UTC)
    fresh = duties(new, chosen, {}, roll)
    after = done(there, now, fresh)
    assert {key for key, one in after.items() if one.standing == "open"} == {
        key for key in fresh if key not in there or there[key].standing in {"open", "withdrawn"}
    }
    for key, one in after.items():
        if one.standing == "open":
            duty = fresh[key]
            assert (one.due, one.manner, one.due_text) == (duty.due, duty.manner, duty.due_text)
    settled = {"met", "released"}
    assert all(after[key] == one for key, one in there.items() if one.standing in settled)
    assert not replan(after, fresh, now)
