"""What each mail says: golden files, the tone for the invited, and what must never happen.

`THIDUA_WRITE_GOLDEN=1` writes the golden files anew; read them before committing.
"""

import os
import re
import unicodedata
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import pytest

from services.notify import letters
from services.notify.domain.letter import (
    SECTIONS,
    About,
    AwardDecided,
    Deadline,
    DeadlineMoved,
    Duty,
    DutyWithdrawn,
    Escalated,
    Letter,
    Manner,
    Obligation,
    ObligationOpened,
    Overdue,
    OwnResult,
    Reason,
    Reminder,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
    ReportReturned,
    Sender,
    message_id,
    points,
    remaining,
    remind,
    thread_id,
)
from services.notify.letters import compose
from shared.calendar import WARD_ZONE, last_moment_before, last_moment_of
from shared.mailbox import AddressError, Mailbox, clean

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent.parent / "golden" / "mails"
SENT_AT = datetime(2025, 12, 9, 7, 30, tzinfo=WARD_ZONE)
EVENT = "0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0a01"
SENDER = Sender(
    mailbox=Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "thi-dua@tu-minh.example"),
    reply_to=Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "vhxh@tu-minh.example"),
    domain="tu-minh.example",
    origin="https://thidua.tu-minh.example",
    ward="phường Tứ Minh",
    plan=(
        "Kế hoạch phát động Phong trào thi đua “Cả nước thi đua đổi mới sáng tạo và chuyển đổi số” "
        "trên địa bàn phường Tứ Minh, giai đoạn 2025 - 2030"
    ),
)
SCHOOL = About("thcs-tu-minh", "Trường THCS Tứ Minh", "2025-annual", "năm 2025")
FRONT = About(
    "ub-mttq", "Ủy ban Mặt trận Tổ quốc Việt Nam phường Tứ Minh", "2025-annual", "năm 2025"
)
TEACHER = About(
    "giao-vien-tin-hoc", "Giáo viên dạy Tin học", "2025-annual", "năm 2025", collective=False
)
REPORTER = Mailbox("Đầu mối báo cáo Trường THCS Tứ Minh", "dau-moi@thcs-tu-minh.example")
FRONT_DESK = Mailbox("Đầu mối Ủy ban MTTQ Việt Nam phường", "dau-moi@mttq.example")
BEFORE_10_12 = Deadline(last_moment_before(date(2025, 12, 10)), "trước ngày 10/12/2025")
IN_AUGUST = Deadline(last_moment_of(date(2025, 8, 31)), "trong tháng 8 năm 2025")
REPORT = Obligation(Duty.ANNUAL_REPORT, Manner.OWES, BEFORE_10_12, SECTIONS[Duty.ANNUAL_REPORT])
PLAN = Obligation(Duty.UNIT_PLAN, Manner.OWES, IN_AUGUST, SECTIONS[Duty.UNIT_PLAN])
UNTIL_15_12 = Deadline(last_moment_of(date(2025, 12, 15)), "đến hết ngày 15/12/2025")
MOVED = replace(REPORT, deadline=UNTIL_15_12)
STORM = "Ảnh hưởng của bão số 10."
INVITED_MOVED = replace(MOVED, manner=Manner.INVITED)
INVITED_REPORT = replace(REPORT, manner=Manner.INVITED)
PROPOSED_REPORT = replace(REPORT, manner=Manner.PROPOSED)
INVITED_PLAN = replace(PLAN, manner=Manner.INVITED)
PATH = "/intake/duties/0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0b01"
PLAN_PATH = "/intake/duties/0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0b02"
AT_THE_FRONT = "/intake/duties/0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0b03"
AT_THE_TEACHER = "/intake/files/giao-vien-tin-hoc/2025-annual"
RECEIVED = datetime(2025, 12, 5, 9, 30, tzinfo=WARD_ZONE)
RECEIVED_LATE = datetime(2025, 12, 11, 16, 5, tzinfo=WARD_ZONE)
REASONS = (
    Reason("Tiêu chí a1", "chưa có tài liệu chứng minh cho phần tự chấm 38,5 điểm"),
    Reason("Nội dung 3", "chưa nêu số liệu hồ sơ trực tuyến của năm 2025 và cách tính tỷ lệ"),
)
CORRECT_BY = last_moment_of(date(2025, 12, 15))

