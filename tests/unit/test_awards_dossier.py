"""Every state × command × role of a dossier, and the guards on the way."""

from datetime import date, timedelta
from itertools import product

import pytest

from services.awards.domain.dossier import (
    LIVE,
    TRANSITIONS,
    WORDS,
    Circumstances,
    Command,
    State,
    is_own_unit,
    step,
    steps_from,
)
from shared.refusal import Refusal

pytestmark = pytest.mark.unit
ROLES = [
    "reporter",
    "officer",
    "substitute-officer",
    "assessor",
    "council",
    "council-secretary",
    "chairman",
    "clerk",
    "communications",
    "operator",
    "auditor",
]
WINDOW = date(2025, 12, 26)
FINE = Circumstances(
    date(2025, 12, 29), own_unit=False, window_until=WINDOW, held_on=date(2025, 12, 29)
)
WAY: dict[tuple[State | None, Command], tuple[State, set[str]]] = {
    (None, Command.OPEN): (State.OPENED, {"officer", "substitute-officer"}),
    (State.OPENED, Command.PUBLISH): (State.PUBLISHED, {"officer", "substitute-officer"}),
    (State.PUBLISHED, Command.CONVENE): (State.IN_SESSION, {"council-secretary"}),
    (State.IN_SESSION, Command.VOTE): (State.IN_SESSION, {"council"}),
    (State.IN_SESSION, Command.PASS): (State.PASSED, {"council-secretary"}),
    (State.IN_SESSION, Command.FAIL): (State.FAILED, {"council-secretary"}),
    (State.PASSED, Command.APPROVE): (State.APPROVED, {"chairman"}),
    (State.APPROVED, Command.DECIDE): (State.DECIDED, {"clerk"}),
}
"""What a dossier may do, written again by hand; everything else is refused."""


@pytest.mark.parametrize(
    ("state", "command", "role"), list(product([None, *State], Command, ROLES))
)
def test_every_state_command_and_role(state: State | None, command: Command, role: str) -> None:
    allowed = WAY.get((state, command))
    if allowed is not None and role in allowed[1]:
        assert step(state, command, [role], FINE) is allowed[0]
        return
    with pytest.raises(Refusal) as refused:
        step(state, command, [role], FINE, "/dossiers/3")
    assert refused.value.name == ("wrong-state" if allowed is None else "wrong-role")
    assert refused.value.pointer == "/dossiers/3"


def test_the_table_holds_no_other_way() -> None:
    assert set(TRANSITIONS) == set(WAY)
    assert set(WORDS) == set(State)


def test_failed_and_decided_are_final_and_only_failed_frees_the_achievement() -> None:
    ends = {state for state in State if all(start != state for start, _ in WAY)}
    assert ends == {State.FAILED, State.DECIDED}
    assert set(State) - LIVE == {State.FAILED}


def test_a_person_with_several_roles_may_do_what_one_of_them_may() -> None:
    assert step(State.PASSED, Command.APPROVE, ["council", "chairman"], FINE) is State.APPROVED
    with pytest.raises(Refusal):
        step(State.PASSED, Command.APPROVE, [], FINE)


@pytest.mark.parametrize(
    ("state", "command", "role"),
    [
        (None, Command.OPEN, "officer"),
        (State.IN_SESSION, Command.VOTE, "council"),
        (State.PASSED, Command.APPROVE, "chairman"),
    ],
)
def test_nobody_acts_on_their_own_unit(state: State | None, command: Command, role: str) -> None:
    own = Circumstances(FINE.today, own_unit=True, window_until=WINDOW, held_on=FINE.held_on)
    with pytest.raises(Refusal) as refused:
        step(state, command, [role], own)
    assert refused.value.name == "own-unit"
    assert "đơn vị" in refused.value.detail


@pytest.mark.parametrize(
    ("units", "participant", "proposed_by", "own"),
    [
        ({"phong-a"}, "phong-a", None, True),
        ({"phong-a"}, "nguoi-1", "phong-a", True),
        ({"phong-x", "phong-a"}, "nguoi-1", "phong-a", True),
        ({"phong-a"}, "phong-b", None, False),
        ({"phong-a"}, "nguoi-1", "phong-b", False),
        (set[str](), "phong-a", None, False),
    ],
)
def test_whose_unit_it_is(
    units: set[str], participant: str, proposed_by: str | None, own: bool
) -> None:
    assert is_own_unit(units, participant, proposed_by) is own


def test_every_state_says_what_comes_next() -> None:
    assert [words for words, _ in steps_from(State.OPENED)] == ["công khai lấy ý kiến"]
    assert [words for words, _ in steps_from(State.IN_SESSION)] == [
        "bỏ phiếu",
        "kết luận phiên họp",
    ]
    assert steps_from(State.PASSED) == [("duyệt", ("chairman",))]
    assert steps_from(State.DECIDED) == steps_from(State.FAILED) == []


@pytest.mark.parametrize("command", [Command.VOTE, Command.PASS, Command.FAIL])
@pytest.mark.parametrize(
    ("today", "until", "held_on", "name"),
    [
        (WINDOW, WINDOW, WINDOW, "window-not-over"),
        (WINDOW + timedelta(days=1), WINDOW, WINDOW + timedelta(days=1), None),
        (FINE.today, None, FINE.today, "window-not-over"),
        (FINE.today, WINDOW, None, "session-not-begun"),
        (FINE.today, WINDOW, FINE.today + timedelta(days=1), "session-not-begun"),
    ],
)
def test_the_council_acts_after_the_window_and_from_the_day_of_the_session(
    command: Command, today: date, until: date | None, held_on: date | None, name: str | None
) -> None:
    case = Circumstances(today, window_until=until, held_on=held_on)
    roles = ["council", "council-secretary"]
    if name is None:
        step(State.IN_SESSION, command, roles, case)
        return
    with pytest.raises(Refusal) as refused:
        step(State.IN_SESSION, command, roles, case)
    assert refused.value.name == name


@pytest.mark.parametrize(
    ("held_on", "let_in"),
    [(WINDOW, False), (WINDOW + timedelta(days=1), True), (None, False)],
)
def test_a_session_is_called_early_but_held_after_the_window(
    held_on: date | None, let_in: bool
) -> None:
    case = Circumstances(date(2025, 12, 20), window_until=WINDOW, held_on=held_on)
    if let_in:
        done = step(State.PUBLISHED, Command.CONVENE, ["council-secretary"], case)
        assert done is State.IN_SESSION
        return
    with pytest.raises(Refusal) as refused:
        step(State.PUBLISHED, Command.CONVENE, ["council-secretary"], case)
    assert refused.value.name == "held-before-window-ends"
    assert "26/12/2025" in refused.value.detail
