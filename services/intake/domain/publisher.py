"""The register of publishers: who may send what for whom, and from when to when."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Grant:
    """What a ward lets a publisher do; `participants` None grants all of the ward's.

    `since` and `until` (None: without end) are days on which a report may come in.
    """

    ward: str
    participants: frozenset[str] | None
    since: date
    until: date | None = None

    def covers(self, ward: str, participant: str, on: date) -> bool:
        if ward != self.ward or on < self.since or (self.until is not None and on > self.until):
            return False
        return self.participants is None or participant in self.participants


@dataclass(frozen=True, slots=True)
class Publisher:
    """`grants`: those that nobody has taken back. `ended`: it may send nothing any more."""

    name: str
    source: str
    grants: tuple[Grant, ...]
    ended: bool = False

    def may_report_for(self, ward: str, participant: str, on: date) -> bool:
        """`on`: the ward's day on which the report came in."""
        return not self.ended and any(grant.covers(ward, participant, on) for grant in self.grants)
