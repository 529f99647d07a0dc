"""Parked events: tried again in their order, or discarded with a reason; nothing is stranded."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from shared.messaging import envelope, parking, trying
from shared.messaging.alarm import Alarm
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer, Inbound, Received
from shared.messaging.envelope import Cause, derived_envelope, read_headers
from shared.messaging.errors import Permanent, StopAndAlarm, Transient
from shared.messaging.parked_rows import ParkedEvent, Selection
from shared.messaging.parking import AlreadyDiscarded, NoSuchParkedEvent
from shared.messaging.tables import act, parked
from shared.messaging.unit_of_work import UnitOfWork
from shared.records import Act, first_break
from tests.component.kernel_bench import BUSINESS, SYSTEM, Bench
from tests.kernel import INBOUND, Counted, FakeRecord, Renamed, counted, record_of, without

pytestmark = pytest.mark.component

ALL = Selection()


class Fragile:
    """A handler's bug: it fails at the numbers in `bad`, and tells what it did otherwise."""

    def __init__(self, *bad: int, error: type[Exception] = Permanent) -> None:
        self.bad = set(bad)
        self.error = error
        self.seen: list[Received[Counted]] = []

    async def __call__(self, event: Received[Counted], work: UnitOfWork) -> None:
        self.seen.append(event)
        data = event.data
        told = Renamed(ward=data.ward, thing=data.thing, number=data.number)
        work.publish(told, because_of=event)
        if data.number in self.bad:
            raise self.error(f"{data.number} is bad")


def story(thing: str, first: int, last: int, *, offset: int = 0) -> list[FakeRecord]:
    return [
        record_of(counted(thing, number), offset + number, identity=f"{thing}-{number}")
        for number in range(first, last + 1)
    ]


async def parked_events(bench: Bench) -> list[ParkedEvent]:
    return await bench.parking.find(ALL)


def listen(bench: Bench, fragile: Fragile) -> Fragile:
    bench.consumer.on(Counted)(bench.recorder(fragile))
    return fragile


# --- trying again ---


async def test_a_retry_applies_a_key_in_its_order_and_frees_it(bench: Bench) -> None:
    fragile = listen(bench, Fragile(2))
    records = story("a", 1, 4)
    await bench.apply(*records, *story("b", 2, 3, offset=100))
    await bench.apply(*story("a", 5, 5))
    fragile.bad.clear()
    retried = await bench.parking.retry(ALL)
    assert (retried.applied, retried.stopped_at) == (6, [])
    assert await bench.story("a") == [1, 2, 3, 4, 5]
    assert await bench.story("b") == [2, 3]
    assert await parked_events(bench) == []
    assert await bench.held() == []
    again = await bench.apply(*records)
    assert (again.handled, again.repeated) == (0, 4)
    await bench.apply(*story("a", 6, 6))
    assert await bench.story("a") == [1, 2, 3, 4, 5, 6]


async def test_a_retried_event_is_the_same_event(bench: Bench) -> None:
    """Same ids of what follows from it, same moment at which the broker took it."""
    fragile = listen(bench, Fragile(3))
    record = replace(story("a", 3, 3)[0], timestamp=1_763_600_123_456)
    await bench.apply(record)
    first = fragile.seen[0]
    fragile.bad.clear()
    await bench.parking.retry(ALL)
    assert fragile.seen[-1] == first
    assert first.appended_at == datetime.fromtimestamp(1_763_600_123.456, UTC)
    told = Renamed(ward="tu-minh", thing="a", number=3)
    cause = Cause.of(first.envelope)
    expected = derived_envelope(told, bench.consumer.name, SYSTEM.now(), cause, "").id
    assert await bench.published() == [expected]


