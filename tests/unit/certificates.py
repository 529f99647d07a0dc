"""Commendations for the tests, and what can be read off a printed page."""

import re
import unicodedata
from dataclasses import asdict, replace
from datetime import date
from io import BytesIO

from pypdf import PageObject, PdfReader

from services.awards.domain.certificate import Certificate, Commendation

COLLECTIVE = Commendation(
    decider="Chủ tịch Ủy ban nhân dân phường Tứ Minh",
    name="Phòng Kinh tế, Hạ tầng và Đô thị",
    unit="",
    achievement=(
        "Đã có thành tích xuất sắc trong Phong trào thi đua “Cả nước thi đua đổi mới sáng tạo và "
        "chuyển đổi số” trên địa bàn phường Tứ Minh năm 2025"
    ),
    decision_number="215/QĐ-UBND",
    decided_on=date(2025, 12, 30),
    ordinal=7,
    place="Tứ Minh",
    signer_lines=("CHỦ TỊCH",),
)
INDIVIDUAL = replace(
    COLLECTIVE,
    name="Cá nhân tiêu biểu số 1",
    unit="Tổ dân phố số 3, phường Tứ Minh",
    decision_number="09/QĐ-UBND",
    decided_on=date(2026, 2, 5),
    ordinal=21,
    signer_lines=("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
)
VOWELS = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
SMALL_LETTERS = [unicodedata.normalize("NFC", v + t) for v in VOWELS for t in TONES]
LETTERS = "".join(SMALL_LETTERS) + "bcdđghklmnpqrstvxfjwz"
SIGNS = "0123456789“”‘’\"'–—…/-,.:;()&+%#*_$@`~\\[]{}<>="


def page_of(pdf: bytes) -> PageObject:
    """The only page."""
    pages = PdfReader(BytesIO(pdf)).pages
    assert len(pages) == 1
    return pages[0]


def text_of(pdf: bytes) -> str:
    return page_of(pdf).extract_text()


def unspaced(text: str) -> str:
    """Lines break where they break; the words must be there."""
    return re.sub(r"[\s\u200b]+", "", text)


def words_of(certificate: Certificate) -> list[str]:
    lines = {k: v for k, v in asdict(certificate).items() if k != "issued_on"}
    positions = lines.pop("position")
    return [*lines.values(), *positions]
