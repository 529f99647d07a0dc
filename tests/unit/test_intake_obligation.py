"""Who is asked for what, and every pair of state and command of a duty."""

from datetime import timedelta
from itertools import product
from typing import get_args

import pytest

from services.intake.domain.deadline import OVERDUE
from services.intake.domain.obligation import (
    TRANSITIONS,
    Command,
    State,
    command_of,
    is_asked,
    is_still_asked,
    may,
    obligation_id,
    state_of,
    transition,
)
from shared.calendar import last_moment_of
from shared.contracts.intake import Manner, ObligationKind
from shared.refusal import Refusal
from tests.unit.test_intake_deadline import DEADLINE

pytestmark = pytest.mark.unit

ALLOWED: dict[tuple[State, Command, Manner], State] = {
    ("open", "remind", "owes"): "open",
    ("open", "remind", "invited"): "open",
    ("open", "find-overdue", "owes"): "open",
    ("open", "meet", "owes"): "met",
    ("open", "meet", "invited"): "met",
    ("open", "meet", "voluntary"): "met",
    ("open", "meet", "proposed"): "met",
}
EVERY = list(product(get_args(State), get_args(Command), get_args(Manner)))


@pytest.mark.parametrize(("state", "command", "manner"), EVERY)
def test_every_state_and_command(state: State, command: Command, manner: Manner) -> None:
    expected = ALLOWED.get((state, command, manner))
    assert may(state, command, manner) == (expected is not None)
    if expected is not None:
        assert transition(state, command, manner) == expected
        return
    with pytest.raises(Refusal) as caught:
        transition(state, command, manner)
    assert caught.value.name == "obligation-closed"
    assert caught.value.detail.startswith("Nhiệm vụ")


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
    assert [command_of(offset) for offset in (30, 0, OVERDUE)] == [
        "remind",
        "remind",
        "find-overdue",
    ]
