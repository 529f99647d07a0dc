"""Names of files, parts of files, and files that reports name."""

import string
import unicodedata
from email.message import Message
from typing import Literal
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.domain.evidence import (
    EXTENSIONS,
    LONGEST_NAME,
    Filed,
    Kind,
    Span,
    check_may_be_removed,
    check_room,
    check_size,
    disposition,
    file_in,
    safe_name,
    span_of,
    wrong_files,
)
from shared.contracts.inbound import ReportSubmitted
from shared.refusal import Refusal

pytestmark = pytest.mark.unit

KINDS: tuple[Kind, ...] = ("pdf", "docx", "xlsx", "png", "jpeg")

NAMES = {
    "Báo cáo năm 2025.pdf": "Báo cáo năm 2025.pdf",
    "BÁO CÁO.PDF": "BÁO CÁO.pdf",
    "../../etc/passwd": "passwd.pdf",
    "..\\..\\windows\\system32\\x.dll": "x.dll.pdf",
    "/etc/cron.d/x": "x.pdf",
    "C:\\Users\\a\\minh chứng.pdf": "minh chứng.pdf",
    "a\r\nSet-Cookie: x=y.pdf": "a Set-Cookie x=y.pdf",
    "phieu\u202efdp.exe": "phieufdp.exe.pdf",
    "a\u200b\u200fb\x00c\x1b.pdf": "abc.pdf",
    'a"b<c>|d?*:e.pdf': "abcde.pdf",
    "   .pdf  ": "minh-chung.pdf",
    "...": "minh-chung.pdf",
    "": "minh-chung.pdf",
    "CON.pdf": "_CON.pdf",
    "lpt1.tar.pdf": "_lpt1.tar.pdf",
    "Ba\u0301o ca\u0301o.pdf": "Báo cáo.pdf",
    "virus.exe": "virus.exe.pdf",
}


@pytest.mark.parametrize("given_name", NAMES)
def test_a_name_loses_what_could_do_harm(given_name: str) -> None:
    assert safe_name(given_name, "pdf") == NAMES[given_name]


@pytest.mark.parametrize(
    ("given_name", "kind", "name"),
    [
        ("a.pdf", "docx", "a.pdf.docx"),
        ("a.jpeg", "jpeg", "a.jpg"),
        ("a.JPG", "jpeg", "a.jpg"),
        ("a.docm", "docx", "a.docm.docx"),
    ],
)
def test_the_ending_is_that_of_what_the_file_is(given_name: str, kind: Kind, name: str) -> None:
    assert safe_name(given_name, kind) == name


@given(st.text(), st.sampled_from(KINDS))
@example("\u202e" * 500 + "a" * 500 + "đ" * 500, "pdf")
def test_any_name_becomes_one_that_is_safe_everywhere(given_name: str, kind: Kind) -> None:
    name = safe_name(given_name, kind)
    assert name == unicodedata.normalize("NFC", name).strip()
    assert name.endswith(EXTENSIONS[kind][0])
    assert not set(name) & set('/\\<>:"|?*')
    assert not name.startswith(".")
    assert all(unicodedata.category(letter)[0] != "C" for letter in name)
    assert len(name) <= LONGEST_NAME + 6
    assert safe_name(name, kind) == name


@given(st.text(), st.sampled_from(KINDS))
@example("Báo cáo; filename=x\r\n.pdf", "pdf")
def test_a_name_travels_whole_in_a_header(given_name: str, kind: Kind) -> None:
    name = safe_name(given_name, kind)
    header = disposition(name)
    assert set(header) <= set(string.printable) - set("\r\n\t\x0b\x0c")
    told = Message()
    told["Content-Disposition"] = header
    assert told.get_content_disposition() == "attachment"
    assert header.count('"') == 2
    assert unquote(header.rpartition("''")[2]) == name
    fallback = header.split('"')[1]
    assert fallback.endswith(EXTENSIONS[kind][0])
    assert fallback.removesuffix(EXTENSIONS[kind][0]).strip()


def test_whoever_knows_no_vietnamese_letters_still_reads_the_name() -> None:
    header = disposition("Đề án chuyển đổi số.pdf")
    assert header.startswith('attachment; filename="De an chuyen doi so.pdf"; ')


RANGES: dict[str, Span | Literal["none"] | None] = {
    "bytes=0-0": Span(0, 1),
    "bytes=0-99": Span(0, 100),
    "bytes=0-1000": Span(0, 100),
    "bytes=10-": Span(10, 100),
    "bytes=-10": Span(90, 100),
    "bytes=-1000": Span(0, 100),
    "bytes = 5 - 9": Span(5, 10),
    "bytes=100-": "none",
    "bytes=100-200": "none",
    "bytes=-0": "none",
    "bytes=9-5": None,
    "bytes=-": None,
    "bytes=a-b": None,
    "bytes=0-1,5-6": None,
    "bytes=٠-٩": None,
    "items=0-1": None,
    "bytes=0-99999999999999999999999": None,
    "": None,
}


