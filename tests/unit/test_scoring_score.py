"""The arithmetic of a score: for every claim and every marking the lines are the total."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.scoring.domain.claim import Claim, ClaimedItem, applicable, criteria_of
from services.scoring.domain.marks import Kind, Mark, Marks, Slot, Stage
from services.scoring.domain.score import Basis, LineKind, derive, half_up
from services.scoring.domain.sheet import (
    CriterionPoints,
    Grade,
    GroupSheet,
    Sheet,
    check_covers,
    check_sheet,
)
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

REPORT = UUID(int=1)
A = GroupSheet(
    "a",
    tuple(
        CriterionPoints(code, Decimal(points))
        for code, points in (("a1", 40), ("a2", 25), ("a3", 15), ("a4", 20))
    ),
)
D = GroupSheet("d", (CriterionPoints("d1", Decimal(100)), CriterionPoints("d2", Decimal(100))))
GRADES = tuple(
    Grade(name, Decimal(points))
    for name, points in (
        ("Xuất sắc", 90),
        ("Tốt", 80),
        ("Khá", 65),
        ("Trung bình", 50),
        ("Yếu", 0),
    )
)
SHEET = Sheet(1, (A, D), Decimal(10), Decimal(20), Decimal(2), GRADES)


def claim_of(*items: ClaimedItem) -> Claim:
    return Claim(REPORT, 1, datetime(2025, 12, 1, tzinfo=UTC), late=False, items=items)


def scores(**points: str | None) -> Claim:
    """A claim; None says that a criterion does not apply."""
    return claim_of(
        *(
            ClaimedItem(code, None if value is None else Decimal(value), value is None)
            for code, value in points.items()
        )
    )


def marks_of(stage: Stage, points: Mapping[str, str]) -> dict[Slot, Mark]:
    slots = {
        "bonus": Slot(stage, Kind.BONUS),
        "deduction": Slot(stage, Kind.DEDUCTION),
    }
    found = {}
    for code, value in points.items():
        slot = slots.get(code, Slot(stage, Kind.CRITERION, code))
        found[slot] = Mark(slot, Decimal(value), "vì")
    return found


cents = st.decimals(0, 120, places=2)
items = st.builds(
    ClaimedItem,
    st.sampled_from(["a1", "a2", "a3", "a4", "d1", "d2", "c1"]),
    st.none() | st.decimals(-5, 120, places=2),
    st.booleans(),
)
claims = st.lists(items, max_size=8).map(lambda found: claim_of(*found))


@st.composite
def markings(draw: st.DrawFn, group: GroupSheet) -> Marks:
    """Marks of either stage, each within its criterion's maximum."""
    marks: dict[Slot, Mark] = {}
    for stage in Stage:
        for criterion in group.criteria:
            if draw(st.booleans()):
                slot = Slot(stage, Kind.CRITERION, criterion.code)
                points = draw(st.decimals(0, criterion.max_points, places=2))
                marks[slot] = Mark(slot, points, "")
        for kind, cap in ((Kind.BONUS, 10), (Kind.DEDUCTION, 20)):
            if draw(st.booleans()):
                slot = Slot(stage, kind)
                marks[slot] = Mark(slot, draw(st.decimals(0, cap, places=2)), "vì")
    return marks


@given(
    st.sampled_from([A, D]).flatmap(lambda group: st.tuples(st.just(group), markings(group))),
    claims,
    st.sampled_from(Basis),
    st.booleans(),
)
def test_the_lines_add_up_to_the_total(
    marked: tuple[GroupSheet, Marks], claim: Claim, basis: Basis, late: bool
) -> None:
    group, marks = marked
    derivation = derive(SHEET, group, claim, basis=basis, marks=marks, late=late)
    total = derivation.total
    assert sum(line.counted for line in derivation.lines) == total
    assert 0 <= total <= 100 + SHEET.bonus_cap
    assert total == half_up(total)
    assert derivation.grade == SHEET.grade_of(total)
    assert {item.criterion for item in claim.items} <= {d.criterion for d in derivation.lines}


@given(claims, st.booleans())
def test_a_self_score_is_never_more_than_what_the_criteria_are_worth(
    claim: Claim, late: bool
) -> None:
    derivation = derive(SHEET, A, claim, basis=Basis.SELF, late=late)
    assert derivation.total <= 100
    for line in derivation.lines:
        if line.kind is LineKind.CRITERION and line.max_points is not None:
            assert 0 <= line.counted <= line.max_points


