"""Who is scored, and who may look at the result or must keep off it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from shared.refusal import Refusal


class Whose(NamedTuple):
    """What a claim, a score or a result is of."""

    ward: str
    participant: str
    period: str


@dataclass(frozen=True, slots=True)
class Participant:
    """A unit or an individual of one group, ranked inside one block (khối).

    `has_left`: takes part no more, so that nothing of it is scored anew; what was stays.
    """

    code: str
    name: str
    group: str
    block: str
    collective: bool = True
    proposed_by: str | None = None
    has_left: bool = False

    def is_of(self, units: Collection[str]) -> bool:
        """Whether it is one of these units, or an individual that one of them proposed (law 10)."""
        return self.code in units or self.proposed_by in units


def check_is_here(participant: Participant) -> None:
    """Raises Refusal: whoever takes part no more is not marked any more."""
    if participant.has_left:
        words = f"{participant.name} đã thôi tham gia nên không chấm điểm nữa."
        raise Refusal("participant-left", words, "/participant")