@pytest.mark.parametrize("header", RANGES)
def test_a_range_asks_for_a_part(header: str) -> None:
    assert span_of(header, 100) == RANGES[header]


@given(st.integers(1, 1000), st.integers(0, 1100), st.integers(0, 1100))
def test_parts_are_those_that_slices_give(size: int, first: int, last: int) -> None:
    content = bytes(n % 256 for n in range(size))
    asked = {
        f"bytes={first}-{last}": content[first : last + 1],
        f"bytes={first}-": content[first:],
        f"bytes=-{last}": content[max(0, size - last) :],
    }
    for header, expected in asked.items():
        span = span_of(header, size)
        if isinstance(span, Span):
            assert content[span.start : span.end] == expected
            assert len(span) == len(expected)
        elif span == "none":
            assert expected == b""
        else:
            assert first > last


@given(st.text())
def test_no_header_makes_it_fall(header: str) -> None:
    span_of(header, 10)
    span_of(f"bytes={header}", 10)


OURS, FILE = "https://thi-dua.example", UUID("0190a5c2-7d34-7b51-9a53-2f0d1c7e11aa")

ADDRESSES = {
    f"{OURS}/intake/evidence/{FILE}": FILE,
    f"HTTPS://THI-DUA.example/intake/evidence/{str(FILE).upper()}": FILE,
    f"http://127.0.0.1:8080/intake/evidence/{FILE}?x=1": FILE,
    f"{OURS}/intake/evidence/{FILE}#a": FILE,
    f"{OURS}/intake/evidence/{FILE}/removal": None,
    f"{OURS}/x/intake/evidence/{FILE}": None,
    f"{OURS}/?y=/intake/evidence/{FILE}": None,
    f"{OURS}/intake/evidence/khong-co": None,
    "https://drive.example/tep": None,
    "http://[": None,
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_leads_to_a_file_brought_here_or_to_none(address: str) -> None:
    assert file_in(address) == ADDRESSES[address]


def naming(sha256: str | None) -> ReportSubmitted:
    one = {"title": "Kế hoạch", "url": f"{OURS}/intake/evidence/{FILE}", "sha256": sha256}
    elsewhere = {"title": "Khác", "url": "https://x.example/a"}
    items = [
        {"criterion": "a1", "self_score": "1", "evidence": []},
        {"criterion": "a2", "self_score": "1", "evidence": [elsewhere, one]},
    ]
    return ReportSubmitted.model_validate(
        {
            "ward": "tu-minh",
            "participant": "thcs-1",
            "period": "2025-annual",
            "report_id": FILE,
            "revision": 1,
            "form_version": 1,
            "submitted_at": "2025-12-01T09:00:00+07:00",
            "items": items,
        }
    )


URL, DIGEST = "/items/1/evidence/1/url", "/items/1/evidence/1/sha256"


@pytest.mark.parametrize(
    ("known", "told", "wrong"),
    [
        (Filed("thcs-1", "2025-annual", "a" * 64), "a" * 64, set()),
        (Filed("thcs-1", "2025-annual", "a" * 64), None, set()),
        (Filed("thcs-1", "2025-annual", "b" * 64), "a" * 64, {DIGEST}),
        (Filed("thcs-1", "2026-annual", "a" * 64), "a" * 64, {URL}),
        (Filed("tieu-hoc-1", "2025-annual", "a" * 64), "a" * 64, {URL}),
        (None, "a" * 64, {URL}),
    ],
)
def test_a_report_names_only_files_of_its_own_and_what_they_hold(
    known: Filed | None, told: str | None, wrong: set[str]
) -> None:
    found = wrong_files(naming(told), {FILE: known} if known else {})
    assert set(found) == wrong


def test_there_is_room_for_so_many_and_no_more() -> None:
    check_room(59, 60)
    with pytest.raises(Refusal, match="too-many-files"):
        check_room(60, 60)


def test_a_file_may_be_so_large_and_no_larger() -> None:
    check_size(20 << 20, 20 << 20)
    with pytest.raises(Refusal, match="20 MB"):
        check_size((20 << 20) + 1, 20 << 20)


def test_what_a_report_that_was_sent_names_stays() -> None:
    check_may_be_removed(used=False)
    with pytest.raises(Refusal, match="file-in-use"):
        check_may_be_removed(used=True)