@given(markings(A), claims, st.booleans())
def test_lateness_costs_its_points_and_never_gives_any(
    marks: Marks, claim: Claim, late: bool
) -> None:
    on_time = derive(SHEET, A, claim, basis=Basis.FINAL, marks=marks)
    judged = derive(SHEET, A, claim, basis=Basis.FINAL, marks=marks, late=late)
    assert on_time.total - judged.total <= (SHEET.late_deduction if late else 0)
    assert judged.total <= on_time.total


@given(st.dictionaries(st.sampled_from(["a1", "a2", "a3", "a4"]), cents, min_size=1, max_size=3))
def test_what_does_not_apply_stretches_the_rest_to_the_scale(points: dict[str, Decimal]) -> None:
    most = {c.code: c.max_points for c in A.criteria}
    given_points = {code: min(value, most[code]) for code, value in points.items()}
    claim = scores(**{c: str(given_points[c]) if c in points else None for c in most})
    expected = half_up(
        sum(given_points.values(), Decimal(0)) * 100 / sum(most[code] for code in points)
    )
    assert derive(SHEET, A, claim, basis=Basis.SELF).total == expected
    full = scores(**{c: str(most[c]) if c in points else None for c in most})
    assert derive(SHEET, A, full, basis=Basis.SELF).total == 100


@pytest.mark.parametrize(
    ("claim", "total"),
    [
        (scores(a1="38", a2="24", a3="14", a4="18"), "94.00"),
        (scores(a1="38", a2="24", a3="14", a4=None), "95.00"),
        (scores(a1="33.33", a2=None, a3="10", a4="0"), "57.77"),
        (scores(a1="90", a2="24", a3="14", a4="18"), "96.00"),
        (scores(a1=None, a2=None, a3=None, a4=None), "0.00"),
        (scores(), "0.00"),
        (scores(a1="40", c1="30", d1="90"), "40.00"),
    ],
)
def test_self_totals_by_hand(claim: Claim, total: str) -> None:
    assert str(derive(SHEET, A, claim, basis=Basis.SELF).total) == total


def test_a_half_is_rounded_up() -> None:
    claim = scores(a1="0.01", a2="0", a3="0", a4=None)
    assert str(derive(SHEET, A, claim, basis=Basis.SELF).total) == "0.01"
    one_eighth = scores(a1="0.10", a2="0", a3="0", a4=None)
    assert str(derive(SHEET, A, one_eighth, basis=Basis.SELF).total) == "0.13"


def test_what_was_cut_or_left_out_says_so() -> None:
    claim = scores(a1="55", a2="-1", c1="30")
    notes = {line.criterion: line.note for line in derive(SHEET, A, claim, basis=Basis.SELF).lines}
    assert notes == {
        "a1": "Tự chấm 55, cắt về mức tối đa",
        "a2": "Tự chấm -1, tính là 0",
        "a3": "Đơn vị không tự chấm",
        "a4": "Đơn vị không tự chấm",
        "c1": "Tiêu chí không thuộc nhóm của đơn vị, không tính",
    }


def test_the_council_counts_where_it_marked() -> None:
    claim = scores(a1="40", a2="25", a3="15", a4="20")
    marks = {
        **marks_of(Stage.VERIFIED, {"a1": "30", "a2": "20", "a3": "10", "a4": "10", "bonus": "3"}),
        **marks_of(Stage.COUNCIL, {"a1": "35.5", "deduction": "1"}),
    }
    verified = derive(SHEET, A, claim, basis=Basis.VERIFIED, marks=marks)
    final = derive(SHEET, A, claim, basis=Basis.FINAL, marks=marks, late=True)
    assert (verified.total, final.total) == (Decimal(73), Decimal("75.5"))
    first = final.lines[0]
    assert (first.self_score, first.verified, first.council) == (
        Decimal(40),
        Decimal(30),
        Decimal("35.5"),
    )


