"""A Culture-Society officer's year in real Chromium, from the mails alone.

What units send meanwhile is sent for them; `test_year_of_a_reporter.py` does it by hand.
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from playwright.sync_api import FilePayload, Page, expect

from deploy.cycle.year import NEXT_PERIOD, PERIOD, at
from tests.browser.conftest import Visitor
from tests.browser.from_mails import Somebody, box_of
from tests.browser.keyboard import (
    choose,
    confirm,
    follow,
    go_to_place,
    submit,
    tab_to,
    write,
)
from tests.evidence_files import pdf
from tests.played import Played

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

BEGINS = at("2025-12-30 09:00")
EARLY, RETURNED, ON_PAPER = "tieu-hoc-2", "thcs-2", "tdp-05"
LATE, MOVED, EXCUSED = "tieu-hoc-3", "tdp-01", "tdp-02"
REMINDED = ("tdp-03", "tdp-04")
REASON = "Chưa nêu số liệu của năm 2026."


@dataclass
class Office:
    """The officer, in a ward whose units do by themselves what they do."""

    ward: Played
    officer: Somebody

    def name(self, code: str) -> str:
        return self.ward.player.stage.year.participants[code].name

    def sends(self, code: str, period: str) -> None:
        report = self.ward.player.stage.year.report(code, period=period, revision=1)
        self.ward.doors.post(f"{code}.reporter", "/intake/reports", report)

    def was_told(self, code: str, kind: str, words: str = "") -> None:
        """The unit has a mail of it."""
        self.officer.box.newest(f"{code}@tu-minh.example", kind, words)


@pytest.fixture
def office(launched: Callable[[datetime], Played], visit: Visitor) -> Office:
    ward = launched(BEGINS)
    one = visit(ward.addresses["http"]["origin"])
    address = "phong-vhxh.officer@tu-minh.example"
    return Office(ward, Somebody("officer", address, one, box_of(ward)))


def test_an_officers_year(office: Office) -> None:
    accept_what_came_in(office)
    put_a_version_in_force_and_open_the_year(office)
    return_a_report(office)
    remind_by_hand(office)
    move_and_excuse(office)
    enter_a_report_from_paper(office)
    see_who_is_late(office)


def status(page: Page, words: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text(words)


def open_cell(page: Page, name: str, words: str) -> None:
    """From the board of the year to the file of one participant."""
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))
    follow(page, row.get_by_role("link", name=re.compile(words)).first)


def accept_what_came_in(office: Office) -> None:
    """On the last day of 2025 the mail of the morning says that a report waits."""
    office.ward.stand_at(BEGINS)
    office.sends(EARLY, PERIOD)
    office.ward.stand_at(at("2025-12-31 08:00"))
    page = office.officer.follow("office-summary", "báo cáo chờ xem xét")
    office.officer.looks("board")
    follow(page, page.get_by_role("link", name="Báo cáo chờ xem xét"))
    open_cell(page, office.name(EARLY), "Chờ xem xét")
    follow(page, page.get_by_role("link", name="Xem và xét báo cáo"))
    office.officer.looks("report")
    follow(page, page.get_by_role("link", name="Tiếp nhận chính thức"))
    confirm(page)
    follow(page, page.get_by_role("button", name="Tiếp nhận chính thức"))
    status(page, "Đã tiếp nhận chính thức báo cáo.")
    office.officer.looks("accepted")
    office.was_told(EARLY, "report-accepted")


def put_a_version_in_force_and_open_the_year(office: Office) -> None:
    """A copy of the version in force, with one reminder more; then 2026 by it."""
    page = office.officer.page
    go_to_place(page, "Phong trào")
    follow(page, page.locator("tbody").get_by_role("link").first)
    follow(page, page.get_by_role("button", name="Tạo bản nháp mới từ phiên bản này"))
    status(page, "Đã tạo bản nháp.")
    follow(page, page.get_by_role("link", name="Sửa Năm"))
    write(page, "Nhắc trước hạn riêng (ngày)", "45, 30, 14, 7, 3, 1, 0")
    office.officer.looks("rule")
    submit(page)
    follow(page, page.get_by_role("link", name="Xem những chỗ đã thay đổi"))
    expect(page.get_by_role("cell", name=re.compile("45"))).to_be_visible()
    office.officer.looks("changes")
    page.go_back()
    follow(page, page.get_by_role("link", name="Xem trước và ban hành"))
    office.officer.looks("adoption")
    write(page, "Số văn bản", "120/KH-UBND")
    write(page, "Ngày văn bản", "30/12/2025")
    confirm(page)
    follow(page, page.get_by_role("button", name="Ban hành"))
    status(page, "Phiên bản đã có hiệu lực.")
    follow(page, page.get_by_role("link", name="Các phiên bản"))
    write(page, "Năm", "2026")
    submit(page)
    status(page, "Đã mở năm")
    office.officer.looks("year-opened")
    office.was_told(LATE, "obligation-opened", "2026")
    office.officer.sign_out()


def return_a_report(office: Office) -> None:
    office.ward.stand_at(at("2026-12-01 09:00"))
    office.sends(RETURNED, NEXT_PERIOD)
    office.ward.stand_at(at("2026-12-02 08:00"))
    page = office.officer.follow("office-summary", "1 báo cáo chờ xem xét")
    follow(page, page.get_by_role("link", name="Báo cáo chờ xem xét"))
    open_cell(page, office.name(RETURNED), "Chờ xem xét")
    follow(page, page.get_by_role("link", name="Xem và xét báo cáo"))
    follow(page, page.get_by_role("link", name="Trả lại để chỉnh sửa"))
    write(page, "Lý do trả lại – Tiêu chí a1", REASON)
    write(page, "Hạn chỉnh sửa", "09/12/2026")
    office.officer.looks("return")
    follow(page, page.get_by_role("button", name="Tiếp tục"))
    expect(page.get_by_text(REASON)).to_be_visible()
    confirm(page)
    follow(page, page.get_by_role("button", name="Trả lại báo cáo"))
    status(page, "Đã trả lại báo cáo.")
    office.officer.looks("returned")
    office.was_told(RETURNED, "report-returned")


def remind_by_hand(office: Office) -> None:
    """One with one press; two chosen, shown and sent; beside what was planned for this day."""
    page = office.officer.page
    office.officer.box.read_all()
    go_to_place(page, "Báo cáo")
    follow(page, page.get_by_role("link", name="Bảng cả năm"))
    find(page, "Tổ dân phố số")
    single, *_ = (office.name(code) for code in REMINDED)
    follow(page, page.get_by_role("button", name=re.compile(f"^Nhắc {single}, ")))
    status(page, "Đã ghi lại và gửi thư nhắc.")
    office.was_told(REMINDED[0], "reminder", "2026")
    for code in (REMINDED[1], ON_PAPER):
        tab_to(page, page.get_by_role("checkbox", name=re.compile(f"^Chọn {office.name(code)}, ")))
        page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Nhắc các việc đã chọn").first)
    expect(page.get_by_text("Sẽ gửi 2 thư")).to_be_visible()
    office.officer.looks("reminding")
    confirm(page)
    follow(page, page.get_by_role("button", name="Gửi các thư này"))
    status(page, "Đã ghi lại và gửi 2 thư.")
    office.was_told(REMINDED[1], "reminder", "2026")
    follow(page, page.get_by_role("link", name="Bảng theo dõi cả năm"))
    expect(page.get_by_text("đã nhắc hôm nay")).to_have_count(3)


def find(page: Page, words: str) -> None:
    write(page, "Tìm theo tên", words)
    submit(page)


def move_and_excuse(office: Office) -> None:
    page = office.officer.page
    for code, command, day in ((MOVED, "Đổi hạn", "18/12/2026"), (EXCUSED, "Tạm miễn", "")):
        open_cell(page, office.name(code), "Chưa làm")
        follow(page, page.get_by_role("link", name="Lịch nhắc việc; đổi hạn, miễn"))
        choose(page, "Quyết định", command)
        write(page, "Ngày cuối cùng của hạn mới", day)
        write(page, "Lý do", "Tổ dân phố đang sắp xếp lại.")
        follow(page, page.get_by_role("button", name="Ghi quyết định"))
        status(page, "Đã ghi quyết định.")
        office.officer.looks(f"order-{code}")
        go_to_place(page, "Báo cáo")
        follow(page, page.get_by_role("link", name="Bảng cả năm"))
        find(page, "Tổ dân phố số")
    office.was_told(MOVED, "deadline-moved", "18/12/2026")
    office.was_told(EXCUSED, "duty-withdrawn")


def enter_a_report_from_paper(office: Office) -> None:
    """It came the day before, with the unit's own number; what was sent is kept with its scan."""
    page = office.officer.page
    open_cell(page, office.name(ON_PAPER), "Chưa làm")
    follow(page, page.get_by_role("link", name="Nhập thay đơn vị từ văn bản"))
    page.get_by_label("Tình hình triển khai").fill("Đã triển khai tới từng hộ.")
    page.locator('[name="items.a1.self_score"]').fill("30")
    page.locator('[name="items.a1.narrative"]').fill("180 trong 212 hộ có tài khoản dịch vụ công.")
    follow(page, page.get_by_role("button", name="Lưu, xem lại và gửi"))
    write(page, "Số, ký hiệu văn bản", "07/BC-TDP")
    write(page, "Ngày của văn bản", "30/11/2026")
    write(page, "Ngày nhận", "01/12/2026")
    scan = FilePayload(name="bao-cao.pdf", mimeType="application/pdf", buffer=pdf())
    page.get_by_label("Bản chụp văn bản").set_input_files(scan)
    office.officer.looks("paper")
    tab_to(page, page.get_by_role("checkbox", name="Cam kết số liệu khớp đúng văn bản"))
    page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Gửi báo cáo"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Giấy biên nhận báo cáo")
    expect(page.get_by_text("07/BC-TDP")).to_be_visible()
    office.officer.looks("receipt")
    office.was_told(ON_PAPER, "report-received")
    office.officer.sign_out()


def see_who_is_late(office: Office) -> None:
    """The mail says how many; then the board, its file, and one unit's whole story."""
    office.ward.stand_at(at("2026-12-10 08:00"))
    page = office.officer.follow("office-summary", "việc quá hạn")
    find(page, "Trường")
    header = page.get_by_role("rowheader", name=office.name(LATE), exact=True)
    expect(page.get_by_role("row").filter(has=header)).to_contain_text("Quá hạn")
    office.officer.looks("overdue")
    book = downloaded(page)
    assert office.name(LATE) in book
    assert "Quá hạn" in book
    follow(page, page.get_by_role("link", name=office.name(RETURNED), exact=True))
    expect(page.locator(".timeline")).to_contain_text("trả lại bản số 1")
    office.officer.looks("timeline")
    office.officer.sign_out()


def downloaded(page: Page) -> str:
    """All texts of the board's spreadsheet."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Excel").click()
    assert waiting.value.suggested_filename.endswith(".xlsx")
    with zipfile.ZipFile(waiting.value.path()) as book:
        return book.read("xl/sharedStrings.xml").decode()
