"""A report is written, kept while typed, sent, withdrawn and opened again in real Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.desk import OTHER_SCHOOL, Desk
from tests.browser.test_desk import REPORT, is_sound
from tests.component.intake_desk import OFFICER, PERIOD, SCHOOL, token

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CORRECTION = f"/intake/drafts/thcs-1/{PERIOD}"
NEW = f"/intake/drafts/mttq/{PERIOD}"
FRONT = "mttq.reporter"


def front() -> dict[str, str]:
    return {"thidua_token": token(FRONT, roles=["reporter"], unit="mttq")}


def test_what_is_typed_is_kept_by_itself_and_both_texts_are_shown(
    desk: Desk, visit: Visitor
) -> None:
    one = visit(desk.origin, cookies=front())
    page = one.go(NEW)
    is_sound(one)
    page.get_by_label("Tình hình triển khai").fill("Đã triển khai ở mọi khu dân cư.")
    expect(page.get_by_role("status")).to_contain_text("Đã tự lưu lúc", timeout=15_000)
    other = visit(desk.origin, cookies=front(), javascript=False)
    shown = other.go(NEW)
    field = shown.get_by_label("Tình hình triển khai")
    expect(field).to_have_value("Đã triển khai ở mọi khu dân cư.")
    field.fill("Lời của người thứ hai.")
    shown.get_by_role("button", name="Lưu", exact=True).click()
    expect(shown.get_by_role("status")).to_have_text("Đã lưu bản soạn.")
    page.get_by_label("Tình hình triển khai").fill("Lời của người thứ nhất.")
    expect(page.get_by_role("status")).to_contain_text("Có người vừa lưu bản khác", timeout=15_000)
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Có người đã lưu trước bạn")
    assert "Lời của người thứ hai." in page.content()
    is_sound(one)
    page.get_by_role("button", name="Lưu nội dung đã ghép").click()
    expect(page.get_by_label("Tình hình triển khai")).to_have_value("Lời của người thứ nhất.")


def test_a_report_is_sent_without_a_script(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies=front(), javascript=False)
    page = one.go(NEW)
    page.get_by_label("Điểm tự chấm").fill("30")
    page.get_by_role("button", name="Lưu, xem lại và gửi").click()
    page.get_by_label("Cam kết số liệu đúng sự thật").check()
    page.get_by_role("button", name="Gửi báo cáo").click()
    expect(page.get_by_role("status")).to_contain_text("Đã gửi báo cáo.")


def test_the_pages_about_a_report_are_sound(desk: Desk, visit: Visitor) -> None:
    pages = [
        (OTHER_SCHOOL, CORRECTION),
        (SCHOOL, f"{REPORT}/withdrawal"),
        (SCHOOL, f"{REPORT}/receipt"),
        (OFFICER, NEW),
        (OFFICER, f"{REPORT}/differences?from=1"),
    ]
    for person, path in pages:
        one = visit(desk.origin, cookies={"thidua_token": token(person)})
        one.go(path)
        is_sound(one)


def test_an_accepted_report_is_opened_again(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go(f"{REPORT}/acceptance")
    page.get_by_label("Tôi đã kiểm tra và vẫn muốn làm").check()
    page.get_by_role("button", name="Tiếp nhận chính thức").click()
    page = one.go(REPORT)
    page.get_by_role("link", name="Mở lại để đơn vị gửi bản mới").click()
    is_sound(one)
    page.get_by_label("Lý do mở lại – Tiêu chí a1").fill("Số liệu thay đổi.")
    page.get_by_label("Hạn gửi bản mới").fill("20/12/2025")
    page.get_by_role("button", name="Tiếp tục").click()
    is_sound(one)
    page.get_by_label("Tôi đã kiểm tra và vẫn muốn làm").check()
    page.get_by_role("button", name="Mở lại báo cáo").click()
    expect(page.get_by_role("status")).to_contain_text("Đã mở lại báo cáo.")
