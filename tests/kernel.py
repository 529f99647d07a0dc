"""Events, records and small parts that tests of the messaging kernel share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from shared.contracts.base import Code, Event, Text
from shared.messaging.envelope import Envelope, Headers, new_envelope

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


class Counted(Event):
    """A thing got a number; a later number of the same thing follows from an earlier one."""

    TYPE: ClassVar[str] = "vn.thidua.test.thing-counted.v1"

    thing: Code
    number: int
    note: Text = ""

    @property
    def subject(self) -> str:
        return self.thing


class Renamed(Event):
    TYPE: ClassVar[str] = "vn.thidua.test.thing-renamed.v1"

    thing: Code
    number: int

    @property
    def subject(self) -> str:
        return self.thing


class Forgotten(Event):
    TYPE: ClassVar[str] = "vn.thidua.test.thing-forgotten.v1"
    TOPIC: ClassVar[str] = "thidua.test.people.v1"
    ERASES: ClassVar[bool] = True

    person: str

    @property
    def subject(self) -> str:
        return self.person


TOPIC = Counted.TOPIC
INBOUND = "thidua.inbound.test.v1"


@dataclass(frozen=True, slots=True)
class FakeRecord:
    """A record as a Kafka client would hand it over."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int = 1_763_600_000_000


def counted(thing: str, number: int, note: str = "") -> Counted:
    return Counted(ward="tu-minh", thing=thing, number=number, note=note)


def header_pairs(headers: dict[str, str]) -> Headers:
    return tuple((name, value.encode()) for name, value in headers.items())


def envelope_of(event: Event, identity: str = "") -> Envelope:
    made = new_envelope(event, "test", NOW, "correlation")
    return Envelope(
        identity or made.id,
        made.source,
        made.type,
        made.subject,
        made.time,
        made.ward,
        made.correlation,
        made.causation,
        made.traceparent,
    )


def record_of(
    event: Event, offset: int, *, partition: int = 0, identity: str = "", topic: str = ""
) -> FakeRecord:
    """An event as our own relay writes it."""
    return FakeRecord(
        topic or event.TOPIC,
        partition,
        offset,
        event.key.encode(),
        None if event.ERASES else event.model_dump_json().encode(),
        header_pairs(envelope_of(event, identity).headers()),
    )


def without(headers: Headers, *names: str) -> Headers:
    return tuple(pair for pair in headers if pair[0] not in names)


def changed(headers: Headers, name: str, value: bytes | None) -> Headers:
    return (*without(headers, name), (name, value))


def numbers(events: Iterable[Counted | Renamed]) -> list[int]:
    return [event.number for event in events]
