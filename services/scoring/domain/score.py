"""From claim and marks to a total, line by line; the lines add up to the total, always."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from services.scoring.domain.claim import Claim, ClaimedItem, criteria_of
from services.scoring.domain.marks import ZERO, Kind, Marks, Slot, Stage, counted, points_in
from services.scoring.domain.sheet import SCALE, CriterionPoints, GroupSheet, Sheet

CENT = Decimal("0.01")


class Basis(StrEnum):
    """Which column counts: the claim, the assessors' marks, or the council's where it marked."""

    SELF = "self"
    VERIFIED = "verified"
    FINAL = "final"


class LineKind(StrEnum):
    CRITERION = "criterion"
    IGNORED = "ignored"
    RESCALE = "rescale"
    BONUS = "bonus"
    LATE = "late"
    DEDUCTION = "deduction"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the derivation; `counted` is what it adds to the total (may be negative)."""

    kind: LineKind
    text: str
    counted: Decimal
    criterion: str = ""
    max_points: Decimal | None = None
    self_score: Decimal | None = None
    verified: Decimal | None = None
    council: Decimal | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    lines: tuple[Line, ...]
    total: Decimal
    grade: str


def half_up(value: Decimal) -> Decimal:
    """Two decimals, halves away from zero."""
    return value.quantize(CENT, ROUND_HALF_UP)


def derive(
    sheet: Sheet,
    group: GroupSheet,
    claim: Claim,
    *,
    basis: Basis,
    marks: Marks | None = None,
    late: bool = False,
    texts: Mapping[str, str] | None = None,
) -> Derivation:
    """The total of a claim (points, two decimals, never below 0) and how it came about.

    criteria, stretched to the scale where some do not apply, + bonus − late − deduction.
    """
    marks = marks or {}
    lines = [*_criteria(group, claim, marks, basis, texts or {}), *_ignored(group, claim)]
    lines += _rescale(group, claim, lines)
    lines += _adjustments(sheet, marks, basis, late=late)
    total = _sum(lines)
    if total < ZERO:
        lines.append(Line(LineKind.FLOOR, "Tổng điểm không thấp hơn 0", -total))
        total = ZERO
    total = half_up(total)
    return Derivation(tuple(lines), total, sheet.grade_of(total))


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.counted for line in lines), ZERO)


def _criteria(
    group: GroupSheet, claim: Claim, marks: Marks, basis: Basis, texts: Mapping[str, str]
) -> Iterator[Line]:
    for criterion in criteria_of(group, claim):
        item = claim.item(criterion.code)
        text = texts.get(criterion.code, "")
        if item is not None and item.not_applicable:
            yield Line(
                LineKind.CRITERION,
                text,
                ZERO,
                criterion.code,
                criterion.max_points,
                note="Không áp dụng",
            )
        else:
            yield _criterion(criterion, item, marks, basis, text)


def _criterion(
    criterion: CriterionPoints, item: ClaimedItem | None, marks: Marks, basis: Basis, text: str
) -> Line:
    code = criterion.code
    self_score, note = _bounded(criterion, item)
    points = {
        Basis.SELF: self_score,
        Basis.VERIFIED: points_in(marks, Slot(Stage.VERIFIED, Kind.CRITERION, code)),
        Basis.FINAL: counted(marks, Kind.CRITERION, code),
    }[basis]
    shown = basis is Basis.FINAL
    return Line(
        LineKind.CRITERION,
        text,
        points or ZERO,
        code,
        criterion.max_points,
        self_score,
        None
        if basis is Basis.SELF
        else points_in(marks, Slot(Stage.VERIFIED, Kind.CRITERION, code)),
        points_in(marks, Slot(Stage.COUNCIL, Kind.CRITERION, code)) if shown else None,
        note,
    )


def _bounded(criterion: CriterionPoints, item: ClaimedItem | None) -> tuple[Decimal | None, str]:
    """The self score inside 0 … maximum, and what is said when it was cut."""
    if item is None or item.self_score is None:
        return None, "Đơn vị không tự chấm"
    if item.self_score > criterion.max_points:
        return criterion.max_points, f"Tự chấm {_number(item.self_score)}, cắt về mức tối đa"
    if item.self_score < ZERO:
        return ZERO, f"Tự chấm {_number(item.self_score)}, tính là 0"
    return item.self_score, ""


def _ignored(group: GroupSheet, claim: Claim) -> Iterator[Line]:
    ours = {criterion.code for criterion in criteria_of(group, claim)}
    siblings = {criterion.code for criterion in group.criteria}
    seen: set[str] = set()
    for item in claim.items:
        code = item.criterion
        if code in ours and code not in seen:
            seen.add(code)
            continue
        if code in ours:
            note = "Tiêu chí được kê hai lần, chỉ tính lần đầu"
        elif code in siblings:
            note = "Chỉ chấm theo một tiêu chí của nhóm, không tính dòng này"
        else:
            note = "Tiêu chí không thuộc nhóm của đơn vị, không tính"
        yield Line(LineKind.IGNORED, "", ZERO, code, self_score=item.self_score, note=note)


def _rescale(group: GroupSheet, claim: Claim, lines: Sequence[Line]) -> list[Line]:
    """What stretching the applicable criteria to the whole scale adds."""
    scope = criteria_of(group, claim)
    available = sum((c.max_points for c in scope if claim.applies(c.code)), ZERO)
    if available in {SCALE, ZERO}:
        return []
    raw = _sum(lines)
    stretched = half_up(raw * SCALE / available)
    note = f"{_number(raw)} × {_number(SCALE)} / {_number(available)} = {_number(stretched)}"
    text = "Quy đổi về thang 100 do có tiêu chí không áp dụng"
    return [Line(LineKind.RESCALE, text, stretched - raw, note=note)]


def _adjustments(sheet: Sheet, marks: Marks, basis: Basis, *, late: bool) -> Iterator[Line]:
    bonus = _adjustment(marks, Kind.BONUS, basis)
    if bonus:
        points = min(bonus, sheet.bonus_cap)
        yield Line(LineKind.BONUS, "Điểm cộng", points, note=_reason(marks, Kind.BONUS, basis))
    tardy = min(sheet.late_deduction, sheet.deduction_cap) if late else ZERO
    if tardy:
        yield Line(LineKind.LATE, "Trừ điểm do báo cáo nộp muộn", -tardy)
    deduction = _adjustment(marks, Kind.DEDUCTION, basis)
    if deduction:
        points = min(deduction, sheet.deduction_cap - tardy)
        note = _reason(marks, Kind.DEDUCTION, basis)
        if points < deduction:
            most = f"tổng điểm trừ không quá {_number(sheet.deduction_cap)}"
            note = f"{note} ({most})" if note else most
        yield Line(LineKind.DEDUCTION, "Điểm trừ", -points, note=note)


def _adjustment(marks: Marks, kind: Kind, basis: Basis) -> Decimal:
    if basis is Basis.SELF:
        return ZERO
    if basis is Basis.VERIFIED:
        return points_in(marks, Slot(Stage.VERIFIED, kind)) or ZERO
    return counted(marks, kind) or ZERO


def _reason(marks: Marks, kind: Kind, basis: Basis) -> str:
    stages = [Stage.COUNCIL, Stage.VERIFIED] if basis is Basis.FINAL else [Stage.VERIFIED]
    return next((marks[s].reason for s in (Slot(x, kind) for x in stages) if s in marks), "")


def _number(value: Decimal) -> str:
    """38,5: as Vietnamese text has it, without needless zeros."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", ",")
