"""Who owes what, how firmly, and what becomes of a duty."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID, uuid5

from services.intake.domain.deadline import ESCALATED, OVERDUE
from shared.contracts.intake import Manner, ObligationKind
from shared.refusal import Refusal
from shared.roles import Role

_NAMESPACE = UUID("0b8b1c1e-6c0f-5b52-9d63-9f1f7c1d1a52")

State = Literal["open", "met", "waived", "excused", "withdrawn"]
"""Waived: this duty is given up for good (miễn). Excused: for the time being (tạm miễn). Withdrawn:
its rule has changed, or the participant has left."""
Command = Literal[
    "remind",
    "find-overdue",
    "escalate",
    "meet",
    "move",
    "waive",
    "excuse",
    "reopen",
    "withdraw",
]
Giver = Role | Literal["clock", "door", "rules"]
"""Who gives a command: somebody at the desk, the clock, whatever takes reports and plans in, or
what is adopted for all (a version of the movement, the roll)."""

WHO_IS_ASKED: dict[ObligationKind, frozenset[Manner]] = {
    "unit-plan": frozenset({"owes", "invited"}),
    "digital-literacy-plan": frozenset({"owes", "invited"}),
    "annual-report": frozenset({"owes", "invited", "voluntary"}),
    "midterm-report": frozenset({"owes", "invited"}),
    "final-report": frozenset({"owes", "invited"}),
}
"""Enterprises take part freely, and individuals are proposed by a unit (plan VI.1, II)."""

IS_REMINDED: frozenset[Manner] = frozenset({"owes", "invited"})
IS_OVERDUE: frozenset[Manner] = frozenset({"owes"})
"""The Fatherland Front is invited (plan VI.4 "Đề nghị"): it is never told that it is overdue."""

_ANYBODY: frozenset[Manner] = frozenset(get_args(Manner))


_THE_OFFICE: frozenset[Giver] = frozenset({"officer", "substitute-officer"})
_THE_CLOCK: frozenset[Giver] = frozenset({"clock"})
_THE_DOORS: frozenset[Giver] = frozenset({"door"})
_THE_RULES: frozenset[Giver] = frozenset({"rules"})


@dataclass(frozen=True, slots=True)
class Step:
    """Where a command leads, for whom it may be given, and by whom."""

    to: State
    guard: frozenset[Manner]
    by: frozenset[Giver]


TRANSITIONS: dict[tuple[State, Command], Step] = {
    ("open", "remind"): Step("open", IS_REMINDED, _THE_CLOCK),
    ("open", "find-overdue"): Step("open", IS_OVERDUE, _THE_CLOCK),
    ("open", "escalate"): Step("open", IS_OVERDUE, _THE_CLOCK),
    ("open", "meet"): Step("met", _ANYBODY, _THE_DOORS),
    ("open", "move"): Step("open", _ANYBODY, _THE_OFFICE | _THE_RULES),
    ("open", "waive"): Step("waived", _ANYBODY, _THE_OFFICE),
    ("open", "excuse"): Step("excused", _ANYBODY, _THE_OFFICE),
    ("open", "withdraw"): Step("withdrawn", _ANYBODY, _THE_RULES),
    ("excused", "waive"): Step("waived", _ANYBODY, _THE_OFFICE),
    ("excused", "reopen"): Step("open", _ANYBODY, _THE_OFFICE),
    ("waived", "reopen"): Step("open", _ANYBODY, _THE_OFFICE),
    ("withdrawn", "reopen"): Step("open", _ANYBODY, _THE_RULES),
}
"""A report or plan that comes all the same is taken; a duty that is not asked for stays so."""


def obligation_id(ward: str, participant: str, kind: ObligationKind, period: str) -> UUID:
    """The same duty has the same id, however often it is planned."""
    return uuid5(_NAMESPACE, "\x1f".join((ward, participant, kind, period)))


def is_asked(kind: ObligationKind, manner: Manner) -> bool:
    return manner in WHO_IS_ASKED[kind]


def is_still_asked(kind: ObligationKind, manner: Manner, due: datetime, now: datetime) -> bool:
    """Whoever registers after a deadline is not asked for what was due before [design reading]."""
    return is_asked(kind, manner) and due >= now


_STATES: dict[str, State] = {"waived": "waived", "excused": "excused"}


def state_of(met_at: datetime | None, withdrawn_why: str = "") -> State:
    """`withdrawn_why` as the published language names it, "" while it is asked for."""
    if met_at is not None:
        return "met"
    return _STATES.get(withdrawn_why, "withdrawn") if withdrawn_why else "open"


def command_of(offset: int) -> Command:
    """What a planned row of this offset wants when it comes due."""
    if offset == ESCALATED:
        return "escalate"
    return "find-overdue" if offset == OVERDUE else "remind"


def may(state: State, command: Command, manner: Manner) -> bool:
    step = TRANSITIONS.get((state, command))
    return step is not None and manner in step.guard


def may_give(state: State, command: Command, givers: Iterable[str]) -> bool:
    """Whether one of these roles (or the clock, a door, the rules) gives it in this state."""
    step = TRANSITIONS.get((state, command))
    return step is not None and not step.by.isdisjoint(givers)


def transition(state: State, command: Command, manner: Manner) -> State:
    """Raises Refusal: an unknown transition is refused, and one that the guard forbids."""
    if not may(state, command, manner):
        raise Refusal("obligation-closed", _CLOSED[state])
    return TRANSITIONS[state, command].to


def order(state: State, command: Command, manner: Manner, givers: Iterable[str]) -> State:
    """A command that somebody gives. Raises Refusal as `transition`, and to whoever may not."""
    target = transition(state, command, manner)
    if not may_give(state, command, givers):
        raise Refusal("not-yours-to-order", "Việc này do Phòng Văn hóa - Xã hội quyết định.")
    return target


@dataclass(frozen=True, slots=True)
class Standing:
    """All that an order about a duty rests on. `is_sent`: what it asks for is in already."""

    state: State
    manner: Manner
    has_left: bool = False
    is_sent: bool = False


def decide_order(standing: Standing, command: Command, givers: Iterable[str]) -> State:
    """Where an order leads. Raises Refusal as `order`, and where a duty would be asked for again
    that nobody could meet any more.
    """
    target = order(standing.state, command, standing.manner, givers)
    if command == "reopen" and standing.has_left:
        detail = "Đơn vị, cá nhân này đã thôi tham gia nên không mở lại nhiệm vụ."
        raise Refusal("left-already", detail)
    if command == "reopen" and standing.is_sent:
        detail = "Báo cáo hoặc văn bản của kỳ này đã có rồi nên không cần mở lại nhiệm vụ."
        raise Refusal("sent-already", detail)
    return target


def may_be_ordered(standing: Standing, command: Command, givers: Iterable[str]) -> bool:
    """What a page offers: nothing that `decide_order` would refuse."""
    try:
        decide_order(standing, command, givers)
    except Refusal:
        return False
    return True


_CLOSED: dict[State, str] = {
    "open": "Nhiệm vụ này đang chờ thực hiện nên không cần mở lại.",
    "met": "Nhiệm vụ này không còn chờ thực hiện: đã thực hiện xong.",
    "waived": "Nhiệm vụ này không còn chờ thực hiện: đã được miễn.",
    "excused": "Nhiệm vụ này không còn chờ thực hiện: đang được tạm miễn.",
    "withdrawn": "Nhiệm vụ này không còn chờ thực hiện: đã được rút.",
}
