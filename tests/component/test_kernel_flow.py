"""The consumer's loop on a real broker: the database's position rules, a fault never loses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from aiokafka import TopicPartition

from shared.messaging import client, running, store
from shared.messaging.consumer import Consumer, Received
from shared.messaging.errors import Transient
from shared.messaging.running import Runner
from shared.messaging.tables import inbox, position
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.kafka_tools import committed, counted_on, create_topic, produce, until
from tests.component.kernel_bench import Bench, Hook, seen
from tests.kernel import Counted, FakeRecord, record_of

pytestmark = pytest.mark.component

THINGS = ("a", "b", "c", "d")


@dataclass
class Flow:
    """A topic of its own and the bench that consumes it."""

    bench: Bench
    kafka: str
    event: type[Counted]

    def record(self, thing: str, number: int) -> FakeRecord:
        event = self.event(ward="tu-minh", thing=thing, number=number)
        return record_of(event, 0, identity=f"{thing}-{number}")

    async def send(self, first: int, last: int) -> None:
        """The numbers first..last of every thing."""
        numbers = range(first, last + 1)
        await produce(self.kafka, [self.record(t, n) for n in numbers for t in THINGS])

    def runner(self, instance: str = "0", *, batch: int = 500) -> Runner:
        bench = self.bench
        return Runner(bench.consumer, bench.applier, bench.engine, self.kafka, instance, batch)

    @asynccontextmanager
    async def running(self, *runners: Runner) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(runner.run()) for runner in runners]
        try:
            yield
        finally:
            for runner in runners:
                runner.stop()
            await asyncio.wait_for(asyncio.gather(*tasks), 60)

    async def applied(self, last: int) -> bool:
        found = {thing: await self.bench.story(thing) for thing in THINGS}
        return all(len(story) >= last for story in found.values())

    async def expect(self, last: int) -> None:
        """Wait for 1..last of every thing: each once and in order."""
        await until(lambda: self.applied(last), f"{last} events of every thing")
        for thing in THINGS:
            assert await self.bench.story(thing) == list(range(1, last + 1))


@pytest.fixture
async def flow(bench: Bench, kafka: str, make_topic_name: Callable[[str], str]) -> Flow:
    topic = make_topic_name("flow")
    await create_topic(kafka, topic, 3)
    bench.consumer = Consumer(topic)
    return Flow(bench, kafka, counted_on(topic))


def handle(flow: Flow, hook: Hook | None = None) -> None:
    flow.bench.consumer.on(flow.event)(flow.bench.recorder(hook))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(running, "LONGEST_WAIT", 0.2)


async def test_a_new_consumer_reads_from_the_beginning_in_order(flow: Flow) -> None:
    handle(flow)
    await flow.send(1, 20)
    runner = flow.runner(batch=7)
    async with flow.running(runner):
        await flow.expect(20)
        await flow.send(21, 25)
        await flow.expect(25)

        async def caught_up() -> bool:
            return (await runner.behind())[0] == 0

        await until(caught_up, "nothing behind")
    positions = await flow.bench.positions()
    assert sum(positions.values()) == 25 * len(THINGS)
    shown = await committed(flow.kafka, f"thidua.{flow.bench.consumer.name}", flow.event.TOPIC)
    assert shown == positions, "Kafka's own offsets show the lag"


async def test_a_restart_goes_on_where_the_last_one_stopped(flow: Flow) -> None:
    handle(flow)
    await flow.send(1, 5)
    async with flow.running(flow.runner()):
        await flow.expect(5)
    handled = len(flow.bench.batches)
    await flow.send(6, 8)
    async with flow.running(flow.runner()):
        await flow.expect(8)
    assert min(min(batch) for batch in flow.bench.batches[handled:]) == 6


async def forget(bench: Bench, kept: int) -> None:
    """As if the database had been restored from a copy made when `kept` was the last number."""
    async with bench.engine.begin() as connection:
        for thing in THINGS:
            ids = [f"{thing}-{number}" for number in range(1, kept + 1)]
            gone = sa.and_(inbox.c.event_id.like(f"{thing}-%"), inbox.c.event_id.not_in(ids))
            await connection.execute(sa.delete(inbox).where(gone))
        await connection.execute(sa.delete(seen).where(seen.c.number > kept))


async def test_a_database_restored_from_an_older_copy_reads_again_what_it_forgot(
    flow: Flow,
) -> None:
    handle(flow)
    await flow.send(1, 4)
    async with flow.running(flow.runner()):
        await flow.expect(4)
    older = await flow.bench.positions()
    await flow.send(5, 9)
    async with flow.running(flow.runner()):
        await flow.expect(9)
    await forget(flow.bench, 4)
    async with flow.bench.engine.begin() as connection:
        for number, offset in older.items():
            moved = sa.update(position).where(position.c.partition == number)
            await connection.execute(moved.values(next_offset=offset))
    flow.bench.batches.clear()
    await flow.send(10, 10)
    async with flow.running(flow.runner()):
        await flow.expect(10)
    assert min(min(batch) for batch in flow.bench.batches) == 5


async def test_without_any_position_everything_is_read_whatever_kafka_says(flow: Flow) -> None:
    handle(flow)
    await flow.send(1, 4)
    async with flow.running(flow.runner()):
        await flow.expect(4)
    await forget(flow.bench, 0)
    async with flow.bench.engine.begin() as connection:
        await connection.execute(sa.delete(position))
    async with flow.running(flow.runner()):
        await flow.expect(4)


@pytest.mark.usefixtures("impatient")
async def test_a_transient_fault_is_tried_again_by_the_same_member(flow: Flow) -> None:
    faults = 5

    async def fail_first(event: Received[Counted], work: UnitOfWork) -> None:
        nonlocal faults
        if event.data.number == 3 and faults:
            faults -= 1
            raise Transient("not now")

    handle(flow, fail_first)
    runner = flow.runner()
    joined: list[int] = []
    async with flow.running(runner):
        await flow.send(1, 2)
        await flow.expect(2)
        joined.append(generation(runner))
        await flow.send(3, 6)
        await flow.expect(6)
        joined.append(generation(runner))
    assert faults == 0
    assert joined[0] == joined[1], "the member left its group"
    assert await flow.bench.set_aside() == []


def generation(runner: Runner) -> int:
    """Grows with every rebalance."""
    assert runner.client is not None
    number: int = runner.client._coordinator.generation
    return number


@pytest.mark.usefixtures("impatient")
async def test_a_cut_connection_is_survived(flow: Flow) -> None:
    cuts = 3

    async def cut(event: Received[Counted], work: UnitOfWork) -> None:
        nonlocal cuts
        if event.data.number == 2 and cuts:
            cuts -= 1
            await work.connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    handle(flow, cut)
    await flow.send(1, 4)
    async with flow.running(flow.runner()):
        await flow.expect(4)
    assert cuts == 0
    assert await flow.bench.set_aside() == []


@pytest.mark.usefixtures("impatient")
async def test_an_outage_at_the_start_is_waited_for(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = store.positions, 3

    async def down(*arguments: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionRefusedError("no database")
        return await read(*arguments)

    monkeypatch.setattr(store, "positions", down)
    handle(flow)
    await flow.send(1, 3)
    async with flow.running(flow.runner()):
        await flow.expect(3)
    assert failures == 0


async def test_a_stop_finishes_the_batch_at_hand(flow: Flow) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Received[Counted], work: UnitOfWork) -> None:
        begun.set()
        await go_on.wait()

    handle(flow, slow)
    await flow.send(1, 3)
    runner = flow.runner()
    task = asyncio.create_task(runner.run())
    await begun.wait()
    runner.stop()
    await asyncio.sleep(0.1)
    assert not task.done()
    go_on.set()
    await asyncio.wait_for(task, 60)
    stories = [await flow.bench.story(thing) for thing in THINGS]
    assert [1, 2, 3] in stories
    assert sum(map(len, stories)) == sum((await flow.bench.positions()).values())


async def test_two_members_share_the_partitions_and_nothing_is_applied_twice(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SESSION_TIMEOUT_MS", 6_000)

    async def yield_now(event: Received[Counted], work: UnitOfWork) -> None:
        await asyncio.sleep(0.002)

    handle(flow, yield_now)
    await flow.send(1, 10)
    first, second = flow.runner("0", batch=5), flow.runner("1", batch=5)
    async with flow.running(first):
        await flow.send(11, 20)
        async with flow.running(second):
            await flow.send(21, 30)
            await flow.expect(30)
        await flow.send(31, 32)
        await flow.expect(32)


class Client:
    """A Kafka client whose partition has come back to it while it was polled."""

    def __init__(self, runner: Runner, record: FakeRecord, *, mine: bool = True) -> None:
        self.partition = TopicPartition(record.topic, record.partition)
        self.runner, self.record, self.mine = runner, record, mine
        self.sought: list[int] = []

    def assignment(self) -> set[TopicPartition]:
        return {self.partition} if self.mine else set()

    def paused(self) -> set[TopicPartition]:
        return set()

    def resume(self, *partitions: TopicPartition) -> None:
        assert not partitions

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought.append(offset)

    async def getmany(self, **_: int) -> dict[TopicPartition, list[FakeRecord]]:
        if not self.sought:
            self.runner.lose_place(assigned=True)
        return {self.partition: [self.record]}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        assert offsets, "nothing to commit"


async def test_what_was_polled_before_the_position_was_sought_is_dropped(flow: Flow) -> None:
    handle(flow)
    runner = flow.runner()
    there = Client(runner, flow.record("a", 1))
    await runner._turn(there)
    assert there.sought == []
    assert await flow.bench.nothing_is_there()
    await runner._turn(there)
    assert there.sought == [0]
    assert await flow.bench.story("a") == [1]


async def test_progress_of_partitions_that_went_elsewhere_is_not_shown(flow: Flow) -> None:
    runner = flow.runner()
    there = Client(runner, flow.record("a", 1), mine=False)
    await runner._show_progress(there, await there.getmany())
