"""Who may do what at the desk (law 10: never on one's own unit)."""

from dataclasses import dataclass

from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose file it is; an individual's file is also its proposing unit's."""

    participant: str
    proposed_by: str | None

    def belongs_to(self, unit: str) -> bool:
        return bool(unit) and unit in {self.participant, self.proposed_by}


def check_may_judge(unit: str, subject: Subject) -> None:
    """Raises Refusal when somebody would judge their own unit's file."""
    if subject.belongs_to(unit):
        raise Refusal(
            "own-unit",
            "Không ai tự xét hồ sơ của đơn vị mình; người được phân công thay thế sẽ xét.",
        )


def check_may_submit(unit: str, subject: Subject, *, is_officer: bool) -> None:
    """A unit reports for itself and for those it proposes; the office may do so for others."""
    if not is_officer and not subject.belongs_to(unit):
        raise Refusal("not-your-unit", "Bạn chỉ gửi được báo cáo của đơn vị mình.", "/participant")
