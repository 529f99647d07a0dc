"""From fetched bytes to records, where aiokafka gives up a whole partition over one of them.

aiokafka 0.14 decodes the names of headers while it reads a batch and raises on one that is not
UTF-8; the broker takes such a record, and nothing behind it could ever be read. It has no door
for another parser, so its fetcher is given `Fetched` in the place of its own class. What aiokafka
can read is read by aiokafka. A record with such a name comes with its key, its body and a header
that says what is wrong; so does each record of a batch that cannot be unpacked.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any

from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import decode_varint

from shared.messaging.envelope import UNREADABLE, Headers

LARGEST_BATCH = 32 * 1024 * 1024
"""Bytes, unpacked. The broker limits what is packed, and a MiB may unpack to many GiB."""

_MEMORY_RECORDS = fetcher.MemoryRecords
_PLAIN_HEADER = Struct(">qiibIhiqqqhii")
_MAGIC_PLACE = 16
_ATTRIBUTES = slice(21, 23)
_CODEC_BITS = 0b111
_GZIP = 1
_CODECS = {2: "snappy", 3: "lz4", 4: "zstd"}
_SNAPPY_STREAM = b"\x82SNAPPY\x00"


class CannotUnpack(ValueError):
    """The records of a batch cannot be had; says why."""


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """One record, as aiokafka's fetcher takes it; `timestamp` in ms since 1970."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    checksum: None = None


class Fetched:
    """The bytes of one partition in one answer of the broker; in the place of `MemoryRecords`."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._place = 0
        self._batches = _MEMORY_RECORDS(data)

    def size_in_bytes(self) -> int:
        return int(self._batches.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._batches.has_next())

    def next_batch(self) -> Any:
        batch = self._batches.next_batch()
        begin = self._place
        self._place += 12 + int.from_bytes(self._data[begin + 8 : begin + 12], "big")
        if self._data[begin + _MAGIC_PLACE] < 2:
            return batch
        return Batch(batch, bytes(self._data[begin : self._place]))


class Batch:
    """One batch of records: aiokafka's, and what to do where that one fails."""

    def __init__(self, batch: Any, data: bytes) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """The marker of a control batch."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        batch = self._batch
        if batch.compression_type:
            try:
                self._data = _unpacked(self._data, batch.compression_type)
            except CannotUnpack as problem:
                yield from self._stand_ins(str(problem))
                return
            batch = DefaultRecordBatch(self._data)
        read, last = 0, batch.base_offset - 1
        try:
            for record in batch:
                if not last < record.offset < batch.next_offset:
                    break
                yield record
                read, last = read + 1, record.offset
            else:
                return
        except (ValueError, CorruptRecordException):
            pass
        yield from self._read_from(read)

    def _stand_ins(self, problem: str) -> Iterator[PlainRecord]:
        batch = self._batch
        headers = ((UNREADABLE, problem.encode()),)
        for offset in range(batch.base_offset, batch.next_offset):
            yield PlainRecord(
                offset, batch.max_timestamp, batch.timestamp_type, None, None, headers
            )

    def _read_from(self, number: int) -> Iterator[PlainRecord]:
        """The records from this one on. Raises CorruptRecordException: these are no records."""
        batch = self._batch
        place, offset = _PLAIN_HEADER.size, batch.base_offset - 1
        try:
            for index in range(_PLAIN_HEADER.unpack_from(self._data)[-1]):
                body, place = _bytes(self._data, place)
                if index >= number:
                    record = _record(body or b"", batch, offset)
                    offset = record.offset
                    yield record
        except (ValueError, IndexError) as error:
            raise CorruptRecordException(f"the batch at {batch.base_offset}: {error}") from error


def _record(body: bytes, batch: Any, before: int) -> PlainRecord:
    """Its first byte says nothing. Raises ValueError, IndexError."""
    delta, place = decode_varint(body, 1)
    offset, place = decode_varint(body, place)
    if not before < batch.base_offset + offset < batch.next_offset:
        raise ValueError("an offset is not of its batch")
    key, place = _bytes(body, place)
    value, place = _bytes(body, place)
    count, place = decode_varint(body, place)
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        name, place = _bytes(body, place)
        content, place = _bytes(body, place)
        headers.append((_readable(name or b"", headers), content))
    if place != len(body):
        raise ValueError("the length of a record is not that of its parts")
    appended = batch.timestamp_type
    time = batch.max_timestamp if appended else batch.first_timestamp + delta
    return PlainRecord(batch.base_offset + offset, time, appended, key, value, tuple(headers))


def _bytes(body: bytes, place: int) -> tuple[bytes | None, int]:
    length, place = decode_varint(body, place)
    if length < 0:
        return None, place
    if place + length > len(body):
        raise ValueError("a part is longer than its record")
    return body[place : place + length], place + length


def _readable(name: bytes, headers: list[tuple[str, bytes | None]]) -> str:
    """The name; of one that is none, an escaped form, after a header that says so."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        headers.append((UNREADABLE, f"the name of a header is not UTF-8: {name!r}".encode()))
        return name.decode("utf-8", "backslashreplace")


def _unpacked(data: bytes, kind: int) -> bytes:
    """The same batch, its records not compressed. Raises CannotUnpack."""
    head, packed = bytearray(data[: _PLAIN_HEADER.size]), data[_PLAIN_HEADER.size :]
    attributes = int.from_bytes(head[_ATTRIBUTES], "big") & ~_CODEC_BITS
    head[_ATTRIBUTES] = attributes.to_bytes(2, "big")
    try:
        plain = _gunzipped(packed) if kind == _GZIP else _by_cramjam(packed, kind)
    except CannotUnpack:
        raise
    except Exception as error:
        raise CannotUnpack(f"the batch cannot be unpacked: {error}") from error
    return bytes(head) + plain


def _gunzipped(packed: bytes) -> bytes:
    plain = b""
    while packed:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        plain += unpacking.decompress(packed, LARGEST_BATCH - len(plain) + 1)
        if len(plain) > LARGEST_BATCH or not unpacking.eof:
            raise CannotUnpack(f"the batch unpacks to no end or more than {LARGEST_BATCH} bytes")
        packed = unpacking.unused_data
    return plain


def _by_cramjam(packed: bytes, kind: int) -> bytes:
    if codec.cramjam is None or kind not in _CODECS:
        raise CannotUnpack(f"the batch is packed with {_CODECS.get(kind, kind)}, not read here")
    if _CODECS[kind] == "snappy":
        return _unsnapped(packed)
    space = bytearray(LARGEST_BATCH)
    size = getattr(codec.cramjam, _CODECS[kind]).decompress_into(packed, space)
    return bytes(memoryview(space)[:size])


def _unsnapped(packed: bytes) -> bytes:
    """Either one block or, as Java writes it, a header of 16 bytes and blocks with their sizes."""
    blocks = [packed]
    if packed.startswith(_SNAPPY_STREAM):
        blocks, place = [], len(_SNAPPY_STREAM) + 8
        while place < len(packed):
            size = int.from_bytes(packed[place : place + 4], "big")
            blocks.append(packed[place + 4 : place + 4 + size])
            place += 4 + size
    snappy = codec.cramjam.snappy
    if sum(snappy.decompress_raw_len(block) for block in blocks) > LARGEST_BATCH:
        raise CannotUnpack(f"the batch unpacks to more than {LARGEST_BATCH} bytes")
    return b"".join(bytes(snappy.decompress_raw(block)) for block in blocks)


def take_over() -> None:
    """From now on what is fetched in this process is read here."""
    fetcher.MemoryRecords = Fetched
