"""A mail's states, walked exhaustively; what answers make of it; pauses."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.delivery import (
    AFTER_A_FAULT,
    BACK_OFF,
    FINAL,
    IN_HAND,
    MOVES,
    Answer,
    Breaker,
    Command,
    ForbiddenMove,
    State,
    settle,
    transition,
    without_addresses,
    written_at,
)
from services.notify.routines import understood
from shared.calendar import WARD_ZONE
from shared.post import Fault, Outcome, Refused, Retry, SenderFault, Sent, Uncertain

pytestmark = pytest.mark.unit

ALLOWED = {
    ("waiting", "queue"): "queued",
    ("waiting", "drop"): "dropped",
    ("queued", "claim"): "sending",
    ("retry", "claim"): "sending",
    ("sending", "drop"): "dropped",
    ("sending", "hand-over"): "data",
    ("sending", "release"): "queued",
    ("sending", "postpone"): "retry",
    ("sending", "refuse"): "refused",
    ("data", "confirm"): "sent",
    ("data", "postpone"): "retry",
    ("data", "refuse"): "refused",
    ("data", "lose"): "uncertain",
} | {
    (state, f"recall-{end}"): end
    for state in ("waiting", "queued", "sending", "data", "retry")
    for end in ("sent", "refused", "uncertain")
}
MAIL = UUID("0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0a01")
NOON = datetime(2025, 12, 2, 12, tzinfo=WARD_ZONE)


@pytest.mark.parametrize(("state", "command"), [*itertools.product(State, Command)])
def test_every_state_and_command(state: State, command: Command) -> None:
    expected = ALLOWED.get((state.value, command.value))
    if expected is None:
        with pytest.raises(ForbiddenMove):
            transition(state, command)
    else:
        assert transition(state, command) == expected


def test_every_state_is_reached_and_only_final_ones_are_left_by_nothing() -> None:
    assert {move.target for move in MOVES.values()} == set(State) - {State.WAITING}
    left = frozenset().union(*(move.sources for move in MOVES.values()))
    assert set(State) - left == FINAL


def test_what_was_handed_over_never_goes_back_to_the_queue_by_itself() -> None:
    """Only a reply of the relay, which says that it did not take the message, allows a retry."""
    recalled = {"recall-sent", "recall-refused", "recall-uncertain"}
    of_data = {command for state, command in ALLOWED if state == "data"}
    assert of_data - recalled == {"confirm", "postpone", "refuse", "lose"}
    lost = settle(Answer("uncertain", None, "no answer"), 0, MAIL)
    assert lost.command is Command.LOSE


@pytest.mark.parametrize(
    ("outcome", "command", "attempts", "pauses"),
    [
        (Sent(250, "OK"), Command.CONFIRM, 1, False),
        (Retry(451, "4.7.1 later"), Command.POSTPONE, 1, False),
        (Retry(421, "4.3.2 closing"), Command.POSTPONE, 1, True),
        (Retry(None, "refused"), Command.POSTPONE, 0, True),
        (Refused(550, "5.1.1 unknown", True), Command.REFUSE, 1, False),
        (Uncertain("timeout"), Command.LOSE, 1, False),
        (SenderFault(550, "5.7.1 policy", Fault.POLICY), Command.POSTPONE, 0, False),
        (SenderFault(535, "5.7.8 bad", Fault.CREDENTIALS), Command.POSTPONE, 0, True),
        (SenderFault(None, "no TLS", Fault.RELAY), Command.POSTPONE, 0, True),
    ],
)
def test_what_the_senders_outcome_makes_of_a_mail(
    outcome: Outcome, command: Command, attempts: int, pauses: bool
) -> None:
    answer = understood(outcome)
    settlement = settle(answer, 0, MAIL)
    assert (settlement.command, settlement.attempts) == (command, attempts)
    assert answer.pauses is pauses
    for state in IN_HAND if command is not Command.CONFIRM else {State.DATA}:
        if command is not Command.LOSE or state is State.DATA:
            transition(state, command)


@given(attempts=st.integers(0, 20), mail=st.uuids())
def test_a_reply_is_backed_off_from_longer_and_longer_and_then_given_up(
    attempts: int, mail: UUID
) -> None:
    settlement = settle(Answer("retry", 451, "later"), attempts, mail)
    if attempts < len(BACK_OFF):
        assert settlement.command is Command.POSTPONE
        assert BACK_OFF[attempts] <= settlement.wait <= BACK_OFF[attempts] * 1.2
    else:
        assert settlement.command is Command.REFUSE
        assert settlement.reason == "gave up: 451 later"


@given(attempts=st.integers(0, 100))
def test_our_own_faults_never_give_a_mail_up(attempts: int) -> None:
    for answer in (Answer("fault", 550, "5.7.1"), Answer("retry", None, "no route")):
        settlement = settle(answer, attempts, uuid4())
        assert settlement.command is Command.POSTPONE
        assert (settlement.attempts, settlement.wait) == (attempts, AFTER_A_FAULT)


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <a.b@truong.example>: unknown",
        "a.b@truong.example... User unknown",
        "unknown:'A.B@truong.example',",
        "(a.b@truong.example)",
    ],
)
def test_replies_are_kept_without_addresses(reply: str) -> None:
    kept = without_addresses(reply)
    assert "truong.example" not in kept
    assert "a.b" not in kept.lower()
    assert without_addresses("450 4.2.0 greylisted, try later") == "450 4.2.0 greylisted, try later"


@given(
    before=st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    hours=st.integers(0, 100),
)
def test_a_mail_is_written_anew_on_another_day_only(before: datetime, hours: int) -> None:
    first = before.replace(tzinfo=UTC)
    now = first + timedelta(hours=hours)
    same_day = first.astimezone(WARD_ZONE).date() == now.astimezone(WARD_ZONE).date()
    assert written_at(first, now) == (first if same_day else now)
    assert written_at(None, now) == now


def test_pauses_grow_to_a_minute() -> None:
    breaker, lengths = Breaker(), []
    assert not breaker.is_open(NOON)
    for _ in range(8):
        breaker = breaker.trip(NOON)
        assert breaker.until is not None
        assert breaker.is_open(NOON)
        assert not breaker.is_open(breaker.until)
        lengths.append((breaker.until - NOON).total_seconds())
    assert lengths == [1, 2, 5, 10, 30, 60, 60, 60]
