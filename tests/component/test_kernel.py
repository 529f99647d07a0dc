"""A batch is applied whole or not at all: inbox, effects, outbox and position (law 2)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa

from shared.messaging import store
from shared.messaging.consumer import Inbound, Received
from shared.messaging.errors import DuplicateId, KeyNotLocked, Permanent, Transient
from shared.messaging.tables import parked
from shared.messaging.unit_of_work import LARGEST_BODY, UnitOfWork
from tests.component.kernel_bench import Bench, seen
from tests.kernel import (
    INBOUND,
    Counted,
    FakeRecord,
    Renamed,
    changed,
    counted,
    header_pairs,
    record_of,
)

pytestmark = pytest.mark.component


class Bad(Exception):
    """A rule is broken."""


async def fail_at_3(event: Received[Counted], _: UnitOfWork) -> None:
    if event.data.number == 3:
        raise Bad("three is not allowed")


async def follow(event: Received[Counted], work: UnitOfWork) -> None:
    data = event.data
    work.publish(Renamed(ward="tu-minh", thing=data.thing, number=data.number), because_of=event)


def story(thing: str, first: int, last: int, *, offset: int = 0) -> list[FakeRecord]:
    return [
        record_of(counted(thing, number), offset + number, identity=f"{thing}-{number}")
        for number in range(first, last + 1)
    ]


# --- the inbox ---


async def test_an_event_takes_effect_once_however_often_it_comes(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder(follow))
    records = story("a", 1, 3)
    first = await bench.apply(*records)
    assert (first.handled, first.published) == (3, 3)
    again = await bench.apply(*records)
    assert (again.handled, again.repeated, again.published) == (0, 3, 0)
    sent_again = [replace(record, offset=record.offset + 10) for record in records]
    await bench.apply(*sent_again)
    assert await bench.story("a") == [1, 2, 3]
    assert len(await bench.published()) == 3
    assert await bench.positions() == {0: 14}


async def test_a_repeat_inside_one_batch_takes_effect_once(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder())
    one, two = story("a", 1, 2)
    applied = await bench.apply(one, two, replace(one, offset=7), replace(two, offset=8))
    assert (applied.handled, applied.repeated) == (2, 2)
    assert await bench.story("a") == [1, 2]


async def test_the_same_id_from_another_topic_is_another_event(bench: Bench) -> None:
    answered: list[Inbound] = []

    async def answer(records: Sequence[Inbound], work: UnitOfWork) -> None:
        answered.extend(records)

    bench.consumer.on_inbound(answer)
    bench.consumer.listen_to([INBOUND, "thidua.inbound.other.v1"])
    record = replace(story("a", 1, 1)[0], topic=INBOUND)
    await bench.apply(record, replace(record, topic="thidua.inbound.other.v1"))
    assert [told.repeat for told in answered] == ["", ""]


async def test_the_same_id_with_other_data_is_parked(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder())
    await bench.apply(record_of(counted("a", 1), 0, identity="x"))
    forged = record_of(counted("a", 99), 1, identity="x")
    applied = await bench.apply(forged, *story("a", 2, 3))
    assert (applied.handled, applied.parked) == (0, 3)
    assert await bench.story("a") == [1]
    problems = [message for _, _, message in await bench.set_aside()]
    assert "taken before with other data" in problems[0]
    assert await bench.held() == ["tu-minh/a"]


async def test_unknown_types_are_skipped_and_never_taken(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder())
    unknown = record_of(Renamed(ward="tu-minh", thing="a", number=1), 4)
    applied = await bench.apply(unknown)
    assert (applied.skipped, applied.handled) == (1, 0)
    assert await bench.taken() == []
    assert await bench.positions() == {0: 5}


async def test_inbound_repeats_come_to_the_handler_once_and_marked(bench: Bench) -> None:
    told: list[tuple[int, str]] = []

    async def answer(records: Sequence[Inbound], work: UnitOfWork) -> None:
        told.extend((record.offset, record.repeat) for record in records)

    bench.consumer.on_inbound(answer)
    bench.consumer.listen_to([INBOUND])
    first = replace(record_of(counted("a", 1), 1, identity="x"), topic=INBOUND)
    same, other = replace(first, offset=2), replace(first, offset=3, value=b"{}")
    nameless = replace(first, offset=4, headers=())
    await bench.apply(first, same, other, nameless)
    assert told == [(1, ""), (2, "same-bytes"), (3, "other-bytes"), (4, "")]
    await bench.apply(first, same, other, nameless)
    assert len(told) == 4, "read again from an older position: nothing new"
    later = replace(other, offset=9)
    await bench.apply(later)
    assert told[4:] == [(9, "other-bytes")]


# --- one transaction ---


async def test_a_fault_before_the_commit_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.consumer.on(Counted)(bench.recorder(follow))
    advance = store.advance

    async def cut(*arguments: object) -> None:
        raise ConnectionResetError("cut before the commit")

    monkeypatch.setattr(store, "advance", cut)
    with pytest.raises(Transient):
        await bench.apply(*story("a", 1, 3))
    assert bench.batches == [[1, 2, 3]], "the handler did its work"
    assert await bench.nothing_is_there()
    monkeypatch.setattr(store, "advance", advance)
    await bench.apply(*story("a", 1, 3))
    assert await bench.story("a") == [1, 2, 3]
    assert len(await bench.taken()) == len(await bench.published()) == 3
    assert await bench.positions() == {0: 4}


async def test_a_transient_fault_of_a_handler_parks_nothing(bench: Bench) -> None:
    async def cut(event: Received[Counted], work: UnitOfWork) -> None:
        await work.connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    bench.consumer.on(Counted)(bench.recorder(cut))
    with pytest.raises(Transient):
        await bench.apply(*story("a", 1, 2))
    assert await bench.nothing_is_there()
    assert bench.batches == [[1, 2]], "no second, careful pass either"


async def test_the_position_never_goes_back(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder())
    await bench.apply(*story("a", 1, 5))
    await bench.apply(*story("a", 1, 2))
    assert await bench.positions() == {0: 6}


async def test_handlers_get_a_key_s_run_at_once(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder())
    records = [*story("a", 1, 3), *story("b", 4, 5)]
    await bench.apply(*records)
    assert bench.batches == [[1, 2, 3, 4, 5]]


# --- parking ---


async def test_what_fails_for_good_is_parked_and_its_key_waits(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder(fail_at_3))
    applied = await bench.apply(*story("a", 1, 5), *story("b", 1, 2, offset=100))
    assert (applied.handled, applied.parked) == (4, 3)
    assert await bench.story("a") == [1, 2]
    assert await bench.story("b") == [1, 2]
    assert await bench.held() == ["tu-minh/a"]
    assert await bench.set_aside() == [
        ("tu-minh/a", 3, "three is not allowed"),
        ("tu-minh/a", 4, "waits behind a parked event"),
        ("tu-minh/a", 5, "waits behind a parked event"),
    ]
    assert await bench.positions() == {0: 103}
    await bench.apply(*story("a", 6, 7), *story("b", 4, 4, offset=100))
    assert await bench.story("a") == [1, 2]
    assert await bench.story("b") == [1, 2, 4]
    assert len(await bench.set_aside()) == 5


async def test_a_parked_event_is_kept_whole(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder(fail_at_3))
    record = story("a", 3, 3)[0]
    await bench.apply(replace(record, headers=(*record.headers, ("x", b"\xff\x00"))))
    async with bench.engine.connect() as connection:
        row = (await connection.execute(sa.select(parked))).one()
    assert row.body == record.value
    assert (row.event_id, row.event_type, row.error) == ("a-3", Counted.TYPE, "Bad")
    assert "three is not allowed" in row.trace
    assert "raise Bad" in row.trace
    kept = tuple((name, value.encode("latin-1")) for name, value in row.headers)
    assert kept == (*record.headers, ("x", b"\xff\x00"))


async def test_redelivery_of_a_parked_event_changes_nothing(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder(fail_at_3))
    for _ in range(2):
        await bench.apply(*story("a", 1, 4))
    assert len(await bench.set_aside()) == 2
    assert await bench.story("a") == [1, 2]


async def test_nothing_of_a_parked_event_stays(bench: Bench) -> None:
    async def publish_then_fail(event: Received[Counted], work: UnitOfWork) -> None:
        await follow(event, work)
        await fail_at_3(event, work)

    bench.consumer.on(Counted)(bench.recorder(publish_then_fail))
    applied = await bench.apply(*story("a", 2, 3))
    assert applied.published == 1
    assert len(await bench.published()) == 1
    assert await bench.story("a") == [2]


async def test_with_order_none_the_event_is_parked_alone(bench: Bench) -> None:
    bench.consumer.on(Counted, order="none")(bench.recorder(fail_at_3))
    broken = replace(story("a", 6, 6)[0], value=b"{}")
    applied = await bench.apply(*story("a", 1, 5), broken, *story("a", 7, 7))
    assert (applied.handled, applied.parked) == (5, 2)
    assert await bench.story("a") == [1, 2, 4, 5, 7]
    assert await bench.held() == []


@pytest.mark.parametrize("fails", [False, True])
async def test_what_follows_an_unreadable_event_waits_and_what_went_before_does_not(
    bench: Bench, fails: bool
) -> None:
    """The same whether the batch goes through at once or (`fails`) event by event."""
    bench.consumer.on(Counted)(bench.recorder(fail_at_3))
    one, two, four = (story("a", n, n)[0] for n in (1, 2, 4))
    broken = replace(two, value=b'{"ward":"tu-minh"}')
    other = story("b", 3, 3, offset=100) if fails else []
    await bench.apply(one, broken, four, *other)
    assert await bench.story("a") == [1]
    assert [(key, offset) for key, offset, _ in await bench.set_aside() if "a" in key] == [
        ("tu-minh/a", 2),
        ("tu-minh/a", 4),
    ]


async def test_unreadable_headers_are_parked_alone(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder())
    one, two = story("a", 1, 2)
    applied = await bench.apply(replace(one, headers=()), two)
    assert (applied.handled, applied.parked) == (1, 1)
    assert await bench.held() == []


async def test_a_fact_that_cannot_be_stored_parks_only_its_cause(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder(follow))
    await bench.apply(*story("a", 1, 1))
    async with bench.engine.begin() as connection:
        await connection.execute(sa.text("DELETE FROM inbox"))
    applied = await bench.apply(*story("a", 1, 1), *story("b", 1, 1, offset=10))
    assert (applied.handled, applied.parked) == (1, 1)
    assert await bench.held() == ["tu-minh/a"]
    assert await bench.story("b") == [1]


NASTY = [
    pytest.param({"key": b"tu-minh/\x00"}, id="NUL in the key"),
    pytest.param({"key": b"\xff" * 100_000}, id="endless key"),
    pytest.param({"key": None}, id="no key"),
    pytest.param({"value": None}, id="no value"),
    pytest.param({"value": b"\x00" * 10}, id="NULs for a value"),
    pytest.param({"headers": ()}, id="no headers"),
    *(
        pytest.param(
            {"headers": changed(record_of(counted("a", 1), 0).headers, name, value)},
            id=f"{name}={value[:12]!r}",
        )
        for name in ("ce_id", "ce_type", "ce_correlationid", "x\x00y")
        for value in (b"\xff", b"a\x00b", bytes(range(1, 128)) * 100)
    ),
]


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("topic", [Counted.TOPIC, INBOUND])
async def test_no_record_holds_up_its_partition(
    bench: Bench, nasty: dict[str, object], topic: str
) -> None:
    bench.consumer.on(Counted)(bench.recorder())

    async def answer(records: Sequence[Inbound], work: UnitOfWork) -> None:
        for record in records:
            answered = counted("answer", record.offset)
            await work.lock(answered.key)
            work.publish(answered, because_of=record, discriminator=record.key)

    bench.consumer.on_inbound(answer)
    bench.consumer.listen_to([INBOUND])
    record = replace(record_of(counted("a", 1), 1), topic=topic, **nasty)  # type: ignore[arg-type]
    await bench.apply(record, *story("b", 2, 2))
    assert await bench.story("b") == [2]
    assert len(await bench.published()) == (topic == INBOUND)


# --- publishing ---


async def test_publishing_needs_the_key_s_lock(bench: Bench) -> None:
    async with bench.works.begin("tu-minh/a") as work:
        work.publish(counted("a", 1))
        with pytest.raises(KeyNotLocked):
            work.publish(counted("b", 1))
        await work.lock("tu-minh/b")
        work.publish(counted("b", 1))
    assert len(await bench.published()) == 2


async def test_a_lock_that_a_savepoint_s_rollback_let_go_is_not_held(bench: Bench) -> None:
    async def take_another(event: Received[Counted], work: UnitOfWork) -> None:
        if event.data.number == 3:
            await work.lock("tu-minh/other")
            raise Bad("after the lock")
        if event.data.number == 4:
            work.publish(counted("other", 1), because_of=event)

    bench.consumer.on(Counted)(bench.recorder(take_another))
    await bench.apply(*story("a", 3, 3), *story("b", 4, 4))
    assert [message for _, _, message in await bench.set_aside()] == [
        "after the lock",
        f"{Counted.TYPE} published for tu-minh/other without its lock",
    ]


async def test_two_facts_from_one_cause_need_a_discriminator(bench: Bench) -> None:
    async def twice(event: Received[Counted], work: UnitOfWork) -> None:
        work.publish(event.data, because_of=event)
        work.publish(event.data, because_of=event, discriminator="second")
        with pytest.raises(DuplicateId):
            work.publish(event.data, because_of=event)

    bench.consumer.on(Counted)(bench.recorder(twice))
    applied = await bench.apply(*story("a", 1, 1))
    assert applied.published == 2


async def test_what_the_broker_would_not_take_is_refused_at_once(bench: Bench) -> None:
    class Answer(Counted):
        TOPIC = "thidua.outbound.<publisher>.v1"

    async with bench.works.begin("tu-minh/a") as work:
        with pytest.raises(Permanent, match="larger than"):
            work.publish(counted("a", 1, "x" * LARGEST_BODY))
        with pytest.raises(Permanent, match="topic of its publisher"):
            work.publish(Answer(ward="tu-minh", thing="a", number=1))
        work.publish(Answer(ward="tu-minh", thing="a", number=1), topic="thidua.outbound.x.v1")


async def test_a_request_that_fails_leaves_nothing(bench: Bench) -> None:
    async def request() -> None:
        async with bench.works.begin("tu-minh/a") as work:
            await work.connection.execute(sa.insert(seen).values(thing="a", number=1))
            work.publish(counted("a", 1))
            raise Bad

    with pytest.raises(Bad):
        await request()
    assert await bench.nothing_is_there()


async def test_a_read_cannot_write(bench: Bench) -> None:
    async with bench.works.read() as connection:
        with pytest.raises(sa.exc.DBAPIError, match="read-only"):
            await connection.execute(sa.insert(seen).values(thing="a", number=1))


async def test_the_outbox_holds_the_envelope(bench: Bench) -> None:
    bench.consumer.on(Counted)(bench.recorder(follow))
    record = story("a", 1, 1)[0]
    await bench.apply(replace(record, headers=changed(record.headers, "ce_correlationid", b"root")))
    async with bench.engine.connect() as connection:
        row = (await connection.execute(sa.text("SELECT * FROM outbox"))).one()
    assert row.key == "tu-minh/a"
    assert row.headers["ce_causationid"] == "a-1"
    assert row.headers["ce_correlationid"] == "root"
    assert row.headers["ce_id"] == row.event_id
    assert header_pairs(row.headers)
