"""What a file is, told from its bytes and never from its name; and what is not taken at all.

PDF, DOCX, XLSX, PNG and JPEG are taken. This keeps out what is known to do harm to whoever opens a
file; it does not prove a file harmless.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.etree import ElementTree as ET

from PIL import Image

from services.intake.domain.evidence import TAKEN, Kind
from shared.refusal import Refusal

PIECE = 1 << 20
MOST_ENTRIES = 2_000
MOST_DIRECTORY = 1 << 20
MOST_UNPACKED = 200 << 20
"""Bytes that an archive may unpack to; of the lists of objects of a PDF, also what is read."""
MOST_LISTS = 20_000
"""Lists of objects that a PDF may name."""
A_LOOK = 4096
"""Bytes that looking into one costs, however small it is."""
MOST_RATIO = 100
RATIO_COUNTS_FROM = 10 << 20
"""Below so many bytes unpacked, how much they shrank says nothing."""
MOST_PIXELS = 120_000_000

_BY_FIRST_BYTES: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)
_ARCHIVE = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Image.MAX_IMAGE_PIXELS = None
"""The library only warns; `MOST_PIXELS` refuses."""


def kind_of(file: BinaryIO) -> Kind:
    """What a file is. Raises Refusal on what is not taken, is broken, or could do harm.

    Reads in pieces. Slow for large files: not for the event loop.
    """
    file.seek(0)
    first = file.read(16)
    if not first:
        raise _no("file-empty", "Tệp không có nội dung.")
    if first.startswith(_ARCHIVE):
        return _office(file)
    if first.startswith(_OLD_OFFICE):
        why = "Tệp .doc, .xls cũ hoặc tệp đặt mật khẩu; hãy lưu lại dạng .docx, .xlsx hoặc PDF,"
        raise _no("unknown-file-type", f"{why} không đặt mật khẩu.")
    kind = next((kind for start, kind in _BY_FIRST_BYTES if first.startswith(start)), None)
    if kind is None:
        raise _no("unknown-file-type", f"Không nhận ra loại tệp; chỉ nhận {TAKEN}.")
    if zipfile.is_zipfile(file):
        raise _no("two-files-in-one", "Tệp này chứa thêm một tệp nén khác; hãy gửi từng tệp riêng.")
    if kind == "pdf":
        _check_pdf(file)
    else:
        _check_picture(file, kind)
    return kind


def _no(name: str, detail: str) -> Refusal:
    return Refusal(name, detail, "/file")


def _broken() -> Refusal:
    return _no("file-broken", "Tệp hỏng hoặc tải lên thiếu; hãy mở thử rồi gửi lại.")


def _too_much() -> Refusal:
    return _no("archive-bomb", "Tệp nén quá nhiều nội dung so với kích thước, nên không nhận.")


# Office documents: archives with a list of what each part is.

_MAIN: dict[str, Kind] = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": "xlsx",
}
_TYPES = "[Content_Types].xml"
_END = b"PK\x05\x06"
_END_SIZE = 22
_RUNS = ("vbaproject.bin", "vbadata.xml", "/macrosheets/", "/activex/")
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    KeyError,
    NotImplementedError,
    RuntimeError,
)
_RUNS_BY_TYPE = ("macro", "vbaproject", "activex")


def _office(file: BinaryIO) -> Kind:
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_entries(entries, _size(file))
            types = list(_content_types(archive, entries))
            _check_nothing_runs(entries, types)
            mains = {_MAIN[one] for one in types if one in _MAIN}
            if len(mains) != 1:
                raise _no("unknown-file-type", f"Tệp nén không phải DOCX, XLSX; chỉ nhận {TAKEN}.")
            _unpack(archive, entries)
            return mains.pop()
    except _UNREADABLE:
        raise _broken() from None


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


def _check_directory(file: BinaryIO) -> None:
    """That the list of entries is short, before anything makes objects of them."""
    size = _size(file)
    file.seek(max(0, size - (1 << 16) - _END_SIZE))
    tail = file.read()
    at = len(tail) - _END_SIZE
    if at < 0 or tail[at : at + 4] != _END or tail[-2:] != b"\0\0":
        at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise _broken()
    if tail[max(0, at - 20) : at].startswith(b"PK\x06\x07"):
        raise _too_much()
    directory, _ = struct.unpack("<LL", tail[at + 12 : at + 20])
    if directory > MOST_DIRECTORY:
        raise _too_much()


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.filename.casefold() for entry in entries]
    if any(entry.flag_bits & 1 for entry in entries):
        raise _no("file-encrypted", "Tệp đặt mật khẩu; hãy gửi bản không đặt mật khẩu.")
    if len(entries) > MOST_ENTRIES or sum(e.file_size for e in entries) > MOST_UNPACKED:
        raise _too_much()
    if sum(entry.compress_size for entry in entries) > size:
        raise _too_much()
    if len(set(names)) < len(names) or any(_leads_out(entry.filename) for entry in entries):
        raise _broken()
    if min((entry.header_offset for entry in entries), default=1):
        raise _broken()


def _leads_out(name: str) -> bool:
    parts = name.split("/")
    return "\\" in name or ":" in name or name.startswith("/") or ".." in parts


def _content_types(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    """What the archive says that its parts are, in small letters where they are no main part."""
    listed = next((entry for entry in entries if entry.filename == _TYPES), None)
    if listed is None:
        raise _no("unknown-file-type", f"Không nhận tệp nén; chỉ nhận {TAKEN}.")
    if listed.file_size > PIECE:
        raise _too_much()
    text = archive.read(listed)
    if b"\0" in text or b"<!" in text:
        raise _broken()
    try:
        root = ET.fromstring(text)  # noqa: S314 (no DOCTYPE, so no entities)
    except ET.ParseError:
        raise _broken() from None
    for one in root.iter():
        if told := one.get("ContentType"):
            yield told


def _check_nothing_runs(entries: list[zipfile.ZipInfo], types: list[str]) -> None:
    names = [f"/{entry.filename}".lower() for entry in entries]
    named = any(part in name for name in names for part in _RUNS)
    if named or any(part in one.lower() for one in types for part in _RUNS_BY_TYPE):
        raise _no("file-with-macros", "Tệp có macro; hãy lưu lại dạng không có macro hoặc PDF.")


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Read all of it, counting: what the list of entries says of sizes is only said."""
    total = 0
    packed = sum(entry.compress_size for entry in entries)
    for entry in entries:
        with archive.open(entry) as part:
            while piece := part.read(PIECE):
                total += len(piece)
                shrunk = total > RATIO_COUNTS_FROM and total > MOST_RATIO * packed
                if total > MOST_UNPACKED or shrunk:
                    raise _too_much()


