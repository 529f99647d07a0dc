"""The score sheet: who is scored by what, and the limits of bonus and deduction.

The plan holds no points (domain reading §4.4): every number here is the council's, by a sheet
that it adopts with a document's number and date.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from shared.refusal import Refusal

SCALE = Decimal(100)
"""Points that the criteria of one participant add up to."""


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a criterion that helps an assessor; it is not marked by itself."""

    code: str
    title: str
    max_points: Decimal


@dataclass(frozen=True, slots=True)
class CriterionPoints:
    code: str
    max_points: Decimal
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupSheet:
    """The criteria of one group of participants."""

    code: str
    criteria: tuple[CriterionPoints, ...]

    @property
    def alternatives(self) -> bool:
        """Each criterion alone is worth the whole scale: a participant is scored by one of them.

        So it is with d1 and d2, which are for different persons (plan III.1.d).
        """
        several = len(self.criteria) > 1
        return several and all(c.max_points == SCALE for c in self.criteria)


@dataclass(frozen=True, slots=True)
class Grade:
    """A name for totals of at least `from_points`."""

    name: str
    from_points: Decimal


@dataclass(frozen=True, slots=True)
class Sheet:
    """One version of a period's sheet; a stored version never changes."""

    version: int
    groups: tuple[GroupSheet, ...]
    bonus_cap: Decimal
    deduction_cap: Decimal
    late_deduction: Decimal
    grades: tuple[Grade, ...]
    not_applicable: Literal["rescale"] = "rescale"

    def group(self, code: str) -> GroupSheet | None:
        return next((group for group in self.groups if group.code == code), None)

    def grade_of(self, total: Decimal) -> str:
        """The grade of a total; what is above the scale counts as the scale."""
        bounded = min(total, SCALE)
        return next(grade.name for grade in self.grades if bounded >= grade.from_points)


@dataclass(frozen=True, slots=True)
class Adoption:
    """The council's document that put a sheet in force."""

    sheet: Sheet
    document_number: str
    adopted_on: date


def check_sheet(sheet: Sheet) -> None:
    """Refuse a sheet whose points do not add up or whose grades leave a total without a name."""
    _once([group.code for group in sheet.groups], "/groups", "Mã nhóm")
    for number, group in enumerate(sheet.groups):
        _check_group(group, f"/groups/{number}")
    if sheet.late_deduction > sheet.deduction_cap:
        raise Refusal(
            "late-above-cap",
            "Điểm trừ do nộp muộn không được lớn hơn tổng điểm trừ tối đa.",
            "/late_deduction",
        )
    _check_grades(sheet.grades)


def check_covers(sheet: Sheet, groups: Mapping[str, Collection[str]]) -> None:
    """Refuse a sheet that does not score exactly the criteria of the movement's groups."""
    ours = {group.code: {c.code for c in group.criteria} for group in sheet.groups}
    for code in sorted(groups.keys() | ours.keys()):
        expected, found = set(groups.get(code, ())), ours.get(code, set())
        if expected != found:
            differing = ", ".join(sorted(expected ^ found)) or code
            raise Refusal(
                "sheet-does-not-cover",
                f"Bảng điểm không khớp các tiêu chí của phong trào ở nhóm {code}: {differing}.",
                "/sheet_version",
            )


def _check_group(group: GroupSheet, here: str) -> None:
    _once([c.code for c in group.criteria], f"{here}/criteria", "Mã tiêu chí")
    total = sum((c.max_points for c in group.criteria), Decimal(0))
    if total != SCALE and not group.alternatives:
        raise Refusal(
            "points-do-not-add-up",
            f"Tổng điểm tối đa của nhóm {group.code} phải bằng {SCALE}; đang là {total}.",
            f"{here}/criteria",
        )
    for number, criterion in enumerate(group.criteria):
        parts = sum((part.max_points for part in criterion.parts), Decimal(0))
        if criterion.parts and parts != criterion.max_points:
            raise Refusal(
                "parts-do-not-add-up",
                f"Tổng điểm các phần của tiêu chí {criterion.code} phải bằng"
                f" {criterion.max_points}; đang là {parts}.",
                f"{here}/criteria/{number}/parts",
            )


def _check_grades(grades: Sequence[Grade]) -> None:
    _once([grade.name for grade in grades], "/grades", "Tên mức")
    for number, (higher, lower) in enumerate(pairwise(grades), start=1):
        if lower.from_points >= higher.from_points:
            raise Refusal(
                "grades-out-of-order",
                "Các mức phải xếp từ cao xuống thấp.",
                f"/grades/{number}/from_points",
            )
    if grades[0].from_points > SCALE or grades[-1].from_points != 0:
        raise Refusal(
            "grades-leave-a-gap",
            f"Mức cao nhất không được vượt {SCALE} điểm và mức thấp nhất phải bắt đầu từ 0 điểm.",
            "/grades",
        )


def _once(codes: Sequence[str], pointer: str, what: str) -> None:
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        raise Refusal("repeated", f"{what} bị lặp: {', '.join(repeated)}.", pointer)
