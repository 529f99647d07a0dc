"""Files of evidence for tests, made here: good ones, and those that are to be refused."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from PIL import Image

_MAINS = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
MACROS = {
    "docm": "application/vnd.ms-word.document.macroEnabled.main+xml",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
}


def pdf(*objects: bytes, tail: bytes = b"") -> bytes:
    """A small PDF with more objects in it; a reader rebuilds the list of where they are."""
    head = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    pages = b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    rest = b"".join(b"%d 0 obj\n%s\nendobj\n" % (9 + n, one) for n, one in enumerate(objects))
    end = b"trailer\n<< /Root 1 0 R /Size 9 >>\nstartxref\n0\n%%EOF\n"
    return head + pages + rest + end + tail


def packed_objects(text: bytes, kind: bytes = b"/ObjStm", before: bytes = b"") -> bytes:
    """A stream of objects, compressed."""
    packed = zlib.compress(text)
    head = b"<< /Type %s /N 1 /First 4 /Filter /FlateDecode /Length %d %s>>"
    return head % (kind, len(packed), before) + b"\nstream\n" + packed + b"\nendstream"


def types(*parts: str) -> bytes:
    """`[Content_Types].xml` naming the types of parts."""
    said = "".join(
        f'<Override PartName="/part{n}.xml" ContentType="{one}"/>' for n, one in enumerate(parts)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><Types>{said}</Types>'.encode()


def archive(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return made.getvalue()


def office(kind: str = "docx", more: Mapping[str, bytes] | None = None, *said: str) -> bytes:
    """A DOCX or XLSX with more parts in it, and more types said of parts."""
    main = _MAINS.get(kind) or MACROS[kind]
    usual = {"[Content_Types].xml": types(main, *said), "word/document.xml": b"<w/>" * 50}
    return archive(usual | dict(more or {}))


def picture(kind: str = "png", size: tuple[int, int] = (8, 6)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "white").save(made, kind.upper())
    return made.getvalue()


def huge_picture(width: int, height: int) -> bytes:
    """A PNG that says it is so large; it is a few hundred bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def good_files() -> dict[str, bytes]:
    """One of each kind that is taken."""
    return {
        "pdf": pdf(),
        "docx": office("docx"),
        "xlsx": office("xlsx"),
        "png": picture("png"),
        "jpeg": picture("jpeg"),
    }
