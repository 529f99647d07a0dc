"""Busy days of the played year: pages whose question is answered later, and acts by keyboard alone.

In the story's order; each test plays the year on to its own day. What somebody does here the story
then does again, which changes nothing.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from deploy.cycle.story import CHAIRMAN, CLERK, DECISION, OFFICER, SECRETARY, SESSION
from tests.browser.conftest import Visitor
from tests.browser.keyboard import (
    choose,
    confirm,
    follow,
    go_to_place,
    mend,
    press,
    submit,
    write,
)
from tests.browser.visit import Visit
from tests.browser.walk import ONLY_IN_THE_YEAR, Table, Walk, sign_in
from tests.played import Played

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

SCHOOL, SCHOOL_NAME = "tieu-hoc-1", "Trường Tiểu học số 1"
STATION = "Trạm Y tế số 1"


def begin(visit: Visitor, year: Played, person: str) -> Visit:
    """Somebody's browser, on their to-do list."""
    one = visit(year.addresses["http"]["origin"], cookies=cookies_of(year, person))
    one.go("/notify/")
    return one


def cookies_of(year: Played, person: str) -> dict[str, str]:
    return sign_in(year.addresses["http"]["origin"], f"{year.doors.ward}/{person}")


def look(one: Visit, route: str) -> None:
    """The page is of this route, to which nothing leads after the year, and sound."""
    assert route in ONLY_IN_THE_YEAR
    assert Table().find(one.page.url.removeprefix(one.origin)) == route
    assert one.every_fault() == []


def find(page: Page, name: str) -> None:
    """Narrow the list of a page down and open the one line of this name."""
    write(page, "Tìm trong danh sách", name)
    submit(page)
    follow(page, page.get_by_role("row").get_by_role("link", name=name, exact=True))


def test_a_report_that_waits_is_reached_with_both_ways_to_judge_it(
    year: Played, visit: Visitor
) -> None:
    year.until("accept")
    one = begin(visit, year, OFFICER)
    pages = Walk(one.origin, cookies_of(year, OFFICER)).pages()
    assert [page for page in pages if page.status >= 400] == []
    found = {page.route: page.path for page in pages}
    for act in ("acceptance", "return"):
        route = f"/intake/reports/{{participant}}/{{period}}/{{revision}}/{act}"
        one.go(found[route])
        look(one, route)


def test_a_role_is_granted_and_ended_by_keyboard(year: Played, visit: Visitor) -> None:
    year.until("accept")
    one = begin(visit, year, "operator")
    page = one.page
    go_to_place(page, "Danh bạ")
    find(page, f"Đầu mối báo cáo - {STATION}")
    follow(page, page.get_by_role("link", name="Giao vai trò"))
    choose(page, "Vai trò", "Thủ trưởng đơn vị")
    choose(page, "Đơn vị", STATION)
    write(page, "Từ ngày", "31/02/2026")
    submit(page)
    mend(page, "12/12/2025")
    assert one.every_fault() == []
    follow(page, page.get_by_role("button", name="Giao vai trò"))
    expect(page.get_by_role("status")).to_have_text("Đã giao vai trò.")
    end_it(begin(visit, year, OFFICER))


def end_it(one: Visit) -> None:
    page = one.page
    go_to_place(page, "Danh bạ")
    find(page, f"Đầu mối báo cáo - {STATION}")
    follow(page, page.get_by_role("link", name=re.compile("Thôi.*Thủ trưởng đơn vị")))
    assert one.every_fault() == []
    write(page, "Lý do", "Đơn vị đã có thủ trưởng khác.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Thôi vai trò")).to_be_visible()
    confirm(page)
    follow(page, page.get_by_role("button", name="Thôi vai trò"))
    expect(page.get_by_role("status")).to_contain_text("Đã thôi vai trò.")
    row = page.get_by_role("row", name=re.compile("Thủ trưởng đơn vị"))
    expect(row).to_contain_text("Đã thôi")


def test_a_report_is_marked_by_keyboard(year: Played, visit: Visitor) -> None:
    """Too many points for the first criterion: nothing else of what was typed is lost."""
    year.until("verify")
    marks = year.player.stage.year.marks(SCHOOL)
    one = begin(visit, year, year.player.stage.year.assessor(SCHOOL))
    page = one.page
    go_to_place(page, "Chấm điểm")
    follow(page, page.get_by_role("link", name="Chấm điểm các báo cáo"))
    find(page, SCHOOL_NAME)
    for mark in marks:
        too_many = "999" if mark is marks[0] else ""
        points = mark["points"].replace(".", ",")
        write(page, f"Điểm {mark['criterion']}", too_many or points)
        write(page, f"Lý do {mark['criterion']}", mark["reason"])
    follow(page, page.get_by_role("button", name="Ghi điểm"))
    expect(page.get_by_role("alert")).to_be_focused()
    assert one.every_fault() == []
    last = page.get_by_label(f"Lý do {marks[-1]['criterion']}")
    expect(last).to_have_value(marks[-1]["reason"])
    mend(page, marks[0]["points"].replace(".", ","))
    submit(page)
    expect(page.get_by_role("status")).to_have_text("Đã ghi điểm.")
    write(page, "Tìm trong danh sách", SCHOOL_NAME)
    submit(page)
    expect(page.get_by_role("status")).to_have_count(0)
    name = page.get_by_role("link", name=SCHOOL_NAME, exact=True)
    expect(page.get_by_role("row").filter(has=name)).to_contain_text("Đã thẩm định")


def test_results_are_frozen_by_keyboard(year: Played, visit: Visitor) -> None:
    year.until("freeze")
    one = begin(visit, year, SECRETARY)
    page = one.page
    go_to_place(page, "Chấm điểm")
    follow(page, page.get_by_role("link", name="Chốt kết quả của kỳ"))
    freeze = page.get_by_role("button", name="Chốt kết quả")
    press(page, freeze)
    expect(freeze).to_be_visible()
    assert one.every_fault() == []
    confirm(page)
    follow(page, freeze)
    expect(page.get_by_role("status")).to_contain_text("Đã chốt kết quả")
    assert page.get_by_role("link", name="Chốt kết quả của kỳ").count() == 0


def test_a_session_is_approved_by_keyboard(year: Played, visit: Visitor) -> None:
    year.until("decision")
    one = begin(visit, year, CHAIRMAN)
    page = one.page
    go_to_place(page, "Khen thưởng")
    follow(page, page.get_by_role("link", name="Xem và duyệt kết quả phiên họp"))
    look(one, "/awards/sessions/{session}/approval")
    confirm(page)
    follow(page, page.get_by_role("button", name="Duyệt"))
    expect(page.get_by_role("status")).to_contain_text("Đã duyệt kết quả phiên họp")


def test_a_decision_is_numbered_by_keyboard(year: Played, visit: Visitor) -> None:
    year.until("decision")
    year.doors.post(CHAIRMAN, f"/awards/sessions/{SESSION}/approval", {})
    one = begin(visit, year, CLERK)
    page = one.page
    go_to_place(page, "Khen thưởng")
    follow(page, page.get_by_role("link", name="Vào số quyết định"))
    look(one, "/awards/sessions/{session}/decision")
    write(page, "Số, ký hiệu", "số 215")
    write(page, "Ngày quyết định", "30/12/2025")
    follow(page, page.get_by_role("button", name="Ghi quyết định"))
    expect(page.get_by_role("alert")).to_be_focused()
    assert one.every_fault() == []
    mend(page, DECISION)
    submit(page)
    expect(page.get_by_role("heading", name="Đã có quyết định")).to_be_visible()
