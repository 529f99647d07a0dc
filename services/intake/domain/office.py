"""Who may do what at the desk (law 10: never on one's own unit)."""

from collections.abc import Set
from dataclasses import dataclass

from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose file it is; an individual's file is also its proposing unit's.

    `reporter` is the person who answers for it, "" where nobody is named.
    """

    participant: str
    proposed_by: str | None
    reporter: str = ""

    def belongs_to(self, units: Set[str]) -> bool:
        return self.participant in units or (self.proposed_by or "") in units - {""}

    def is_own_file_of(self, people: Set[str], units: Set[str]) -> bool:
        return self.belongs_to(units) or self.reporter in people - {""}


def check_may_judge(people: Set[str], units: Set[str], subject: Subject) -> None:
    """Raises Refusal when somebody would judge a file of their own or of a unit of theirs.

    `people`: who judges, and in whose place; `units`: all that are theirs in some way.
    """
    if subject.is_own_file_of(people, units):
        raise Refusal(
            "own-unit",
            "Không ai tự xét hồ sơ của đơn vị mình; người được phân công thay thế sẽ xét.",
        )


def check_may_submit(units: Set[str], subject: Subject, *, is_officer: bool) -> None:
    """A unit reports for itself and for those it proposes; the office may do so for others.

    `units`: those that somebody may speak for.
    """
    if not is_officer and not subject.belongs_to(units):
        raise Refusal(
            "not-your-unit",
            "Bạn chỉ gửi được kế hoạch, báo cáo của đơn vị mình và của người đơn vị mình đề nghị.",
            "/participant",
        )
