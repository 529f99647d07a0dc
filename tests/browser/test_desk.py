"""The desk's own tasks in real Chromium, by keyboard alone: a plan, a return, an acceptance."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor
from tests.browser.desk import OTHER_SCHOOL, Desk
from tests.browser.visit import Visit
from tests.component.intake_desk import OFFICER, PERIOD, PLANS, SCHOOL, token

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

REPORT = f"/intake/reports/tieu-hoc-1/{PERIOD}/1"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control of that id, name or text has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(_HAS_FOCUS, name):
            return
    pytest.fail(f"the keyboard does not reach {name} on {page.url}")


_HAS_FOCUS = """name => {
  const at = document.activeElement;
  return [at.id, at.name, at.textContent.trim()].includes(name);
}"""


def is_sound(one: Visit) -> None:
    """No fault of WCAG 2.2 AA, and nothing lost at 200 % zoom and on a telephone."""
    assert one.every_fault() == []


def test_every_page_of_the_desk_is_sound(desk: Desk, visit: Visitor) -> None:
    pages = [
        (OFFICER, "/intake/"),
        (OFFICER, f"/intake/?period={PLANS}"),
        (OFFICER, "/intake/?q=khong-co"),
        (SCHOOL, "/intake/"),
        (SCHOOL, desk.duties["tieu-hoc-1", "annual-report"]),
        (SCHOOL, desk.duties["tieu-hoc-1", "unit-plan"]),
        (OTHER_SCHOOL, desk.duties["thcs-1", "annual-report"]),
        (OTHER_SCHOOL, f"/intake/reports/thcs-1/{PERIOD}/1"),
        (OFFICER, desk.duties["mttq", "annual-report"]),
        (OFFICER, f"/intake/files/giao-vien-1/{PERIOD}"),
        (OFFICER, REPORT),
        (OFFICER, f"{REPORT}/acceptance"),
        (OFFICER, f"{REPORT}/return"),
    ]
    for person, path in pages:
        one = visit(desk.origin, cookies={"thidua_token": token(person)})
        one.go(path)
        is_sound(one)


def test_a_plan_is_recorded_by_keyboard(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(SCHOOL)})
    page = one.go(desk.duties["tieu-hoc-1", "unit-plan"])
    tab_to(page, "o-number")
    page.keyboard.type("12/KH-TH")
    page.keyboard.press("Tab")
    page.keyboard.type("31/02/2025")
    page.keyboard.press("Enter")
    page.wait_for_selector("#loi")
    assert page.evaluate("document.activeElement.id") == "loi"
    is_sound(one)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "o-issued_on"
    page.keyboard.press("Control+A")
    page.keyboard.type("20/08/2025")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=confirmed]")
    is_sound(one)
    tab_to(page, "Sửa lại")
    page.keyboard.press("Enter")
    page.wait_for_selector("#o-number")
    assert page.input_value("#o-number") == "12/KH-TH"
    tab_to(page, "Tiếp tục")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=confirmed]")
    tab_to(page, "confirmed")
    page.keyboard.press("Space")
    tab_to(page, "Ghi nhận kế hoạch")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=plan")
    assert "Đã ghi nhận kế hoạch" in page.inner_text("[role=status]")
    is_sound(one)


def test_a_report_is_returned_by_keyboard(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go(desk.duties["tieu-hoc-1", "annual-report"])
    tab_to(page, "Xem và xét báo cáo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{REPORT}")
    tab_to(page, "Trả lại để chỉnh sửa")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{REPORT}/return")
    tab_to(page, "o-reason-2")
    page.keyboard.type("Chưa nêu kết quả.")
    tab_to(page, "o-correct_by")
    page.keyboard.type("20/12/2025")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=confirmed]")
    is_sound(one)
    tab_to(page, "confirmed")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=returned")
    assert "Tiêu chí a1: Chưa nêu kết quả." in page.inner_text("main")


def test_a_report_is_accepted_by_keyboard(desk: Desk, visit: Visitor) -> None:
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go(f"{REPORT}/acceptance")
    tab_to(page, "Tiếp nhận chính thức")
    page.keyboard.press("Enter")
    assert page.url.endswith("/acceptance")
    tab_to(page, "confirmed")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=accepted")
    assert "Đã tiếp nhận chính thức" in page.inner_text("[role=status]")
