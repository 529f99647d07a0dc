"""A projection made anew beside a consumer at work is equal to the live one, or nothing changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer, TopicPartition
from sqlalchemy.dialects.postgresql import insert

from shared.messaging import history, rebuild
from shared.messaging.client import make_observer
from shared.messaging.consumer import Consumer, Received
from shared.messaging.errors import Permanent, Transient
from shared.messaging.parked_rows import Selection
from shared.messaging.rebuild import Rebuild, RebuildFailed, Rebuilt
from shared.messaging.running import Runner
from shared.messaging.swapping import Changed
from shared.messaging.tables import outbox, parked
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.kafka_tools import counted_on, create_topic, produce, until
from tests.component.kernel_bench import BUSINESS, SYSTEM, Bench, seen
from tests.kernel import Counted, FakeRecord, Forgotten, record_of

pytestmark = pytest.mark.component

THINGS = tuple("abcdefgh")
UNTOUCHED = Changed()
newest = sa.Table(
    "newest",
    sa.MetaData(),
    sa.Column("thing", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("how_many", sa.Integer, nullable=False),
    sa.Column("note", sa.Text),
)
"""The last number of a thing, and how many it got: an event lost, doubled or out of order shows."""


async def keep_newest(events: Sequence[Received[Any]], work: UnitOfWork) -> None:
    for event in events:
        values = {"thing": event.data.thing, "number": event.data.number, "how_many": 1}
        counted = newest.c.how_many + 1
        statement = insert(newest).values(**values, note=event.data.note)
        changed = {"number": event.data.number, "how_many": counted, "note": event.data.note}
        await work.connection.execute(
            statement.on_conflict_do_update(index_elements=["thing"], set_=changed)
        )


@dataclass
class Live:
    """A consumer with one projection, on topics of its own."""

    bench: Bench
    kafka: str
    event: type[Counted]
    refused: set[int] = field(default_factory=set)

    def declare(self, fold: Any = keep_newest) -> None:
        @self.bench.consumer.on(self.event)
        async def take(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
            if self.refused & {event.data.number for event in events}:
                raise Permanent("not this one")
            await keep_newest(events, work)
            for event in events:
                work.publish(event.data.model_copy(), because_of=event, discriminator="again")

        self.bench.consumer.projection("newest", (newest,), {self.event: fold})

    def record(self, thing: str, number: int, **more: Any) -> FakeRecord:
        return record_of(self.event(ward="tu-minh", thing=thing, number=number), 0, **more)

    async def send(self, *told: tuple[str, int]) -> None:
        await produce(self.kafka, [self.record(thing, number) for thing, number in told])

    async def send_gone(self, event: Forgotten) -> None:
        await produce(self.kafka, [record_of(event, 0)])

    async def send_all(self, first: int, last: int) -> None:
        await self.send(*((t, n) for n in range(first, last + 1) for t in THINGS))

    @asynccontextmanager
    async def running(self, batch: int = 500) -> AsyncIterator[Runner]:
        bench = self.bench
        runner = Runner(bench.consumer, bench.applier, bench.engine, self.kafka, "0", batch)
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            runner.stop()
            await asyncio.wait_for(task, 60)

    async def caught_up(self, runner: Runner, events: int) -> None:
        async def is_there() -> bool:
            behind, positions = await runner.behind()
            return not behind and sum(positions.values()) >= events

        await until(is_there, f"{events} events to be applied")

    async def take(self, events: int) -> None:
        async with self.running() as runner:
            await self.caught_up(runner, events)

    def rebuild(self) -> Rebuild:
        projection = self.bench.consumer.projections["newest"]
        bench = self.bench
        return Rebuild(bench.consumer, projection, bench.engine, self.kafka, BUSINESS, SYSTEM)

    async def rebuilt(self) -> Rebuilt:
        """Rebuild; nothing but the projection's tables may change."""
        before = await self.rest()
        done = await self.rebuild().run()
        assert await self.rest() == before
        return done

    async def rows(self) -> list[Any]:
        return await self.bench.rows(*newest.c)

    async def rest(self) -> list[Any]:
        bench = self.bench
        positions = await bench.positions()
        aside = await bench.rows(parked.c.id, parked.c.state, parked.c.attempts)
        return [await bench.taken(), await bench.published(), positions, aside]

    async def execute(self, statement: Any) -> None:
        async with self.bench.engine.begin() as connection:
            await connection.execute(statement)


