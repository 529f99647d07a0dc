"""The sheet of a Giấy khen: size, faces, colours, equal bytes, the ward's emblem and template."""

import json
from dataclasses import asdict, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from services.awards.documents.printing import FONTS, TEMPLATE, Printer, PrintingError
from services.awards.domain.certificate import Commendation, certificate_of
from tests.unit.certificates import (
    COLLECTIVE,
    INDIVIDUAL,
    page_of,
    text_of,
    unspaced,
)

pytestmark = pytest.mark.unit

RED = (0xC4, 0x16, 0x1C)


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer()


def test_a4_landscape_archival_and_dated_by_the_decision(printer: Printer) -> None:
    pdf = printer.print(certificate_of(COLLECTIVE))
    box = page_of(pdf).mediabox
    assert (round(box.width / 72 * 25.4), round(box.height / 72 * 25.4)) == (297, 210)
    reader = PdfReader(BytesIO(pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == "GIẤY KHEN - Phòng Kinh tế, Hạ tầng và Đô thị"
    created = reader.metadata.creation_date
    assert created is not None
    assert created.isoformat() == "2025-12-29T17:00:00+00:00"
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert str(reader.root_object["/Lang"]) == "vi-VN"


def test_lines_have_the_faces_and_colours_of_the_pattern(printer: Printer) -> None:
    certificate = certificate_of(INDIVIDUAL)
    looks = looks_of(printer.print(certificate))
    red, black = RED, (0, 0, 0)
    assert looks[certificate.country] == ("Bold", black)
    assert looks[certificate.motto] == ("Bold", black)
    assert looks[certificate.decider] == ("Bold", red)
    assert looks[certificate.grants] == ("Bold", black)
    assert looks[certificate.title] == ("Bold", red)
    assert looks[certificate.name] == ("Bold", black)
    assert looks[certificate.unit] == ("", black)
    assert looks[certificate.decision] == ("BoldItalic", black)
    assert looks[certificate.golden_book] == ("BoldItalic", black)
    assert looks[certificate.place_and_date] == ("BoldItalic", black)
    assert looks["PHÓ CHỦ TỊCH"] == ("Bold", black)


def looks_of(pdf: bytes) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Each line's face and fill colour, as the page's operators set them."""
    colour: tuple[int, ...] = ()
    found: dict[str, tuple[str, tuple[int, ...]]] = {}

    def before(operator: bytes, operands: list[Any], *_: object) -> None:
        nonlocal colour
        if operator in (b"scn", b"sc", b"g", b"rg", b"k"):
            values = [round(float(v) * 255) for v in operands]
            colour = tuple(values * 3 if len(values) == 1 else values)

    def note(text: str, _u: object, _m: object, font: Any, _size: float) -> None:
        if text.strip():
            face = font["/BaseFont"].split("+")[1].removeprefix("LiberationSerif").strip("-")
            found[text.strip()] = (face, colour)

    page_of(pdf).extract_text(visitor_operand_before=before, visitor_text=note)
    return found


def test_same_facts_give_the_same_bytes(printer: Printer) -> None:
    first = printer.print(certificate_of(COLLECTIVE))
    other = printer.print(certificate_of(INDIVIDUAL))
    again = printer.print(certificate_of(COLLECTIVE))
    fresh = Printer().print(certificate_of(COLLECTIVE))
    assert sha256(first).hexdigest() == sha256(again).hexdigest() == sha256(fresh).hexdigest()
    assert first != other


def test_threads_share_a_printer(printer: Printer) -> None:
    facts = [replace(COLLECTIVE, ordinal=ordinal) for ordinal in range(1, 9)]
    printed: dict[int, bytes] = {}

    def work(one: Commendation) -> None:
        printed[one.ordinal] = printer.print(certificate_of(one))

    threads = [Thread(target=work, args=(one,)) for one in facts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in facts:
        assert f"Số sổ vàng: {one.ordinal}" in text_of(printed[one.ordinal]).splitlines()


# -- The ward's own emblem and template -----------------------------------------------------------

EMBLEM = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'
)


def test_the_wards_emblem_takes_the_place_of_the_ornament(tmp_path: Path, printer: Printer) -> None:
    file = tmp_path / "emblem.svg"
    file.write_text(EMBLEM, encoding="utf-8")
    plain = printer.print(certificate_of(COLLECTIVE))
    with_emblem = Printer(emblem=file).print(certificate_of(COLLECTIVE))
    assert text_of(with_emblem) == text_of(plain)
    assert "Quốc huy" in alternatives_of(with_emblem)
    assert alternatives_of(plain) == []


def alternatives_of(pdf: bytes) -> list[str]:
    """The words that stand for pictures."""
    reader = PdfReader(BytesIO(pdf))
    objects = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
    return [str(o["/Alt"]) for o in objects if isinstance(o, DictionaryObject) and "/Alt" in o]


def test_a_bad_emblem_or_template_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "emblem.png"
    broken.write_bytes(b"not an image")
    with pytest.raises(PrintingError):
        Printer(emblem=broken).print(certificate_of(COLLECTIVE))
    with pytest.raises(FileNotFoundError):
        Printer(emblem=tmp_path / "none.png")
    with pytest.raises(FileNotFoundError):
        Printer(template=tmp_path / "none.typ")


def test_the_template_is_replaceable(tmp_path: Path) -> None:
    mine = tmp_path / "mine.typ"
    mine.write_text(
        '#set text(font: "Liberation Serif")\n'
        "#let c = json(bytes(sys.inputs.certificate))\n"
        "#for (field, value) in c [#field: #json.encode(value, pretty: false)\\ ]",
        encoding="utf-8",
    )
    certificate = certificate_of(INDIVIDUAL)
    text = unspaced(text_of(Printer(template=mine).print(certificate)))
    for field, value in asdict(certificate).items():
        shown = json.dumps(value, default=str, ensure_ascii=False)
        assert unspaced(f"{field}: {shown}") in text


def test_the_template_sees_no_file_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("kín", encoding="utf-8")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "mine.typ").write_text('#read("../secret.txt")', encoding="utf-8")
    with pytest.raises(PrintingError):
        Printer(template=folder / "mine.typ").print(certificate_of(COLLECTIVE))


def test_the_template_and_its_fonts_ship_with_the_service() -> None:
    assert TEMPLATE.is_file()
    assert {font.suffix for font in FONTS.iterdir()} == {".ttf", ".txt"}
