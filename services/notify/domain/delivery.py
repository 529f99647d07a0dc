"""A mail's way from a notice to the relay: one table of command -> states, and what answers mean.

SMTP cannot deliver exactly once (RFC 1047). What is promised: one mail for each notice, and none
is ever sent again by itself after its message was handed over without an answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Literal
from uuid import UUID

from shared.calendar import ward_day


class State(StrEnum):
    """Where a mail stands. `data`: the message is being handed over, its answer is not known."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENDING = "sending"
    DATA = "data"
    SENT = "sent"
    RETRY = "retry"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    DROPPED = "dropped"


class Command(StrEnum):
    """What can be done with a mail."""

    QUEUE = "queue"
    CLAIM = "claim"
    DROP = "drop"
    HAND_OVER = "hand-over"
    RELEASE = "release"
    CONFIRM = "confirm"
    POSTPONE = "postpone"
    REFUSE = "refuse"
    LOSE = "lose"
    RECALL_SENT = "recall-sent"
    RECALL_REFUSED = "recall-refused"
    RECALL_UNCERTAIN = "recall-uncertain"


@dataclass(frozen=True, slots=True)
class Move:
    """The states in which a command is allowed, and the one to which it leads."""

    sources: frozenset[State]
    target: State


def _move(target: State, *sources: State) -> Move:
    return Move(frozenset(sources), target)


_OPEN = (State.WAITING, State.QUEUED, State.SENDING, State.DATA, State.RETRY)

MOVES: Mapping[Command, Move] = MappingProxyType(
    {
        Command.QUEUE: _move(State.QUEUED, State.WAITING),
        Command.CLAIM: _move(State.SENDING, State.QUEUED, State.RETRY),
        Command.DROP: _move(State.DROPPED, State.WAITING, State.SENDING),
        Command.HAND_OVER: _move(State.DATA, State.SENDING),
        Command.RELEASE: _move(State.QUEUED, State.SENDING),
        Command.CONFIRM: _move(State.SENT, State.DATA),
        Command.POSTPONE: _move(State.RETRY, State.SENDING, State.DATA),
        Command.REFUSE: _move(State.REFUSED, State.SENDING, State.DATA),
        Command.LOSE: _move(State.UNCERTAIN, State.DATA),
        Command.RECALL_SENT: _move(State.SENT, *_OPEN),
        Command.RECALL_REFUSED: _move(State.REFUSED, *_OPEN),
        Command.RECALL_UNCERTAIN: _move(State.UNCERTAIN, *_OPEN),
    }
)
"""Recalled: our own topic tells the end of a mail that this database, an older copy, has open."""
IN_HAND = frozenset({State.SENDING, State.DATA})
"""A worker holds the mail, under a claim."""
FINAL = frozenset({State.SENT, State.REFUSED, State.UNCERTAIN, State.DROPPED})


class ForbiddenMove(ValueError):
    """A command that the mail's state does not allow."""


def transition(state: State, command: Command) -> State:
    """The state after a command; raises ForbiddenMove."""
    move = MOVES[command]
    if state not in move.sources:
        raise ForbiddenMove(f"a mail that is {state} cannot be told to {command}")
    return move.target


Verdict = Literal["sent", "retry", "refused", "uncertain", "fault"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt. `fault`: not the recipient's doing, so no attempt is counted.

    `code` is SMTP's, None without a reply; `pauses`: the next mail would meet the same.
    """

    verdict: Verdict
    code: int | None = None
    reply: str = ""
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an answer makes of a mail; `attempts` are those counted, `wait` is before the next."""

    command: Command
    attempts: int
    reason: str = ""
    wait: timedelta = timedelta()


BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
AFTER_A_FAULT = timedelta(minutes=1)
_SPREAD = 0.2
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")


def settle(answer: Answer, attempts: int, mail: UUID) -> Settlement:
    """Decide on an answer; `attempts` were counted before it. Gives up after the last back-off."""
    reason = without_addresses(" ".join(filter(None, (str(answer.code or ""), answer.reply))))
    if answer.verdict == "sent":
        return Settlement(Command.CONFIRM, attempts + 1)
    if answer.verdict == "refused":
        return Settlement(Command.REFUSE, attempts + 1, reason)
    if answer.verdict == "uncertain":
        return Settlement(Command.LOSE, attempts + 1, reason)
    if answer.verdict == "fault" or answer.code is None:
        return Settlement(Command.POSTPONE, attempts, reason, AFTER_A_FAULT)
    if attempts >= len(BACK_OFF):
        return Settlement(Command.REFUSE, attempts + 1, f"gave up: {reason}")
    spread = 1 + _SPREAD * (mail.int % 1000) / 1000
    return Settlement(Command.POSTPONE, attempts + 1, reason, BACK_OFF[attempts] * spread)


def without_addresses(reply: str) -> str:
    """A relay's reply without the addresses that it names (law 9)."""
    return _ADDRESS.sub("<…>", reply)


def written_at(before: datetime | None, now: datetime) -> datetime:
    """The moment that a mail bears, business time.

    An attempt repeated on the same day sends the same bytes; on another day the days that are
    left have changed, and the mail is written anew.
    """
    same_day = before is not None and ward_day(before) == ward_day(now)
    return before if before is not None and same_day else now


_PAUSES = tuple(timedelta(seconds=s) for s in (1, 2, 5, 10, 30, 60))


@dataclass(frozen=True, slots=True)
class Breaker:
    """The pause of the whole sender after faults that concern every mail; system time."""

    faults: int = 0
    until: datetime | None = None

    def trip(self, now: datetime) -> "Breaker":
        """One fault more: pauses grow from a second to a minute."""
        pause = _PAUSES[min(self.faults, len(_PAUSES) - 1)]
        return Breaker(self.faults + 1, now + pause)

    def is_open(self, now: datetime) -> bool:
        """Whether nothing may be sent yet."""
        return self.until is not None and now < self.until
