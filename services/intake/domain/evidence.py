"""Files of evidence: what they are called, which part of one is asked for, what a report names."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from shared.contracts.inbound import Indicator, Item, ReportSubmitted
from shared.refusal import Refusal

Kind = Literal["pdf", "docx", "xlsx", "png", "jpeg"]

MEDIA: dict[Kind, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "jpeg": "image/jpeg",
}
EXTENSIONS: dict[Kind, tuple[str, ...]] = {
    "pdf": (".pdf",),
    "docx": (".docx",),
    "xlsx": (".xlsx",),
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
}
TAKEN = "PDF, DOCX, XLSX, PNG, JPEG"

MOST_BYTES = 20 << 20
"""Of one file [design reading]."""
LONGEST_NAME = 120
NAMELESS = "minh-chung"
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ADDRESS = re.compile(
    r"https?://[^/?#]+/intake/evidence/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:[?#].*)?",
    re.IGNORECASE,
)


def safe_name(given: str, kind: Kind) -> str:
    """What a file is called here: of the name that was given what is harmless on any system.

    No folders, no invisible letters, no sign that turns the direction of reading; the ending is
    that of what the file is.
    """
    text = unicodedata.normalize("NFC", given.replace("\\", "/")).rpartition("/")[2]
    shown = "".join(
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter) not in _INVISIBLE
    )
    stem = " ".join(_FORBIDDEN.sub("", shown).split()).rstrip(". ")
    ending = next((one for one in EXTENSIONS[kind] if stem.lower().endswith(one)), "")
    stem = stem[: len(stem) - len(ending)].strip(". ")[:LONGEST_NAME].strip(". ") or NAMELESS
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    return f"{stem}{EXTENSIONS[kind][0]}"


def disposition(name: str) -> str:
    """`Content-Disposition` that saves a file under its name (RFC 6266), whatever is in it."""
    plain = unicodedata.normalize("NFKD", name.replace("đ", "d").replace("Đ", "D"))
    ascii_only = plain.encode("ascii", "ignore").decode()
    fallback = re.sub(r"[^\w. -]", "_", ascii_only, flags=re.ASCII)
    ending = name[name.rindex(".") :]
    if not fallback.removesuffix(ending).strip(" ._"):
        fallback = NAMELESS + ending
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end`, the last one not among them."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, size: int) -> str:
        """As `Content-Range` says it."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)[ \t]*", re.ASCII)


def span_of(header: str | None, size: int) -> Span | Literal["none"] | None:
    """The part of a file of `size` bytes that a `Range` asks for (RFC 9110, 14.2).

    None: all of it is sent, as where several parts are asked for or nothing sensible is said.
    "none": there is no such part (416).
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.group(1, 2)
    if len(first) > 18 or len(last) > 18:
        return None
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    return Span(start, end) if start < end else "none"


@dataclass(frozen=True, slots=True)
class Filed:
    """A file as a report may name it: whose it is, for which period, and what it holds."""

    participant: str
    period: str
    sha256: str


def file_in(address: str) -> UUID | None:
    """The file that an address leads to, wherever the ward is reached; None for any other."""
    match = _ADDRESS.fullmatch(address)
    return UUID(match[1]) if match else None


def named_files(report: ReportSubmitted) -> Iterator[tuple[str, UUID, str | None]]:
    """The files brought here that a report's evidence names: JSON pointer, file, its digest."""
    parts_of: dict[str, Sequence[Item | Indicator]] = {
        "items": report.items,
        "indicators": report.indicators,
    }
    for section, parts in parts_of.items():
        for at, part in enumerate(parts):
            for number, one in enumerate(part.evidence):
                file = file_in(one.url)
                if file is not None:
                    yield f"/{section}/{at}/evidence/{number}", file, one.sha256


def wrong_files(report: ReportSubmitted, known: Mapping[UUID, Filed]) -> dict[str, str]:
    """By pointer, what is wrong with the files that a report names; `known`: those still here."""
    whose, wrong = (report.participant, report.period), dict[str, str]()
    for pointer, identity, told in named_files(report):
        wrong |= wrong_file(pointer, known.get(identity), told, whose)
    return wrong


def wrong_file(
    pointer: str, file: Filed | None, told: str | None, whose: tuple[str, str]
) -> dict[str, str]:
    """The same of one file, of whose digest was `told`; `whose`: (participant, period)."""
    if file is None or (file.participant, file.period) != whose:
        return {f"{pointer}/url": "Không có tệp minh chứng này trong hồ sơ của kỳ báo cáo."}
    if told not in {None, file.sha256}:
        return {f"{pointer}/sha256": "Mã kiểm tra (sha256) khác với tệp đã tải lên."}
    return {}


def check_room(held: int, most: int) -> None:
    """Raises Refusal when a file for a period holds as many files as it may."""
    if held >= most:
        detail = f"Hồ sơ đã có {held} tệp, là mức cao nhất; hãy gỡ bớt tệp không dùng."
        raise Refusal("too-many-files", detail, "/file")


def check_size(size: int, most: int) -> None:
    """Raises Refusal on a file that is larger than it may be."""
    if size > most:
        detail = f"Tệp lớn hơn {most >> 20} MB; hãy giảm kích thước hoặc chia thành nhiều tệp."
        raise Refusal("file-too-large", detail, "/file")


def check_may_be_removed(*, used: bool) -> None:
    """Raises Refusal where a report that was sent names the file: it is part of the record."""
    if used:
        detail = "Báo cáo đã gửi có dẫn tệp này, nên không gỡ được."
        raise Refusal("file-in-use", detail)
