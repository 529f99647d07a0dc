"""Letters about duties but the report of a year: units' own documents, and the two reviews."""

from dataclasses import replace

import pytest

from services.notify.domain.letter import (
    ISSUED,
    SECTIONS,
    Duty,
    Manner,
    Obligation,
    ObligationOpened,
    Overdue,
    Reminder,
)
from services.notify.domain.telling import Moot, write
from tests.unit.letter_samples import IN_AUGUST, PLAN_PATH, SCHOOL
from tests.unit.test_letters import mail_of, part, words
from tests.unit.test_notify_telling import CHAIRMAN, LAST, YEAR, case

pytestmark = pytest.mark.unit

NAMES = {
    Duty.UNIT_PLAN: (
        "Kế hoạch triển khai thực hiện Phong trào thi đua",
        "trang kế hoạch",
        "mục V.1",
    ),
    Duty.LITERACY_PLAN: ("Kế hoạch Bình dân học vụ số", "trang kế hoạch", "mục VI.1.b"),
    Duty.MIDTERM_REPORT: (
        "Báo cáo sơ kết giai đoạn 1 Phong trào thi đua",
        "trang báo cáo",
        "mục V.1",
    ),
    Duty.FINAL_REPORT: ("Báo cáo tổng kết Phong trào thi đua", "trang báo cáo", "mục V.2"),
}


@pytest.mark.parametrize("duty", NAMES)
def test_each_is_called_by_its_name_a_plan_is_issued_and_a_review_is_sent(duty: Duty) -> None:
    name, page, section = NAMES[duty]
    done, other = ("ban hành", "gửi") if duty in ISSUED else ("gửi", "ban hành")
    owed = Obligation(duty, Manner.OWES, IN_AUGUST, SECTIONS[duty])
    letters = (
        ObligationOpened(SCHOOL, PLAN_PATH, owed),
        Reminder(SCHOOL, PLAN_PATH, owed, 7),
        Overdue(SCHOOL, PLAN_PATH, owed, 3),
    )
    for letter in letters:
        text = words(part(mail_of(letter), "plain"))
        assert name in text
        assert page in text
        assert f"{section}, Kế hoạch" in text or f"{section} của Kế hoạch" in text
        assert done in text
        assert f"{other} {name.lower()}" not in text.lower()
        assert "báo cáo thi đua năm" not in text
    invited = Reminder(SCHOOL, PLAN_PATH, replace(owed, manner=Manner.INVITED), 7)
    assert f"Mời {done}" in str(mail_of(invited)["Subject"])


def test_every_duty_but_the_annual_report_is_here() -> None:
    assert set(NAMES) == set(Duty) - {Duty.ANNUAL_REPORT}
    assert set(ISSUED) == {Duty.UNIT_PLAN, Duty.LITERACY_PLAN}


@pytest.mark.parametrize("duty", [Duty.MIDTERM_REPORT, Duty.FINAL_REPORT])
@pytest.mark.parametrize("kind", ["report-received", "report-returned", "report-accepted"])
def test_what_becomes_of_a_review_is_told_by_its_own_name(duty: Duty, kind: str) -> None:
    period = replace(YEAR, kind=duty)
    written = write(case(kind, period=period), CHAIRMAN, LAST)
    assert not isinstance(written, Moot)
    text = words(part(mail_of(written), "plain"))
    assert NAMES[duty][0].lower() in text.lower()
    assert f"{SECTIONS[duty]}, Kế hoạch" in text
    assert "báo cáo thi đua năm" not in text
