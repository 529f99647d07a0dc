"""Who owes what, how firmly, and what becomes of a duty."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID, uuid5

from services.intake.domain.deadline import OVERDUE
from shared.contracts.intake import Manner, ObligationKind
from shared.refusal import Refusal

_NAMESPACE = UUID("0b8b1c1e-6c0f-5b52-9d63-9f1f7c1d1a52")

State = Literal["open", "met"]
Command = Literal["remind", "find-overdue", "meet"]

WHO_IS_ASKED: dict[ObligationKind, frozenset[Manner]] = {
    "unit-plan": frozenset({"owes", "invited"}),
    "annual-report": frozenset({"owes", "invited", "voluntary"}),
}
"""Enterprises take part freely, and individuals are proposed by a unit (plan VI.1, II)."""

IS_REMINDED: frozenset[Manner] = frozenset({"owes", "invited"})
IS_OVERDUE: frozenset[Manner] = frozenset({"owes"})
"""The Fatherland Front is invited (plan VI.4 "Đề nghị"): it is never told that it is overdue."""

_ANYBODY: frozenset[Manner] = frozenset(get_args(Manner))


@dataclass(frozen=True, slots=True)
class Step:
    """Where a command leads, and for whom it may be given."""

    to: State
    guard: frozenset[Manner]


TRANSITIONS: dict[tuple[State, Command], Step] = {
    ("open", "remind"): Step("open", IS_REMINDED),
    ("open", "find-overdue"): Step("open", IS_OVERDUE),
    ("open", "meet"): Step("met", _ANYBODY),
}


def obligation_id(ward: str, participant: str, kind: ObligationKind, period: str) -> UUID:
    """The same duty has the same id, however often it is planned."""
    return uuid5(_NAMESPACE, "\x1f".join((ward, participant, kind, period)))


def is_asked(kind: ObligationKind, manner: Manner) -> bool:
    return manner in WHO_IS_ASKED[kind]


def is_still_asked(kind: ObligationKind, manner: Manner, due: datetime, now: datetime) -> bool:
    """Whoever registers after a deadline is not asked for what was due before [design reading]."""
    return is_asked(kind, manner) and due >= now


def state_of(met_at: datetime | None) -> State:
    return "open" if met_at is None else "met"


def command_of(offset: int) -> Command:
    """What a planned row of this offset wants when it comes due."""
    return "find-overdue" if offset == OVERDUE else "remind"


def may(state: State, command: Command, manner: Manner) -> bool:
    step = TRANSITIONS.get((state, command))
    return step is not None and manner in step.guard


def transition(state: State, command: Command, manner: Manner) -> State:
    """Raises Refusal: an unknown transition is refused, and one that the guard forbids."""
    if not may(state, command, manner):
        raise Refusal("obligation-closed", "Nhiệm vụ này không còn chờ thực hiện.")
    return TRANSITIONS[state, command].to
