"""Letters about duties that are met by a document of the unit's own."""

from dataclasses import replace

import pytest

from services.notify.domain.letter import (
    SECTIONS,
    Duty,
    Manner,
    Obligation,
    ObligationOpened,
    Overdue,
    Reminder,
)
from tests.unit.test_letters import (
    IN_AUGUST,
    PLAN_PATH,
    SCHOOL,
    mail_of,
    part,
    words,
)

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
def test_each_is_called_by_its_name_and_issued_not_sent(duty: Duty) -> None:
    name, page, section = NAMES[duty]
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
        assert "ban hành" in text
        assert "báo cáo thi đua năm" not in text
    invited = Reminder(SCHOOL, PLAN_PATH, replace(owed, manner=Manner.INVITED), 7)
    assert "Mời ban hành" in str(mail_of(invited)["Subject"])


def test_every_duty_but_the_annual_report_is_a_document() -> None:
    assert set(NAMES) == set(Duty) - {Duty.ANNUAL_REPORT}
