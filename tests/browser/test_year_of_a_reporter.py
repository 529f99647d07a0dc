"""A reporter's year in real Chromium, from the mails alone; and their head's part in it.

What the office does here stands in `test_year_of_the_office.py`; here it is done for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from deploy.cycle.story import OFFICER
from deploy.cycle.year import PERIOD, at
from tests.browser.conftest import Visitor
from tests.browser.from_mails import Somebody, box_of
from tests.browser.keyboard import follow, press, tab_to, write
from tests.evidence_files import pdf
from tests.played import Played

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

UNIT = "tieu-hoc-1"
BEGINS = at("2025-08-01 08:00")
SITUATION = "Đơn vị đã ban hành kế hoạch và tập huấn cho toàn thể giáo viên."
SCORES = {"a1": "36,5", "a2": "28", "a3": "15"}
NARRATIVE = "Đã hoàn thành 12 trong 12 nhiệm vụ của kế hoạch."
EVIDENCE = "tập huấn.pdf"
HEADS_WORDS = "Bổ sung số buổi tập huấn."
CORRECTED = "Đã hoàn thành 12 trong 12 nhiệm vụ; tập huấn 04 buổi cho 86 giáo viên."


@dataclass
class School:
    """A unit whose head approves what is sent, in a ward; `duty` is the page of its report."""

    ward: Played
    reporter: Somebody
    head: Somebody
    duty: str = ""

    def office(self, path: str, body: object) -> None:
        self.ward.doors.post(OFFICER, f"/intake{path}", body)  # type: ignore[arg-type]


@pytest.fixture
def school(launched: Callable[[datetime], Played], visit: Visitor) -> School:
    ward = launched(BEGINS)
    origin, box = ward.addresses["http"]["origin"], box_of(ward)

    def somebody(name: str, address: str, width: int) -> Somebody:
        return Somebody(name, f"{address}@tu-minh.example", visit(origin, width=width), box)

    rule = {"head_approves": True}
    ward.doors.post(f"{UNIT}.head", f"/intake/participants/{UNIT}/approval", rule)
    head = somebody("head", f"{UNIT}.head", 360)
    return School(ward, somebody("reporter", UNIT, 1280), head)


def test_a_reporters_year(school: School) -> None:
    record_the_late_plan(school)
    write_the_report(school)
    let_the_head_send_it_back_and_approve(school)
    send_it_by_the_new_date(school)
    correct_what_was_sent_back(school)
    read_that_it_is_accepted(school)


def status(page: Page, words: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text(words)


def record_the_late_plan(school: School) -> None:
    """The mail says that it is overdue; it is taken all the same, by its date of issue."""
    school.ward.stand_at(at("2025-09-03 08:00"))
    page = school.reporter.follow("overdue", "kế hoạch")
    expect(page.get_by_text("Quá hạn, chưa có kế hoạch")).to_be_visible()
    school.reporter.looks("plan-overdue")
    write(page, "Số kế hoạch", "05/KH-TH")
    write(page, "Ngày ban hành", "02/09/2025")
    follow(page, page.get_by_role("button", name="Tiếp tục"))
    tab_to(page, page.get_by_role("checkbox"))
    page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Ghi nhận kế hoạch"))
    status(page, "Đã ghi nhận kế hoạch")
    expect(page.get_by_text("Đã ban hành, muộn")).to_be_visible()
    school.reporter.looks("plan-recorded")
    school.reporter.sign_out()


def write_the_report(school: School) -> None:
    """A file first, then the form: part of it keeps itself, the rest is saved; then to the head."""
    school.ward.stand_at(at("2025-11-07 08:00"))
    page = school.reporter.follow("reminder", "báo cáo thi đua năm 2025")
    school.duty = page.url
    expect(page.get_by_text("còn 32 ngày")).to_be_visible()
    school.reporter.looks("report-asked")
    minutes = FilePayload(name=EVIDENCE, mimeType="application/pdf", buffer=pdf())
    page.get_by_label("Tệp", exact=True).set_input_files(minutes)
    follow(page, page.get_by_role("button", name="Tải tệp lên"))
    status(page, "Đã nhận tệp.")
    school.reporter.looks("evidence")
    page.goto(school.duty)
    follow(page, page.get_by_role("link", name="Soạn và gửi báo cáo ở đây"))
    school.reporter.looks("draft-empty")
    fill_in(page)
    follow(page, page.get_by_role("button", name="Lưu", exact=True))
    status(page, "Đã lưu bản soạn.")
    school.reporter.looks("draft-saved")
    ask_the_head(page)


def fill_in(page: Page) -> None:
    page.get_by_label("Tình hình triển khai").fill(SITUATION)
    expect(page.locator("form [role=status]")).to_contain_text("Đã tự lưu lúc", timeout=15_000)
    field(page, "contents.1.text").fill("Đã tổ chức 04 buổi tuyên truyền.")
    for code, score in SCORES.items():
        field(page, f"items.{code}.self_score").fill(score)
        field(page, f"items.{code}.narrative").fill(NARRATIVE)
    field(page, "items.a4.standing").select_option(label="Không áp dụng với đơn vị")
    field(page, "items.a4.reason").fill("Trường không giải quyết thủ tục hành chính.")
    field(page, "pick.items.a1").select_option(index=1)
    field(page, "indicators.a1-1.title").fill("Giáo viên được tập huấn")
    field(page, "indicators.a1-1.value").fill("86")
    field(page, "indicators.a1-1.unit").fill("người")


def field(page: Page, name: str) -> Locator:
    """By its place in the report: three criteria have a field of the same words."""
    return page.locator(f'[name="{name}"]')


def ask_the_head(page: Page) -> None:
    follow(page, page.get_by_role("button", name="Trình người đứng đầu duyệt"))
    status(page, "Đã trình người đứng đầu duyệt.")


def let_the_head_send_it_back_and_approve(school: School) -> None:
    page = school.head.follow("approval-asked")
    expect(page.get_by_text("Chờ người đứng đầu duyệt").first).to_be_visible()
    expect(page.get_by_text(SITUATION)).to_be_visible()
    expect(page.get_by_text(NARRATIVE).first).to_be_visible()
    school.head.looks("draft-to-approve")
    write(page, "Lời nhắn cho người soạn", HEADS_WORDS)
    follow(page, page.get_by_role("button", name="Trả lại cho người soạn"))
    status(page, "Đã trả lại cho người soạn.")
    school.head.sign_out()

    page = school.reporter.follow("approval-settled", "trả lại bản soạn")
    expect(page.get_by_text(HEADS_WORDS)).to_be_visible()
    school.reporter.looks("draft-sent-back")
    expect(field(page, "situation")).to_have_value(SITUATION)
    field(page, "items.a2.narrative").fill("Đã tập huấn 04 buổi.")
    follow(page, page.get_by_role("button", name="Lưu", exact=True))
    ask_the_head(page)
    school.reporter.sign_out()

    page = school.head.follow("approval-asked")
    follow(page, page.get_by_role("button", name="Duyệt", exact=True))
    status(page, "Đã duyệt.")
    school.head.looks("approved")
    school.head.sign_out()


def send_it_by_the_new_date(school: School) -> None:
    """The office has moved the date meanwhile; the receipt goes by the new one."""
    expect_mail(school.reporter, "approval-settled", "có thể gửi")
    order = {"command": "move", "last_day": "2025-12-15", "reason": "Ảnh hưởng của bão số 10."}
    school.office(f"/obligations/{school.duty.rpartition('/')[2]}/orders", order)
    page = school.reporter.follow("deadline-moved", "đến hết ngày 15/12/2025")
    expect(page.get_by_text("đến hết ngày 15/12/2025").first).to_be_visible()
    school.reporter.looks("moved")
    follow(page, page.get_by_role("link", name="Soạn và gửi báo cáo ở đây"))
    expect(page.get_by_text("đến hết ngày 15/12/2025")).to_be_visible()
    follow(page, page.get_by_role("link", name="Xem lại và gửi"))
    expect(page.get_by_role("link", name=EVIDENCE)).to_be_visible()
    school.reporter.looks("before-sending")
    press(page, page.get_by_role("button", name="Gửi báo cáo"))
    expect(page.get_by_role("heading", name="Xem lại và gửi báo cáo")).to_be_visible()
    commit_and_send(page)
    page = school.reporter.follow("report-received", "đúng hạn")
    expect(page.get_by_text("đang chờ Phòng Văn hóa - Xã hội xem xét")).to_be_visible()
    school.reporter.looks("received")


def expect_mail(one: Somebody, kind: str, words: str) -> None:
    one.box.newest(one.address, kind, words)


def commit_and_send(page: Page) -> None:
    tab_to(page, page.get_by_role("checkbox", name="Cam kết số liệu đúng sự thật"))
    page.keyboard.press("Space")
    follow(page, page.get_by_role("button", name="Gửi báo cáo"))
    status(page, "Đã gửi báo cáo.")


def correct_what_was_sent_back(school: School) -> None:
    """Nothing but the criterion that came back can be written on; then the head sends it."""
    school.ward.stand_at(at("2025-12-02 09:00"))
    reasons = [{"pointer": "/items/0/narrative", "text": "Chưa nêu số người được tập huấn."}]
    returned = {"participant": UNIT, "period": PERIOD, "revision": 1, "reasons": reasons}
    school.office("/reports/returns", returned | {"correct_by": "2025-12-08T17:00:00+07:00"})
    page = school.reporter.follow("report-returned")
    expect(page.get_by_text("Chưa nêu số người được tập huấn.").first).to_be_visible()
    school.reporter.looks("returned")
    follow(page, page.get_by_role("link", name="Soạn và gửi báo cáo ở đây"))
    open_fields = page.locator(".panel textarea, .panel input, .panel select")
    names = {one.get_attribute("name") or "" for one in open_fields.all()}
    parts = {".".join(name.removeprefix("pick.").split(".")[:2]) for name in names}
    assert parts == {"items.a1"}
    expect(page.get_by_text(SITUATION)).to_be_visible()
    school.reporter.looks("correction")
    field(page, "items.a1.narrative").fill(CORRECTED)
    follow(page, page.get_by_role("button", name="Lưu", exact=True))
    ask_the_head(page)
    page = school.head.follow("approval-asked")
    follow(page, page.get_by_role("link", name="Xem lại và gửi"))
    expect(page.get_by_text(CORRECTED)).to_be_visible()
    school.head.looks("correction-to-send")
    commit_and_send(page)


def read_that_it_is_accepted(school: School) -> None:
    expect_mail(school.reporter, "report-received", "đúng hạn")
    school.ward.stand_at(at("2025-12-08 09:00"))
    accepted = {"participant": UNIT, "period": PERIOD, "revision": 2}
    school.office("/reports/acceptances", accepted)
    page = school.reporter.follow("report-accepted")
    expect(page.get_by_text("Không cần làm gì thêm cho việc này.")).to_be_visible()
    school.reporter.looks("accepted")
    assert page.get_by_role("link", name="Soạn và gửi báo cáo ở đây").count() == 0
    school.reporter.sign_out()
