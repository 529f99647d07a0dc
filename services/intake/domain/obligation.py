"""Who owes what, how firmly, and what becomes of a duty."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

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

TRANSITIONS: dict[tuple[State, Command], State] = {
    ("open", "remind"): "open",
    ("open", "find-overdue"): "open",
    ("open", "meet"): "met",
}


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty of one participant; `due` is its last on-time moment."""

    id: UUID
    participant: str
    kind: ObligationKind
    period: str
    manner: Manner
    due: datetime
    due_text: str


def obligation_id(ward: str, participant: str, kind: ObligationKind, period: str) -> UUID:
    """The same duty has the same id, however often it is planned."""
    return uuid5(_NAMESPACE, "\x1f".join((ward, participant, kind, period)))


def is_asked(kind: ObligationKind, manner: Manner) -> bool:
    return manner in WHO_IS_ASKED[kind]


def transition(state: State, command: Command) -> State:
    """Raises Refusal: an unknown transition is refused."""
    try:
        return TRANSITIONS[state, command]
    except KeyError:
        raise Refusal("obligation-closed", "Nhiệm vụ này đã hoàn thành.") from None
