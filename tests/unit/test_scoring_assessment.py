"""State × command × role, exhaustively; and every rule that a mark has to keep."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import get_args

import pytest

from services.scoring.domain.assessment import (
    INTAKE,
    STEPS,
    Acceptance,
    Assessment,
    Command,
    State,
    check_revision,
    keep_off_own,
    may,
    step,
)
from services.scoring.domain.marks import Given, Kind, Mark, Marks, Slot, Stage, changes, decide
from services.scoring.domain.participant import Participant
from services.scoring.domain.result import Score, basis_shown, self_score, verified_score
from services.scoring.domain.score import Basis
from services.scoring.domain.standing import standing
from shared.refusal import Refusal
from shared.roles import Role
from tests.unit.test_scoring_score import REPORT, SHEET, A, claim_of, marks_of, scores

pytestmark = pytest.mark.unit

EXPECTED = """
waiting   claim   claimed   intake
claimed   claim   claimed   intake
claimed   accept  accepted  intake
accepted  claim   accepted  intake
accepted  accept  accepted  intake
accepted  verify  verified  assessor
verified  claim   verified  intake
verified  accept  accepted  intake
verified  verify  verified  assessor
verified  judge   verified  council council-secretary
verified  freeze  frozen    council-secretary
frozen    claim   frozen    intake
frozen    accept  frozen    intake
"""
TABLE = {
    (row[0], row[1]): (row[2], frozenset(row[3:]))
    for row in map(str.split, EXPECTED.split("\n")[1:-1])
}
ROLES = (*get_args(Role), INTAKE)
UNIT = Participant("pb-1", "Phòng 1", "a", "phong-ban")
PERSON = Participant("cb-1", "Công chức 1", "d", "ca-nhan", False, "pb-1")
CLAIM = scores(a1="38", a2="24", a3="14", a4="18")
NEXT = replace(CLAIM, revision=2)
ACCEPTED = Acceptance(1, datetime(2025, 12, 12, tzinfo=UTC), late=True)
VERIFIED = marks_of(Stage.VERIFIED, {"a1": "35", "a2": "20", "a3": "12", "a4": "18"})

STATES: Mapping[State, Assessment] = {
    State.WAITING: Assessment(UNIT, SHEET),
    State.CLAIMED: Assessment(UNIT, SHEET, CLAIM),
    State.ACCEPTED: Assessment(UNIT, SHEET, CLAIM, ACCEPTED),
    State.VERIFIED: Assessment(UNIT, SHEET, CLAIM, ACCEPTED, VERIFIED),
    State.FROZEN: Assessment(UNIT, SHEET, CLAIM, ACCEPTED, VERIFIED, frozen=True),
}


def after(one: Assessment, command: Command) -> Assessment:
    """What is on record after a command, as the store would load it."""
    if command is Command.CLAIM:
        return one if one.acceptance else replace(one, claim=NEXT if one.claim else CLAIM)
    if command is Command.ACCEPT:
        newer = replace(ACCEPTED, revision=2)
        return replace(one, claim=NEXT, acceptance=newer, marks={})
    if command is Command.VERIFY:
        return one.with_marks({**one.marks, **VERIFIED})
    if command is Command.JUDGE:
        return one.with_marks({**one.marks, **marks_of(Stage.COUNCIL, {"a1": "30"})})
    return replace(one, frozen=True)


@pytest.mark.parametrize(("state", "command"), list(product(State, Command)))
def test_every_state_and_command(state: State, command: Command) -> None:
    expected = TABLE.get((state, command))
    if expected is None:
        with pytest.raises(Refusal) as refusal:
            step(state, command)
        assert refusal.value.detail
        assert refusal.value.pointer
        return
    leads_to, roles = expected
    assert step(state, command) == STEPS[state, command]
    assert (step(state, command).to, step(state, command).roles) == (leads_to, roles)
    assert STATES[state].state is state
    assert after(STATES[state], command).state == leads_to


@pytest.mark.parametrize(("command", "role"), list(product(Command, ROLES)))
def test_every_command_and_role(command: Command, role: str) -> None:
    allowed = {name for (_, c), (_, names) in TABLE.items() if c == command for name in names}
    assert may(frozenset({role}), command) == (role in allowed)


def test_nobody_marks_their_own_unit_or_whom_it_proposed() -> None:
    for participant in (UNIT, PERSON):
        with pytest.raises(Refusal, match="own-unit"):
            keep_off_own(participant, {"pb-1"})
        with pytest.raises(Refusal, match="own-unit"):
            keep_off_own(participant, {"th-1", "pb-1"})
        keep_off_own(participant, {"pb-2"})
        keep_off_own(participant, frozenset())
    keep_off_own(UNIT, {"cb-1"})


def test_marks_are_for_the_accepted_revision() -> None:
    check_revision(ACCEPTED, 1)
    with pytest.raises(Refusal) as refusal:
        check_revision(ACCEPTED, 2)
    assert refusal.value.pointer == "/revision"


def test_marks_of_an_earlier_revision_do_not_verify_a_later_one() -> None:
    reopened = after(STATES[State.VERIFIED], Command.ACCEPT)
    assert reopened.state is State.ACCEPTED
    assert verified_score(reopened) is None


def given(stage: Stage, points: Mapping[str, str], reason: str = "") -> list[Given]:
    kinds = {"bonus": Kind.BONUS, "deduction": Kind.DEDUCTION}
    marks = []
    for number, (code, value) in enumerate(points.items()):
        kind = kinds.get(code, Kind.CRITERION)
        slot = Slot(stage, kind, code if kind is Kind.CRITERION else "")
        here = f"/marks/{number}" if kind is Kind.CRITERION else f"/{code}"
        why = f"{here}/reason" if kind is Kind.CRITERION else f"/{code}_reason"
        marks.append(Given(slot, Decimal(value), reason, here, why))
    return marks


ALL = {"a1": "35", "a2": "20", "a3": "12", "a4": "18"}
JUDGED = {**VERIFIED, **marks_of(Stage.COUNCIL, {"a1": "30"})}


@pytest.mark.parametrize(
    ("marks", "stage", "points", "reason", "name", "pointer"),
    [
        ({}, Stage.VERIFIED, {**ALL, "a1": "40.01"}, "", "points-above-maximum", "/marks/0/points"),
        ({}, Stage.VERIFIED, {**ALL, "a2": "-0.01"}, "", "negative-points", "/marks/1/points"),
        ({}, Stage.VERIFIED, {"a1": "1", "a2": "1"}, "", "missing-criterion", "/marks"),
        ({}, Stage.VERIFIED, {}, "", "missing-criterion", "/marks"),
        (
            {},
            Stage.VERIFIED,
            {**ALL, "c1": "1"},
            "",
            "criterion-not-on-sheet",
            "/marks/4/criterion",
        ),
        ({}, Stage.VERIFIED, {**ALL, "bonus": "10.01"}, "vì", "points-above-maximum", "/bonus"),
        (
            {},
            Stage.VERIFIED,
            {**ALL, "deduction": "21"},
            "vì",
            "points-above-maximum",
            "/deduction",
        ),
        ({}, Stage.VERIFIED, {**ALL, "bonus": "1"}, "", "reason-required", "/bonus_reason"),
        ({}, Stage.VERIFIED, {**ALL, "deduction": "1"}, "", "reason-required", "/deduction_reason"),
        (VERIFIED, Stage.VERIFIED, {"a1": "34"}, "", "reason-required", "/marks/0/reason"),
        (VERIFIED, Stage.COUNCIL, {"a1": "34"}, "", "reason-required", "/marks/0/reason"),
        (VERIFIED, Stage.COUNCIL, {"bonus": "1"}, "", "reason-required", "/bonus_reason"),
        (JUDGED, Stage.VERIFIED, {"a1": "34"}, "vì", "council-has-marked", "/marks/0"),
    ],
)
def test_a_mark_that_breaks_a_rule_is_refused(
    marks: Marks, stage: Stage, points: Mapping[str, str], reason: str, name: str, pointer: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        decide(SHEET, A, CLAIM, marks, given(stage, points, reason))
    assert (refusal.value.name, refusal.value.pointer) == (name, pointer)


def test_a_criterion_is_marked_once_in_a_form() -> None:
    twice = [*given(Stage.VERIFIED, ALL), *given(Stage.VERIFIED, {"a1": "35"})]
    with pytest.raises(Refusal, match="marked-twice"):
        decide(SHEET, A, CLAIM, {}, twice)


def test_what_does_not_apply_is_neither_marked_nor_missing() -> None:
    claim = scores(a1="38", a2="24", a3="14", a4=None)
    three = {code: points for code, points in ALL.items() if code != "a4"}
    assert len(decide(SHEET, A, claim, {}, given(Stage.VERIFIED, three))) == 3
    with pytest.raises(Refusal, match="criterion-not-applicable"):
        decide(SHEET, A, claim, {}, given(Stage.VERIFIED, ALL))


def test_a_correction_names_the_row_that_it_replaces() -> None:
    slot = Slot(Stage.VERIFIED, Kind.CRITERION, "a1")
    marks = {**VERIFIED, slot: Mark(slot, Decimal(35), "", id=7)}
    [row] = decide(SHEET, A, CLAIM, marks, given(Stage.VERIFIED, {"a1": "36"}, "Bổ sung"))
    assert (row.points, row.replaces) == (Decimal(36), 7)
    judged = given(Stage.COUNCIL, {"a1": "36"}, "Hội đồng xem lại")
    [other] = decide(SHEET, A, CLAIM, marks, judged)
    assert other.replaces is None


def test_the_same_marks_again_change_nothing() -> None:
    again = given(Stage.VERIFIED, {**ALL, "bonus": "0", "deduction": "0"})
    marks = {slot: replace(mark, reason="") for slot, mark in VERIFIED.items()}
    assert changes(again, marks) == ()
    assert decide(SHEET, A, CLAIM, marks, again) == ()


def test_a_council_mark_that_agrees_needs_no_reason_and_may_take_a_bonus_away() -> None:
    marks = {**VERIFIED, **marks_of(Stage.VERIFIED, {"bonus": "3"})}
    assert len(decide(SHEET, A, CLAIM, marks, given(Stage.COUNCIL, {"a1": "35"}))) == 1
    with pytest.raises(Refusal, match="reason-required"):
        decide(SHEET, A, CLAIM, marks, given(Stage.COUNCIL, {"bonus": "0"}))
    assert len(decide(SHEET, A, CLAIM, marks, given(Stage.COUNCIL, {"bonus": "0"}, "vì"))) == 1


def test_what_is_news() -> None:
    score = Score("self", REPORT, 2, 1, Decimal("94.00"))
    assert score.is_news_after(None)
    assert not score.is_news_after(replace(score, total=Decimal(94)))
    assert score.is_news_after(replace(score, total=Decimal(93)))
    assert score.is_news_after(replace(score, revision=1))
    assert not score.is_news_after(replace(score, revision=3))


def test_a_score_waits_for_sheet_and_group() -> None:
    assert self_score(None, UNIT, CLAIM) is None
    assert self_score(SHEET, None, CLAIM) is None
    assert self_score(SHEET, replace(UNIT, group="z"), CLAIM) is None
    score = self_score(SHEET, UNIT, CLAIM)
    assert score is not None
    assert score.total == 94
    assert verified_score(STATES[State.ACCEPTED]) is None
    verified = verified_score(STATES[State.VERIFIED])
    assert verified is not None
    assert verified.total == 83


def test_the_verified_score_leaves_the_council_out() -> None:
    judged = STATES[State.VERIFIED].with_marks(JUDGED)
    score = verified_score(judged)
    assert score is not None
    assert score.total == 83


@pytest.mark.parametrize(("state", "sees_all"), list(product(State, (True, False))))
def test_marks_in_progress_are_only_shown_to_who_sees_all(state: State, sees_all: bool) -> None:
    shown = basis_shown(STATES[state], sees_all=sees_all)
    assert shown is (Basis.FINAL if sees_all and state is State.VERIFIED else Basis.SELF)
    assert standing(STATES[state], None, sees_all=sees_all).rank is None


def test_an_empty_claim_still_has_to_be_marked() -> None:
    empty = Assessment(UNIT, SHEET, claim_of(), ACCEPTED)
    assert empty.state is State.ACCEPTED
    assert empty.late