# PDF


def _name(word: str) -> bytes:
    """A PDF name; each of its letters may be written as a number."""
    letters = (f"(?:{letter}|#(?i:{ord(letter):02x}))" for letter in word)
    return f"/{''.join(letters)}".encode()


_ACTS = ("JavaScript", "Launch", "RichMedia")
_LONGEST_NAME = 64
_ACTIVE = re.compile(b"|".join(map(_name, _ACTS)))
_ATTACHED = re.compile(_name("EmbeddedFile"))
_ENCRYPTED = re.compile(_name("Encrypt"))
_OBJECTS = re.compile(_name("ObjStm"))
_STREAM = re.compile(rb"stream\r?\n")
_LONGEST_HEAD = 4096
_SIP = 1 << 14
"""Read and unpacked at a time: so much at most is lost to what breaks, and looked at in vain."""
_AT_THE_END = 2048


def _check_pdf(file: BinaryIO) -> None:
    size = _size(file)
    file.seek(max(0, size - _AT_THE_END))
    if b"%%EOF" not in file.read():
        raise _broken()
    work = _Work(MOST_UNPACKED)
    for place in sorted(_lists_of(file)):
        _check_objects(file, place, work)


def _lists_of(file: BinaryIO) -> set[int]:
    """Behind which bytes a list of objects may begin; all that is not packed is checked as well."""
    lists: set[int] = set()
    file.seek(0)
    at, before = 0, b""
    while piece := file.read(PIECE):
        seen = before + piece
        _check_words(seen)
        for match in _OBJECTS.finditer(seen):
            lists.add(at - len(before) + match.end())
            if len(lists) > MOST_LISTS:
                raise _too_much()
        at, before = at + len(piece), seen[-_LONGEST_NAME:]
    return lists


@dataclass(slots=True)
class _Work:
    """How much may still be read and unpacked, and whether what was begun could be unpacked."""

    left: int
    unpacked: dict[int, bool] = field(default_factory=dict)

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _too_much()


def _check_words(seen: bytes) -> None:
    if _ENCRYPTED.search(seen):
        raise _no("file-encrypted", "Tệp PDF đặt mật khẩu; hãy gửi bản không đặt mật khẩu.")
    if _ACTIVE.search(seen):
        why = "Tệp PDF có mã lệnh tự chạy; hãy in lại thành PDF rồi gửi."
        raise _no("file-active", why)
    if _ATTACHED.search(seen):
        why = "Tệp PDF có tệp khác đính kèm bên trong; hãy gửi từng tệp riêng."
        raise _no("two-files-in-one", why)


def _check_objects(file: BinaryIO, place: int, work: _Work) -> None:
    """A packed list of objects, from after its type on.

    Whatever nearby looks like the beginning of it is looked into, once: a text may say so as well.
    """
    file.seek(place)
    starts = [place + match.end() for match in _STREAM.finditer(file.read(_LONGEST_HEAD))]
    if not starts:
        raise _broken()
    for start in starts:
        if start not in work.unpacked:
            work.unpacked[start] = _unpacks(file, start, work)
    if not work.unpacked[starts[0]]:
        raise _broken()


def _unpacks(file: BinaryIO, start: int, work: _Work) -> bool:
    """Whether it can be unpacked, as far as it goes. Raises Refusal on what is in it."""
    work.spend(A_LOOK)
    file.seek(start)
    unpacker, before = zlib.decompressobj(), b""
    packed = file.read(_SIP)
    while packed and not unpacker.eof:
        try:
            piece = unpacker.decompress(packed, _SIP)
        except zlib.error:
            work.spend(_SIP)
            return False
        used = len(packed) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
        work.spend(used + len(piece))
        _check_words(before + piece)
        before = (before + piece)[-_LONGEST_NAME:]
        packed = unpacker.unconsumed_tail or file.read(_SIP)
    return True


# Pictures


def _check_picture(file: BinaryIO, kind: Kind) -> None:
    """Opens it without unpacking: size by its header, and its frame whole."""
    file.seek(0)
    try:
        with Image.open(file, formats=[kind.upper()]) as picture:
            width, height = picture.size
            picture.verify()
    except Exception:  # the library raises many kinds of errors on a broken picture
        raise _broken() from None
    if width * height > MOST_PIXELS:
        raise _no("picture-too-large", "Ảnh có quá nhiều điểm ảnh; hãy thu nhỏ rồi gửi lại.")
