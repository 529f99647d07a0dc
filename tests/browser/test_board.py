"""The board of a year in real Chromium: sound at any width, and reminding by keyboard alone."""

import pytest

from tests.browser.conftest import Visitor
from tests.browser.desk import Desk
from tests.browser.keyboard import confirm, follow, press, tab_to
from tests.browser.test_desk import is_sound
from tests.component.intake_desk import OFFICER, SCHOOL, token

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = [
    (OFFICER, "/intake/duties"),
    (OFFICER, "/intake/duties?sort=due&state=waiting"),
    (OFFICER, "/intake/duties?q=khong-co"),
    (SCHOOL, "/intake/duties"),
    (OFFICER, "/intake/participants/tieu-hoc-1/timeline"),
    (SCHOOL, "/intake/participants/tieu-hoc-1/timeline"),
]


def test_the_board_and_the_timeline_are_sound(desk: Desk, visit: Visitor) -> None:
    for person, path in PAGES:
        one = visit(desk.origin, cookies={"thidua_token": token(person)})
        one.go(path)
        is_sound(one)


def test_reminding_by_keyboard(desk: Desk, visit: Visitor) -> None:
    """One with one press; then two chosen, looked at, confirmed; then what is refused is told."""
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go("/intake/duties?state=waiting&sort=name")
    follow(page, page.get_by_role("button", name="Nhắc Đơn vị mttq, Báo cáo năm 2025"))
    assert "Đã ghi lại và gửi thư nhắc." in page.inner_text("[role=status]")
    assert "state=waiting" in page.url
    is_sound(one)
    for name in ("Đơn vị phong-vhxh, Báo cáo năm 2025", "Đơn vị thcs-1, Kế hoạch của đơn vị 2025"):
        tab_to(page, page.get_by_role("checkbox", name=f"Chọn {name}"))
        page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Nhắc các việc đã chọn").last)
    assert "Sẽ gửi 2 thư" in page.inner_text("main")
    is_sound(one)
    press(page, page.get_by_role("button", name="Gửi các thư này"))
    assert page.get_by_role("heading", level=1).inner_text() == "Kiểm tra trước khi nhắc"
    confirm(page)
    follow(page, page.get_by_role("button", name="Gửi các thư này"))
    assert "Đã ghi lại và gửi 2 thư." in page.inner_text("[role=status]")
    is_sound(one)
    follow(page, page.get_by_role("link", name="Bảng theo dõi cả năm"))
    assert page.get_by_text("đã nhắc hôm nay").count() == 3


def test_enter_in_a_box_asks_first(desk: Desk, visit: Visitor) -> None:
    """The first button of the form is the one that shows what would be sent."""
    one = visit(desk.origin, cookies={"thidua_token": token(OFFICER)})
    page = one.go("/intake/duties?state=waiting")
    tab_to(page, page.get_by_role("checkbox", name="Chọn Đơn vị phong-vhxh, Báo cáo năm 2025"))
    page.keyboard.press("Space")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Sẽ gửi 1 thư" in page.inner_text("main")
