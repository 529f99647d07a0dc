"""The law as dated, labelled rules; the window; what the shortlist says."""

from datetime import date
from typing import Literal

import pytest

from services.awards.domain.law import (
    RULES,
    Case,
    OfferedForm,
    PeriodKind,
    Rule,
    check,
    period_kind,
    rules_in_force,
    version_of,
)
from services.awards.domain.publication import Window, advice, check_window
from services.awards.domain.shortlist import Standing, flags_of, forms_for, same_name
from shared.refusal import Refusal

pytestmark = pytest.mark.unit
DAY = date(2025, 12, 18)


def form(
    code: str, *, collectives: bool = True, individuals: bool = True, here: bool = False
) -> OfferedForm:
    return OfferedForm(code, code, collectives, individuals, here, annual=here)


COMMENDATION = form("giay-khen", here=True)
FLAG = form("co-thi-dua", individuals=False)
DIPLOMA = form("bang-khen")
TITLE = form("chien-si", collectives=False, here=True)
Who = Literal["collective", "individual"]

ANSWERS: list[tuple[PeriodKind, OfferedForm | None, Who, str | None]] = [
    ("annual", COMMENDATION, "collective", None),
    ("annual", COMMENDATION, "individual", None),
    ("annual", FLAG, "collective", "form-not-offered"),
    ("annual", FLAG, "individual", "form-not-offered"),
    ("annual", DIPLOMA, "individual", "form-not-offered"),
    ("annual", TITLE, "collective", "individuals-only"),
    ("annual", None, "collective", "unknown-form"),
    ("review", COMMENDATION, "collective", None),
    ("review", DIPLOMA, "collective", "form-not-offered"),
    ("final", COMMENDATION, "individual", None),
    ("final", FLAG, "individual", "collectives-only"),
    ("final", FLAG, "collective", "decided-elsewhere"),
    ("final", DIPLOMA, "individual", "decided-elsewhere"),
    ("final", None, "individual", "unknown-form"),
]


@pytest.mark.parametrize(("kind", "wanted", "who", "name"), ANSWERS)
def test_the_menu_of_forms(
    kind: PeriodKind, wanted: OfferedForm | None, who: Who, name: str | None
) -> None:
    case = Case(kind, wanted, who == "collective", has_result=True)
    refusal = broken_by(case)
    assert (refusal and refusal.name) == name
    assert refusal is None or refusal.pointer == "/form"


def broken_by(case: Case) -> Refusal | None:
    try:
        check(case, rules_in_force(DAY))
    except Refusal as refusal:
        return refusal
    return None


def test_every_rule_can_be_broken() -> None:
    names = {name for *_, name in ANSWERS if name}
    no_result = Case("annual", COMMENDATION, collective=True, has_result=False)
    again = Case("annual", COMMENDATION, collective=True, has_result=True, live_dossier="ho-so-1")
    for case in (no_result, again):
        refusal = broken_by(case)
        assert refusal is not None
        assert refusal.pointer == "/participant"
        names.add(refusal.name)
    assert names == {rule.name for rule in RULES}


def test_only_what_was_found_or_planned_is_cited_as_law() -> None:
    for rule in RULES:
        case = _breaking(rule)
        with pytest.raises(Refusal) as refused:
            check(case, [rule])
        assert (rule.source in refused.value.detail) == (rule.label != "design-reading")
        assert "{" not in refused.value.detail


def _breaking(rule: Rule) -> Case:
    for kind in ("annual", "final"):
        for wanted in (None, COMMENDATION, FLAG, DIPLOMA, TITLE):
            for collective in (True, False):
                for result, live in ((True, ""), (False, ""), (True, "ho-so-1")):
                    case = Case(kind, wanted, collective, result, live)
                    if rule.broken(case):
                        return case
    raise AssertionError(f"nothing breaks {rule.name}")


def test_a_dossier_is_judged_by_the_rules_of_its_day() -> None:
    old = Rule("old", lambda _: True, "Cũ.", "Luật cũ", "found", "/form", date(2020, 1, 1), DAY)
    new = Rule("new", lambda _: True, "Mới.", "Luật mới", "found", "/form", DAY)
    assert rules_in_force(date(2025, 12, 17), [old, new]) == (old,)
    assert rules_in_force(DAY, [old, new]) == (new,)
    with pytest.raises(Refusal, match="no-law-in-force"):
        rules_in_force(date(2019, 12, 31), [old, new])
    assert version_of(rules_in_force(DAY)) == "2025-07-01"
    assert version_of(rules_in_force(date(2024, 6, 1))) == "2024-01-01"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("2025-annual", "annual"), ("2027-so-ket", "review"), ("2030-tong-ket", "final")],
)
def test_the_kind_of_a_period(code: str, kind: PeriodKind) -> None:
    assert period_kind(code) == kind


@pytest.mark.parametrize("code", ["2025", "annual-2025", "2025-semiannual"])
def test_a_period_of_no_known_kind_is_refused(code: str) -> None:
    with pytest.raises(Refusal, match="unknown-period-kind"):
        period_kind(code)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (DAY, DAY, None),
        (DAY, date(2025, 12, 17), "window-reversed"),
        (date(2025, 12, 17), DAY, "window-back-dated"),
        (DAY, date(2027, 1, 1), "window-too-long"),
    ],
)
def test_windows(first: date, last: date, name: str | None) -> None:
    if name is None:
        check_window(Window(first, last), DAY)
        return
    with pytest.raises(Refusal, match=name):
        check_window(Window(first, last), DAY)


def test_working_days_leave_out_the_weekend_and_advise_only() -> None:
    window = Window(date(2025, 12, 19), date(2025, 12, 26))
    assert window.working_days == 6
    assert advice(window, 6) == ""
    assert "6 ngày làm việc" in advice(window, 7)
    assert window.holds(window.last)
    assert not window.holds(date(2025, 12, 27))


def test_the_shortlist_flags_and_offers() -> None:
    rules = rules_in_force(DAY)
    forms = [COMMENDATION, FLAG, DIPLOMA, TITLE]
    best = Standing(collective=True, rank=1, late=False, live_dossier="", proposals=1)
    assert [flag.name for flag in flags_of(best)] == ["first-in-block"]
    assert forms_for(best, "annual", forms, rules) == ["giay-khen"]
    person = Standing(collective=False, rank=3, late=True, live_dossier="x", proposals=0)
    assert [f.name for f in flags_of(person)] == ["has-dossier", "late-report", "not-proposed"]
    assert forms_for(person, "annual", forms, rules) == ["giay-khen", "chien-si"]
    silent = Standing(collective=True, rank=0, late=False, live_dossier="", proposals=0)
    assert [flag.name for flag in flags_of(silent)] == ["no-frozen-result", "not-proposed"]
    assert forms_for(silent, "annual", forms, rules) == []


def test_names_are_compared_without_case_and_spacing() -> None:
    assert same_name("Trường  TIỂU HỌC số 1 ", "trường tiểu học số 1")
    assert not same_name("Trường 1", "Trường 2")