OWED: dict[str, Letter] = {
    "obligation-opened-report": ObligationOpened(SCHOOL, PATH, REPORT),
    "obligation-opened-plan": ObligationOpened(SCHOOL, PLAN_PATH, PLAN),
    **{f"reminder-{left}": Reminder(SCHOOL, PATH, REPORT, left) for left in (30, 14, 7, 3, 1, 0)},
    "reminder-plan-7": Reminder(SCHOOL, PLAN_PATH, PLAN, 7),
    "overdue": Overdue(SCHOOL, PATH, REPORT, 1),
    "overdue-plan": Overdue(SCHOOL, PLAN_PATH, PLAN, 3),
    "by-hand-reminder": Reminder(SCHOOL, PATH, REPORT, 5, by_hand=True),
    "by-hand-overdue": Overdue(SCHOOL, PATH, REPORT, 4, by_hand=True),
    "escalated": Escalated(SCHOOL, PATH, REPORT, 6),
    "escalated-plan": Escalated(SCHOOL, PLAN_PATH, PLAN, 4),
    "deadline-moved": DeadlineMoved(SCHOOL, PATH, MOVED, BEFORE_10_12.last_moment, STORM),
    "duty-waived": DutyWithdrawn(SCHOOL, PATH, REPORT, "waived", "Đơn vị mới thành lập."),
    "duty-excused": DutyWithdrawn(SCHOOL, PLAN_PATH, PLAN, "excused", STORM),
    "duty-rule-changed": DutyWithdrawn(SCHOOL, PATH, REPORT, "rule-changed"),
    "report-received": ReportReceived(SCHOOL, PATH, REPORT, 1, RECEIVED, late=False),
    "report-received-late": ReportReceived(SCHOOL, PATH, REPORT, 2, RECEIVED_LATE, late=True),
    "report-returned": ReportReturned(SCHOOL, PATH, REPORT, 1, REASONS, CORRECT_BY),
    "report-reopened": ReportReopened(SCHOOL, PATH, REPORT, 2, REASONS, CORRECT_BY),
    "report-accepted": ReportAccepted(SCHOOL, PATH, REPORT, 2, RECEIVED_LATE),
    "own-result": OwnResult(
        SCHOOL,
        "/scoring/?period=2025-annual",
        Decimal("87.50"),
        "Tốt",
        3,
        12,
        "khối các cơ sở giáo dục",
    ),
    "award-decided": AwardDecided(
        SCHOOL,
        "/awards/dossiers/2025-annual.thcs-tu-minh",
        "Trường THCS Tứ Minh",
        "Giấy khen",
        "Đơn vị tiêu biểu trong Phong trào thi đua năm 2025",
        "215/QĐ-UBND",
        date(2025, 12, 26),
        "Chủ tịch Ủy ban nhân dân phường Tứ Minh",
    ),
}
INVITED: dict[str, Letter] = {
    "invited-opened-report": ObligationOpened(FRONT, AT_THE_FRONT, INVITED_REPORT),
    "invited-opened-plan": ObligationOpened(FRONT, AT_THE_FRONT, INVITED_PLAN),
    "invited-reminder-7": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 7),
    "invited-reminder-1": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 1),
    "invited-reminder-0": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 0),
    "invited-by-hand": Reminder(FRONT, AT_THE_FRONT, INVITED_REPORT, 5, by_hand=True),
    "invited-overdue": Overdue(FRONT, AT_THE_FRONT, INVITED_REPORT, 2),
    "invited-moved": DeadlineMoved(
        FRONT, AT_THE_FRONT, INVITED_MOVED, BEFORE_10_12.last_moment, STORM
    ),
    "invited-left": DutyWithdrawn(FRONT, AT_THE_FRONT, INVITED_REPORT, "left"),
    "invited-received-late": ReportReceived(
        FRONT, AT_THE_FRONT, INVITED_REPORT, 1, RECEIVED_LATE, late=True
    ),
    "invited-returned": ReportReturned(FRONT, AT_THE_FRONT, INVITED_REPORT, 1, REASONS, CORRECT_BY),
    "invited-reopened": ReportReopened(FRONT, AT_THE_FRONT, INVITED_REPORT, 1, REASONS, CORRECT_BY),
    "invited-accepted": ReportAccepted(FRONT, AT_THE_FRONT, INVITED_REPORT, 1, RECEIVED_LATE),
}
ONE: dict[str, Letter] = {
    "individual-opened": ObligationOpened(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT),
    "individual-reminder-7": Reminder(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 7),
    "individual-overdue": Overdue(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 2),
    "individual-received": ReportReceived(
        TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 1, RECEIVED, late=False
    ),
    "individual-returned": ReportReturned(
        TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 1, REASONS, CORRECT_BY
    ),
    "individual-accepted": ReportAccepted(TEACHER, AT_THE_TEACHER, PROPOSED_REPORT, 1, RECEIVED),
    "individual-result": OwnResult(
        TEACHER,
        "/scoring/?period=2025-annual",
        Decimal("91.00"),
        "Tốt",
        1,
        4,
        "khối cá nhân là công chức, viên chức",
    ),
}
"""One person, whom nobody calls a unit."""
SAMPLES = OWED | INVITED | ONE


