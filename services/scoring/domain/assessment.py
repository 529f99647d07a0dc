"""The assessment of one participant in one period: its state, and who may do what in it.

The state is derived from what is on record, so that facts may come in any order.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from services.scoring.domain.claim import Claim
from services.scoring.domain.marks import Marks, unmarked
from services.scoring.domain.participant import Participant
from services.scoring.domain.sheet import GroupSheet, Sheet
from shared.refusal import Refusal


class State(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    VERIFIED = "verified"
    FROZEN = "frozen"


class Command(StrEnum):
    """`claim` and `accept` are facts of intake; the others are acts of people here."""

    CLAIM = "claim"
    ACCEPT = "accept"
    VERIFY = "verify"
    JUDGE = "judge"
    FREEZE = "freeze"


INTAKE = "intake"
"""Not a person's role: what intake published is recorded, never refused."""
SECRETARY = "council-secretary"


@dataclass(frozen=True, slots=True)
class Step:
    """Where a command leads, and which roles may give it."""

    to: State
    roles: frozenset[str]


def _step(to: State, *roles: str) -> Step:
    return Step(to, frozenset(roles))


STEPS: Mapping[tuple[State, Command], Step] = MappingProxyType(
    {
        (State.WAITING, Command.CLAIM): _step(State.CLAIMED, INTAKE),
        (State.CLAIMED, Command.CLAIM): _step(State.CLAIMED, INTAKE),
        (State.CLAIMED, Command.ACCEPT): _step(State.ACCEPTED, INTAKE),
        (State.ACCEPTED, Command.CLAIM): _step(State.ACCEPTED, INTAKE),
        (State.ACCEPTED, Command.ACCEPT): _step(State.ACCEPTED, INTAKE),
        (State.ACCEPTED, Command.VERIFY): _step(State.VERIFIED, "assessor"),
        (State.VERIFIED, Command.CLAIM): _step(State.VERIFIED, INTAKE),
        (State.VERIFIED, Command.ACCEPT): _step(State.ACCEPTED, INTAKE),
        (State.VERIFIED, Command.VERIFY): _step(State.VERIFIED, "assessor"),
        (State.VERIFIED, Command.JUDGE): _step(State.VERIFIED, "council", SECRETARY),
        (State.VERIFIED, Command.FREEZE): _step(State.FROZEN, SECRETARY),
        (State.FROZEN, Command.CLAIM): _step(State.FROZEN, INTAKE),
        (State.FROZEN, Command.ACCEPT): _step(State.FROZEN, INTAKE),
    }
)
"""Everything that is not in this table is refused."""

_WHY = MappingProxyType(
    {
        State.WAITING: ("report-not-received", "Đơn vị chưa gửi báo cáo của kỳ này."),
        State.CLAIMED: ("report-not-accepted", "Báo cáo của đơn vị chưa được tiếp nhận."),
        State.ACCEPTED: ("not-verified", "Báo cáo chưa được thẩm định đủ các tiêu chí."),
        State.VERIFIED: ("already-verified", "Báo cáo đã được thẩm định."),
        State.FROZEN: ("result-frozen", "Kết quả của kỳ đã chốt, không sửa điểm được nữa."),
    }
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The office accepted a revision; whether it was late is the office's word."""

    revision: int
    accepted_at: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is on record. With an acceptance, `claim` and `marks` are those of its revision."""

    participant: Participant
    sheet: Sheet | None = None
    claim: Claim | None = None
    acceptance: Acceptance | None = None
    marks: Marks = field(default_factory=dict)
    frozen: bool = False

    @property
    def group(self) -> GroupSheet | None:
        return None if self.sheet is None else self.sheet.group(self.participant.group)

    @property
    def late(self) -> bool:
        if self.acceptance is not None:
            return self.acceptance.late
        return self.claim is not None and self.claim.late

    @property
    def state(self) -> State:
        if self.frozen:
            return State.FROZEN
        if self.claim is None:
            return State.WAITING
        if self.acceptance is None:
            return State.CLAIMED
        if self.group is None or unmarked(self.group, self.claim, self.marks):
            return State.ACCEPTED
        return State.VERIFIED

    def with_marks(self, marks: Marks) -> "Assessment":
        return replace(self, marks=marks)


def leads(state: State, command: Command) -> bool:
    return (state, command) in STEPS


def step(state: State, command: Command) -> Step:
    """Where a command leads from a state. Raises Refusal when it leads nowhere."""
    found = STEPS.get((state, command))
    if found is None:
        name, detail = _WHY[state]
        raise Refusal(name, detail, "/period" if state is State.FROZEN else "/participant")
    return found


def may(roles: frozenset[str], command: Command) -> bool:
    """Whether somebody with these roles may ever give the command."""
    return any(not s.roles.isdisjoint(roles) for (_, c), s in STEPS.items() if c is command)


def keep_off_own(participant: Participant, units: Collection[str]) -> None:
    """Law 10: nobody marks a unit that is theirs in any way, or an individual whom it proposed."""
    if participant.is_of(units):
        raise Refusal(
            "own-unit",
            "Không ai được chấm điểm cho chính đơn vị mình hoặc cá nhân do đơn vị mình đề nghị.",
            "/participant",
        )


def check_revision(acceptance: Acceptance, revision: int) -> None:
    """Marks are for the revision that was accepted, and say so."""
    if acceptance.revision != revision:
        raise Refusal(
            "revision-not-accepted",
            f"Bản báo cáo được tiếp nhận là bản {acceptance.revision}, không phải bản {revision}.",
            "/revision",
        )
