"""Who has what to do: every role before every state of a matter, and what holds for any facts."""

import itertools
import re
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.letter import Duty
from services.notify.domain.task import (
    RULES,
    SOON_DAYS,
    Asker,
    Dossier,
    Kind,
    Known,
    Owed,
    Progress,
    Report,
    ReportState,
    Task,
    Urgency,
    Waiting,
    Whose,
    tasks,
    title,
    urgency,
)
from services.notify.store.tasks import asker_of
from shared.calendar import WARD_ZONE, last_moment_of
from shared.roles import ROLES
from shared.web.identity import Person

pytestmark = pytest.mark.unit

TODAY = date(2025, 12, 2)
PERIOD = "2025-annual"
AT = datetime(2025, 12, 1, 9, 30, tzinfo=WARD_ZONE)
SCHOOL = Whose("truong-1", "Trường số 1", "", "truong-1.reporter")
PUPIL = Whose("ca-nhan-1", "Giáo viên dạy Tin học", "truong-1", "giao-vien")
OTHER = Whose("tram-y-te", "Trạm Y tế", "", "tram.reporter")
WHO = (SCHOOL, PUPIL, OTHER)

OWN = {"reporter", "head"}
OFFICE = {"officer", "substitute-officer"}
BY_STATE = {
    "plan owed": {Kind.PLAN: OWN},
    "report owed": {Kind.REPORT: OWN},
    "literacy plan owed": {Kind.LITERACY: OWN},
    "midterm review owed": {Kind.MIDTERM: OWN},
    "final review owed": {Kind.FINAL: OWN},
    "draft before the head": {Kind.ENDORSE: {"head"}},
    "report received": {Kind.LOOK: OFFICE},
    "report returned": {Kind.CORRECT: OWN},
    "report accepted": {},
    "report accepted, sheet adopted": {Kind.MARK: {"assessor"}},
    "period without a sheet": {Kind.SHEET: {"council-secretary"}},
    "period with a sheet": {},
    "period over, one report not marked": {},
    "period over, one report not looked at": {},
    "period over, nothing accepted": {},
    "period over, all marked": {Kind.FREEZE: {"council-secretary"}},
    "period not over, all marked": {},
    "dossier opened": {Kind.PUBLISH: OFFICE},
    "dossier shown": {
        Kind.ANNOUNCE: {"communications-officer"},
        Kind.CONVENE: {"council-secretary"},
    },
    "dossier shown long enough": {Kind.CONVENE: {"council-secretary"}, Kind.VOTE: {"council"}},
    "dossier passed": {Kind.APPROVE: {"chairman"}, Kind.NUMBER: {"clerk"}},
    "dossier voted down": {},
}
"""What each state asks of whom."""
JUDGING = {Kind.LOOK, Kind.MARK, Kind.VOTE, Kind.APPROVE}
"""Nobody does it to the file of their own unit (law 10)."""


def owed(whose: Whose, duty: Duty = Duty.ANNUAL_REPORT, *, owes: bool = True) -> Owed:
    due = last_moment_of(date(2025, 12, 9))
    return Owed(f"0198-{whose.participant}-{duty}", whose, duty, owes, PERIOD, due)


def report(whose: Whose, state: ReportState, *, adopted: bool = False) -> Report:
    due = last_moment_of(date(2025, 12, 15)) if state == "returned" else None
    return Report(whose, PERIOD, state, AT, due, "", adopted)


def period(*counts: int, adopted: bool = True, over: bool = True) -> Progress:
    report_by = last_moment_of(TODAY - timedelta(1) if over else TODAY)
    return Progress(PERIOD, adopted, report_by, *counts)


