"""What a file is, is told from its bytes; what could do harm is refused, and it is said why."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake import filetype
from services.intake.domain.evidence import EXTENSIONS, MEDIA
from services.intake.filetype import kind_of
from shared.refusal import Refusal
from tests.evidence_files import (
    MACROS,
    archive,
    good_files,
    huge_picture,
    office,
    packed_objects,
    pdf,
    picture,
    types,
)

pytestmark = pytest.mark.unit

GOOD = good_files()
each_good = pytest.mark.parametrize(("kind", "content"), GOOD.items())
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def refusal(content: bytes) -> str:
    """The name of why it is refused; "" when it is taken."""
    try:
        kind_of(io.BytesIO(content))
    except Refusal as error:
        told = error
    else:
        return ""
    assert told.pointer == "/file"
    assert told.detail.endswith(".")
    return told.name


@each_good
def test_a_file_is_what_its_bytes_say(kind: str, content: bytes) -> None:
    assert kind_of(io.BytesIO(content)) == kind


def test_every_kind_has_a_media_type_and_an_ending() -> None:
    assert set(MEDIA) == set(EXTENSIONS) == set(GOOD)


@each_good
def test_a_file_that_was_cut_off_is_refused(kind: str, content: bytes) -> None:
    cut = len(content) // 2
    assert refusal(content[:cut]) != "", kind


OTHERS = {
    "nothing": (b"", "file-empty"),
    "a program": (b"MZ" + bytes(200), "unknown-file-type"),
    "a page": (b"<html><script>alert(1)</script>", "unknown-file-type"),
    "a drawing with script": (b'<svg onload="alert(1)"/>', "unknown-file-type"),
    "a text": ("Báo cáo".encode(), "unknown-file-type"),
    "an old .doc, or one with a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "unknown-file-type",
    ),
    "an archive": (archive({"a.txt": b"a"}), "unknown-file-type"),
    "a PDF that does not begin as one": (b"\n" + pdf(), "unknown-file-type"),
    "presentation": (
        archive({"[Content_Types].xml": types("application/x.presentation.main+xml")}),
        "unknown-file-type",
    ),
    "two documents in one": (office("docx", None, SHEET), "unknown-file-type"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_not_on_the_list_is_refused(what: str) -> None:
    content, why = OTHERS[what]
    assert refusal(content) == why


ACTIVE = {
    "JavaScript": (pdf(b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"), "file-active"),
    "JavaScript in numbers": (pdf(b"<< /S /J#61vaScr#69pt >>"), "file-active"),
    "JavaScript in a comment's stream": (
        pdf(b"% stream\n<< /S /JavaScript >>\n% endstream"),
        "file-active",
    ),
    "JavaScript in packed objects": (
        pdf(packed_objects(b"3 0 << /S /JavaScript /JS (1) >>")),
        "file-active",
    ),
    "JavaScript in packed objects whose type is in numbers": (
        pdf(packed_objects(b"3 0 << /S /JavaScript >>", b"/Obj#53tm")),
        "file-active",
    ),
    "JavaScript far behind in packed objects": (
        pdf(packed_objects(b" " * 3_000_000 + b"<< /S /JavaScript >>")),
        "file-active",
    ),
    "JavaScript behind what looks like a stream": (
        pdf(
            packed_objects(
                b"3 0 << /S /JavaScript >>",
                before=b"/X (stream\n" + zlib.compress(b"decoy") + b") ",
            )
        ),
        "file-active",
    ),
    "a program to start": (pdf(b"<< /S /Launch /F (cmd.exe) >>"), "file-active"),
    "a film that plays": (pdf(b"<< /Subtype /RichMedia >>"), "file-active"),
    "a file inside": (pdf(b"<< /Type /EmbeddedFile >>"), "two-files-in-one"),
    "a password": (pdf(tail=b"trailer << /Encrypt 5 0 R >>\n%%EOF"), "file-encrypted"),
    "packed objects that are no such": (
        pdf(b"<< /Type /ObjStm >>\nstream\nzzzz\nendstream"),
        "file-broken",
    ),
    "packed objects without a beginning": (pdf(b"<< /Type /ObjStm" + b" " * 5000), "file-broken"),
    "an archive behind it": (pdf() + archive({"a.txt": b"a"}) + b"", "two-files-in-one"),
}


@pytest.mark.parametrize("what", ACTIVE)
def test_a_pdf_that_does_something_by_itself_is_refused(what: str) -> None:
    content, why = ACTIVE[what]
    assert refusal(content + b"\n%%EOF" if what != "an archive behind it" else content) == why


@pytest.mark.parametrize("gap", range(0, 40, 7))
def test_a_word_between_two_pieces_is_seen(gap: int) -> None:
    start = b"%PDF-1.7\n"
    filler = b" " * (filetype.PIECE - len(start) - gap)
    assert refusal(start + filler + b"/JavaScript\n%%EOF") == "file-active"


def test_a_pdf_with_packed_objects_and_pictures_is_taken() -> None:
    noise = zlib.compress(bytes(range(256)) * 500)
    image = b"<< /Subtype /Image /Length %d >>\nstream\n%s\nendstream" % (len(noise), noise)
    assert refusal(pdf(packed_objects(b"3 0 << /Type /Page >>"), image)) == ""


def test_packed_objects_that_unpack_without_end_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filetype, "MOST_UNPACKED", 5 << 20)
    assert refusal(pdf(packed_objects(b" " * (6 << 20)))) == "archive-bomb"


@pytest.mark.parametrize("kind", MACROS)
def test_a_document_that_says_it_has_macros_is_refused(kind: str) -> None:
    assert refusal(office(kind)) in {"file-with-macros"}


RUNS = {
    "word/vbaProject.bin": "file-with-macros",
    "xl/VBAPROJECT.BIN": "file-with-macros",
    "xl/macrosheets/sheet1.xml": "file-with-macros",
    "word/activeX/activeX1.bin": "file-with-macros",
    "../../etc/passwd": "file-broken",
    "/etc/passwd": "file-broken",
    "..\\..\\windows\\x.dll": "file-broken",
    "C:/x.dll": "file-broken",
    "WORD/DOCUMENT.XML": "file-broken",
}


@pytest.mark.parametrize("name", RUNS)
def test_a_document_with_a_part_that_runs_or_leads_out_is_refused(name: str) -> None:
    assert refusal(office("docx", {name: b"x"})) == RUNS[name]


def test_a_macro_by_another_name_is_known_by_its_type() -> None:
    said = "application/vnd.ms-office.vbaProject"
    assert refusal(office("docx", {"word/harmless.bin": b"x"}, said)) == "file-with-macros"
    spelled = types("application/vnd.ms-office.vba&#80;roject") + b" "
    main = types(SHEET).replace(b"</Types>", spelled.partition(b"<Types>")[2])
    assert refusal(archive({"[Content_Types].xml": main.strip()})) == "file-with-macros"


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + types(SHEET).partition(b"?>")[2],
        types(SHEET).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        b"<Types>",
    ],
)
def test_a_list_of_parts_that_plays_tricks_is_refused(text: bytes) -> None:
    assert refusal(archive({"[Content_Types].xml": text})) == "file-broken"


def test_bombs_are_refused_before_they_go_off(monkeypatch: pytest.MonkeyPatch) -> None:
    small = office("docx", {"word/media/zeros.bin": bytes(15 << 20)})
    assert len(small) < 100_000
    assert refusal(small) == "archive-bomb"
    monkeypatch.setattr(filetype, "MOST_UNPACKED", 1 << 20)
    assert refusal(office("docx", {"word/a.bin": bytes(2 << 20)})) == "archive-bomb"


def lying_about_its_size(content: bytes, told: int) -> bytes:
    """The same archive, whose directory says that its second entry is so small."""
    at = content.rfind(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<L", told) + content[at + 28 :]


def test_what_an_archive_says_of_sizes_is_not_believed() -> None:
    honest = office("docx", {"word/zeros.bin": bytes(30 << 20)})
    assert refusal(lying_about_its_size(honest, 10)) in {"file-broken", "archive-bomb"}


def test_an_archive_of_very_many_entries_is_refused_unopened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = archive({f"e{n}": b"" for n in range(filetype.MOST_ENTRIES + 1)})
    assert refusal(many) in {"archive-bomb", "unknown-file-type"}
    with_types = office("docx", {f"e{n}": b"" for n in range(filetype.MOST_ENTRIES)})
    assert refusal(with_types) == "archive-bomb"
    monkeypatch.setattr(zipfile, "ZipFile", pytest.fail)
    monkeypatch.setattr(filetype, "MOST_DIRECTORY", 1000)
    assert refusal(with_types) == "archive-bomb"


def test_overlapping_entries_are_refused() -> None:
    """The same bytes, named by the directory a hundred times."""
    made = bytearray(office("docx", {"word/a.bin": bytes(1 << 19)}))
    end = made.rfind(b"PK\x05\x06")
    directory = struct.unpack("<L", made[end + 16 : end + 20])[0]
    last = made.rfind(b"PK\x01\x02")
    entry = bytes(made[last:end])
    copies = b"".join(entry.replace(b"word/a.bin", b"word/%02d.n" % n) for n in range(99))
    body = bytes(made[:end]) + copies
    count = struct.unpack("<H", made[end + 10 : end + 12])[0] + 99
    tail = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(body) - directory, directory, 0
    )
    assert refusal(body + tail) in {"archive-bomb", "file-broken"}


def test_an_archive_with_a_password_is_refused() -> None:
    made = bytearray(office("docx"))
    at = made.rfind(b"PK\x01\x02")
    made[at + 8] |= 1
    assert refusal(bytes(made)) == "file-encrypted"


def test_an_archive_behind_something_else_is_no_document() -> None:
    assert refusal(b"GIF89a" + office("docx")) == "unknown-file-type"
    assert refusal(b"PK\x03\x04" + office("docx")) == "file-broken"


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_picture_with_an_archive_behind_it_is_refused(kind: str) -> None:
    assert refusal(picture(kind) + archive({"a.txt": b"a"})) == "two-files-in-one"


def test_a_picture_that_unpacks_to_very_many_points_is_refused() -> None:
    assert refusal(huge_picture(12_000, 10_000)) == ""
    assert refusal(huge_picture(12_001, 10_000)) == "picture-too-large"
    assert refusal(huge_picture(1_000_000, 1_000_000)) == "picture-too-large"


def test_a_picture_of_one_kind_with_the_first_bytes_of_another_is_refused() -> None:
    assert refusal(b"\xff\xd8\xff" + picture("png")) == "file-broken"
    assert refusal(picture("png")[:8] + picture("jpeg")) == "file-broken"


@given(st.sampled_from(sorted(GOOD)), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_broken_is_refused_and_nothing_else_is_raised(
    kind: str, data: st.DataObject
) -> None:
    content = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    refusal(bytes(content))
