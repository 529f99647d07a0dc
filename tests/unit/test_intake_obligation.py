"""Who is asked for what, and every pair of state and command of a duty."""

from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from services.intake.domain.deadline import ESCALATED, OVERDUE
from services.intake.domain.obligation import (
    TRANSITIONS,
    Command,
    Standing,
    State,
    command_of,
    decide_order,
    is_asked,
    is_still_asked,
    may,
    may_be_ordered,
    may_give,
    obligation_id,
    order,
    state_of,
    transition,
)
from shared.calendar import last_moment_of
from shared.contracts.intake import Manner, ObligationKind
from shared.refusal import Refusal
from shared.roles import Role
from tests.unit.test_intake_deadline import DEADLINE

pytestmark = pytest.mark.unit

ALL: tuple[Manner, ...] = get_args(Manner)
OFFICE = {"officer", "substitute-officer"}
LINES: list[tuple[State, Command, State, tuple[Manner, ...], set[str]]] = [
    ("open", "remind", "open", ("owes", "invited"), {"clock"}),
    ("open", "find-overdue", "open", ("owes",), {"clock"}),
    ("open", "escalate", "open", ("owes",), {"clock"}),
    ("open", "meet", "met", ALL, {"door"}),
    ("open", "move", "open", ALL, OFFICE | {"rules"}),
    ("open", "waive", "waived", ALL, OFFICE),
    ("open", "excuse", "excused", ALL, OFFICE),
    ("open", "withdraw", "withdrawn", ALL, {"rules"}),
    ("excused", "waive", "waived", ALL, OFFICE),
    ("excused", "reopen", "open", ALL, OFFICE),
    ("waived", "reopen", "open", ALL, OFFICE),
    ("withdrawn", "reopen", "open", ALL, {"rules"}),
]
"""All that is allowed: state, command, where it leads, for whom, given by whom."""
ALLOWED = {
    (state, command, manner): (target, by)
    for state, command, target, manners, by in LINES
    for manner in manners
}
GIVERS = (*get_args(Role), "clock", "door", "rules")
EVERY = list(product(get_args(State), get_args(Command), get_args(Manner)))


@pytest.mark.parametrize(("state", "command", "manner"), EVERY)
def test_every_state_and_command(state: State, command: Command, manner: Manner) -> None:
    expected = ALLOWED.get((state, command, manner))
    assert may(state, command, manner) == (expected is not None)
    if expected is not None:
        assert transition(state, command, manner) == expected[0]
        return
    with pytest.raises(Refusal) as caught:
        transition(state, command, manner)
    assert caught.value.name == "obligation-closed"
    assert caught.value.detail.startswith("Nhiệm vụ")


@pytest.mark.parametrize("giver", GIVERS)
def test_every_state_and_command_by_everybody_who_could_give_it(giver: str) -> None:
    for state, command, manner in EVERY:
        target, by = ALLOWED.get((state, command, manner), ("", set()))
        if giver in by:
            assert order(state, command, manner, {giver}) == target
            continue
        with pytest.raises(Refusal) as caught:
            order(state, command, manner, {giver})
        expected = "not-yours-to-order" if target else "obligation-closed"
        assert caught.value.name == expected, (state, command, manner)


@pytest.mark.parametrize("giver", GIVERS)
@pytest.mark.parametrize("has_left", [False, True])
@pytest.mark.parametrize("is_sent", [False, True])
def test_what_nobody_could_meet_any_more_is_not_asked_for_again(
    giver: str, has_left: bool, is_sent: bool
) -> None:
    """And a page offers exactly what is accepted."""
    for state, command, manner in EVERY:
        standing = Standing(state, manner, has_left, is_sent)
        target, by = ALLOWED.get((state, command, manner), ("", set()))
        hindered = command == "reopen" and (has_left or is_sent)
        accepted = giver in by and not hindered
        assert may_be_ordered(standing, command, {giver}) == accepted, (state, command, manner)
        if accepted:
            assert decide_order(standing, command, {giver}) == target
        elif giver in by:
            with pytest.raises(Refusal) as caught:
                decide_order(standing, command, {giver})
            assert caught.value.name == ("left-already" if has_left else "sent-already")


def test_of_several_roles_one_is_enough() -> None:
    assert order("open", "waive", "owes", {"reporter", "officer"}) == "waived"
    assert not may_give("open", "waive", {"reporter", "head", "chairman"})


def test_the_table_names_only_known_states_and_commands() -> None:
    pairs = set(product(get_args(State), get_args(Command)))
    assert set(TRANSITIONS) <= pairs
    assert {step.to for step in TRANSITIONS.values()} <= set(get_args(State))


ASKED: set[tuple[ObligationKind, Manner]] = {
    ("unit-plan", "owes"),
    ("unit-plan", "invited"),
    ("annual-report", "owes"),
    ("annual-report", "invited"),
    ("annual-report", "voluntary"),
    ("digital-literacy-plan", "owes"),
    ("digital-literacy-plan", "invited"),
    ("midterm-report", "owes"),
    ("midterm-report", "invited"),
    ("final-report", "owes"),
    ("final-report", "invited"),
}


@pytest.mark.parametrize(
    ("kind", "manner"), list(product(get_args(ObligationKind), get_args(Manner)))
)
def test_who_is_asked(kind: ObligationKind, manner: Manner) -> None:
    asked = (kind, manner) in ASKED
    assert is_asked(kind, manner) is asked
    assert is_still_asked(kind, manner, DEADLINE, DEADLINE) is asked
    assert not is_still_asked(kind, manner, DEADLINE, DEADLINE + timedelta(seconds=1))


def test_a_duty_has_one_id_whoever_plans_it() -> None:
    ours = obligation_id("tu-minh", "thcs-1", "annual-report", "2025-annual")
    assert ours == obligation_id("tu-minh", "thcs-1", "annual-report", "2025-annual")
    others = {
        obligation_id("phuong-khac", "thcs-1", "annual-report", "2025-annual"),
        obligation_id("tu-minh", "thcs-2", "annual-report", "2025-annual"),
        obligation_id("tu-minh", "thcs-1", "unit-plan", "2025-annual"),
        obligation_id("tu-minh", "thcs-1", "annual-report", "2026-annual"),
    }
    assert len(others | {ours}) == 5


def test_what_rows_mean() -> None:
    assert (state_of(None), state_of(last_moment_of(DEADLINE.date()))) == ("open", "met")
    assert [state_of(None, why) for why in ("waived", "excused", "rule-changed", "left")] == [
        "waived",
        "excused",
        "withdrawn",
        "withdrawn",
    ]
    assert [command_of(offset) for offset in (30, 0, OVERDUE, ESCALATED)] == [
        "remind",
        "remind",
        "find-overdue",
        "escalate",
    ]
