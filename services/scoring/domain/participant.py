"""Who is scored, and who may look at the result or must keep off it."""

from dataclasses import dataclass
from typing import NamedTuple


class Whose(NamedTuple):
    """What a claim, a score or a result is of."""

    ward: str
    participant: str
    period: str


@dataclass(frozen=True, slots=True)
class Participant:
    """A unit or an individual of one group, ranked inside one block (khối)."""

    code: str
    name: str
    group: str
    block: str
    collective: bool = True
    proposed_by: str | None = None

    def is_of(self, unit: str) -> bool:
        """Whether it is this unit itself, or an individual that this unit proposed (law 10)."""
        return unit != "" and unit in {self.code, self.proposed_by}
