"""Who is scored, and who may look at the result or must keep off it."""

from collections.abc import Collection
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

    def is_of(self, units: Collection[str]) -> bool:
        """Whether it is one of these units, or an individual that one of them proposed (law 10)."""
        return self.code in units or self.proposed_by in units