def known(state: str, whose: Whose) -> Known:
    return {
        "plan owed": Known(owed=(owed(whose, Duty.UNIT_PLAN),)),
        "report owed": Known(owed=(owed(whose),)),
        "literacy plan owed": Known(owed=(owed(whose, Duty.LITERACY_PLAN),)),
        "midterm review owed": Known(owed=(owed(whose, Duty.MIDTERM_REPORT),)),
        "final review owed": Known(owed=(owed(whose, Duty.FINAL_REPORT),)),
        "draft before the head": Known(drafts=(Waiting(whose, PERIOD, AT),)),
        "report received": Known(reports=(report(whose, "received"),)),
        "report returned": Known(reports=(report(whose, "returned"),)),
        "report accepted": Known(reports=(report(whose, "accepted"),)),
        "report accepted, sheet adopted": Known(reports=(report(whose, "accepted", adopted=True),)),
        "period without a sheet": Known(periods=(period(adopted=False, over=False),)),
        "period with a sheet": Known(periods=(period(over=False),)),
        "period over, one report not marked": Known(periods=(period(0, 3, 2),)),
        "period over, one report not looked at": Known(periods=(period(1, 3, 3),)),
        "period over, nothing accepted": Known(periods=(period(),)),
        "period over, all marked": Known(periods=(period(0, 3, 3),)),
        "period not over, all marked": Known(periods=(period(0, 3, 3, over=False),)),
        "dossier opened": Known(dossiers=(Dossier(whose, PERIOD),)),
        "dossier shown": Known(dossiers=(Dossier(whose, PERIOD, TODAY),)),
        "dossier shown long enough": Known(
            dossiers=(Dossier(whose, PERIOD, TODAY - timedelta(1)),)
        ),
        "dossier passed": Known(dossiers=(Dossier(whose, PERIOD, TODAY, passed=True),)),
        "dossier voted down": Known(dossiers=(Dossier(whose, PERIOD, TODAY, passed=False),)),
    }[state]


def asker(*roles: str, unit: str = "", person: str = "somebody") -> Asker:
    units = frozenset({unit} - {""})
    heads = units if "head" in roles else frozenset[str]()
    return Asker(frozenset({person}), frozenset(roles), units, units, heads)


def kinds(found: list[Task]) -> set[Kind]:
    return {task.kind for task in found}


@pytest.mark.parametrize("state", BY_STATE)
@pytest.mark.parametrize("whose", WHO, ids=lambda whose: whose.participant)
def test_every_role_before_every_state(state: str, whose: Whose) -> None:
    for role, unit in itertools.product(ROLES, ("", "truong-1", "tram-y-te")):
        own = unit in {whose.participant, whose.proposed_by} - {""}
        expected = {
            kind
            for kind, roles in BY_STATE[state].items()
            if role in roles and (own if roles <= OWN else not (own and kind in JUDGING))
        }
        found = tasks(known(state, whose), asker(role, unit=unit), TODAY)
        assert kinds(found) == expected, (role, unit)


@pytest.mark.parametrize("state", BY_STATE)
def test_whoever_is_named_as_reporter_judges_it_in_no_role(state: str) -> None:
    """Nor does their name alone, without the role, show them anything: it may have ended."""
    named = replace(asker(*ROLES), people=frozenset({"somebody", OTHER.reporter}))
    expected = {kind for kind in BY_STATE[state] if RULES[kind].reach == "ward"}
    assert kinds(tasks(known(state, OTHER), named, TODAY)) == expected
    assert tasks(known(state, OTHER), asker(person=OTHER.reporter), TODAY) == []


def test_whoever_heads_one_unit_and_reports_for_another_approves_for_the_one() -> None:
    both = frozenset({SCHOOL.participant, OTHER.participant})
    one = frozenset({SCHOOL.participant})
    somebody = Asker(frozenset({"somebody"}), frozenset({"head", "reporter"}), both, both, one)
    found = tasks(all_of("draft before the head"), somebody, TODAY)
    assert {task.participant for task in found} == {SCHOOL.participant, PUPIL.participant}
    assert {task.path for task in found} == {
        f"/intake/drafts/{code}/{PERIOD}" for code in (SCHOOL.participant, PUPIL.participant)
    }