async def test_a_retry_stops_at_the_first_that_fails_again(bench: Bench) -> None:
    fragile = listen(bench, Fragile(2, 4))
    await bench.apply(*story("a", 1, 5))
    before = await parked_events(bench)
    assert [(event.offset, event.attempts, event.error) for event in before] == [
        (2, 1, "Permanent"),
        (3, 0, "WaitsBehind"),
        (4, 0, "WaitsBehind"),
        (5, 0, "WaitsBehind"),
    ]
    fragile.bad.remove(2)
    retried = await bench.parking.retry(ALL)
    assert (retried.applied, retried.stopped_at) == (2, [before[2].id])
    assert await bench.story("a") == [1, 2, 3]
    assert len(await bench.published()) == 3, "nothing of the one that failed"
    failed, waits = await parked_events(bench)
    assert (failed.offset, failed.attempts, failed.message) == (4, 1, "4 is bad")
    assert "raise self.error" in failed.trace
    assert failed.last_at > failed.first_at == before[2].first_at
    assert waits == before[3]
    assert await bench.held() == ["tu-minh/a"]
    await bench.parking.retry(ALL)
    assert [event.attempts for event in await parked_events(bench)] == [2, 0]


@pytest.mark.parametrize("run", [1, 2, 3])
async def test_long_stories_go_in_several_transactions(
    bench: Bench, run: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "RUN", run)
    fragile = listen(bench, Fragile(1, 5))
    await bench.apply(*story("a", 1, 6))
    fragile.bad.remove(1)
    assert (await bench.parking.retry(ALL)).applied == 4
    fragile.bad.clear()
    assert (await bench.parking.retry(ALL)).applied == 2
    assert await bench.story("a") == [1, 2, 3, 4, 5, 6]
    assert await bench.held() == []


async def test_what_is_selected_brings_its_key_along_and_no_other(bench: Bench) -> None:
    fragile = listen(bench, Fragile(1, 2))
    await bench.apply(*story("a", 1, 3), *story("b", 2, 3, offset=100))
    fragile.bad.clear()
    assert (await bench.parking.retry(Selection(key="tu-minh/c"))).applied == 0
    assert (await bench.parking.retry(Selection(event_type=Renamed.TYPE))).applied == 0
    assert (await bench.parking.retry(Selection(ward="tu"))).applied == 0
    later = Selection(since=datetime(2100, 1, 1, tzinfo=UTC))
    assert (await bench.parking.retry(later)).applied == 0
    last_of_a = next(e.id for e in await parked_events(bench) if e.offset == 3)
    assert (await bench.parking.retry(Selection(ids=[last_of_a]))).applied == 3
    assert await bench.story("a") == [1, 2, 3]
    assert await bench.held() == ["tu-minh/b"]
    some = Selection(None, "tu-minh/b", Counted.TYPE, datetime(2000, 1, 1, tzinfo=UTC), "tu-minh")
    assert (await bench.parking.retry(some)).applied == 2


async def test_a_transient_fault_of_a_retry_loses_nothing(bench: Bench) -> None:
    fragile = listen(bench, Fragile(1))
    await bench.apply(*story("a", 1, 3))
    fragile.bad, fragile.error = {2}, ConnectionResetError
    with pytest.raises(Transient):
        await bench.parking.retry(ALL)
    assert await bench.story("a") == []
    assert [event.attempts for event in await parked_events(bench)] == [1, 0, 0]
    fragile.bad.clear()
    await bench.parking.retry(ALL)
    assert await bench.story("a") == [1, 2, 3]


async def test_a_type_whose_handler_is_gone_stays_and_says_so(bench: Bench) -> None:
    listen(bench, Fragile(1))
    await bench.apply(*story("a", 1, 1))
    bench.consumer = Consumer(bench.consumer.name)
    assert (await bench.parking.retry(ALL)).applied == 0
    assert (await parked_events(bench))[0].message == f"no handler for {Counted.TYPE}"


# --- parked alone ---


async def test_what_parked_alone_is_retried_alone(bench: Bench) -> None:
    fragile = Fragile(2, 4)
    bench.consumer.on(Counted, order="none")(bench.recorder(fragile))
    await bench.apply(*story("a", 1, 5))
    assert not any(event.in_order for event in await parked_events(bench))
    fragile.bad.remove(4)
    retried = await bench.parking.retry(ALL)
    assert (retried.applied, len(retried.stopped_at)) == (1, 1)
    assert await bench.story("a") == [1, 3, 5, 4]


