"""What other systems bring: every record is answered, whatever it holds, and none is parked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    DeskRoom,
    Said,
    intake_at,
    moment,
    open_the_year,
    participant,
    report,
)
from tests.kernel import FakeRecord

pytestmark = pytest.mark.component

OUTBOUND = "thidua.outbound.e-office.v1"
FACTS = ("report-received", "obligation-met")


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    return desk


async def answers(room: DeskRoom) -> list[Said]:
    return [fact for fact in await room.news() if fact.topic.startswith("thidua.outbound.")]


def reasons(answer: Said) -> list[tuple[str, str]]:
    return [(reason["code"], reason["pointer"]) for reason in answer.data["reasons"]]


def place(record: FakeRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


async def test_a_good_report_is_received_met_and_answered(room: DeskRoom) -> None:
    record = room.record(
        report("tieu-hoc-1", criterion="a2"), identity="e-1", at="2025-12-01 09:00"
    )
    await room.apply(record)
    received, met, answer = await room.news()
    assert (received.topic, received.key) == ("thidua.intake.v1", "tu-minh/tieu-hoc-1")
    assert received.data | {"report_id": ""} == {
        "ward": "tu-minh",
        "participant": "tieu-hoc-1",
        "period": PERIOD,
        "report_id": "",
        "revision": 1,
        "received_at": "2025-12-01T09:00:00+07:00",
        "late": False,
        "days_late": 0,
        "door": "kafka",
        "publisher": "e-office",
        "items": [
            {
                "criterion": "a2",
                "self_score": "38.5",
                "not_applicable": False,
                "narrative": "Bản 1",
            }
        ],
        "paper": None,
    }
    assert (met.name, met.data["on_time"]) == ("obligation-met", True)
    assert met.data["met_at"] == "2025-12-01T09:00:00+07:00"
    assert (answer.name, answer.topic) == ("report-received", OUTBOUND)
    assert answer.headers["ce_type"] == "vn.thidua.outbound.report-received.v1"
    assert (answer.data["cause_id"], answer.data["record"]) == ("e-1", place(record))
    assert not answer.data["duplicate"]
    assert {fact.headers["ce_causationid"] for fact in (received, met, answer)} == {"e-1"}


async def test_late_is_when_the_broker_took_it_not_when_we_read_it(room: DeskRoom) -> None:
    room.clock.time = moment("2026-02-01 08:00")
    await room.apply(
        room.record(report("tieu-hoc-1"), at="2025-12-09 23:59:59.999"),
        room.record(report("thcs-1"), at="2025-12-10 00:00:00"),
    )
    facts = await room.news()
    late = {
        (fact.topic, fact.data["participant"]): fact.data["late"]
        for fact in facts
        if fact.name == "report-received"
    }
    assert late == {
        ("thidua.intake.v1", "tieu-hoc-1"): False,
        ("thidua.intake.v1", "thcs-1"): True,
        (OUTBOUND, "tieu-hoc-1"): False,
        (OUTBOUND, "thcs-1"): True,
    }
    met = [fact for fact in facts if fact.name == "obligation-met"]
    assert {m.data["participant"]: m.data["on_time"] for m in met} == {
        "tieu-hoc-1": True,
        "thcs-1": False,
    }


def bad_records(room: DeskRoom) -> list[tuple[FakeRecord, list[tuple[str, str]]]]:
    """Every kind of record that is refused, with its reasons."""
    good = report("tieu-hoc-1")
    score = [{"criterion": "a1", "self_score": 38.5}]
    key = "tu-minh/tieu-hoc-1"
    return [
        (room.record(b"day khong phai JSON {", key=key), [("unreadable", "")]),
        (room.record(b"", key=key), [("unreadable", "")]),
        (room.record(b"\xff\xfe", key=key), [("unreadable", "")]),
        (room.record(b"[" * 5000, key=key), [("unreadable", "")]),
        (room.record(good, ce_id=None), [("unreadable", "")]),
        (room.record(good, ce_type=None), [("unreadable", "")]),
        (room.record(good, ce_source=None), [("unreadable", "")]),
        (room.record(good, ce_specversion=b"0.3"), [("unreadable", "")]),
        (room.record(good, ce_source=b"\xff\xfe"), [("unreadable", "")]),
        (room.record(good, ce_id=b"nul\x00"), [("unreadable", "")]),
        (room.record(good, ce_id=b"x" * 5000), [("unreadable", "")]),
        (room.record(good, ce_source=b"urn:thidua:publisher:trial"), [("not-granted", "")]),
        (room.record(good, ce_type=b"vn.thidua.inbound.plan-submitted.v1"), [("unknown-type", "")]),
        (
            room.record(good, ce_type=b"vn.thidua.inbound.report-submitted.v2"),
            [("unknown-type", "")],
        ),
        (room.record(good, key="tu-minh/thcs-1"), [("key-mismatch", "/participant")]),
        (room.record(good, key=b"\xff"), [("key-mismatch", "/participant")]),
        (room.record(good, key=b""), [("key-mismatch", "/participant")]),
        (room.record(good, key="w" * 99 + "/tieu-hoc-1"), [("key-mismatch", "/participant")]),
        (room.record(good, key="tu-minh/tieu-hoc-1\n"), [("key-mismatch", "/participant")]),
        (room.record(good, key=b"tu-minh/nul\x00"), [("key-mismatch", "/participant")]),
        (room.record(report("to-chuc-la")), [("unknown-participant", "/participant")]),
        (
            room.record(report("thcs-1"), publisher="trial"),
            [("not-granted", "/participant")],
        ),
        (
            room.record({**good, "ward": "phuong-khac"}, key="phuong-khac/tieu-hoc-1"),
            [("not-granted", "/participant")],
        ),
        (room.record({**good, "period": "2024-annual"}), [("wrong-period", "/period")]),
        (room.record({**good, "period": "2025-plan"}), [("wrong-period", "/period")]),
        (room.record({**good, "form_version": 9}), [("invalid-field", "/form_version")]),
        (
            room.record({**good, "items": score, "revision": 0, "report_id": "x"}),
            [
                ("invalid-field", "/report_id"),
                ("invalid-field", "/revision"),
                ("invalid-field", "/items/0/self_score"),
            ],
        ),
        (room.record({**good, "difficulties": "nul\x00"}), [("invalid-field", "/difficulties")]),
        (
            room.record(
                report("tieu-hoc-1", criterion="b1", contents=[{"content": 9, "text": ""}])
            ),
            [("invalid-field", "/items/0/criterion"), ("invalid-field", "/contents/0/content")],
        ),
        (
            room.record({**good, "items": [{"criterion": "a1", "narrative": "ệ" * 20_000}] * 13}),
            [("invalid-field", ""), ("invalid-field", "/items/0/self_score")]
            + [("invalid-field", f"/items/{n}/{f}") for n in range(1, 13) for f in FIELDS],
        ),
    ]


FIELDS = ("criterion", "self_score")
ENGLISH = (" is ", " missing", "header c", "the ", "not ")


async def test_every_bad_record_is_answered_with_its_reasons(room: DeskRoom) -> None:
    expected = bad_records(room)
    applied = await room.apply(*(record for record, _ in expected))
    assert applied.parked == 0
    told = {answer.data["record"]: answer for answer in await answers(room)}
    assert len(told) == len(expected)
    for record, wanted in expected:
        answer = told[place(record)]
        assert answer.name == "report-rejected"
        assert reasons(answer) == wanted, record
        identity = dict(record.headers).get("ce_id", b"") or b""
        unreadable = wanted == [("unreadable", "")] and answer.data["cause_id"] == ""
        assert unreadable or answer.data["cause_id"] == identity.decode()
        details = [reason["detail"] for reason in answer.data["reasons"]]
        assert not [d for d in details if any(word in d for word in ENGLISH)], details
    assert await room.parked() == 0
    assert not await room.said(*FACTS)


async def test_answers_go_to_the_publisher_that_asked(room: DeskRoom) -> None:
    await room.apply(
        room.record(b"{", key="tu-minh/thcs-1", publisher="trial"),
        *(room.record(b"{", key=key) for key in ("khong-co-dau-gach", "Tu-Minh/thcs-1", "")),
        room.record(b"{", key=f"tu-minh/{'x' * 250}"),
    )
    trial, *others = sorted(await answers(room), key=lambda answer: answer.topic, reverse=True)
    assert (trial.topic, trial.key) == ("thidua.outbound.trial.v1", "tu-minh/thcs-1")
    assert {(answer.topic, answer.key) for answer in others} == {
        (OUTBOUND, "unknown/khong-co-dau-gach"),
        (OUTBOUND, f"unknown/tu-minh/{'x' * 192}"),
        (OUTBOUND, "unknown/Tu-Minh/thcs-1"),
        (OUTBOUND, "unknown/"),
    }


async def test_a_good_report_right_behind_bad_ones_of_its_key_goes_through(room: DeskRoom) -> None:
    good = report("tieu-hoc-1")
    key = "tu-minh/tieu-hoc-1"
    await room.apply(
        room.record(b"{", key=key, identity="bad-1"),
        room.record(good, ce_id=None, identity="bad-2"),
        room.record({**good, "items": []}, identity="bad-3"),
        room.record(good, identity="good"),
        room.record({**good, "participant": "thcs-1"}, key=key, identity="bad-4"),
    )
    told = await answers(room)
    assert [(a.name, a.data["cause_id"]) for a in told] == [
        ("report-rejected", "bad-1"),
        ("report-rejected", ""),
        ("report-rejected", "bad-3"),
        ("report-received", "good"),
        ("report-rejected", "bad-4"),
    ]
    assert len(await room.said("obligation-met")) == 1


async def test_repeats_of_an_id(room: DeskRoom) -> None:
    good = report("tieu-hoc-1")
    first = room.record(good, identity="e-1", at="2025-12-01 09:00")
    same = room.record(good, identity="e-1", at="2025-12-11 09:00")
    other = room.record({**good, "difficulties": "Nội dung khác."}, identity="e-1")
    renamed = room.record(good, identity="e-2", at="2025-12-12 09:00")
    await room.apply(first)
    await room.news()
    await room.apply(same, other, renamed)
    duplicate, rejected, again = await answers(room)
    for answer in (duplicate, again):
        assert answer.data["duplicate"]
        assert answer.data["received_at"] == "2025-12-01T09:00:00+07:00"
        assert not answer.data["late"]
    assert reasons(rejected) == [("same-id-other-bytes", "")]
    assert rejected.data["cause_id"] == "e-1"
    assert [a.data["record"] for a in (duplicate, rejected, again)] == [
        place(same),
        place(other),
        place(renamed),
    ]
    [(count,)] = await room.rows("SELECT count(*) FROM report")
    assert count == 1


async def test_repeats_within_one_batch(room: DeskRoom) -> None:
    good = report("tieu-hoc-1")
    await room.apply(
        room.record(good, identity="e-1"),
        room.record(good, identity="e-1"),
        room.record({**good, "difficulties": "Khác."}, identity="e-1"),
    )
    told = await answers(room)
    assert [(a.name, a.data.get("duplicate")) for a in told] == [
        ("report-received", False),
        ("report-received", True),
        ("report-rejected", None),
    ]


async def test_an_older_revision_that_comes_again_is_known_again(room: DeskRoom) -> None:
    one, two = report("tieu-hoc-1"), report("tieu-hoc-1", revision=2)
    await room.apply(room.record(one, identity="e-1"), room.record(two, identity="e-2"))
    await room.news()
    await room.apply(
        room.record(one, identity="e-1"),
        room.record({**one, "difficulties": "Khác."}, identity="e-3"),
    )
    again, rejected = await answers(room)
    assert len(await room.said("obligation-met")) == 1
    assert (again.data["revision"], again.data["duplicate"]) == (1, True)
    assert reasons(rejected) == [("revision-conflict", "/revision")]


async def test_what_was_refused_may_be_sent_again_once_it_is_right(room: DeskRoom) -> None:
    newcomer = report("thcs-9")
    record = room.record(newcomer, identity="e-9")
    await room.apply(record)
    await room.must(OFFICER, "/participants", {"participants": [participant("thcs-9")]})
    await room.news()
    await room.apply(room.record(newcomer, identity="e-9"))
    [answer] = await answers(room)
    assert (answer.name, answer.data["duplicate"]) == ("report-received", False)


async def test_after_acceptance_nothing_new_is_taken(room: DeskRoom) -> None:
    await room.apply(room.record(report("tieu-hoc-1")))
    key = {"participant": "tieu-hoc-1", "period": PERIOD, "revision": 1}
    await room.must(OFFICER, "/reports/acceptances", key)
    await room.news()
    await room.apply(room.record(report("tieu-hoc-1", revision=2)))
    [answer] = await answers(room)
    assert reasons(answer) == [("already-accepted", "")]


async def test_redelivery_changes_nothing_and_answers_nothing_twice(room: DeskRoom) -> None:
    good = report("tieu-hoc-1")
    records = [
        *(record for record, _ in bad_records(room)),
        room.record(good, identity="e-1"),
        room.record(good, identity="e-1"),
        room.record({**good, "difficulties": "Khác."}, identity="e-1"),
        room.record(report("thcs-1"), identity="e-2"),
    ]
    await room.apply(*records)
    before = await room.said()
    for batch in (records, records[:3], records[-4:], list(reversed(records))):
        applied = await room.apply(*batch)
        assert applied.published == 0
        assert applied.repeated == len(batch)
    assert await room.said() == before
    assert await room.parked() == 0


async def test_the_same_batch_in_pieces_ends_the_same(
    room: DeskRoom, make_database: Callable[[str], str], tmp_path: Path
) -> None:
    def content(facts: list[Said]) -> list[tuple[str, dict[str, Any]]]:
        told = [fact for fact in facts if fact.topic.startswith("thidua.outbound.")]
        return sorted(((f.headers["ce_id"], f.data) for f in told), key=lambda pair: pair[0])

    records = [record for record, _ in bad_records(room)]
    records += [room.record(report("tieu-hoc-1"), identity="e-1") for _ in range(2)]
    async with intake_at(make_database("intake"), tmp_path) as other:
        await open_the_year(other)
        await room.apply(*records)
        for record in records:
            await other.apply(record)
        assert content(await room.said()) == content(await other.said())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
BODIES = st.one_of(
    st.binary(max_size=40),
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.tuples(st.sampled_from(sorted(report("thcs-1"))), JSON_VALUES).map(
        lambda change: json.dumps({**report("thcs-1"), change[0]: change[1]}).encode()
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(["ce_id", "ce_type", "ce_source", "ce_time", "traceparent", "ce_subject"]),
    st.none() | st.binary(max_size=12),
    max_size=2,
)


async def test_whatever_comes_is_answered_once_and_never_parked(room: DeskRoom) -> None:
    batches: list[list[FakeRecord]] = []

    @settings(
        max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.lists(st.tuples(BODIES, st.binary(max_size=30), HEADERS), min_size=3, max_size=8))
    def gather(drawn: list[tuple[bytes, bytes, dict[str, bytes | None]]]) -> None:
        batches.append(
            [
                room.record(body, key=key or b"tu-minh/thcs-1", changed=names)
                for body, key, names in drawn
            ]
        )

    gather()
    for batch in batches:
        applied = await room.apply(*batch)
        assert applied.parked == 0
        told = {answer.data["record"] for answer in await answers(room)}
        assert told == {place(record) for record in batch}
