"""From a mail in the mailbox to the thing done and the door shut behind it, by keyboard alone."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from deploy.cycle.year import at
from tests.browser.conftest import Visitor
from tests.browser.from_mails import Somebody, box_of, link_in
from tests.browser.keyboard import press, tab_to, write
from tests.played import Played

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

UNIT, NAME = "thcs-1", "Trường Trung học cơ sở số 1"
ADDRESS = f"{UNIT}@tu-minh.example"
ANY_DAY = at("2030-12-31 08:00")


@pytest.fixture
def ward(launched: Callable[[datetime], Played]) -> Played:
    """A ward in which every unit was asked for a plan; this one has recorded none."""
    return launched(ANY_DAY)


def somebody(ward: Played, visit: Visitor, width: int = 1280) -> Somebody:
    one = visit(ward.addresses["http"]["origin"], width=width)
    return Somebody("reporter", ADDRESS, one, box_of(ward))


def test_a_reporter_follows_a_mail_records_the_plan_and_signs_out(
    ward: Played, visit: Visitor
) -> None:
    reporter = somebody(ward, visit, width=360)
    one, page = reporter.one, reporter.page
    link = link_in(reporter.box.newest(ADDRESS, "obligation-opened", "kế hoạch"))
    page.goto(link)
    reporter.ask_to_sign_in()
    assert one.every_fault() == []
    press(page, page.get_by_role("button", name="Đăng nhập", exact=True))

    expect(page).to_have_url(link)
    expect(page.get_by_text(NAME).first).to_be_visible()
    write(page, "Ngày ban hành", "32/08/2025")
    write_number(page, "05/KH-TH")
    press(page, page.get_by_role("button", name="Tiếp tục"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Số kế hoạch")).to_have_value("05/KH-TH")
    assert one.faults() == []

    write(page, "Ngày ban hành", "01/08/2025")
    press(page, page.get_by_role("button", name="Tiếp tục"))
    expect(page.get_by_text("không sửa được nữa")).to_be_visible()
    assert one.faults() == []
    tab_to(page, page.get_by_role("checkbox"))
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name="Ghi nhận kế hoạch"))
    expect(page.get_by_text("số 05/KH-TH ngày 01/08/2025").first).to_be_visible()
    assert page.get_by_label("Số kế hoạch").count() == 0

    reporter.sign_out()
    page.goto(link)
    expect(page.get_by_role("heading", name="Đăng nhập", exact=True)).to_be_visible()


def write_number(page: Page, text: str) -> None:
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_label("Số kế hoạch")).to_be_focused()
    page.keyboard.type(text)


def test_a_used_link_and_a_link_in_another_browser_open_nothing(
    ward: Played, visit: Visitor
) -> None:
    reporter = somebody(ward, visit)
    page, origin = reporter.page, ward.addresses["http"]["origin"]
    page.goto(f"{origin}/intake/sign-in")
    reporter.box.forget_links(ADDRESS)
    write(page, "Địa chỉ thư điện tử", ADDRESS)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Hãy xem hộp thư")).to_be_visible()
    link = reporter.box.sign_in_link(ADDRESS)
    stranger = visit(origin).page
    stranger.goto(link)
    expect(stranger.get_by_role("button", name="Đăng nhập", exact=True)).to_have_count(0)
    page.goto(link)
    press(page, page.get_by_role("button", name="Đăng nhập", exact=True))
    expect(page.locator(".who")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("button", name="Đăng nhập", exact=True)).to_have_count(0)
