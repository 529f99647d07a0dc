"""CloudEvents in Kafka headers: ids that follow from their cause, and headers that lie."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.messaging.envelope import (
    LONGEST_ID,
    Cause,
    UnreadableRecord,
    derived_envelope,
    digest,
    new_envelope,
    read_envelope,
    read_headers,
)
from tests.kernel import NOW, Counted, Renamed, changed, counted, envelope_of, header_pairs, without

pytestmark = pytest.mark.unit

EVENT = counted("phong-vhxh", 1)
HEADERS = header_pairs(envelope_of(EVENT).headers())
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

texts = st.text(min_size=1, max_size=8)
parts = st.tuples(texts, texts, texts, texts)
"""service, source of the cause, id of the cause, discriminator"""


def derived_id(service: str, source: str, identity: str, discriminator: str) -> str:
    cause = Cause(source, identity, "correlation", TRACE)
    return derived_envelope(EVENT, service, NOW, cause, discriminator).id


@given(parts)
def test_the_same_cause_gives_the_same_id_whenever_it_is_asked(
    given_parts: tuple[str, ...],
) -> None:
    service, source, identity, discriminator = given_parts
    cause = Cause(source, identity, "another correlation", "")
    later = derived_envelope(EVENT, service, NOW + timedelta(days=9), cause, discriminator)
    assert later.id == derived_id(service, source, identity, discriminator)


@given(parts, parts)
def test_another_cause_service_or_discriminator_gives_another_id(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


def test_no_separator_inside_a_part_makes_two_causes_one() -> None:
    assert derived_id("s", "a\x1fb", "c", "") != derived_id("s", "a", "b\x1fc", "")


def test_type_and_subject_are_part_of_the_id() -> None:
    cause = Cause("urn:thidua:test", "1", "1", TRACE)
    events = [
        counted("phong-vhxh", 1),
        counted("van-phong", 1),
        Renamed(ward="tu-minh", thing="phong-vhxh", number=1),
    ]
    assert len({derived_envelope(e, "test", NOW, cause, "").id for e in events}) == 3


def test_what_is_said_in_the_data_is_not_part_of_the_id() -> None:
    cause = Cause("urn:thidua:test", "1", "1", TRACE)
    same = {derived_envelope(counted("a", n), "test", NOW, cause, "").id for n in (1, 2)}
    assert len(same) == 1


def test_new_facts_have_ids_in_the_order_of_their_making() -> None:
    made = [new_envelope(EVENT, "test", NOW, "c").id for _ in range(50)]
    assert made == sorted(set(made))


def test_a_derived_fact_names_its_cause_and_stays_in_its_trace() -> None:
    made = derived_envelope(EVENT, "scoring", NOW, Cause("urn:a", "cause", "root", TRACE), "")
    assert (made.causation, made.correlation, made.source) == (
        "cause",
        "root",
        "urn:thidua:scoring",
    )
    assert made.traceparent[:36] == TRACE[:36]
    assert made.traceparent != TRACE
    assert made.traceparent.endswith("-01")


def test_an_unusable_trace_is_begun_anew() -> None:
    made = derived_envelope(EVENT, "scoring", NOW, Cause("urn:a", "1", "1", "rubbish"), "")
    assert len(made.traceparent) == len(TRACE)


def test_headers_are_read_as_they_were_written() -> None:
    written = envelope_of(EVENT)
    assert read_envelope(header_pairs(written.headers())) == written


def test_the_time_is_written_in_utc() -> None:
    hanoi = datetime(2026, 1, 2, 6, 30, tzinfo=timezone(timedelta(hours=7)))
    assert new_envelope(EVENT, "test", hanoi, "c").headers()["ce_time"] == "2026-01-01T23:30:00Z"


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_specversion"])
@pytest.mark.parametrize("how", ["absent", "empty", "null"])
def test_a_header_that_must_be_there_is_named(name: str, how: str) -> None:
    headers = {
        "absent": without(HEADERS, name),
        "empty": changed(HEADERS, name, b""),
        "null": changed(HEADERS, name, None),
    }[how]
    with pytest.raises(UnreadableRecord, match=f"header {name} is missing"):
        read_envelope(headers)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ce_id", b"\xff\xfe", "ce_id is not UTF-8"),
        ("traceparent", b"\xc3\x28", "traceparent is not UTF-8"),
        ("ce_id", b"a\x00b", "ce_id holds a NUL"),
        ("ce_id", b"x" * (LONGEST_ID + 1), "ce_id is longer than"),
        ("ce_specversion", b"0.3", "not '1.0'"),
        ("ce_time", b"yesterday", "ce_time is not a time"),
        ("ce_time", b"", "ce_time is not a time"),
        ("ce_time", b"2025-12-05T09:30:00", "ce_time has no zone"),
    ],
)
def test_a_wrong_header_is_named(name: str, value: bytes, words: str) -> None:
    with pytest.raises(UnreadableRecord, match=words):
        read_envelope(changed(HEADERS, name, value))


def test_what_may_be_missing_has_a_stated_default() -> None:
    bare = without(HEADERS, "ce_time", "ce_ward", "ce_correlationid", "ce_subject", "traceparent")
    read = read_envelope(bare)
    assert read.correlation == read.id
    assert (read.ward, read.subject, read.traceparent) == ("", "", "")
    assert read.time.year == 1970


def test_names_of_headers_are_read_in_any_case_and_null_values_passed_over() -> None:
    assert read_headers([("CE_Id", b"1"), ("ce_time", None)]) == {"ce_id": "1"}


def test_headers_that_are_none_of_ours_may_hold_anything() -> None:
    assert read_headers([("ce_id", b"1"), ("b3", b"\xff\x00")]) == {"ce_id": "1"}


def test_text_is_composed_trimmed_and_free_of_nul() -> None:
    decomposed = "Phong tra\u0300o thi \u0111ua "
    assert counted("a", 1, decomposed).note == "Phong tr\u00e0o thi \u0111ua"
    with pytest.raises(ValidationError):
        counted("a", 1, "a\x00b")
    read = Counted.model_validate_json(
        '{"ward":"w","thing":"a","number":1,"note":"e\\u0302\\u0301"}'
    )
    assert read.note == "\u1ebf"


def test_a_tombstone_has_the_digest_of_no_bytes() -> None:
    assert digest(None) == digest(b"") != digest(b" ")
