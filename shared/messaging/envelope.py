"""CloudEvents 1.0, Kafka protocol binding, binary mode."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import UUID, uuid5

from uuid6 import uuid7

from shared.contracts.base import Event
from shared.telemetry import child_of, current_trace, new_traceparent

Headers = tuple[tuple[str, bytes | None], ...]

_NAMESPACE = UUID("5f0d3c2e-7a44-5b0e-9a6f-2f6d0a1c7e11")
_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
LONGEST_ID = 255
"""Characters; an id is part of an index, whose entries PostgreSQL limits."""
UNREADABLE = "thidua-unreadable"
"""The header that stands in for what the client could not read; its value says what that was."""
_OURS = ("ce_", "traceparent", "content-type", UNREADABLE)
"""How names of headers begin that are read; whatever else a record carries is left alone."""
_REQUIRED = ("ce_id", "ce_source", "ce_type", "ce_specversion")


class Record(Protocol):
    """What the kernel needs of a Kafka client's record; `timestamp` in ms since 1970."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class UnreadableRecord(ValueError):
    """The headers of a record cannot be read; says which, and why."""


class Envelope(NamedTuple):
    """The context attributes of one event."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    ward: str
    correlation: str
    causation: str
    traceparent: str

    def headers(self) -> dict[str, str]:
        """As Kafka headers; all text, UTF-8."""
        return {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_subject": self.subject,
            "ce_time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "ce_ward": self.ward,
            "ce_correlationid": self.correlation,
            "ce_causationid": self.causation,
            "traceparent": self.traceparent,
            "content-type": "application/json",
        }


class Cause(NamedTuple):
    """What a new fact follows from."""

    source: str
    id: str
    correlation: str
    traceparent: str

    @classmethod
    def of(cls, envelope: Envelope) -> "Cause":
        return cls(envelope.source, envelope.id, envelope.correlation, envelope.traceparent)


def source_of(service: str) -> str:
    return f"urn:thidua:{service}"


def new_envelope(event: Event, service: str, now: datetime, correlation: str) -> Envelope:
    """For a fact that follows from no other event: its id is a UUIDv7.

    It belongs to the trace of the request at hand, if there is one.
    """
    request = current_trace()
    trace = child_of(request.traceparent) if request else new_traceparent()
    return _envelope(event, service, now, str(uuid7()), correlation, "", trace)


def derived_envelope(
    event: Event, service: str, now: datetime, cause: Cause, discriminator: str
) -> Envelope:
    """For a fact that follows from another: the same cause gives the same id, always."""
    parts = (service, cause.source, cause.id, event.TYPE, event.subject, discriminator)
    identity = str(uuid5(_NAMESPACE, json.dumps(parts)))
    trace = _child_trace(cause.traceparent, identity)
    return _envelope(event, service, now, identity, cause.correlation, cause.id, trace)


def _envelope(
    event: Event,
    service: str,
    now: datetime,
    identity: str,
    correlation: str,
    causation: str,
    traceparent: str,
) -> Envelope:
    return Envelope(
        identity,
        source_of(service),
        event.TYPE,
        event.subject,
        now,
        event.ward,
        correlation,
        causation,
        traceparent,
    )


def _child_trace(parent: str, identity: str) -> str:
    """The span is named by the end of the fact's id: equal for equal facts, at no cost."""
    if not _TRACEPARENT.match(parent):
        return new_traceparent()
    return f"{parent[:36]}{identity[-17:].replace('-', '')}{parent[52:]}"


def digest(body: bytes | None) -> str:
    """sha256 of a record's value, in hex; a tombstone's is that of no bytes."""
    return hashlib.sha256(body or b"").hexdigest()


def place(record: Record) -> str:
    """`topic/partition/offset`: how a record is known whose headers cannot be read."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """The headers that say something to us, as text, names in lower case.

    Raises UnreadableRecord on a value that is not UTF-8 or holds a NUL, which no database takes,
    and where the client could not read the record.
    """
    values: dict[str, str] = {}
    for written, value in headers:
        name = written.lower()
        if value is None or not name.startswith(_OURS):
            continue
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise UnreadableRecord(f"header {name} is not UTF-8") from None
        if "\x00" in text:
            raise UnreadableRecord(f"header {name} holds a NUL")
        values[name] = text
    if UNREADABLE in values:
        raise UnreadableRecord(values[UNREADABLE])
    return values


def read_envelope(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """Raises UnreadableRecord naming the header that is missing or wrong."""
    values = read_headers(headers)
    for name in _REQUIRED:
        if not values.get(name):
            raise UnreadableRecord(f"header {name} is missing")
    if values["ce_specversion"] != "1.0":
        raise UnreadableRecord(f"header ce_specversion is {values['ce_specversion']!r}, not '1.0'")
    if len(values["ce_id"]) > LONGEST_ID:
        raise UnreadableRecord(f"header ce_id is longer than {LONGEST_ID} characters")
    return Envelope(
        id=values["ce_id"],
        source=values["ce_source"],
        type=values["ce_type"],
        subject=values.get("ce_subject", ""),
        time=_read_time(values.get("ce_time")),
        ward=values.get("ce_ward", ""),
        correlation=values.get("ce_correlationid") or values["ce_id"],
        causation=values.get("ce_causationid", ""),
        traceparent=values.get("traceparent", ""),
    )


def _read_time(text: str | None) -> datetime:
    if text is None:
        return datetime.fromtimestamp(0, UTC)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UnreadableRecord(f"header ce_time is not a time: {text!r}") from None
    if time.tzinfo is None:
        raise UnreadableRecord(f"header ce_time has no zone: {text!r}")
    return time