def test_deductions_stop_at_their_cap_and_the_total_at_nothing() -> None:
    claim = scores(a1="5", a2="0", a3="0", a4="0")
    marks = {
        **marks_of(Stage.VERIFIED, {"a1": "5", "a2": "0", "a3": "0", "a4": "0", "deduction": "20"})
    }
    derivation = derive(SHEET, A, claim, basis=Basis.FINAL, marks=marks, late=True)
    by_kind = {line.kind: line for line in derivation.lines}
    assert by_kind[LineKind.DEDUCTION].counted == -18
    assert by_kind[LineKind.DEDUCTION].note == "vì (tổng điểm trừ không quá 20)"
    assert by_kind[LineKind.FLOOR].counted == 15
    assert derivation.total == 0
    assert derivation.grade == "Yếu"


@pytest.mark.parametrize(
    ("claim", "criterion"),
    [
        (scores(d2="80"), "d2"),
        (scores(d1="80"), "d1"),
        (scores(d2="80", d1="90"), "d2"),
        (scores(), "d1"),
    ],
)
def test_an_individual_is_scored_by_one_criterion(claim: Claim, criterion: str) -> None:
    assert [c.code for c in criteria_of(D, claim)] == [criterion]
    assert derive(SHEET, D, claim, basis=Basis.SELF).total == (
        claim.items[0].self_score or 0 if claim.items else 0
    )


@given(claims)
def test_only_what_applies_has_to_be_marked(claim: Claim) -> None:
    codes = {c.code for c in applicable(A, claim)}
    assume(claim.items)
    refused = {i.criterion for i in claim.items if i.not_applicable}
    first = {i.criterion: i.not_applicable for i in reversed(claim.items)}
    assert codes == {c.code for c in A.criteria} - {c for c in refused if first[c]}


@pytest.mark.parametrize(
    ("total", "grade"),
    [
        ("110", "Xuất sắc"),
        ("90", "Xuất sắc"),
        ("89.99", "Tốt"),
        ("80", "Tốt"),
        ("79.99", "Khá"),
        ("65", "Khá"),
        ("64.99", "Trung bình"),
        ("50", "Trung bình"),
        ("49.99", "Yếu"),
        ("0", "Yếu"),
    ],
)
def test_grades_begin_at_their_thresholds(total: str, grade: str) -> None:
    assert SHEET.grade_of(Decimal(total)) == grade


def _sheet(**changed: object) -> Sheet:
    values: dict[str, object] = {
        "version": 1,
        "groups": (A, D),
        "bonus_cap": Decimal(10),
        "deduction_cap": Decimal(20),
        "late_deduction": Decimal(2),
        "grades": GRADES,
        **changed,
    }
    return Sheet(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sheet", "name", "pointer"),
    [
        (_sheet(groups=(A, A)), "repeated", "/groups"),
        (
            _sheet(groups=(D, GroupSheet("a", A.criteria[:3]))),
            "points-do-not-add-up",
            "/groups/1/criteria",
        ),
        (
            _sheet(groups=(GroupSheet("a", (*A.criteria[:3], A.criteria[0])),)),
            "repeated",
            "/groups/0/criteria",
        ),
        (_sheet(late_deduction=Decimal(21)), "late-above-cap", "/late_deduction"),
        (_sheet(grades=GRADES[:4]), "grades-leave-a-gap", "/grades"),
        (_sheet(grades=(Grade("Cao", Decimal(101)), *GRADES)), "grades-leave-a-gap", "/grades"),
        (_sheet(grades=GRADES[::-1]), "grades-out-of-order", "/grades/1/from_points"),
        (_sheet(grades=(*GRADES, GRADES[0])), "repeated", "/grades"),
    ],
)
def test_a_sheet_that_cannot_hold_is_refused(sheet: Sheet, name: str, pointer: str) -> None:
    with pytest.raises(Refusal) as refusal:
        check_sheet(sheet)
    assert (refusal.value.name, refusal.value.pointer) == (name, pointer)


def test_a_sheet_covers_exactly_the_movements_criteria() -> None:
    check_sheet(SHEET)
    movement = {"a": ("a1", "a2", "a3", "a4"), "d": ("d1", "d2")}
    check_covers(SHEET, movement)
    for wrong in ({**movement, "b": ("b1",)}, {"a": movement["a"]}, {**movement, "d": ("d1",)}):
        with pytest.raises(Refusal, match="sheet-does-not-cover"):
            check_covers(SHEET, wrong)
