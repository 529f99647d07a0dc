"""Vietnamese headers survive: any subject or name decodes to what was written, within limits."""

import re
import unicodedata
from datetime import date, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.notify.domain.letter import (
    SECTIONS,
    About,
    AwardDecided,
    Deadline,
    Duty,
    Manner,
    Obligation,
    Reminder,
    Sender,
)
from services.notify.letters import compose
from shared.calendar import WARD_ZONE
from shared.mail_headers import VN_POLICY
from shared.mailbox import Mailbox, clean

pytestmark = pytest.mark.unit

SYLLABLES = re.findall(
    r"\S+",
    "đã được tiếp nhận Ủy ban nhân dân phường Tứ Minh Kế hoạch Phòng Văn hóa - Xã hội báo cáo "
    "thi đua năm 2025 nghiêng khuỷu trường quyết định 215/QĐ-UBND, (trước ngày 10/12/2025): "
    '“Cả nước” AI =?utf-8?b?eA==?= ?= " \\ ; <x@y.example> @ … 🏅',
)
VIETNAMESE = st.lists(st.sampled_from(SYLLABLES), max_size=60).map(" ".join)
LETTERS = (
    "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
)
WORDS = st.text(alphabet=LETTERS + LETTERS.upper() + "   ,.;:-/()\"'=?_<>@\\", max_size=200)
ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=120)
TEXTS = st.one_of(VIETNAMESE, WORDS, ANY)

LONG = (
    "Thông báo: báo cáo của đơn vị đã được tiếp nhận và đang được kiểm tra theo quy định tại "
    "Kế hoạch"
)
ENCODED = re.compile(rb"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=")


def head_of(**headers: object) -> tuple[bytes, dict[str, str]]:
    """The header block as sent, and each header unfolded and decoded as a mail reader does."""
    mail = EmailMessage(policy=VN_POLICY)
    for name, value in headers.items():
        mail[name] = value
    mail.set_content("x")
    head = mail.as_bytes().split(b"\r\n\r\n", 1)[0]
    read = message_from_bytes(head)
    return head, {name: str(read[name]) for name in headers}


def decoded(raw: str) -> str:
    return str(make_header(decode_header(re.sub(r"\r?\n(?=[ \t])", "", raw))))


def assert_within_limits(head: bytes) -> None:
    assert head.isascii()
    for line in head.split(b"\r\n"):
        assert len(line) <= 78, line
        assert b"\n" not in line
        assert b"\r" not in line
    for word in ENCODED.findall(head):
        assert len(word) <= 75
    assert b"?==?" not in head


@settings(deadline=None)
@given(TEXTS)
@example(LONG)
@example("x" * 300)
@example("đ" * 300)
@example("=?utf-8?b?eA==?=")
def test_any_subject_comes_back(text: str) -> None:
    subject = clean(text)
    head, read = head_of(Subject=subject)
    assert decoded(read["Subject"]) == subject
    assert_within_limits(head)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["From", "To", "Reply-To"]))
@example("Phòng Văn hóa - Xã hội, phường Tứ Minh", "From")
@example('Trường "Tứ Minh", THCS', "To")
@example("Nguyen, Van A (THCS) " * 8, "To")
@example("Đầu mối báo cáo Ủy ban Mặt trận Tổ quốc Việt Nam phường Tứ Minh - Trưởng ban", "To")
def test_any_display_name_comes_back(text: str, header: str) -> None:
    name, address = clean(text), "dau-moi.bao-cao@truong-thcs-tu-minh.example"
    head, read = head_of(**{header: Address(display_name=name, addr_spec=address)})
    shown, reached = parseaddr(re.sub(r"\r?\n(?=[ \t])", "", read[header]))
    assert reached == address
    assert decoded(shown) == name
    assert_within_limits(head)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_several_mailboxes_stay_apart(texts: list[str]) -> None:
    written = [(clean(text), f"person-{n}@x.example") for n, text in enumerate(texts)]
    boxes = tuple(Address(display_name=name, addr_spec=box) for name, box in written)
    head, read = head_of(Cc=boxes)
    seen = getaddresses([re.sub(r"\r?\n(?=[ \t])", "", read["Cc"])])
    assert [(decoded(name), box) for name, box in seen] == written
    assert_within_limits(head)


@pytest.mark.parametrize("length", [10, 30, 60])
def test_ids_stay_in_one_piece(length: int) -> None:
    token = f"<{'0' * 36}@{'d' * length}.example>"
    head, read = head_of(**{"References": token, "In-Reply-To": token, "Message-ID": token})
    assert [value.strip() for value in read.values()] == [token] * 3
    assert head.count(token.encode()) == 3


@pytest.mark.parametrize("text", ["a\r\nBcc: x@y.example", "a\n", "a\r", "\na"])
def test_a_subject_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        EmailMessage(policy=VN_POLICY)["Subject"] = text


SENDER = Sender(
    Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "thi-dua@tu-minh.example"),
    Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "vhxh@tu-minh.example"),
    "tu-minh.example",
    "https://thidua.tu-minh.example",
    "phường Tứ Minh",
    "Kế hoạch",
)


@settings(deadline=None)
@given(TEXTS, TEXTS)
@example("215\r\nBcc: x@y.example", "Tên\r\nBcc: x@y.example")
@example("215\u2028Bcc: x@y.example\x85\x0b\x0c", "\n\n\r<script>")
def test_no_data_adds_or_breaks_headers(number: str, name: str) -> None:
    about = About("p", name, "2025-annual", "năm 2025")
    letter = AwardDecided(
        about, "/awards", name, "Giấy khen", name, number, date(2025, 12, 26), "x"
    )
    mail = compose(
        letter,
        to=Mailbox(name, "a@x.example"),
        sender=SENDER,
        event="event",
        sent_at=datetime(2025, 12, 26, 8, tzinfo=WARD_ZONE),
    )
    head = mail.as_bytes().split(b"\r\n\r\n", 1)[0]
    read = message_from_bytes(head)
    assert sorted(read.keys()) == sorted(mail.keys())
    assert read["Bcc"] is None
    assert unicodedata.is_normalized("NFC", decoded(str(read["Subject"])))
    assert decoded(str(read["Subject"])) == clean(f"Quyết định số {clean(number)}: tặng Giấy khen")


def test_every_header_of_a_mail_is_within_limits() -> None:
    duty = Duty.ANNUAL_REPORT
    deadline = Deadline(
        datetime(2025, 12, 9, 23, 59, 59, tzinfo=WARD_ZONE), "trước ngày 10/12/2025"
    )
    mail = compose(
        Reminder(
            About("ub-mttq", "Ủy ban Mặt trận Tổ quốc Việt Nam phường", "2025-annual", "năm 2025"),
            "/intake",
            Obligation(duty, Manner.INVITED, deadline, SECTIONS[duty]),
            7,
        ),
        to=Mailbox("Đầu mối Ủy ban Mặt trận Tổ quốc Việt Nam phường Tứ Minh", "a@mttq.example"),
        sender=SENDER,
        event="0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0a01",
        sent_at=datetime(2025, 12, 2, 7, 30, tzinfo=WARD_ZONE),
    )
    assert_within_limits(mail.as_bytes().split(b"\r\n\r\n", 1)[0])
    assert max(map(len, mail.as_bytes().split(b"\r\n"))) <= 78
