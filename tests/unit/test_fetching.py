"""Batches as a broker may hand them over: what aiokafka cannot read costs no other record."""

from dataclasses import replace
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException

from shared.messaging.envelope import UNREADABLE
from shared.messaging.fetching import LARGEST_BATCH, Fetched
from tests.corpus.wire import WireRecord, batch_of

pytestmark = pytest.mark.unit

GOOD = WireRecord(b"w/a", b"{}", ((b"ce_id", b"1"), (b"x", None)))
NAMED_BADLY = replace(GOOD, headers=((b"x-\xff", b"1"), (b"ce_id", b"2")))


def read(data: bytes) -> list[Any]:
    fetched = Fetched(data)
    records: list[Any] = []
    while fetched.has_next():
        batch = fetched.next_batch()
        assert batch.validate_crc()
        records += batch
    return records


@pytest.mark.parametrize("codec", [0, 1])
def test_a_name_that_is_no_text_costs_its_own_record_alone(codec: int) -> None:
    records = read(batch_of([GOOD, NAMED_BADLY, GOOD], codec) + batch_of([GOOD], codec))
    assert [record.offset for record in records] == [0, 1, 2, 0]
    assert [record.key for record in records] == [b"w/a"] * 4
    assert [dict(record.headers).get(UNREADABLE) for record in records] == [
        None,
        b"the name of a header is not UTF-8: b'x-\\xff'",
        None,
        None,
    ]
    assert dict(records[1].headers)["ce_id"] == b"2"
    assert records[1].timestamp == records[0].timestamp == GOOD.timestamp


def test_a_batch_that_unpacks_to_too_much_is_known_by_its_offsets() -> None:
    big = replace(GOOD, value=b"x" * (LARGEST_BATCH // 2))
    records = read(batch_of([big, big, big], 1))
    assert [(r.offset, r.key, r.value) for r in records] == [(n, None, None) for n in range(3)]
    assert all(b"33554432" in (dict(r.headers)[UNREADABLE] or b"") for r in records)


def test_a_record_with_strange_attributes_is_read() -> None:
    """aiokafka takes the byte for a number of several bytes, and reads what follows askew."""
    data = bytearray(batch_of([GOOD]))
    data[62] = 0x80
    [record] = list(Fetched(bytes(data)).next_batch())
    assert (record.offset, record.key, record.value) == (0, GOOD.key, GOOD.value)


def test_bytes_that_are_no_records_are_refused_as_corrupt() -> None:
    data = bytearray(batch_of([NAMED_BADLY]))
    data[63:66] = b"\x7f\x7f\x7f"
    with pytest.raises(CorruptRecordException):
        list(Fetched(bytes(data)).next_batch())
