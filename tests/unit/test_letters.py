"""What each mail says: golden files, the tone for the invited, and what must never happen.

`THIDUA_WRITE_GOLDEN=1` writes the golden files anew; read them before committing.
"""

import os
import re
import unicodedata
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import get_args

import pytest

from services.notify import letters
from services.notify.domain.letter import (
    AwardDecided,
    Letter,
    Manner,
    ObligationOpened,
    Overdue,
    Reason,
    Reminder,
    ReportReturned,
    message_id,
    points,
    remaining,
    remind,
    thread_id,
)
from services.notify.letters import compose
from shared.mailbox import AddressError, Mailbox, clean
from tests.unit.letter_samples import (
    EVENT,
    FRONT,
    FRONT_DESK,
    INVITED,
    OF_NO_DUTY,
    ONE,
    OWED,
    PATH,
    REPORT,
    REPORTER,
    SAMPLES,
    SCHOOL,
    SENDER,
    SENT_AT,
)

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent.parent / "golden" / "mails"


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


_ROLES = {
    "escalated": "người đứng đầu",
    "approval-asked": "người đứng đầu",
    "approval-settled": "người soạn báo cáo",
    "office-summary": "người xem xét báo cáo",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_says_why_where_and_whom_to_ask(name: str) -> None:
    letter = SAMPLES[name]
    mail = mail_of(letter)
    section = letter.section if isinstance(letter, OF_NO_DUTY) else letter.obligation.section
    for body in (words(part(mail, "plain")), words(part(mail, "html"))):
        role = _ROLES.get(letter.kind, "đầu mối")
        assert f"Vì sao có thư này: địa chỉ này được ghi là {role} của" in body
        assert f"https://thidua.tu-minh.example{letter.path}" in body
        assert f"{section}, Kế hoạch phát động" in body
        contact = re.sub(r"</?span[^>]*>", "", body)
        assert "liên hệ Phòng Văn hóa - Xã hội phường Tứ Minh, vhxh@tu-minh.example" in contact
        assert "tự động, không thay cho văn bản" in body
        if not isinstance(letter, OF_NO_DUTY):
            assert letter.obligation.deadline.wording in body
            assert f"{letter.obligation.deadline.last_day:%d/%m/%Y}" in body
    assert part(mail, "plain").count("https://") == 1


@pytest.mark.parametrize("name", INVITED)
@pytest.mark.parametrize("manner", [Manner.INVITED, Manner.VOLUNTARY, Manner.PROPOSED])
def test_the_invited_are_never_dunned(name: str, manner: Manner) -> None:
    letter = INVITED[name]
    assert not isinstance(letter, OF_NO_DUTY)
    mail = mail_of(replace(letter, obligation=replace(letter.obligation, manner=manner)))
    body = f"{mail['Subject']} {words(part(mail, 'plain'))} {words(part(mail, 'html'))}".casefold()
    for hard in ("quá hạn", "nợ", "nhắc", "sau hạn", "chậm nộp", "đề nghị", "nhiệm vụ", "hạn:"):
        assert not re.search(rf"\b{hard}", body), hard


@pytest.mark.parametrize("manner", Manner)
@pytest.mark.parametrize("name", ONE)
def test_a_person_is_not_called_a_unit(name: str, manner: Manner) -> None:
    letter = ONE[name]
    if not isinstance(letter, OF_NO_DUTY):
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
