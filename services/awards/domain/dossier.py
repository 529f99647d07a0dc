"""A dossier's way from an officer's desk to a decision: one table of state × command."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from shared.calendar import vietnamese_date
from shared.refusal import Refusal

Role = Literal["officer", "substitute-officer", "council", "council-secretary", "chairman", "clerk"]


class State(StrEnum):
    """Where a dossier stands; `failed` and `decided` are final."""

    OPENED = "opened"
    PUBLISHED = "published"
    IN_SESSION = "in-session"
    PASSED = "passed"
    FAILED = "failed"
    APPROVED = "approved"
    DECIDED = "decided"


class Command(StrEnum):
    OPEN = "open"
    PUBLISH = "publish"
    CONVENE = "convene"
    VOTE = "vote"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    APPROVE = "approve"
    DECIDE = "decide"


WORDS: Mapping[State, str] = MappingProxyType(
    {
        State.OPENED: "đã lập hồ sơ",
        State.PUBLISHED: "đang lấy ý kiến công khai",
        State.IN_SESSION: "đã đưa ra phiên họp Hội đồng",
        State.PASSED: "Hội đồng đồng ý đề nghị",
        State.FAILED: "Hội đồng không đồng ý đề nghị",
        State.APPROVED: "Chủ tịch đã duyệt, chờ số quyết định",
        State.DECIDED: "đã có quyết định khen thưởng",
    }
)
_VERBS: Mapping[Command, str] = MappingProxyType(
    {
        Command.OPEN: "lập hồ sơ",
        Command.PUBLISH: "công khai lấy ý kiến",
        Command.CONVENE: "đưa ra phiên họp",
        Command.VOTE: "bỏ phiếu",
        Command.PASS: "kết luận phiên họp",
        Command.FAIL: "kết luận phiên họp",
        Command.APPROVE: "duyệt",
        Command.DECIDE: "vào số quyết định",
    }
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What guards look at. `own_unit`: the person acts on their own unit's dossier (law 10)."""

    today: date
    own_unit: bool = False
    window_until: date | None = None
    held_on: date | None = None


Guard = Callable[[Circumstances, str], None]


def not_own_unit(case: Circumstances, pointer: str) -> None:
    """Law 10 of the house: nobody accepts or votes on their own unit."""
    if case.own_unit:
        detail = (
            "Không ai được xét hồ sơ của chính đơn vị mình hoặc do đơn vị mình đề nghị; "
            "việc này do người được cử thay thực hiện."
        )
        raise Refusal("own-unit", detail, pointer)


def window_over(case: Circumstances, pointer: str) -> None:
    """The council acts only after the last day on which the public may give an opinion."""
    if case.window_until is None or case.today <= case.window_until:
        raise Refusal("window-not-over", _still_open(case.window_until), pointer)


def held_after_window(case: Circumstances, pointer: str) -> None:
    """A session may be called earlier, but is held only after the window."""
    if case.window_until is None or case.held_on is None or case.held_on <= case.window_until:
        raise Refusal("held-before-window-ends", _still_open(case.window_until), pointer)


def on_the_day(case: Circumstances, pointer: str) -> None:
    """Nothing is voted or concluded before the day of the session."""
    if case.held_on is None or case.today < case.held_on:
        day = "" if case.held_on is None else f" ({vietnamese_date(case.held_on)})"
        raise Refusal("session-not-begun", f"Chưa đến ngày họp Hội đồng{day}.", pointer)


def _still_open(until: date | None) -> str:
    if until is None:
        return "Hồ sơ chưa được công khai lấy ý kiến."
    return (
        f"Thời gian công khai lấy ý kiến đến hết ngày {vietnamese_date(until)}; "
        "Hội đồng chỉ họp và bỏ phiếu sau ngày đó."
    )


@dataclass(frozen=True, slots=True)
class Transition:
    to: State
    roles: tuple[Role, ...]
    guards: tuple[Guard, ...] = ()


OFFICERS: tuple[Literal["officer"], Literal["substitute-officer"]] = (
    "officer",
    "substitute-officer",
)
_SECRETARY: tuple[Role, ...] = ("council-secretary",)
_COUNCIL: tuple[Role, ...] = ("council",)
_IN_COUNCIL = (on_the_day, window_over)

TRANSITIONS: Mapping[tuple[State | None, Command], Transition] = MappingProxyType(
    {
        (None, Command.OPEN): Transition(State.OPENED, OFFICERS, (not_own_unit,)),
        (State.OPENED, Command.PUBLISH): Transition(State.PUBLISHED, OFFICERS),
        (State.PUBLISHED, Command.CONVENE): Transition(
            State.IN_SESSION, _SECRETARY, (held_after_window,)
        ),
        (State.IN_SESSION, Command.VOTE): Transition(
            State.IN_SESSION, _COUNCIL, (*_IN_COUNCIL, not_own_unit)
        ),
        (State.IN_SESSION, Command.PASS): Transition(State.PASSED, _SECRETARY, _IN_COUNCIL),
        (State.IN_SESSION, Command.FAIL): Transition(State.FAILED, _SECRETARY, _IN_COUNCIL),
        (State.PASSED, Command.APPROVE): Transition(State.APPROVED, ("chairman",), (not_own_unit,)),
        (State.APPROVED, Command.DECIDE): Transition(State.DECIDED, ("clerk",)),
    }
)
LIVE: frozenset[State] = frozenset(State) - {State.FAILED}
"""States in which a dossier stands in the way of another for the same achievement."""


def step(
    state: State | None,
    command: Command,
    roles: Collection[str],
    case: Circumstances,
    pointer: str = "",
) -> State:
    """The next state. Raises Refusal: `wrong-state`, `wrong-role`, or the guard's own."""
    transition = TRANSITIONS.get((state, command))
    if transition is None:
        now = "chưa có" if state is None else WORDS[state]
        detail = f"Không thể {_VERBS[command]}: hồ sơ {now}."
        raise Refusal("wrong-state", detail, pointer)
    if not set(transition.roles) & set(roles):
        detail = f"Vai trò của bạn không được {_VERBS[command]}."
        raise Refusal("wrong-role", detail, pointer)
    for guard in transition.guards:
        guard(case, pointer)
    return transition.to


def is_own_unit(units: Collection[str], participant: str, proposed_by: str | None) -> bool:
    """Whether somebody of these units has a stake in a participant's dossier."""
    return participant in units or proposed_by in units


def steps_from(state: State) -> list[tuple[str, tuple[Role, ...]]]:
    """What may be done next, in words, and by which roles; nothing in a final state."""
    found = {
        _VERBS[command]: transition.roles
        for (known, command), transition in TRANSITIONS.items()
        if known is state
    }
    return list(found.items())