@pytest.fixture
async def live(
    bench: Bench, kafka: str, make_topic_name: Callable[[str], str]
) -> AsyncIterator[Live]:
    topic = make_topic_name("rebuilt")
    await create_topic(kafka, topic, 3)
    bench.consumer = Consumer(topic)
    async with bench.engine.begin() as connection:
        await connection.run_sync(newest.create)
    yield Live(bench, kafka, counted_on(topic))
    async with bench.engine.begin() as connection:
        await connection.run_sync(newest.drop)


async def test_what_is_right_is_not_touched_and_nothing_is_published(live: Live) -> None:
    live.declare()
    await live.send_all(1, 20)
    await live.take(160)
    before = await live.rows()
    assert await live.rebuilt() == Rebuilt(160, 0, UNTOUCHED)
    assert await live.rows() == before
    assert len(await live.bench.published()) == 160, "as many as the handler told; no more"


async def test_damage_is_put_right(live: Live) -> None:
    live.declare()
    await live.send_all(1, 5)
    await live.take(40)
    before = await live.rows()
    await live.execute(sa.delete(newest).where(newest.c.thing == "a"))
    await live.execute(sa.update(newest).where(newest.c.thing == "b").values(note=None))
    await live.execute(sa.insert(newest).values(thing="zz", number=1, how_many=1))
    assert (await live.rebuilt()).changed == Changed(removed=1, corrected=1, added=1)
    assert await live.rows() == before


