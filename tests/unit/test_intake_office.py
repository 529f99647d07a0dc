"""Who may do what at the desk; the register of publishers; the roll."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.intake.domain.office import Subject, check_may_judge, check_may_submit
from services.intake.domain.publisher import Grant, Publisher
from services.intake.domain.roll import Contact, Entry, check_entries
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

DAY = date(2025, 12, 1)
SCHOOL = Subject("tieu-hoc-1", None, "tieu-hoc-1.reporter")
TEACHER = Subject("giao-vien-1", "tieu-hoc-1", "giao-vien-1.reporter")


@pytest.mark.parametrize(
    ("people", "units", "subject", "may"),
    [
        ("officer", "phong-vhxh", SCHOOL, True),
        ("officer", "phong-vhxh", TEACHER, True),
        ("officer", "tieu-hoc-1", SCHOOL, False),
        ("officer", "tieu-hoc-1", TEACHER, False),
        ("officer", "giao-vien-1", TEACHER, False),
        ("officer", "phong-vhxh tieu-hoc-1", SCHOOL, False),
        ("officer", "phong-vhxh tieu-hoc-1", TEACHER, False),
        ("officer", "", SCHOOL, True),
        ("officer", "", TEACHER, True),
        ("tieu-hoc-1.reporter", "", SCHOOL, False),
        ("officer tieu-hoc-1.reporter", "phong-vhxh", SCHOOL, False),
        ("", "", Subject("tieu-hoc-1", None), True),
    ],
)
def test_nobody_judges_a_file_of_a_unit_of_theirs(
    people: str, units: str, subject: Subject, may: bool
) -> None:
    def judge() -> None:
        check_may_judge({*people.split(" ")}, {*units.split()}, subject)

    if may:
        judge()
        return
    with pytest.raises(Refusal) as caught:
        judge()
    assert caught.value.name == "own-unit"
    assert "đơn vị mình" in caught.value.detail


@pytest.mark.parametrize("is_officer", [False, True])
@pytest.mark.parametrize(
    ("units", "subject", "own"),
    [
        ("tieu-hoc-1", SCHOOL, True),
        ("tieu-hoc-1", TEACHER, True),
        ("giao-vien-1", TEACHER, True),
        ("giao-vien-1", SCHOOL, False),
        ("thcs-1", SCHOOL, False),
        ("thcs-1", TEACHER, False),
        ("thcs-1 tieu-hoc-1", TEACHER, True),
        ("", SCHOOL, False),
    ],
)
def test_a_unit_reports_for_itself_and_whom_it_proposes(
    units: str, subject: Subject, own: bool, is_officer: bool
) -> None:
    if own or is_officer:
        check_may_submit({*units.split()}, subject, is_officer=is_officer)
        return
    with pytest.raises(Refusal) as caught:
        check_may_submit({*units.split()}, subject, is_officer=is_officer)
    assert (caught.value.name, caught.value.pointer) == ("not-your-unit", "/participant")


def test_a_publisher_reports_for_whom_it_was_granted() -> None:
    everyone = Publisher("e-office", "urn:x", (Grant("tu-minh", None, DAY),))
    schools = frozenset({"thcs-1", "tieu-hoc-1"})
    two = Publisher("trial", "urn:y", (Grant("tu-minh", schools, DAY),))
    nobody = Publisher("new", "urn:z", ())
    ended = replace(everyone, ended=True)
    assert everyone.may_report_for("tu-minh", "anybody", DAY)
    assert not everyone.may_report_for("phuong-khac", "anybody", DAY)
    assert two.may_report_for("tu-minh", "thcs-1", DAY)
    assert not two.may_report_for("tu-minh", "thcs-2", DAY)
    assert not two.may_report_for("phuong-khac", "thcs-1", DAY)
    assert not nobody.may_report_for("tu-minh", "thcs-1", DAY)
    assert not ended.may_report_for("tu-minh", "anybody", DAY)


@pytest.mark.parametrize(
    ("since", "until", "may"),
    [
        (DAY, None, True),
        (DAY, DAY, True),
        (DAY - timedelta(1), DAY, True),
        (DAY + timedelta(1), None, False),
        (DAY - timedelta(9), DAY - timedelta(1), False),
    ],
)
def test_a_grant_holds_on_its_days(since: date, until: date | None, may: bool) -> None:
    one = Publisher("e-office", "urn:x", (Grant("tu-minh", None, since, until),))
    assert one.may_report_for("tu-minh", "thcs-1", DAY) is may


CONTACT = Contact("thcs-1.reporter", "Đầu mối", "thcs-1@tu-minh.example")
UNIT = Entry("thcs-1", "Trường THCS", True, "owes", None, CONTACT)
PUPIL = Entry("giao-vien-2", "Giáo viên", False, "proposed", "thcs-1", CONTACT)


def refusal_of(*entries: Entry, known: dict[str, bool] | None = None) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        check_entries(entries, known or {})
    return caught.value.name, caught.value.pointer


def test_a_roll_that_holds_together() -> None:
    check_entries([UNIT, PUPIL], {})
    check_entries([PUPIL, UNIT], {})
    check_entries([PUPIL], {"thcs-1": True})


def test_a_roll_that_does_not() -> None:
    again = replace(UNIT, name="Tên khác")
    assert refusal_of(UNIT, again) == ("code-repeated", "/participants/1/code")
    other = replace(CONTACT, email="khac@tu-minh.example")
    assert refusal_of(UNIT, replace(PUPIL, reporter=other)) == (
        "contact-differs",
        "/participants/1/reporter",
    )
    place = "/participants/1/proposed_by"
    assert refusal_of(UNIT, replace(PUPIL, proposed_by=None)) == ("proposal-incomplete", place)
    owing = replace(PUPIL, manner="owes")
    assert refusal_of(UNIT, owing) == ("proposal-incomplete", place)
    assert refusal_of(UNIT, replace(PUPIL, proposed_by="la")) == ("unknown-unit", place)
    assert refusal_of(UNIT, replace(PUPIL, proposed_by="giao-vien-2")) == ("unknown-unit", place)
    assert refusal_of(PUPIL, known={"thcs-1": False}) == (
        "unknown-unit",
        "/participants/0/proposed_by",
    )
