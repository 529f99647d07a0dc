"""Marks: what assessors verified and what the council judged. They only grow (law 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.scoring.domain.claim import Claim, applicable, criteria_of
from services.scoring.domain.sheet import GroupSheet, Sheet
from shared.refusal import Refusal

ZERO = Decimal(0)


class Stage(StrEnum):
    """Who marked: an assessor (verified) or the council."""

    VERIFIED = "verified"
    COUNCIL = "council"


class Kind(StrEnum):
    CRITERION = "criterion"
    BONUS = "bonus"
    DEDUCTION = "deduction"


@dataclass(frozen=True, slots=True)
class Slot:
    """What a mark is for; `criterion` is "" for bonus and deduction."""

    stage: Stage
    kind: Kind
    criterion: str = ""

    def at(self, stage: Stage) -> "Slot":
        return Slot(stage, self.kind, self.criterion)


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark in force in a slot. A deduction's points are positive."""

    slot: Slot
    points: Decimal
    reason: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """A mark that somebody gives; `pointer` is where it stands in their request."""

    slot: Slot
    points: Decimal
    reason: str
    pointer: str
    reason_pointer: str


@dataclass(frozen=True, slots=True)
class NewMark:
    """A row to add; `replaces` is the id of the row that it corrects."""

    slot: Slot
    points: Decimal
    reason: str
    replaces: int | None


Marks = Mapping[Slot, Mark]


def points_in(marks: Marks, slot: Slot) -> Decimal | None:
    mark = marks.get(slot)
    return None if mark is None else mark.points


def counted(marks: Marks, kind: Kind, criterion: str = "") -> Decimal | None:
    """The mark that counts: the council's where it gave one, else the verified one."""
    judged = points_in(marks, Slot(Stage.COUNCIL, kind, criterion))
    if judged is not None:
        return judged
    return points_in(marks, Slot(Stage.VERIFIED, kind, criterion))


def unmarked(group: GroupSheet, claim: Claim, marks: Marks) -> tuple[str, ...]:
    """The applicable criteria that no assessor has marked yet."""
    codes = (criterion.code for criterion in applicable(group, claim))
    return tuple(code for code in codes if Slot(Stage.VERIFIED, Kind.CRITERION, code) not in marks)


def changes(given: Sequence[Given], marks: Marks) -> tuple[Given, ...]:
    """What is given and not yet so. The same marks given again change nothing."""
    return tuple(mark for mark in given if not _already(mark, marks))


def _already(given: Given, marks: Marks) -> bool:
    current = marks.get(given.slot)
    if current is None:
        return given.slot.kind is not Kind.CRITERION and _nothing_to_adjust(given, marks)
    return current.points == given.points and current.reason == given.reason


def _nothing_to_adjust(given: Given, marks: Marks) -> bool:
    verified = points_in(marks, given.slot.at(Stage.VERIFIED)) or ZERO
    return given.points == verified == ZERO


def decide(
    sheet: Sheet, group: GroupSheet, claim: Claim, marks: Marks, given: Sequence[Given]
) -> tuple[NewMark, ...]:
    """The rows that the given marks add. Raises Refusal naming the first one at fault."""
    _once(given)
    for mark in given:
        _check_points(sheet, group, claim, mark)
    changed = changes(given, marks)
    for mark in changed:
        _check_reason(mark, marks)
    given_slots = {mark.slot: Mark(mark.slot, mark.points, mark.reason) for mark in given}
    left = unmarked(group, claim, {**marks, **given_slots})
    if left:
        raise Refusal(
            "missing-criterion", f"Còn thiếu điểm của tiêu chí: {', '.join(left)}.", "/marks"
        )
    return tuple(
        NewMark(mark.slot, mark.points, mark.reason, _replaced(mark, marks)) for mark in changed
    )


def _replaced(given: Given, marks: Marks) -> int | None:
    current = marks.get(given.slot)
    return None if current is None else current.id


def _once(given: Sequence[Given]) -> None:
    seen: set[Slot] = set()
    for mark in given:
        if mark.slot in seen:
            raise Refusal(
                "marked-twice",
                f"Tiêu chí {mark.slot.criterion} có hai điểm trong cùng một phiếu.",
                mark.pointer,
            )
        seen.add(mark.slot)


def _check_points(sheet: Sheet, group: GroupSheet, claim: Claim, mark: Given) -> None:
    most, what = _limit(sheet, group, claim, mark)
    pointer = f"{mark.pointer}/points" if mark.slot.criterion else mark.pointer
    if mark.points < ZERO:
        raise Refusal("negative-points", "Điểm không được âm.", pointer)
    if mark.points > most:
        raise Refusal("points-above-maximum", f"Điểm {what} không được lớn hơn {most}.", pointer)


def _limit(sheet: Sheet, group: GroupSheet, claim: Claim, mark: Given) -> tuple[Decimal, str]:
    if mark.slot.kind is Kind.BONUS:
        return sheet.bonus_cap, "cộng"
    if mark.slot.kind is Kind.DEDUCTION:
        return sheet.deduction_cap, "trừ"
    code = mark.slot.criterion
    for criterion in criteria_of(group, claim):
        if criterion.code == code and claim.applies(code):
            return criterion.max_points, f"của tiêu chí {code}"
        if criterion.code == code:
            raise Refusal(
                "criterion-not-applicable",
                f"Báo cáo đã được tiếp nhận với tiêu chí {code} là không áp dụng.",
                f"{mark.pointer}/criterion",
            )
    raise Refusal(
        "criterion-not-on-sheet",
        f"Đơn vị này không được chấm theo tiêu chí {code}.",
        f"{mark.pointer}/criterion",
    )


def _check_reason(mark: Given, marks: Marks) -> None:
    slot = mark.slot
    if slot.stage is Stage.VERIFIED and slot.at(Stage.COUNCIL) in marks:
        raise Refusal(
            "council-has-marked",
            "Hội đồng đã chấm điểm này; người thẩm định không sửa được nữa.",
            mark.pointer,
        )
    if mark.reason:
        return
    why = _why_a_reason(mark, marks)
    if why:
        raise Refusal("reason-required", f"Phải ghi lý do vì {why}.", mark.reason_pointer)


def _why_a_reason(mark: Given, marks: Marks) -> str:
    """Why the mark cannot stand without a reason; "" when it can."""
    slot = mark.slot
    if slot.kind is not Kind.CRITERION and mark.points > ZERO:
        return "có điểm cộng" if slot.kind is Kind.BONUS else "có điểm trừ"
    verified = points_in(marks, slot.at(Stage.VERIFIED)) or ZERO
    if slot.stage is Stage.COUNCIL and mark.points != verified:
        return "điểm của Hội đồng khác điểm thẩm định"
    current = points_in(marks, slot)
    if current is not None and current != mark.points:
        return "điểm này sửa điểm đã ghi"
    return ""
