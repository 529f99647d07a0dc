"""What a Giấy khen says, line by line.

The lines and their order follow article 104 of NĐ 98/2023, dates NĐ 30/2020. The pattern has since
moved to the Prime Minister's decision, so the layout lives in a template that a ward may replace;
here is only the wording.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date

COUNTRY = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"
GRANTS = "TẶNG"
TITLE = "GIẤY KHEN"


@dataclass(frozen=True, slots=True)
class Commendation:
    """The facts of one award in one decision.

    `decider` is the granting position with its authority, as "Chủ tịch Ủy ban nhân dân phường Tứ
    Minh". `unit` (also an address) and `signer` may be empty: a collective has no unit line, and
    an unknown signer's name is left to be written. `ordinal` is the awardee's place in the
    decision, from 1. `signer_lines` is who signs, as ("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH").
    """

    decider: str
    name: str
    unit: str
    achievement: str
    decision_number: str
    decided_on: date
    ordinal: int
    place: str
    signer_lines: tuple[str, ...]
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Every printed line, from top to bottom; an empty line is not printed.

    `issued_on` is the day in `place_and_date`, for the document's own date.
    """

    country: str
    motto: str
    decider: str
    grants: str
    title: str
    name: str
    unit: str
    achievement: str
    decision: str
    golden_book: str
    place_and_date: str
    position: tuple[str, ...]
    signer: str
    issued_on: date


def certificate_of(facts: Commendation) -> Certificate:
    """The certificate of an award. Raises ValueError naming a fact that may not be empty."""
    day = date_in_words(facts.decided_on)
    if facts.ordinal < 1:
        raise ValueError(f"ordinal: {facts.ordinal} is before the first")
    if not facts.signer_lines:
        raise ValueError("signer_lines: nobody signs")
    return Certificate(
        country=COUNTRY,
        motto=MOTTO,
        decider=_filled("decider", facts.decider).upper(),
        grants=GRANTS,
        title=TITLE,
        name=_filled("name", facts.name),
        unit=_line(facts.unit),
        achievement=_filled("achievement", facts.achievement),
        decision=f"Quyết định số: {_filled('decision_number', facts.decision_number)}, {day}",
        golden_book=f"Số sổ vàng: {facts.ordinal}",
        place_and_date=f"{_filled('place', facts.place)}, {day}",
        position=tuple(_filled("signer_lines", line).upper() for line in facts.signer_lines),
        signer=_line(facts.signer),
        issued_on=facts.decided_on,
    )


def date_in_words(day: date) -> str:
    """`ngày 05 tháng 02 năm 2026`: days 1-9 and months 1-2 have a leading 0 (NĐ 30/2020)."""
    month = f"{day.month:02d}" if day.month <= 2 else str(day.month)
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"


def _filled(name: str, text: str) -> str:
    line = _line(text)
    if not line:
        raise ValueError(f"{name}: empty")
    return line


def _line(text: str) -> str:
    """One NFC line: white space is single spaces, invisible characters are gone."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf"}).strip()
