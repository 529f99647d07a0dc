"""From a Kafka record to what the kernel does with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ValidationError

from shared.contracts.base import Event
from shared.messaging.consumer import Consumer, Inbound, Received, Subscription
from shared.messaging.envelope import (
    Envelope,
    Record,
    UnreadableRecord,
    digest,
    place,
    read_envelope,
    read_headers,
)

Outcome = Literal["event", "inbound", "unreadable", "skipped"]

LONGEST_KEY = 300
"""Characters; no key of ours is longer, and a key is part of an index."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A record as read. `identity` is its id in the inbox; `problem` why it is unreadable."""

    record: Record
    outcome: Outcome
    key: str
    identity: str
    digest: str
    event_type: str = ""
    received: Received[Any] | None = None
    inbound: Inbound | None = None
    subscription: Subscription | None = None
    problem: str = ""

    @property
    def place(self) -> str:
        return place(self.record)

    @property
    def partition(self) -> tuple[str, int]:
        return self.record.topic, self.record.partition

    @property
    def event_kind(self) -> str:
        """What a wave groups by: inbound records go together, whatever they claim to be."""
        return "inbound" if self.outcome == "inbound" else self.event_type

    @property
    def publisher(self) -> str:
        """Who wrote it, as the topic (whose ACL lets one in) proves."""
        return self.record.topic

    def as_repeat(self, kind: Literal["same-bytes", "other-bytes"]) -> "Reading":
        """The same inbound record, now known to repeat an id; it gets an identity of its own."""
        if self.inbound is None:
            raise ValueError("only inbound records are answered when they repeat")
        return replace(self, identity=self.place, inbound=replace(self.inbound, repeat=kind))

    def as_unreadable(self, problem: str) -> "Reading":
        """The same record, refused before any handler sees it."""
        return replace(self, outcome="unreadable", problem=problem)


def reader(consumer: Consumer) -> Callable[[Record], Reading]:
    """How this consumer reads records."""

    def read(record: Record) -> Reading:
        if consumer.is_inbound(record.topic):
            return _read_inbound(record)
        return _read_own(record, consumer)

    return read


def appended_at(record: Record) -> datetime:
    """When the broker took the record (LogAppendTime), or when its producer says it was made.

    A producer's word that is no moment of the calendar counts as 1970.
    """
    try:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _key_text(record: Record) -> str:
    """The key as text that a database takes; one that is none of ours stays none of ours."""
    text = (record.key or b"").decode("utf-8", errors="backslashreplace")
    return text.replace("\x00", "\\x00")[:LONGEST_KEY]


def _read_inbound(record: Record) -> Reading:
    envelope: Envelope | None = None
    problem = ""
    try:
        envelope = read_envelope(record.headers)
    except UnreadableRecord as error:
        problem = str(error)
    key = _key_text(record)
    identity = envelope.id if envelope else place(record)
    inbound = Inbound(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=key,
        headers=tuple(record.headers),
        body=record.value or b"",
        appended_at=appended_at(record),
        envelope=envelope,
        problem=problem,
    )
    return Reading(
        record,
        "inbound",
        key,
        identity,
        digest(record.value),
        event_type=envelope.type if envelope else "",
        inbound=inbound,
    )


def _read_own(record: Record, consumer: Consumer) -> Reading:
    try:
        envelope = _own_envelope(record, consumer)
    except UnreadableRecord as error:
        return _unreadable(record, place(record), str(error))
    subscription = consumer.subscriptions.get(envelope.type)
    if subscription is None or record.topic != subscription.event.TOPIC:
        return Reading(record, "skipped", _key_text(record), envelope.id, "", envelope.type)
    key = _key_text(record)
    try:
        data = _data(record, subscription.event, key)
    except (ValidationError, UnreadableRecord) as error:
        return _unreadable(record, envelope.id, str(error), envelope.type, subscription)
    received = Received(
        data=data,
        envelope=envelope,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=key,
        appended_at=appended_at(record),
    )
    return Reading(
        record,
        "event",
        key,
        envelope.id,
        digest(record.value),
        envelope.type,
        received=received,
        subscription=subscription,
    )


def _own_envelope(record: Record, consumer: Consumer) -> Envelope:
    erasing = consumer.erasing_type(record.topic)
    if record.value is None and erasing and "ce_id" not in read_headers(record.headers):
        ward, _, subject = _key_text(record).partition("/")
        return Envelope(
            place(record), "", erasing, subject, appended_at(record), ward, place(record), "", ""
        )
    return read_envelope(record.headers)


def _data(record: Record, event: type[Event], key: str) -> Event:
    if event.ERASES:
        ward, _, subject = key.partition("/")
        return event.model_validate({"ward": ward, next(iter(_own_fields(event))): subject})
    if not record.value:
        raise UnreadableRecord("the record has no value")
    data = event.model_validate_json(record.value)
    if data.key != key:
        raise UnreadableRecord(f"key {key!r} is not the body's {data.key!r}")
    return data


def _own_fields(event: type[Event]) -> list[str]:
    return [name for name in event.model_fields if name != "ward"]


def _unreadable(
    record: Record,
    identity: str,
    problem: str,
    event_type: str = "",
    subscription: Subscription | None = None,
) -> Reading:
    return Reading(
        record,
        "unreadable",
        _key_text(record),
        identity,
        digest(record.value),
        event_type,
        subscription=subscription,
        problem=problem,
    )
