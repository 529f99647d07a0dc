"""What a Giấy khen says and how it reads when printed: golden text, every letter, any length.

`THIDUA_WRITE_GOLDEN=1` writes the golden files anew; read them before committing.
"""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from services.awards.documents.printing import FONTS, Printer, PrintingError
from services.awards.domain.certificate import (
    Certificate,
    Commendation,
    certificate_of,
    date_in_words,
)
from tests.unit.certificates import (
    COLLECTIVE,
    INDIVIDUAL,
    LETTERS,
    SIGNS,
    SMALL_LETTERS,
    page_of,
    text_of,
    unspaced,
    words_of,
)

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer()


# -- What it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2025, 12, 30), "ngày 30 tháng 12 năm 2025"),
        (date(2026, 1, 1), "ngày 01 tháng 01 năm 2026"),
        (date(2026, 2, 10), "ngày 10 tháng 02 năm 2026"),
        (date(2026, 3, 9), "ngày 09 tháng 3 năm 2026"),
        (date(2026, 9, 10), "ngày 10 tháng 9 năm 2026"),
    ],
)
def test_days_below_ten_and_months_below_three_have_a_leading_zero(day: date, words: str) -> None:
    assert date_in_words(day) == words


def test_every_line_comes_from_the_facts() -> None:
    assert certificate_of(INDIVIDUAL) == Certificate(
        country="CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        motto="Độc lập - Tự do - Hạnh phúc",
        decider="CHỦ TỊCH ỦY BAN NHÂN DÂN PHƯỜNG TỨ MINH",
        grants="TẶNG",
        title="GIẤY KHEN",
        name="Cá nhân tiêu biểu số 1",
        unit="Tổ dân phố số 3, phường Tứ Minh",
        achievement=INDIVIDUAL.achievement,
        decision="Quyết định số: 09/QĐ-UBND, ngày 05 tháng 02 năm 2026",
        golden_book="Số sổ vàng: 21",
        place_and_date="Tứ Minh, ngày 05 tháng 02 năm 2026",
        position=("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
        signer="",
        issued_on=date(2026, 2, 5),
    )


def test_words_are_one_composed_line_without_invisible_characters() -> None:
    facts = replace(COLLECTIVE, name=" Tô\u0309\u200b\n dân\u00a0 phô\u0301\u202e ")
    assert certificate_of(facts).name == "Tổ dân phố"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"decider": ""}, "decider"),
        ({"name": " \n"}, "name"),
        ({"achievement": "\u200b"}, "achievement"),
        ({"decision_number": ""}, "decision_number"),
        ({"place": ""}, "place"),
        ({"signer_lines": ()}, "signer_lines"),
        ({"signer_lines": ("KT. CHỦ TỊCH", "")}, "signer_lines"),
        ({"ordinal": 0}, "ordinal"),
    ],
)
def test_no_certificate_without(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        certificate_of(replace(COLLECTIVE, **wrong))


# -- What is printed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "facts"),
    [("giay-khen.collective", COLLECTIVE), ("giay-khen.individual", INDIVIDUAL)],
)
def test_golden_text(printer: Printer, name: str, facts: Commendation) -> None:
    lines = text_of(printer.print(certificate_of(facts))).splitlines()
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("THIDUA_WRITE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@settings(max_examples=25, deadline=None)
@given(
    name=st.text(LETTERS, min_size=1, max_size=24).map(str.strip).filter(bool),
    number=st.integers(1, 99_999),
    day=st.dates(date(2025, 1, 1), date(2035, 12, 31)),
    ordinal=st.integers(1, 9_999),
)
def test_printed_name_number_date_and_ordinal_equal_the_facts(
    printer: Printer, name: str, number: int, day: date, ordinal: int
) -> None:
    facts = replace(
        COLLECTIVE,
        name=name,
        decision_number=f"{number}/QĐ-UBND",
        decided_on=day,
        ordinal=ordinal,
    )
    lines = text_of(printer.print(certificate_of(facts))).splitlines()
    assert name in lines
    assert f"Quyết định số: {number}/QĐ-UBND, {date_in_words(day)}" in lines
    assert f"Số sổ vàng: {ordinal}" in lines
    assert f"Tứ Minh, {date_in_words(day)}" in lines


@pytest.mark.parametrize("letter_case", [str.lower, str.upper])
@pytest.mark.parametrize("style", ["normal", "italic"])
@pytest.mark.parametrize("weight", ["regular", "bold"])
def test_fonts_have_every_vietnamese_letter(weight: str, style: str, letter_case: Any) -> None:
    letters = letter_case(LETTERS) + SIGNS
    source = (
        '#set text(font: "Liberation Serif", fallback: false, '
        f'weight: "{weight}", style: "{style}", lang: "vi")\n#sys.inputs.letters'
    )
    fonts = typst.Fonts(False, False, [FONTS])
    inputs = {"letters": letters}
    pdf = typst.compile(
        source.encode(), font_paths=fonts, sys_inputs=inputs, pdf_standards="a-2u", timestamp=0
    )
    assert unspaced(text_of(pdf)) == letters


def test_every_line_prints_every_letter(printer: Printer) -> None:
    """Each place on the page has its own face of the font."""
    small = " ".join("".join(SMALL_LETTERS[i : i + 6]) for i in range(0, 72, 6))
    facts = replace(
        COLLECTIVE,
        name=small,
        unit=small.upper(),
        achievement=f"{small} {small.upper()} {SIGNS}",
        decision_number=f"1/{small}",
        place=small.upper(),
        signer_lines=(small, "đ"),
        signer=small,
        decider=small,
    )
    certificate = certificate_of(facts)
    printed = unspaced(text_of(printer.print(certificate)))
    for words in words_of(certificate):
        assert unspaced(words) in printed


@pytest.mark.parametrize(
    "name",
    [
        "#panic() *đậm* _nghiêng_ $x^2$ `mã`",
        "= Tiêu đề",
        "- mục // lời bàn /* x */",
        '"nháy" \\n \\u{41} @ai <nhãn>',
        "#(sys.version) [ngoặc] {x}",
        "'thẳng' -- --- ... ~",
        "https://tu-minh.example/#a",
    ],
)
def test_words_are_never_markup(printer: Printer, name: str) -> None:
    certificate = certificate_of(replace(COLLECTIVE, name=name, unit=name, achievement=name))
    lines = text_of(printer.print(certificate)).splitlines()
    assert lines.count(name) == 3


def test_evening_out_lines_leaves_a_long_word_whole(printer: Printer) -> None:
    word = "chuyểnđổisố" * 5
    achievement = f"Đã xây dựng và duy trì thường xuyên trang điện tử {word}"
    text = text_of(printer.print(certificate_of(replace(COLLECTIVE, achievement=achievement))))
    assert word in text.splitlines()


# -- Any length, one page -------------------------------------------------------------------------

SYLLABLES = st.text(LETTERS + LETTERS.upper() + "/-,.", min_size=1, max_size=40)


def phrases(most: int) -> st.SearchStrategy[str]:
    """Up to `most` characters, words of up to 40."""
    some = st.lists(SYLLABLES, min_size=1, max_size=most // 4)
    return some.map(lambda words: " ".join(words)[:most].strip())


@settings(max_examples=25, deadline=None)
@given(phrases(200), phrases(200), phrases(1000), phrases(120), phrases(120))
def test_any_length_is_one_page_with_every_word_inside(
    printer: Printer, name: str, unit: str, achievement: str, number: str, signer: str
) -> None:
    certificate = certificate_of(
        replace(
            COLLECTIVE,
            name=name,
            unit=unit,
            achievement=achievement,
            decision_number=number,
            place=number,
            signer_lines=(signer, signer, signer),
            signer=signer,
        )
    )
    pdf = printer.print(certificate)
    printed = unspaced(text_of(pdf))
    for words in words_of(certificate):
        assert unspaced(words) in printed
    assert_inside_the_border(pdf)


LONGEST = (
    "NGHIÊNG " * 125,
    "Đã có thành tích xuất sắc trong chuyển đổi số " * 21,
    "W" * 400 + " " + "ư" * 400,
)


@pytest.mark.parametrize("words", LONGEST)
def test_the_longest_words_stay_inside_the_border(printer: Printer, words: str) -> None:
    line = words[:120].strip()
    facts = replace(
        COLLECTIVE,
        decider=words[:200],
        name=words[:200],
        unit=words[:200],
        achievement=words[:1000],
        decision_number=line,
        place=line,
        signer_lines=(line, line, line),
        signer=line,
    )
    assert_inside_the_border(printer.print(certificate_of(facts)))


def assert_inside_the_border(pdf: bytes) -> None:
    """Where each piece of text starts; the border is 15 mm from the edges of 297 x 210 mm."""
    starts: list[tuple[float, float]] = []

    def note(text: str, user: list[float], matrix: list[float], *_: object) -> None:
        if text.strip():
            x = matrix[4] * user[0] + matrix[5] * user[2] + user[4]
            y = matrix[4] * user[1] + matrix[5] * user[3] + user[5]
            starts.append((x / 72 * 25.4, y / 72 * 25.4))

    page_of(pdf).extract_text(visitor_text=note)
    assert len(starts) >= 10
    for x, y in starts:
        assert 15 < x < 297 - 15
        assert 15 < y < 210 - 15


def test_what_cannot_fit_is_refused_and_named(printer: Printer) -> None:
    certificate = certificate_of(replace(COLLECTIVE, achievement="thành tích " * 1000))
    with pytest.raises(PrintingError, match="achievement: too long") as refused:
        printer.print(certificate)
    assert "thành tích" not in str(refused.value)


def test_a_letter_that_no_font_has_is_refused(printer: Printer) -> None:
    certificate = certificate_of(replace(COLLECTIVE, name="Công ty 漢"))
    with pytest.raises(PrintingError, match="漢"):
        printer.print(certificate)
    assert "Phòng Kinh tế" in text_of(printer.print(certificate_of(COLLECTIVE)))