@pytest.mark.parametrize("role", ["auditor", "operator", "inspector"])
def test_some_only_look(role: str) -> None:
    everything = all_of(*BY_STATE)
    assert tasks(everything, asker(role, unit="truong-1"), TODAY) == []


def all_of(*states: str) -> Known:
    facts = [known(state, whose) for state in states for whose in WHO]
    return Known(
        tuple(one for fact in facts for one in fact.owed),
        tuple(one for fact in facts for one in fact.reports),
        tuple(one for fact in facts for one in fact.periods),
        tuple(one for fact in facts for one in fact.dossiers),
        tuple(one for fact in facts for one in fact.drafts),
    )


@pytest.mark.parametrize(
    ("left", "owes", "expected"),
    [
        (-1, True, Urgency.LATE),
        (0, True, Urgency.SOON),
        (SOON_DAYS, True, Urgency.SOON),
        (SOON_DAYS + 1, True, Urgency.OPEN),
        (-1, False, Urgency.OPEN),
        (0, False, Urgency.OPEN),
    ],
)
def test_urgency_is_counted_to_the_last_day(left: int, owes: bool, expected: Urgency) -> None:
    assert urgency(TODAY + timedelta(left), TODAY, owes=owes) is expected
    assert urgency(None, TODAY, owes=owes) is Urgency.OPEN


def test_the_invited_are_invited_and_never_late() -> None:
    invited = owed(SCHOOL, owes=False)._replace(due=last_moment_of(TODAY - timedelta(40)))
    [task] = tasks(Known(owed=(invited,)), asker("reporter", unit="truong-1"), TODAY)
    assert task.urgency is Urgency.OPEN
    assert title(task, "năm 2025") == "Mời gửi báo cáo thi đua năm 2025"


def test_dossiers_of_a_period_are_one_task_and_ones_own_are_not_counted() -> None:
    files = tuple(Dossier(whose, PERIOD, TODAY, passed=True) for whose in WHO)
    [task] = tasks(Known(dossiers=files), asker("chairman", unit="truong-1"), TODAY)
    assert (task.kind, task.files, task.about) == (Kind.APPROVE, 1, "")
    [task] = tasks(Known(dossiers=files), asker("clerk"), TODAY)
    assert title(task, "năm 2025").endswith(": 3 hồ sơ năm 2025")


def test_what_is_shown_first_ends_first() -> None:
    files = tuple(Dossier(OTHER, PERIOD, TODAY + timedelta(days)) for days in (9, 4))
    [task] = tasks(Known(dossiers=files), asker("communications-officer"), TODAY)
    assert (task.due, task.files) == (TODAY + timedelta(4), 2)


def test_every_kind_has_a_rule_and_words() -> None:
    assert set(RULES) == set(Kind) == {kind for asked in BY_STATE.values() for kind in asked}
    found = tasks(all_of(*BY_STATE), asker(*ROLES, unit="tram-y-te"), TODAY)
    assert kinds(found) == set(Kind)
    for task in found:
        words = title(task, "năm 2025")
        assert "{" not in words
        assert words[0].isupper()
        assert re.fullmatch(r"/(intake|scoring|awards)/[a-z0-9/?=-]*", task.path), task.path


def test_a_duty_and_its_report_are_at_one_page() -> None:
    asked = report(SCHOOL, "returned")._replace(obligation="0198f2a4")
    unasked = report(PUPIL, "returned")
    found = tasks(Known(reports=(asked, unasked)), asker("head", unit="truong-1"), TODAY)
    assert {task.path for task in found} == {
        "/intake/duties/0198f2a4",
        f"/intake/files/ca-nhan-1/{PERIOD}",
    }