async def test_one_that_parked_alone_is_in_nobodys_way(bench: Bench) -> None:
    fragile = listen(bench, Fragile(1))
    records = story("a", 1, 3)
    nameless = replace(records[0], offset=0, headers=())
    await bench.apply(nameless, *records)
    number = (await parked_events(bench))[0].id
    fragile.bad.clear()
    retried = await bench.parking.retry(Selection(key="tu-minh/a"))
    assert (retried.applied, retried.stopped_at) == (3, [number])
    assert await bench.held() == []
    await bench.apply(*story("a", 4, 4))
    assert await bench.story("a") == [1, 2, 3, 4]
    await bench.parking.discard(number, "nobody can read it", "x")
    assert await parked_events(bench) == []


@pytest.mark.parametrize("copy", ["none", "before", "after"])
async def test_headers_that_a_later_release_can_read(
    bench: Bench, copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known by its place so far, it takes effect once, whenever a good copy comes."""
    fragile = listen(bench, Fragile())
    record = story("a", 1, 1)[0]
    await bench.apply(replace(record, headers=without(record.headers, "ce_source")))
    assert (await bench.parking.retry(ALL)).applied == 0
    assert (await parked_events(bench))[0].message == "header ce_source is missing"
    monkeypatch.setattr(envelope, "read_headers", with_a_source)
    if copy == "before":
        await bench.apply(replace(record, offset=9))
    else:
        fragile.bad.add(1)
        assert (await bench.parking.retry(ALL)).applied == 0, "it is readable, and fails"
        assert (await parked_events(bench))[0].message == "1 is bad"
        fragile.bad.clear()
    if copy == "after":
        await bench.apply(replace(record, offset=9))
    await bench.parking.retry(ALL)
    assert await parked_events(bench) == []
    assert await bench.story("a") == [1]


def with_a_source(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    return {"ce_source": "urn:thidua:test", **read_headers(headers)}


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_an_inbound_record_comes_to_its_handler_as_it_was(
    bench: Bench, elsewhere: bool
) -> None:
    """`elsewhere`: retried by a command, which has not learned the names of inbound topics."""
    told: list[Inbound] = []
    broken = True

    async def answer(records: Sequence[Inbound], work: UnitOfWork) -> None:
        if broken:
            raise Permanent("a bug")
        told.extend(records)

    bench.consumer.on_inbound(answer)
    bench.consumer.listen_to([INBOUND])
    first = replace(record_of(counted("a", 1), 1, identity="x"), topic=INBOUND)
    same, other = replace(first, offset=2), replace(first, offset=3, value=b"{}")
    nameless = replace(first, offset=4, headers=(("ce_id", b"\xff"),))
    await bench.apply(first, same, other, nameless)
    assert len(await parked_events(bench)) == 4
    broken = False
    if elsewhere:
        bench.consumer.listen_to([])
    await bench.parking.retry(ALL)
    assert [(record.offset, record.repeat) for record in told] == [
        (1, ""),
        (2, "same-bytes"),
        (3, "other-bytes"),
        (4, ""),
    ]
    assert told[3].headers == (("ce_id", b"\xff"),)
    assert told[3].problem == "header ce_id is not UTF-8"


# --- discarding ---


async def test_discarding_lets_the_rest_go_on_and_is_an_act_on_record(bench: Bench) -> None:
    listen(bench, Fragile(2, 4))
    await bench.apply(*story("a", 1, 6))
    head = (await parked_events(bench))[0]
    retried = await bench.parking.discard(head.id, "twice the same unit", "operator-1")
    assert retried.applied == 1
    assert await bench.story("a") == [1, 3]
    kept = await bench.parking.show(head.id)
    assert (kept.state, kept.reason, kept.discarded_by) == (
        "discarded",
        "twice the same unit",
        "operator-1",
    )
    assert kept.body == head.body, "never edited"
    await bench.parking.discard(retried.stopped_at[0], "another", "operator-1")
    assert await bench.story("a") == [1, 3, 5, 6]
    assert await bench.held() == []
    async with bench.engine.connect() as connection:
        rows = await connection.execute(sa.select(act).order_by(act.c.seq))
        acts = [
            Act(r.seq, r.at, r.name, r.subject, r.actor, r.commitment, r.previous, r.hash)
            for r in rows
        ]
    assert [(one.name, one.subject, one.actor) for one in acts] == [
        ("event-discarded", head.place, "operator-1"),
        ("event-discarded", f"{Counted.TOPIC}/0/4", "operator-1"),
    ]
    assert first_break(acts) is None


async def test_one_that_waits_can_be_discarded_and_nothing_moves(bench: Bench) -> None:
    fragile = listen(bench, Fragile(1))
    await bench.apply(*story("a", 1, 3))
    second = (await parked_events(bench))[1]
    assert (await bench.parking.discard(second.id, "not wanted", "x")).applied == 0
    assert [event.attempts for event in await parked_events(bench)] == [1, 0]
    fragile.bad.clear()
    await bench.parking.retry(ALL)
    assert await bench.story("a") == [1, 3]


async def test_a_discard_says_no_to_a_second_mind(bench: Bench) -> None:
    fragile = listen(bench, Fragile(1))
    await bench.apply(*story("a", 1, 2))
    number = (await parked_events(bench))[0].id
    for reason, person in (("", "x"), (" ", "x"), ("why", "")):
        with pytest.raises(ValueError, match="reason"):
            await bench.parking.discard(number, reason, person)
    await bench.parking.discard(number, "why", "x")
    await bench.parking.discard(number, "why", "x")
    for reason, person in (("why not", "x"), ("why", "y")):
        with pytest.raises(AlreadyDiscarded, match="why"):
            await bench.parking.discard(number, reason, person)
    fragile.bad.clear()
    assert (await bench.parking.retry(Selection(ids=[number], state=None))).applied == 0
    with pytest.raises(NoSuchParkedEvent):
        await bench.parking.discard(number + 1, "it waited, and was applied", "x")
    assert len(await bench.rows(act.c.seq)) == 1


async def test_what_was_discarded_and_comes_again_holds_nobody(bench: Bench) -> None:
    """Also an id with other data, which is looked at anew each time it is read."""
    listen(bench, Fragile(2))
    one, two = story("a", 1, 2)
    forged = replace(one, offset=9, value=b"{}")
    await bench.apply(one, two, forged)
    for event in await parked_events(bench):
        await bench.parking.discard(event.id, "why", "x")
    await bench.apply(one, two, forged)
    await bench.apply(*story("a", 3, 3))
    assert await bench.held() == []
    assert await bench.story("a") == [1, 3]


async def test_an_id_with_other_data_is_refused_each_time(bench: Bench) -> None:
    listen(bench, Fragile())
    forged = replace(record_of(counted("a", 99), 1), headers=story("a", 1, 1)[0].headers)
    await bench.apply(*story("a", 1, 1), replace(forged, offset=2), *story("a", 3, 3))
    retried = await bench.parking.retry(ALL)
    assert retried.applied == 0
    assert "taken before with other data" in (await parked_events(bench))[0].message
    assert (await bench.parking.discard(retried.stopped_at[0], "forged", "x")).applied == 1
    assert await bench.story("a") == [1, 3]


# --- at the same time ---


async def test_nothing_is_stranded_while_a_key_is_retried_and_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer, two retries and a fault that comes and goes, all at once."""
    monkeypatch.setattr(parking, "RUN", 3)
    monkeypatch.setattr(trying, "WAITS", (0, 0))
    last = 120
    fragile = listen(bench, Fragile(1, 40, 80))
    done = asyncio.Event()

    async def consume() -> None:
        for number in range(1, last + 1, 4):
            await bench.apply(*story("a", number, min(number + 3, last)))
            await asyncio.sleep(0)
        done.set()

    async def operate() -> None:
        while not done.is_set():
            await bench.parking.retry(ALL)
            fragile.bad -= {min(fragile.bad, default=0)}
            await asyncio.sleep(0.01)

    await asyncio.gather(consume(), operate(), operate())
    await bench.parking.retry(ALL)
    assert await bench.story("a") == list(range(1, last + 1))
    assert (await bench.held(), await parked_events(bench)) == ([], [])
    assert len(await bench.published()) == last


async def test_an_event_that_comes_while_the_last_one_is_retried_waits_for_it(
    bench: Bench,
) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()
    broken = True

    async def slow(event: Received[Counted], _: UnitOfWork) -> None:
        if event.data.number == 1 and broken:
            raise Permanent("not yet")
        if event.data.number == 1:
            entered.set()
            await go_on.wait()

    bench.consumer.on(Counted)(bench.recorder(slow))
    await bench.apply(*story("a", 1, 1))
    broken = False
    retrying = asyncio.create_task(bench.parking.retry(ALL))
    await entered.wait()
    coming = asyncio.create_task(bench.apply(*story("a", 2, 2)))
    await asyncio.sleep(0.2)
    assert not coming.done(), "the key is held"
    go_on.set()
    await asyncio.gather(retrying, coming)
    assert await bench.story("a") == [1, 2]
    assert await bench.held() == []


# --- how often, and when to stop ---


@pytest.mark.parametrize(("error", "tries"), [(Permanent, 1), (KeyError, 3)])
async def test_only_the_unknown_is_tried_again(
    bench: Bench, error: type[Exception], tries: int
) -> None:
    fragile = listen(bench, Fragile(1, error=error))
    await bench.apply(*story("a", 1, 1))
    assert len(fragile.seen) == tries + 1, "once with its batch, the others alone"
    assert [event.attempts for event in await parked_events(bench)] == [tries]


async def test_what_works_the_second_time_is_not_parked(bench: Bench) -> None:
    calls: list[int] = []

    async def hesitate(event: Received[Counted], work: UnitOfWork) -> None:
        calls.append(event.data.number)
        if len(calls) < 3:
            raise RuntimeError("who knows")

    bench.consumer.on(Counted)(bench.recorder(hesitate))
    applied = await bench.apply(*story("a", 1, 1))
    assert (applied.handled, applied.parked) == (1, 0)
    assert await bench.story("a") == [1], "what the first try wrote was undone"


async def test_patience_has_an_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(trying, "PATIENCE", 0.6)
    monkeypatch.setattr("shared.messaging.trying.asyncio.sleep", sleep)
    bench.consumer.on(Counted, order="none")(bench.recorder(Fragile(*range(1, 31), error=KeyError)))
    await bench.apply(*story("a", 1, 30))
    assert sum(slept) <= 0.6
    assert {event.attempts for event in await parked_events(bench)} == {3}


async def test_one_error_in_many_keys_stops_instead_of_parking(bench: Bench) -> None:
    fragile = listen(bench, Fragile(1, error=KeyError))
    applier = Applier(
        bench.consumer, bench.engine, BUSINESS, SYSTEM, alarm=Alarm(share=0.05, least=3)
    )
    await applier.apply([r for thing in "ab" for r in story(thing, 1, 2, offset=10 * ord(thing))])
    assert len(await bench.held()) == 2
    before = await bench.positions()
    more = [r for thing in "cde" for r in story(thing, 1, 2, offset=10 * ord(thing))]
    with pytest.raises(StopAndAlarm, match=f"KeyError in {Counted.TYPE} parks 3 of the last 5"):
        await applier.apply(more)
    assert await bench.held() == ["tu-minh/a", "tu-minh/b"]
    assert await bench.positions() == before
    fragile.bad.clear()
    await applier.apply(more)
    await bench.parking.retry(ALL)
    assert [await bench.story(thing) for thing in "abcde"] == [[1, 2]] * 5


async def test_parked_rows_are_one_an_event(bench: Bench) -> None:
    listen(bench, Fragile(1))
    for _ in range(3):
        await bench.apply(*story("a", 1, 2))
    assert await bench.rows(parked.c.offset) == [1, 2]
