"""What an officer should know before opening a dossier. The score advises, never decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.awards.domain.law import Case, OfferedForm, PeriodKind, Rule


@dataclass(frozen=True, slots=True)
class Flag:
    """A remark on a candidate."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a participant in a period; `rank` 0 when nothing is frozen."""

    collective: bool
    rank: int
    late: bool
    live_dossier: str
    proposals: int
    has_left: bool = False


def flags_of(standing: Standing) -> list[Flag]:
    """Remarks: what is missing, then what advises."""
    found: list[Flag] = []
    if standing.has_left:
        found.append(Flag("participant-left", "Đã thôi tham gia."))
    if standing.rank == 0:
        found.append(Flag("no-frozen-result", "Chưa có kết quả đã chốt."))
    if standing.live_dossier:
        found.append(Flag("has-dossier", f"Đã có hồ sơ {standing.live_dossier}."))
    if standing.rank == 1:
        found.append(Flag("first-in-block", "Đứng đầu khối."))
    if standing.late:
        found.append(Flag("late-report", "Nộp báo cáo sau thời hạn."))
    if standing.proposals == 0:
        found.append(Flag("not-proposed", "Chưa có đề nghị khen thưởng."))
    return found


def forms_for(
    standing: Standing, kind: PeriodKind, forms: Iterable[OfferedForm], rules: Sequence[Rule]
) -> list[str]:
    """Codes of the forms that the law lets this participant have for the period.

    A live dossier changes nothing: it says that the award is on its way. Whoever has left gets
    none.
    """
    found: list[str] = []
    if standing.has_left:
        return found
    for form in forms:
        case = Case(kind, form, standing.collective, standing.rank > 0)
        if not any(rule.broken(case) for rule in rules):
            found.append(form.code)
    return found


def same_name(one: str, other: str) -> bool:
    """Whether two texts name the same, case and spacing aside."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
