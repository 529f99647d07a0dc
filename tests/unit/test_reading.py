"""What the kernel makes of each kind of record, ours and other systems'."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.messaging.consumer import Consumer, Inbound, Received
from shared.messaging.reading import LONGEST_KEY, Reading, reader
from shared.messaging.unit_of_work import UnitOfWork
from tests.kernel import (
    INBOUND,
    TOPIC,
    Counted,
    FakeRecord,
    Forgotten,
    Renamed,
    changed,
    counted,
    record_of,
    without,
)

pytestmark = pytest.mark.unit


async def handle(events: Sequence[Received[Any]], work: UnitOfWork) -> None:
    raise NotImplementedError


async def answer(records: Sequence[Inbound], work: UnitOfWork) -> None:
    raise NotImplementedError


def consumer() -> Consumer:
    made = Consumer("test")
    made.on(Counted)(handle)
    made.on(Forgotten, order="none")(handle)
    made.on_inbound(answer)
    made.listen_to([INBOUND])
    return made


def read(record: FakeRecord) -> Reading:
    return reader(consumer())(record)


GOOD = record_of(counted("phong-vhxh", 7), 3, identity="id-7")


def test_an_event_of_ours() -> None:
    reading = read(GOOD)
    assert reading.outcome == "event"
    assert (reading.key, reading.identity, reading.publisher) == (
        "tu-minh/phong-vhxh",
        "id-7",
        TOPIC,
    )
    assert reading.received is not None
    assert reading.received.data == counted("phong-vhxh", 7)
    assert reading.received.appended_at == datetime.fromtimestamp(1_763_600_000, UTC)
    assert reading.received.cause.id == "id-7"
    assert reading.place == f"{TOPIC}/0/3"


def test_a_type_without_a_handler_is_skipped() -> None:
    assert read(record_of(Renamed(ward="w", thing="a", number=1), 0)).outcome == "skipped"


def test_a_version_from_the_future_is_skipped() -> None:
    headers = changed(GOOD.headers, "ce_type", b"vn.thidua.test.thing-counted.v2")
    assert read(replace(GOOD, headers=headers)).outcome == "skipped"


def test_a_type_on_a_topic_that_is_not_its_own_is_skipped() -> None:
    assert read(replace(GOOD, topic=Forgotten.TOPIC)).outcome == "skipped"


def test_an_unknown_field_is_no_obstacle() -> None:
    assert GOOD.value is not None
    more = GOOD.value[:-1] + b',"since_version_9":true}'
    reading = read(replace(GOOD, value=more))
    assert reading.outcome == "event"
    assert reading.received is not None
    assert reading.received.data == counted("phong-vhxh", 7)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "no value"),
        (b"", "no value"),
        (b"\xff\xfe", "JSON"),
        (b"[]", "object"),
        (b'{"ward":"tu-minh","thing":"phong-vhxh"}', "number"),
        (b'{"ward":"tu-minh","thing":"Phong VHXH","number":1}', "thing"),
        (b'{"ward":"tu-minh","thing":"other","number":1}', "is not the body's"),
        (b'{"ward":"tu-minh","thing":"phong-vhxh","number":1,"note":"\\ud800"}', "JSON"),
        (b"[" * 5000, "JSON"),
    ],
)
def test_a_body_that_does_not_hold_is_unreadable_and_known_by_its_id(
    value: bytes | None, problem: str
) -> None:
    reading = read(replace(GOOD, value=value))
    assert reading.outcome == "unreadable"
    assert problem in reading.problem
    assert (reading.identity, reading.event_type) == ("id-7", Counted.TYPE)
    assert reading.subscription is not None


@pytest.mark.parametrize("key", [None, b"", b"tu-minh/other", b"tu-minh/phong-vhxh\x00", b"\xff"])
def test_a_key_that_is_not_the_body_s_is_unreadable(key: bytes | None) -> None:
    reading = read(replace(GOOD, key=key))
    assert reading.outcome == "unreadable"
    assert "\x00" not in reading.key


def test_unreadable_headers_are_known_by_their_place() -> None:
    for headers in (without(GOOD.headers, "ce_id"), changed(GOOD.headers, "ce_ward", b"\xff")):
        reading = read(replace(GOOD, headers=headers))
        assert reading.outcome == "unreadable"
        assert reading.identity == f"{TOPIC}/0/3"
        assert reading.key == "tu-minh/phong-vhxh"
        assert reading.event_type == ""


def test_a_tombstone_of_ours_erases_whom_its_key_names() -> None:
    reading = read(record_of(Forgotten(ward="tu-minh", person="p-12"), 5, identity="e-1"))
    assert reading.received is not None
    assert reading.received.data == Forgotten(ward="tu-minh", person="p-12")
    assert reading.identity == "e-1"


def test_a_tombstone_without_headers_erases_too() -> None:
    bare = FakeRecord(Forgotten.TOPIC, 1, 9, b"tu-minh/p-12", None, ())
    reading = read(bare)
    assert reading.outcome == "event"
    assert reading.received is not None
    assert reading.received.data == Forgotten(ward="tu-minh", person="p-12")
    assert reading.identity == f"{Forgotten.TOPIC}/1/9"


def test_a_tombstone_whose_key_names_nobody_is_unreadable() -> None:
    assert read(FakeRecord(Forgotten.TOPIC, 1, 9, b"", None, ())).outcome == "unreadable"


def test_a_tombstone_where_nothing_erases_is_unreadable() -> None:
    assert read(FakeRecord(TOPIC, 1, 9, b"tu-minh/a", None, ())).outcome == "unreadable"


def inbound(record: FakeRecord) -> Inbound:
    reading = read(record)
    assert reading.outcome == "inbound"
    assert reading.inbound is not None
    return reading.inbound


def test_an_inbound_record_comes_as_it_is() -> None:
    record = replace(GOOD, topic=INBOUND, value=b"not even JSON")
    reading = read(record)
    assert (reading.identity, reading.publisher) == ("id-7", INBOUND)
    told = inbound(record)
    assert told.body == b"not even JSON"
    assert told.headers == GOOD.headers
    assert told.envelope is not None
    assert told.problem == ""
    assert told.cause.source == f"urn:kafka:{INBOUND}"
    assert told.cause.id == "id-7"


def test_inbound_records_are_handled_together_whatever_they_claim_to_be() -> None:
    other = changed(GOOD.headers, "ce_type", b"org.example.anything")
    kinds = {
        read(replace(GOOD, topic=INBOUND, headers=headers)).event_kind
        for headers in (GOOD.headers, other, ())
    }
    assert kinds == {"inbound"}


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ((), "ce_id is missing"),
        (changed(GOOD.headers, "ce_id", b"\xff"), "not UTF-8"),
        (changed(GOOD.headers, "ce_id", b"\x00"), "NUL"),
        (changed(GOOD.headers, "ce_id", b"x" * 5000), "longer than"),
    ],
)
def test_inbound_headers_that_cannot_be_read_are_told_to_the_handler(
    headers: tuple[tuple[str, bytes | None], ...], problem: str
) -> None:
    record = replace(GOOD, topic=INBOUND, headers=headers)
    told = inbound(record)
    assert told.envelope is None
    assert problem in told.problem
    assert told.cause.id == read(record).identity == f"{INBOUND}/0/3"


def test_an_empty_inbound_record_is_an_empty_body() -> None:
    assert inbound(FakeRecord(INBOUND, 0, 0, None, None, ())).body == b""


def test_keys_are_text_that_a_database_takes() -> None:
    told = inbound(FakeRecord(INBOUND, 0, 0, b"a\xff\x00b" + b"x" * 5000, b"", ()))
    assert told.key.startswith("a\\xff\\x00bx")
    assert len(told.key) == LONGEST_KEY


def test_a_repeat_gets_an_identity_and_a_cause_of_its_own() -> None:
    first = read(replace(GOOD, topic=INBOUND))
    again = first.as_repeat("same-bytes")
    assert again.identity == again.place
    assert again.inbound is not None
    assert again.inbound.repeat == "same-bytes"
    assert first.inbound is not None
    assert again.inbound.cause != first.inbound.cause


def test_only_inbound_records_are_answered_when_they_repeat() -> None:
    with pytest.raises(ValueError, match="only inbound"):
        read(GOOD).as_repeat("same-bytes")


def test_one_handler_for_one_event() -> None:
    with pytest.raises(ValueError, match="twice"):
        consumer().on(Counted)(handle)


def test_a_consumer_reads_the_topics_of_what_it_handles() -> None:
    assert consumer().topics == (INBOUND, Forgotten.TOPIC, TOPIC)


@pytest.mark.parametrize("timestamp", [-(2**63), -1, 2**63 - 1])
def test_a_producer_s_time_outside_the_calendar_is_no_obstacle(timestamp: int) -> None:
    reading = read(replace(GOOD, timestamp=timestamp))
    assert reading.received is not None
    assert reading.received.appended_at.year in {1969, 1970}
