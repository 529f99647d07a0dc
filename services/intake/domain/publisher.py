"""The register of publishers: who may send what for whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grant:
    """`participants` None grants all of the ward's."""

    ward: str
    participants: frozenset[str] | None

    def covers(self, ward: str, participant: str) -> bool:
        if ward != self.ward:
            return False
        return self.participants is None or participant in self.participants


@dataclass(frozen=True, slots=True)
class Publisher:
    name: str
    source: str
    grants: tuple[Grant, ...]

    def may_report_for(self, ward: str, participant: str) -> bool:
        return any(grant.covers(ward, participant) for grant in self.grants)