WHOSE = st.builds(
    Whose,
    st.sampled_from(["a", "b", "c"]),
    st.just("Tên"),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["p", "q"]),
)
DAYS = st.integers(-40, 40).map(lambda days: last_moment_of(TODAY + timedelta(days)))
PERIODS = st.sampled_from(["2025", "2026"])
KNOWN = st.builds(
    Known,
    st.lists(
        st.builds(
            Owed,
            st.uuids().map(str),
            WHOSE,
            st.sampled_from(Duty),
            st.booleans(),
            PERIODS,
            DAYS,
        ),
        max_size=4,
    ).map(tuple),
    st.lists(
        st.builds(
            Report,
            WHOSE,
            PERIODS,
            st.sampled_from(["received", "returned", "accepted"]),
            DAYS,
            st.none() | DAYS,
            adopted=st.booleans(),
        ),
        max_size=4,
        unique_by=lambda one: (one.whose.participant, one.period),
    ).map(tuple),
    st.lists(
        st.builds(Progress, PERIODS, st.booleans(), DAYS, *[st.integers(0, 2)] * 3),
        max_size=2,
        unique_by=lambda one: one.period,
    ).map(tuple),
    st.lists(
        st.builds(
            Dossier,
            WHOSE,
            PERIODS,
            st.none() | DAYS.map(lambda moment: moment.date()),
            st.none() | st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
)
UNITS = st.frozensets(st.sampled_from(["", "a", "b", "c"]))
ASKERS = st.builds(
    Asker,
    st.frozensets(st.sampled_from(["p", "q", "r"])),
    st.frozensets(st.sampled_from(ROLES)),
    UNITS,
    UNITS,
    UNITS,
)


@given(KNOWN, ASKERS, st.randoms(use_true_random=False))
def test_the_order_of_facts_changes_nothing(facts: Known, who: Asker, random: Random) -> None:
    found = tasks(facts, who, TODAY)

    def mixed(rows: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(random.sample(rows, len(rows)))

    other = Known(*map(mixed, (facts.owed, facts.reports, facts.periods, facts.dossiers)))  # type: ignore[arg-type]
    assert tasks(other, who, TODAY) == found
    assert [task.place for task in found] == sorted(task.place for task in found)
    assert max(Counter(task.id for task in found).values(), default=1) == 1


def units(whose: Whose) -> set[str]:
    return {whose.participant, whose.proposed_by} - {""}


@given(KNOWN, ASKERS)
def test_nobody_is_given_what_is_not_theirs(facts: Known, who: Asker) -> None:
    """Worked out once more, from one fact at a time."""
    people = {*(one.whose for one in facts.owed), *(one.whose for one in facts.reports)}
    for task in tasks(facts, who, TODAY):
        rule = RULES[task.kind]
        of_them = [whose for whose in people if whose.participant == task.participant]
        if rule.reach == "own":
            assert any(
                {"reporter", "head"} & who.roles and units(one) & who.answers_for for one in of_them
            )
        else:
            assert rule.roles & who.roles
        if task.kind in {Kind.LOOK, Kind.MARK}:
            assert any(
                not units(one) & who.of and one.reporter not in who.people for one in of_them
            )


@given(KNOWN, ASKERS)
def test_a_role_more_takes_nothing_away(facts: Known, who: Asker) -> None:
    every = replace(who, roles=frozenset(ROLES))
    some = {task.id for task in tasks(facts, who, TODAY)}
    assert some <= {task.id for task in tasks(facts, every, TODAY)}


def test_the_asker_of_a_person() -> None:
    def person(**more: object) -> Person:
        roles = frozenset({"reporter", "council", "council-secretary"})
        return Person("p", "Tên", roles, "a", "tu-minh", **more)  # type: ignore[arg-type]

    assert asker_of(person()).answers_for == {"a"}
    for_b = asker_of(person(units=frozenset({"b"})))
    assert for_b.answers_for == {"b"}
    assert for_b.of == {"a", "b"}
    acting = asker_of(person(acting_for="q", acting_for_unit="c"))
    assert acting.answers_for == acting.of == {"a", "c"}
    assert acting.people == {"p", "q"}
    assert asker_of(person(sessions=frozenset({"phien-1"}))).roles == {"reporter"}