async def test_events_that_arrive_meanwhile_are_neither_lost_nor_doubled(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live one is right all the time, so each rebuild must find nothing to put right."""
    monkeypatch.setattr(rebuild, "NEAR", 0)
    monkeypatch.setattr(rebuild, "ROUNDS", 5)
    monkeypatch.setattr(history, "BATCH", 20)
    live.declare()
    await live.send_all(1, 30)
    stop = asyncio.Event()
    last = 30

    async def go_on(runner: Runner) -> None:
        """Never far ahead of the consumer, however slow that is."""
        nonlocal last
        while not stop.is_set():
            if (await runner.behind())[0] > 100:
                await asyncio.sleep(0.01)
                continue
            last += 1
            await live.send_all(last, last)

    async with live.running(batch=7) as runner:
        await live.caught_up(runner, 240)
        sending = asyncio.create_task(go_on(runner))
        try:
            seen_events = []
            for _ in range(5):
                done = await live.rebuild().run()
                assert done.changed == UNTOUCHED
                seen_events.append(done.events)
        finally:
            stop.set()
            await sending
        await live.caught_up(runner, last * len(THINGS))
    assert seen_events == sorted(seen_events)
    assert seen_events[-1] > seen_events[0], "events did arrive meanwhile"
    assert {row[1:3] for row in await live.rows()} == {(last, last)}


async def test_a_position_behind_the_topic_is_not_passed(live: Live) -> None:
    """What the consumer has not applied yet is not in the rebuilt one either."""
    live.declare()
    await live.send_all(1, 3)
    await live.take(24)
    await live.send_all(4, 9)
    before = await live.rows()
    assert await live.rebuilt() == Rebuilt(24, 0, UNTOUCHED)
    assert await live.rows() == before


async def test_what_is_parked_waits_or_was_discarded_stays_out(live: Live) -> None:
    live.declare()
    live.refused = {2, 5}
    await live.send(("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 5), ("b", 6), ("c", 9))
    await live.take(7)
    before = await live.rows()
    assert await live.rebuilt() == Rebuilt(3, 4, UNTOUCHED)
    at_b = await live.bench.rows(parked.c.id, parked.c.key, parked.c.attempts)
    [discarded] = [number for number, key, tries in at_b if key == "tu-minh/b" and tries]
    await live.bench.parking.discard(discarded, "agreed", "operator-1")
    await live.execute(sa.delete(newest))
    assert (await live.rebuilt()).left_out == 3
    assert await live.rows() == [*before[:1], ("b", 6, 2, ""), *before[2:]]


async def test_what_is_retried_while_it_is_being_rebuilt_is_in_it(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.declare()
    live.refused = {2}
    await live.send(("a", 1), ("a", 2), ("a", 3), ("b", 1))
    await live.take(4)
    live.refused.clear()
    close = Rebuild._close_tables

    async def retry_first(self: Rebuild, connection: Any) -> None:
        await live.bench.parking.retry(Selection())
        await close(self, connection)

    monkeypatch.setattr(rebuild, "NEAR", 0)
    monkeypatch.setattr(Rebuild, "_close_tables", retry_first)
    done = await live.rebuild().run()
    assert done == Rebuilt(4, 0, UNTOUCHED)
    assert (await live.rows())[0][:3] == ("a", 3, 3)


async def test_a_repeated_id_counts_once_also_behind_a_parked_one(live: Live) -> None:
    live.declare()
    live.refused = {7}
    twice, aside = live.record("a", 1, identity="one"), live.record("b", 7, identity="two")
    await produce(live.kafka, [twice, aside, twice, aside, live.record("a", 2)])
    await live.take(5)
    assert await live.rebuilt() == Rebuilt(2, 1, UNTOUCHED)
    assert [row[:3] for row in await live.rows()] == [("a", 2, 2)]


async def test_a_fold_that_publishes_or_writes_elsewhere_changes_nothing(live: Live) -> None:
    async def publishes(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
        work.publish(events[0].data, because_of=events[0])

    async def locks(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
        await work.lock(events[0].key)

    async def writes(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
        await keep_newest(events, work)
        await work.connection.execute(sa.insert(seen).values(thing="a", number=1))

    async def fails(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
        raise KeyError(len(events))

    live.declare()
    await live.send_all(1, 2)
    await live.take(16)
    await live.execute(sa.delete(newest).where(newest.c.thing == "a"))
    before = [await live.rows(), await live.rest(), await live.bench.rows(*seen.c)]
    folds = live.bench.consumer.projections
    for fold, said in (
        (publishes, "publishes vn.thidua.test.thing-counted.v1"),
        (locks, "locks tu-minh/"),
        (writes, 'relation "seen" does not exist'),
        (fails, "16"),
    ):
        folds.clear()
        live.bench.consumer.projection("newest", (newest,), {live.event: fold})
        with pytest.raises(RebuildFailed, match=said):
            await live.rebuild().run()
        assert [await live.rows(), await live.rest(), await live.bench.rows(*seen.c)] == before


@pytest.mark.parametrize(
    ("owner", "place"),
    [(Rebuild, "_fold"), (Rebuild, "_close_tables"), (rebuild, "put_right")],
)
async def test_cut_off_anywhere_it_changes_nothing_and_a_second_run_works(
    live: Live, owner: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after kill -9: the session is gone at that moment, in building and in the end."""
    live.declare()
    await live.send_all(1, 4)
    await live.take(32)
    right = await live.rows()
    await live.execute(sa.delete(newest).where(newest.c.thing > "c"))
    damaged = await live.rows()
    kept = getattr(owner, place)
    kill = sa.text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def cut_first(*arguments: Any) -> Any:
        await live.execute(kill)
        return await kept(*arguments)

    monkeypatch.setattr(owner, place, cut_first)
    with pytest.raises(Transient):
        await live.rebuild().run()
    monkeypatch.undo()
    assert await live.rows() == damaged
    assert (await live.rebuilt()).changed.added == len(right) - len(damaged)
    assert await live.rows() == right


async def test_writers_wait_only_for_the_end_and_go_on_after_it(live: Live) -> None:
    """A batch in flight has the tables: the rebuild waits for it, and counts what it did."""
    live.declare()
    await live.send_all(1, 2)
    await live.take(16)
    async with live.bench.engine.connect() as writer:
        await writer.execute(sa.update(newest).values(note="by hand"))
        running = asyncio.create_task(live.rebuild().run())
        await asyncio.sleep(1)
        assert not running.done()
        await writer.commit()
        done = await asyncio.wait_for(running, 60)
    assert done.changed == Changed(corrected=8)


async def test_history_that_is_gone_is_not_rebuilt_from(live: Live) -> None:
    """A position beyond the end of a topic: it was made anew, and does not hold what was read."""
    live.declare()
    await live.send_all(1, 1)
    await live.take(8)
    await live.execute(sa.text("UPDATE position SET next_offset = next_offset + 5"))
    before = await live.rows()
    with pytest.raises(RebuildFailed, match="before what was read of it"):
        await live.rebuild().run()
    assert await live.rows() == before


@pytest.mark.parametrize("gap", [False, True], ids=["whole", "compacted"])
async def test_a_parked_event_may_hide_a_value_that_was_compacted_away(
    live: Live, gap: bool, make_topic_name: Callable[[str], str]
) -> None:
    """Offsets are missing (here a marker of a transaction has one): then nobody can know."""
    topic = make_topic_name("people")
    await create_topic(live.kafka, topic, 1)

    class Known(Counted):
        TOPIC: ClassVar[str] = topic

    class Gone(Forgotten):
        TOPIC: ClassVar[str] = topic

    async def forget(events: Sequence[Received[Gone]], work: UnitOfWork) -> None:
        gone = [event.data.person for event in events]
        await work.connection.execute(sa.delete(newest).where(newest.c.thing.in_(gone)))

    async def know(events: Sequence[Received[Known]], work: UnitOfWork) -> None:
        if any(event.data.number == 13 for event in events):
            raise Permanent("not this one")
        await keep_newest(events, work)

    consumer = live.bench.consumer
    consumer.on(Known)(know)
    consumer.on(Gone)(forget)
    consumer.projection("newest", (newest,), {Known: know, Gone: forget})
    told = [("a", 1), ("b", 13), ("a", 2), ("c", 1), ("c", 13)]
    records = [record_of(Known(ward="tu-minh", thing=t, number=n), 0) for t, n in told]
    if gap:
        await in_a_transaction(live.kafka, records[:1], make_topic_name("transaction"))
    await produce(live.kafka, records[1:] if gap else records)
    await live.take(5 + gap)
    if gap:
        with pytest.raises(RebuildFailed, match=f"{topic}/0/2 is not applied"):
            await live.rebuild().run()
    else:
        assert await live.rebuilt() == Rebuilt(3, 2, UNTOUCHED)
    assert [row[:3] for row in await live.rows()] == [("a", 2, 2), ("c", 1, 1)]
    if gap:
        await live.send_gone(Gone(ward="tu-minh", person="b"))
        await live.take(6 + gap)
        assert await live.rebuilt() == Rebuilt(4, 2, UNTOUCHED)


async def in_a_transaction(kafka: str, records: Sequence[FakeRecord], name: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=name)
    await producer.start()
    async with producer.transaction():
        for one in records:
            await producer.send(one.topic, one.value, key=one.key, headers=list(one.headers))
    await producer.stop()
    observer = make_observer(kafka, name, "0")
    await observer.start()
    partition = TopicPartition(records[0].topic, 0)

    async def marked() -> bool:
        ends = await observer.end_offsets([partition])
        return bool(ends[partition] == len(records) + 1)

    await until(marked, "the marker of the transaction")
    await observer.stop()


def test_what_cannot_be_rebuilt_cannot_be_declared(live: Live) -> None:
    consumer = live.bench.consumer

    class Erased(Forgotten):
        TOPIC: ClassVar[str] = live.event.TOPIC

    async def forget(events: Sequence[Received[Erased]], work: UnitOfWork) -> None: ...

    consumer.on(Erased)(forget)
    consumer.on(live.event, order="none")(keep_newest)
    with pytest.raises(ValueError, match="not handled in the order of its key"):
        consumer.projection("newest", (newest,), {live.event: keep_newest})
    consumer.subscriptions.pop(live.event.TYPE)
    consumer.on(live.event)(keep_newest)
    with pytest.raises(ValueError, match=r"is read without vn\.thidua\.test\.thing-forgotten\.v1"):
        consumer.projection("newest", (newest,), {live.event: keep_newest})
    with pytest.raises(ValueError, match="outbox holds what no event says"):
        consumer.projection("newest", (outbox,), {live.event: keep_newest, Erased: forget})
    consumer.projection("newest", (newest,), {live.event: keep_newest, Erased: forget})
    with pytest.raises(ValueError, match="newest belongs to another projection"):
        consumer.projection("other", (newest,), {live.event: keep_newest, Erased: forget})
