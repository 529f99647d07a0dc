"""Who may do what at the desk (law 10: never on one's own unit)."""

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

    def belongs_to(self, unit: str) -> bool:
        return bool(unit) and unit in {self.participant, self.proposed_by}

    def is_own_file_of(self, person: str, unit: str) -> bool:
        return self.belongs_to(unit) or (bool(person) and person == self.reporter)


def check_may_judge(person: str, unit: str, subject: Subject) -> None:
    """Raises Refusal when somebody would judge their own unit's file, or their own."""
    if subject.is_own_file_of(person, unit):
        raise Refusal(
            "own-unit",
            "Không ai tự xét hồ sơ của đơn vị mình; người được phân công thay thế sẽ xét.",
        )


def check_may_submit(unit: str, subject: Subject, *, is_officer: bool) -> None:
    """A unit reports for itself and for those it proposes; the office may do so for others."""
    if not is_officer and not subject.belongs_to(unit):
        raise Refusal(
            "not-your-unit",
            "Bạn chỉ gửi được kế hoạch, báo cáo của đơn vị mình và của người đơn vị mình đề nghị.",
            "/participant",
        )


def may_see(unit: str, subject: Subject, *, sees_all: bool) -> bool:
    """All for those who see all, else one's own unit and those whom it proposes."""
    return sees_all or subject.belongs_to(unit)
