"""The relay: first occurrences in order, duplicates possible, nothing lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa

from shared.messaging import client
from shared.messaging import relay as relaying
from shared.messaging.consumer import Consumer, Received
from shared.messaging.envelope import read_envelope
from shared.messaging.relay import RELAY_LOCK, Relay
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.kafka_tools import (
    counted_on,
    create_topic,
    event_numbers,
    first_occurrences,
    read_all,
    until,
)
from tests.component.kernel_bench import Bench, seen
from tests.kernel import Counted, Renamed, record_of

pytestmark = pytest.mark.component


@dataclass
class Post:
    """A database whose facts go to a topic of their own."""

    bench: Bench
    kafka: str
    event: type[Counted]

    def relay(self, instance: str = "0") -> Relay:
        return Relay(self.bench.engine, self.kafka, "test", instance)

    @asynccontextmanager
    async def running(self, *relays: Relay) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(relay.run()) for relay in relays]
        try:
            yield
        finally:
            for relay in relays:
                relay.stop()
            await asyncio.wait_for(asyncio.gather(*tasks), 60)

    async def publish_next(self, work: UnitOfWork, thing: str, cause: Any = None) -> None:
        """The next number of a thing: the decision rests on state read under the key's lock."""
        await work.lock(f"tu-minh/{thing}")
        newest = sa.select(sa.func.max(seen.c.number)).where(seen.c.thing == thing)
        number = (await work.connection.scalar(newest) or 0) + 1
        await asyncio.sleep(0.001)
        await work.connection.execute(sa.insert(seen).values(thing=thing, number=number))
        work.publish(self.event(ward="tu-minh", thing=thing, number=number), because_of=cause)

    async def publish(self, thing: str, count: int) -> None:
        for _ in range(count):
            async with self.bench.works.begin() as work:
                await self.publish_next(work, thing)

    async def drained(self) -> None:
        async def is_empty() -> bool:
            return not await self.bench.published()

        await until(is_empty, "the outbox to be empty")

    async def told(self) -> dict[str, list[int]]:
        return event_numbers(await read_all(self.kafka, self.event.TOPIC), self.event)


@pytest.fixture
async def post(bench: Bench, kafka: str, make_topic_name: Callable[[str], str]) -> Post:
    topic = make_topic_name("relay")
    await create_topic(kafka, topic, 3)
    bench.consumer = Consumer("test")
    return Post(bench, kafka, counted_on(topic))


async def test_a_handler_and_requests_tell_a_key_s_story_in_commit_order(post: Post) -> None:
    async def answer(event: Received[Counted], work: UnitOfWork) -> None:
        await post.publish_next(work, "other", event)

    async def take(events: Any, work: UnitOfWork) -> None:
        for event in events:
            await answer(event, work)

    post.bench.consumer.on(Renamed)(take)

    async def consume() -> None:
        for number in range(0, 40, 4):
            event = Renamed(ward="tu-minh", thing="a", number=1)
            await post.bench.apply(*(record_of(event, number + more) for more in range(4)))

    async with post.running(post.relay()):
        await asyncio.gather(
            consume(), *(post.publish("other", 10) for _ in range(4)), post.publish("calm", 10)
        )
        await post.drained()
    assert await post.told() == {
        "tu-minh/other": list(range(1, 81)),
        "tu-minh/calm": list(range(1, 11)),
    }


async def test_what_is_sent_is_the_envelope_and_the_body(post: Post) -> None:
    async with post.bench.works.begin("tu-minh/a") as work:
        event = post.event(ward="tu-minh", thing="a", number=1, note="Giấy khen")
        identity = work.publish(event)
    async with post.running(post.relay()):
        await post.drained()
    (record,) = await read_all(post.kafka, post.event.TOPIC)
    envelope = read_envelope(record.headers)
    assert (envelope.id, envelope.type, envelope.ward) == (identity, Counted.TYPE, "tu-minh")
    assert envelope.traceparent.startswith("00-")
    assert post.event.model_validate_json(record.value) == event
    assert record.key == b"tu-minh/a"


async def test_killed_between_send_and_delete_it_repeats_but_keeps_the_order(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "BATCH", 4)
    delete, kills = relaying._delete, 3

    async def die(*arguments: Any) -> None:
        nonlocal kills
        if kills:
            kills -= 1
            raise ConnectionResetError("killed after the acknowledgement")
        await delete(*arguments)

    monkeypatch.setattr(relaying, "_delete", die)
    await post.publish("a", 6)
    await post.publish("b", 6)
    async with post.running(post.relay()):
        await post.drained()
    told = await post.told()
    assert kills == 0
    assert sum(map(len, told.values())) > 12, "nothing was sent twice: nothing was tested"
    for numbers in told.values():
        assert first_occurrences(numbers) == [1, 2, 3, 4, 5, 6]


