"""Faults of a record, and what is to become of it on our own topics, on the contacts topic and on
an inbound one. `docs/messaging.md` shows the same table; a test holds them together."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.corpus.wire import RawHeaders, WireRecord

APPLIED = "applied"
SKIPPED = "skipped"
REPEATED = "repeated"
PARKED = "parked"
ALONE = "parked alone"
UNSEEN = "never seen"
UNREADABLE = "`unreadable`"
INVALID = "`invalid-field`"
MISMATCH = "`key-mismatch`"
UNKNOWN_TYPE = "`unknown-type`"


@dataclass(frozen=True)
class Draft:
    """A good event that a fault bends; `text` and `number` name fields of its body."""

    key: bytes | None
    body: dict[str, Any]
    headers: RawHeaders
    text: str
    number: str
    value: bytes | None = None
    timestamp: int = 1_763_600_000_000

    def record(self) -> WireRecord:
        return WireRecord(self.key, self.value, self.headers, self.timestamp)

    def saying(self, name: str, json_text: str) -> "Draft":
        """A field of the body, as JSON text."""
        parts = {key: json.dumps(value) for key, value in self.body.items()} | {name: json_text}
        text = ", ".join(f"{json.dumps(key)}: {value}" for key, value in parts.items())
        return replace(self, value=f"{{{text}}}".encode("utf-8", "surrogatepass"))

    def header(self, name: str | bytes, value: bytes | None) -> "Draft":
        raw = name if isinstance(name, bytes) else name.encode()
        return replace(self, headers=(*_without(self.headers, raw), (raw, value)))

    def without(self, *names: str) -> "Draft":
        return replace(self, headers=_without(self.headers, *(name.encode() for name in names)))

    @property
    def type(self) -> str:
        return (dict(self.headers)[b"ce_type"] or b"").decode()


def _without(headers: RawHeaders, *names: bytes) -> RawHeaders:
    return tuple(pair for pair in headers if pair[0] not in names)


Bend = Callable[[Draft], Draft]


@dataclass(frozen=True)
class Fault:
    """`way`: how it is sent. Where `twice`, the good record goes before it."""

    name: str
    own: str
    contacts: str
    inbound: str
    bend: Bend = lambda draft: draft
    way: str = "plain"
    twice: bool = False

    @property
    def row(self) -> tuple[str, str, str, str]:
        return self.name, self.own, self.contacts, self.inbound


def _value(value: bytes | None) -> Bend:
    return lambda draft: replace(draft, value=value)


def _key(key: bytes | None) -> Bend:
    return lambda draft: replace(draft, key=key)


def _header(name: str | bytes, value: bytes | None) -> Bend:
    return lambda draft: draft.header(name, value)


def _text(json_text: str) -> Bend:
    return lambda draft: draft.saying(draft.text, json_text)


def _number(json_text: str) -> Bend:
    return lambda draft: draft.saying(draft.number, json_text)


def _field(name: str, json_text: str) -> Bend:
    return lambda draft: draft.saying(name, json_text)


def _first_field_twice(draft: Draft) -> Draft:
    value = draft.value or b""
    return replace(draft, value=b'{"ward": "nowhere", ' + value[1:])


def _cut(draft: Draft) -> Draft:
    return replace(draft, value=(draft.value or b"")[:-7])


def _refused(name: str, bend: Bend) -> Fault:
    return Fault(name, ALONE, ALONE, UNREADABLE, bend)


def _bad_body(name: str, bend: Bend, inbound: str = UNREADABLE) -> Fault:
    return Fault(name, PARKED, PARKED, inbound, bend)


def _harmless(name: str, bend: Bend = lambda draft: draft, way: str = "plain") -> Fault:
    return Fault(name, APPLIED, APPLIED, APPLIED, bend, way)


LARGE = json.dumps("x" * 1_040_000)
FAULTS: Sequence[Fault] = (
    _refused("a header's value is not UTF-8", _header("ce_subject", b"\xff\xfe")),
    _refused("a header's value holds a NUL", _header("ce_subject", b"a\x00b")),
    _refused("a header's name is not UTF-8", _header(b"x-\xff", b"1")),
    _refused("a required header has a null value", _header("ce_id", None)),
    _refused("a required header is missing", lambda draft: draft.without("ce_source")),
    _refused("`ce_specversion` is not 1.0", _header("ce_specversion", b"2.0")),
    _refused("`ce_id` is longer than 255 characters", _header("ce_id", b"i" * 256)),
    _refused("`ce_time` is no time", _header("ce_time", b"yesterday")),
    _harmless("a header that is not ours, of any bytes", _header("x-trace", b"\xff\x00")),
    _harmless(
        "a header given twice; the last counts",
        lambda d: replace(d, headers=((b"ce_subject", b"first"), *d.headers)),
    ),
    Fault(
        "a type that nobody handles",
        SKIPPED,
        SKIPPED,
        UNKNOWN_TYPE,
        lambda d: d.header("ce_type", b"vn.thidua.other.thing-done.v1"),
    ),
    Fault(
        "a later version of a type",
        SKIPPED,
        SKIPPED,
        UNKNOWN_TYPE,
        lambda d: d.header("ce_type", d.type[:-1].encode() + b"2"),
    ),
    _bad_body("no value", _value(None)),
    _bad_body("an empty value", _value(b"")),
    Fault(
        "no value and no headers",
        ALONE,
        APPLIED,
        UNREADABLE,
        lambda d: replace(d, value=None, headers=()),
    ),
    _bad_body("JSON cut short", _cut),
    _bad_body("JSON, but no object", _value(b"[1, 2]"), INVALID),
    _bad_body("JSON nested 100,000 deep", _field("more", "[" * 100_000 + "]" * 100_000)),
    _bad_body("bytes that are not UTF-8", _value(b'{"ward": "\xff"}')),
    _bad_body("a lone surrogate", _text('"\\ud800"')),
    _bad_body("NUL in text", _text('"a\\u0000b"'), INVALID),
    _bad_body("a field is missing", _value(b'{"ward": "tu-minh"}'), INVALID),
    _bad_body("a number of 1e400", _number("1e400"), INVALID),
    _bad_body("a whole number of 400 digits", _number("9" * 400), INVALID),
    _harmless("a number beyond all limits in a field that is not ours", _field("more", "1e400")),
    _harmless("a field that is not ours", _field("more", '{"a": [null]}')),
    _harmless("a field given twice; the last counts", _first_field_twice),
    _harmless("text in NFD; kept in NFC", _text('"Tho\\u0302ng"')),
    _harmless("as large as the broker takes", _field("more", LARGE)),
    _bad_body("no key", _key(None), MISMATCH),
    _bad_body("an empty key", _key(b""), MISMATCH),
    _bad_body("a key that is not UTF-8", _key(b"\xff\x00"), MISMATCH),
    _bad_body("the key of another subject", _key(b"tu-minh/somebody"), MISMATCH),
    Fault("an id again, the same bytes", REPEATED, REPEATED, "applied, `duplicate`", twice=True),
    Fault(
        "an id again, other bytes",
        PARKED,
        PARKED,
        "`same-id-other-bytes`",
        _field("more", "1"),
        twice=True,
    ),
    _harmless("a `ce_time` of the year 1", _header("ce_time", b"0001-01-01T00:00:00+14:00")),
    _harmless("a `ce_time` of the year 9999", _header("ce_time", b"9999-12-31T23:59:59-12:00")),
    _harmless("a time before 1970 from the producer", lambda d: replace(d, timestamp=-1)),
    _harmless("packed with gzip", way="gzip"),
    _harmless("packed with snappy", way="snappy"),
    _harmless("packed with lz4", way="lz4"),
    _harmless("packed with zstd", way="zstd"),
    Fault(
        "packed, and larger than 32 MiB unpacked",
        ALONE,
        ALONE,
        UNREADABLE,
        _field("more", json.dumps("x" * (33 << 20))),
        way="bomb",
    ),
    _harmless("in a transaction that is committed", way="committed"),
    Fault("in a transaction that is aborted", UNSEEN, UNSEEN, UNSEEN, way="aborted"),
)