def mail_of(letter: Letter, event: str = EVENT) -> EmailMessage:
    to = FRONT_DESK if letter.about is FRONT else REPORTER
    return compose(letter, to=to, sender=SENDER, event=event, sent_at=SENT_AT)


def part(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", SAMPLES)
def test_golden(name: str) -> None:
    mail = mail_of(SAMPLES[name])
    headers = "\n".join(f"{key}: {value}" for key, value in mail.items())
    written = {".txt": f"{headers}\n\n{part(mail, 'plain')}", ".html": part(mail, "html")}
    for suffix, text in written.items():
        golden = GOLDEN / f"{name}{suffix}"
        if os.environ.get("THIDUA_WRITE_GOLDEN"):
            golden.write_text(text, "utf-8")
        assert text == golden.read_text("utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SAMPLES)


def test_every_kind_has_a_sample_and_a_template() -> None:
    kinds = {kind.kind for kind in get_args(Letter)}
    assert {letter.kind for letter in SAMPLES.values()} == kinds
    templates = Path(letters.__file__).parent / "templates"
    assert all((templates / f"{kind}.j2").exists() for kind in kinds)


@pytest.mark.parametrize("name", SAMPLES)
def test_text_and_html_say_the_same(name: str) -> None:
    mail = mail_of(SAMPLES[name])
    html = re.sub(r"<[^>]+>", " ", part(mail, "html").split("</h1>", 1)[1])
    told, shown = (re.findall(r"[\w/@]+", text) for text in (part(mail, "plain"), html))
    told = [word for word in told if not re.fullmatch(r"[12]", word)]
    assert sorted(told) == sorted(word for word in shown if not re.fullmatch(r"[12]", word))


@pytest.mark.parametrize("name", SAMPLES)
def test_each_says_why_where_and_whom_to_ask(name: str) -> None:
    letter = SAMPLES[name]
    mail = mail_of(letter)
    section = (
        letter.section
        if isinstance(letter, OwnResult | AwardDecided)
        else letter.obligation.section
    )
    for body in (words(part(mail, "plain")), words(part(mail, "html"))):
        role = "người đứng đầu" if isinstance(letter, Escalated) else "đầu mối"
        assert f"Vì sao có thư này: địa chỉ này được ghi là {role} của" in body
        assert f"https://thidua.tu-minh.example{letter.path}" in body
        assert f"{section}, Kế hoạch phát động" in body
        contact = re.sub(r"</?span[^>]*>", "", body)
        assert "liên hệ Phòng Văn hóa - Xã hội phường Tứ Minh, vhxh@tu-minh.example" in contact
        assert "tự động, không thay cho văn bản" in body
        if not isinstance(letter, OwnResult | AwardDecided):
            assert letter.obligation.deadline.wording in body
            assert f"{letter.obligation.deadline.last_day:%d/%m/%Y}" in body
    assert part(mail, "plain").count("https://") == 1


@pytest.mark.parametrize("name", INVITED)
@pytest.mark.parametrize("manner", [Manner.INVITED, Manner.VOLUNTARY, Manner.PROPOSED])
def test_the_invited_are_never_dunned(name: str, manner: Manner) -> None:
    letter = INVITED[name]
    assert not isinstance(letter, OwnResult | AwardDecided)
    mail = mail_of(replace(letter, obligation=replace(letter.obligation, manner=manner)))
    body = f"{mail['Subject']} {words(part(mail, 'plain'))} {words(part(mail, 'html'))}".casefold()
    for hard in ("quá hạn", "nợ", "nhắc", "sau hạn", "chậm nộp", "đề nghị", "nhiệm vụ", "hạn:"):
        assert not re.search(rf"\b{hard}", body), hard


@pytest.mark.parametrize("manner", Manner)
@pytest.mark.parametrize("name", ONE)
def test_a_person_is_not_called_a_unit(name: str, manner: Manner) -> None:
    letter = ONE[name]
    if not isinstance(letter, OwnResult | AwardDecided):
        letter = replace(letter, obligation=replace(letter.obligation, manner=manner))
    mail = mail_of(letter)
    for text in (mail["Subject"], words(part(mail, "plain")), words(part(mail, "html"))):
        assert "đơn vị" not in text.casefold()
    assert "cá nhân" in part(mail, "plain").casefold()


@pytest.mark.parametrize(
    ("today", "kind", "days"),
    [
        (date(2025, 11, 9), Reminder, 30),
        (date(2025, 12, 2), Reminder, 7),
        (date(2025, 12, 8), Reminder, 1),
        (date(2025, 12, 9), Reminder, 0),
        (date(2025, 12, 10), Overdue, 1),
        (date(2025, 12, 20), Overdue, 11),
    ],
)
def test_the_letter_is_true_on_the_day_it_is_sent(
    today: date, kind: type[Reminder | Overdue], days: int
) -> None:
    letter = remind(SCHOOL, PATH, REPORT, today)
    assert type(letter) is kind
    assert days == (letter.days_left if isinstance(letter, Reminder) else letter.days_late)


def test_the_last_day() -> None:
    assert remaining(7) == "còn 7 ngày"
    assert remaining(0) == "hôm nay là ngày cuối cùng"
    assert mail_of(SAMPLES["reminder-0"])["Subject"].startswith("Hôm nay là ngày cuối cùng")


def test_a_reminder_cannot_be_late_nor_an_overdue_letter_early() -> None:
    with pytest.raises(ValueError, match="Overdue"):
        Reminder(SCHOOL, PATH, REPORT, -1)
    with pytest.raises(ValueError, match="Reminder"):
        Overdue(SCHOOL, PATH, REPORT, 0)


@pytest.mark.parametrize(
    ("value", "shown"), [("87.50", "87,5"), ("100", "100"), ("90.00", "90"), ("0.05", "0,05")]
)
def test_points(value: str, shown: str) -> None:
    assert points(Decimal(value)) == shown


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    assert mail_of(SAMPLES[name]).as_bytes() == mail_of(SAMPLES[name]).as_bytes()


def test_identity_is_of_event_recipient_and_kind() -> None:
    mail = mail_of(SAMPLES["reminder-7"])
    assert mail["Message-ID"] == message_id(EVENT, REPORTER.address, "reminder", "tu-minh.example")
    ids = {
        message_id(EVENT, "a@x.example", "reminder", "d.example"),
        message_id("other", "a@x.example", "reminder", "d.example"),
        message_id(EVENT, "b@x.example", "reminder", "d.example"),
        message_id(EVENT, "a@x.example", "overdue", "d.example"),
        message_id(EVENT, "A@X.example", "reminder", "d.example"),
    }
    assert len(ids) == 4


def test_a_thread_is_of_participant_and_period() -> None:
    threads = {mail_of(letter)["References"] for letter in OWED.values()}
    assert threads == {thread_id(SCHOOL, "tu-minh.example")}
    assert thread_id(FRONT, "tu-minh.example") not in threads
    assert thread_id(replace(SCHOOL, period="2026-annual"), "tu-minh.example") not in threads


def test_headers_that_keep_robots_quiet_and_bounces_coming() -> None:
    mail = mail_of(SAMPLES["overdue"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["List-Id"] == "<thidua.tu-minh.example>"
    assert mail["Reply-To"].addresses[0].addr_spec == "vhxh@tu-minh.example"
    assert mail["X-Thidua-Kind"] == "overdue"
    assert mail["X-Thidua-Event"] == EVENT
    assert mail["Content-Language"] == "vi"
    assert mail["Date"] == "Tue, 09 Dec 2025 07:30:00 +0700"
    assert [piece.get_content_type() for piece in mail.iter_parts()] == ["text/plain", "text/html"]


def test_nfd_input_gives_the_same_mail() -> None:
    spread = replace(SCHOOL, unit=unicodedata.normalize("NFD", SCHOOL.unit))
    assert spread.unit != SCHOOL.unit
    mail = mail_of(ObligationOpened(spread, PATH, REPORT))
    assert mail.as_bytes() == mail_of(OWED["obligation-opened-report"]).as_bytes()


def test_markup_in_data_stays_text() -> None:
    about = replace(SCHOOL, unit='<img src="x" onerror=1> & Trường')
    mail = mail_of(ObligationOpened(about, PATH, REPORT))
    assert "<img" not in part(mail, "html")
    assert "&lt;img" in part(mail, "html")
    assert '<img src="x" onerror=1> & Trường' in words(part(mail, "plain"))
    returned = OWED["report-returned"]
    assert isinstance(returned, ReportReturned)
    reasons = (Reason("<b>a1</b>", "<script>x</script>"),)
    html = part(mail_of(replace(returned, reasons=reasons)), "html")
    assert "<script>" not in html
    assert "<b>" not in html


def test_line_breaks_in_data_add_no_headers() -> None:
    award = OWED["award-decided"]
    assert isinstance(award, AwardDecided)
    mail = mail_of(replace(award, decision_number="215\r\nBcc: someone@else.example\r\n\r\nX"))
    assert mail["Bcc"] is None
    head = mail.as_bytes().split(b"\r\n\r\n", 1)[0]
    assert b"\nBcc" not in head
    assert mail["Subject"].startswith("Quyết định số 215 Bcc: someone@else.example X: tặng")


@pytest.mark.parametrize(
    "path", ["", "intake", "//elsewhere.example", "https://x.example", "/a b", "/a\r\nb", '/"x']
)
def test_only_paths_of_ours_become_links(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        mail_of(ObligationOpened(SCHOOL, path, REPORT))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        "a b@c.example",
        "a@c.example\r\nRCPT",
        "đầu-mối@c.example",
        "a@ć.example",
        "a@c.example>",
        f"{'a' * 65}@c.example",
        f"a@{'c' * 260}.example",
    ],
)
def test_addresses_that_cannot_be_written_to(address: str) -> None:
    with pytest.raises(AddressError):
        Mailbox("Tên", address)


def test_a_mailbox_is_read_from_a_setting() -> None:
    mailbox = Mailbox.parse("Phòng Văn hóa - Xã hội <vhxh@tu-minh.example>")
    assert mailbox == Mailbox("Phòng Văn hóa - Xã hội", "vhxh@tu-minh.example")
    assert Mailbox.parse("vhxh@tu-minh.example").name == ""


def test_a_telephone_and_a_nameless_addressee() -> None:
    mail = compose(
        SAMPLES["overdue"],
        to=Mailbox("", REPORTER.address),
        sender=replace(SENDER, phone="0220 000 0000"),
        event=EVENT,
        sent_at=SENT_AT,
    )
    assert mail["To"] == REPORTER.address
    for body in (words(part(mail, "plain")), words(part(mail, "html"))):
        assert "Kính gửi: Trường THCS Tứ Minh" in body
        assert ", điện thoại 0220 000 0000." in body


def test_an_unaware_date_and_a_bad_event_id_are_refused() -> None:
    letter = SAMPLES["overdue"]
    unaware = SENT_AT.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        compose(letter, to=REPORTER, sender=SENDER, event=EVENT, sent_at=unaware)
    with pytest.raises(ValueError, match="event id"):
        compose(letter, to=REPORTER, sender=SENDER, event="a\nb", sent_at=SENT_AT)


def test_clean_keeps_one_line_of_nfc() -> None:
    assert clean(" a\r\n\tb\u2028c\x00d ") == "a b c d"
    assert clean(unicodedata.normalize("NFD", "Tứ Minh")) == "Tứ Minh"


def test_letters_are_frozen() -> None:
    for letter in SAMPLES.values():
        name = fields(letter)[0].name
        with pytest.raises(AttributeError):
            setattr(letter, name, None)
