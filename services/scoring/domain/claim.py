"""What a unit says of itself: the scoring side of its report."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from services.scoring.domain.sheet import CriterionPoints, GroupSheet


@dataclass(frozen=True, slots=True)
class ClaimedItem:
    """What is said of one criterion; `self_score` None when none was given."""

    criterion: str
    self_score: Decimal | None = None
    not_applicable: bool = False
    narrative: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One revision of a participant's report for a period."""

    report_id: UUID
    revision: int
    received_at: datetime
    late: bool
    items: tuple[ClaimedItem, ...]

    def item(self, criterion: str) -> ClaimedItem | None:
        """What is said of a criterion; said twice, the first word counts."""
        return next((item for item in self.items if item.criterion == criterion), None)

    def applies(self, criterion: str) -> bool:
        item = self.item(criterion)
        return item is None or not item.not_applicable


def criteria_of(group: GroupSheet, claim: Claim) -> tuple[CriterionPoints, ...]:
    """The criteria that this participant is scored by, those not applicable included.

    Of alternatives it is the one that was reported, and the first when none was.
    """
    if not group.alternatives:
        return group.criteria
    by_code = {criterion.code: criterion for criterion in group.criteria}
    reported = [by_code[item.criterion] for item in claim.items if item.criterion in by_code]
    return (*reported, *group.criteria)[:1]


def applicable(group: GroupSheet, claim: Claim) -> tuple[CriterionPoints, ...]:
    """The criteria that have to be marked."""
    return tuple(c for c in criteria_of(group, claim) if claim.applies(c.code))
