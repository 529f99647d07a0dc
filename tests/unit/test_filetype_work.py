"""How much work a PDF can ask for: counted in steps, whatever it says of itself."""

import io
import zlib
from typing import Any

import pytest

from services.intake import filetype
from services.intake.filetype import kind_of
from shared.refusal import Refusal
from tests.evidence_files import packed_objects, pdf

pytestmark = pytest.mark.unit

EMPTY = b"/ObjStm stream\n" + zlib.compress(b"")


class Counted(io.BytesIO):
    """Counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(size)


def looked_into(content: bytes) -> tuple[str, int]:
    """The name of why it is refused ("" when it is taken), and how often it was read."""
    file = Counted(content)
    try:
        kind_of(file)
    except Refusal as error:
        return error.name, file.reads
    return "", file.reads


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that something was begun to be unpacked."""
    found: list[int] = []
    real = zlib.decompressobj

    def counting(*told: Any) -> Any:
        found.append(1)
        return real(*told)

    monkeypatch.setattr(zlib, "decompressobj", counting)
    return found


def test_very_many_lists_are_refused_before_one_of_them_is_looked_into(begun: list[int]) -> None:
    why, reads = looked_into(pdf(b"/ObjStm" * (filetype.MOST_LISTS + 1)))
    assert (why, begun) == ("archive-bomb", [])
    assert reads < 10


def test_as_many_lists_as_may_be_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filetype, "MOST_LISTS", 5)
    lists = [packed_objects(b"%d 0 << /Type /Page >>" % number) for number in range(6)]
    assert looked_into(pdf(*lists[:5]))[0] == ""
    assert looked_into(pdf(*lists))[0] == "archive-bomb"


def test_lists_that_stand_close_are_looked_into_once_each(begun: list[int]) -> None:
    assert looked_into(pdf(EMPTY * 300))[0] == ""
    assert len(begun) == 300


def test_a_look_costs_something_though_nothing_comes_of_it(
    monkeypatch: pytest.MonkeyPatch, begun: list[int]
) -> None:
    monkeypatch.setattr(filetype, "MOST_UNPACKED", 100 * filetype.A_LOOK)
    assert looked_into(pdf(EMPTY * 300))[0] == "archive-bomb"
    assert len(begun) <= 100


def bent(unpacked: int) -> bytes:
    """A stream that breaks after so many bytes."""
    packer = zlib.compressobj()
    packed = packer.compress(bytes(unpacked)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"stream\n" + packed + b"\xff"


def test_what_breaks_after_much_was_unpacked_has_cost_as_much(
    monkeypatch: pytest.MonkeyPatch, begun: list[int]
) -> None:
    monkeypatch.setattr(filetype, "MOST_UNPACKED", 5 << 20)
    assert len(bent(1 << 20)) < 1200
    assert looked_into(pdf(EMPTY + bent(1 << 20) + b"\nendstream"))[0] == ""
    several = b"".join(EMPTY + bent(1 << 20) for _ in range(30))
    assert looked_into(pdf(several))[0] == "archive-bomb"
    assert len(begun) < 20


def test_reading_costs_something_though_nothing_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filetype, "MOST_UNPACKED", 1 << 20)
    empty_blocks = b"\x78\x9c" + b"\0\0\0\xff\xff" * 100_000 + b"\x03\0\0\0\0\x01"
    assert zlib.decompress(empty_blocks) == b""
    one = b"/ObjStm stream\n" + empty_blocks
    assert looked_into(pdf(one))[0] == ""
    assert looked_into(pdf(one, one, one))[0] == "archive-bomb"


def test_a_list_that_an_earlier_look_found_broken_stays_broken() -> None:
    assert looked_into(pdf(EMPTY + b"\nendstream /ObjStm stream\nzzzz"))[0] == "file-broken"