async def test_a_failed_send_keeps_its_row_and_those_behind_it() -> None:
    loop = asyncio.get_running_loop()
    rows = [
        relaying._Row(seq, "t", key, [], None)
        for seq, key in enumerate(["a", "b", "a", "b", "c", "c"], start=1)
    ]
    futures: list[asyncio.Future[object]] = [loop.create_future() for _ in rows[:5]]
    futures[0].set_exception(RuntimeError("not taken"))
    for future in futures[1:4]:
        future.set_result(None)
    assert relaying._acknowledged(rows, futures) == [2, 4]


async def test_a_broker_that_does_not_answer_delays_and_loses_nothing(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, refusals = client.make_producer, 2

    def refuse(kafka: str, service: str, instance: str) -> Any:
        nonlocal refusals
        if refusals:
            refusals -= 1
            return make("127.0.0.1:1", service, instance)
        return make(kafka, service, instance)

    monkeypatch.setattr(relaying, "make_producer", refuse)
    await post.publish("a", 3)
    async with post.running(post.relay()):
        await post.drained()
    assert refusals == 0
    assert await post.told() == {"tu-minh/a": [1, 2, 3]}


async def active(post: Post) -> int | None:
    """The database session that holds the relay's lock."""
    low, high = RELAY_LOCK & 0xFFFFFFFF, RELAY_LOCK >> 32
    async with post.bench.engine.connect() as connection:
        pid: int | None = await connection.scalar(
            sa.text(
                "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE datname = current_database() AND locktype = 'advisory'"
                " AND objid = :low AND classid = :high AND granted"
            ),
            {"low": low, "high": high},
        )
        return pid


async def test_another_relay_takes_over_within_seconds(post: Post) -> None:
    relays = [post.relay("0"), post.relay("1")]
    async with post.running(*relays):

        async def somebody() -> bool:
            return await active(post) is not None

        await until(somebody, "a relay to be active")
        first = await active(post)
        await post.publish("a", 5)
        async with post.bench.engine.connect() as connection:
            await connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": first})

        async def another() -> bool:
            return await active(post) not in (None, first)

        await until(another, "another session to be active", seconds=30)
        await post.publish("a", 5)
        await post.drained()
    numbers = (await post.told())["tu-minh/a"]
    assert first_occurrences(numbers) == list(range(1, 11))


async def test_it_sends_what_is_left_before_it_stops(post: Post) -> None:
    relay = post.relay()
    async with post.running(relay):

        async def is_active() -> bool:
            return await active(post) is not None

        await until(is_active, "the relay to be active")
        await post.publish("a", 20)
    assert await post.bench.published() == []
    assert (await post.told())["tu-minh/a"] == list(range(1, 21))


async def test_a_commit_in_the_same_process_wakes_it(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "NET_SECONDS", 60)
    relay = post.relay()
    works = replace(post.bench.works, on_commit=relay.wake)
    async with post.running(relay):
        async with works.begin("tu-minh/a") as work:
            work.publish(post.event(ward="tu-minh", thing="a", number=1))
        await post.drained()


async def test_a_commit_costs_it_one_look_and_one_deletion(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not look again at once: whoever puts something there wakes it."""
    monkeypatch.setattr(relaying, "NET_SECONDS", 60)
    relay = post.relay()
    works = replace(post.bench.works, on_commit=relay.wake)
    done: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "outbox" in statement and "INSERT" not in statement:
            done.append(statement.partition(" ")[0])

    async def send(number: int) -> None:
        async def is_sent() -> bool:
            return done.count("DELETE") == number

        async with works.begin("tu-minh/a") as work:
            work.publish(post.event(ward="tu-minh", thing="a", number=number))
        await until(is_sent, "the fact to be sent")

    sa.event.listen(post.bench.engine.sync_engine, "after_cursor_execute", note)
    try:
        async with post.running(relay):
            await send(1)
            first = len(done)
            await send(2)
            await send(3)
            assert done[first:] == ["SELECT", "DELETE"] * 2
    finally:
        sa.event.remove(post.bench.engine.sync_engine, "after_cursor_execute", note)
