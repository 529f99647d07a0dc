"""A small consumer under faults, and what became of its events."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Protocol
from uuid import uuid4

import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import BusinessClock, SystemClock
from shared.contracts.base import Code, Event
from shared.database import connect
from shared.messaging import Consumer, Received, UnitOfWork
from shared.messaging.applying import Applied, Applier
from shared.messaging.envelope import Record, new_envelope
from shared.messaging.errors import Transient
from shared.messaging.tables import inbox, kernel, parked, position

PARTITIONS = 6
KEYS = 60
own = sa.MetaData()
seen = sa.Table(
    "seen",
    own,
    sa.Column("seq", sa.BigInteger, sa.Identity(cache=1), primary_key=True),
    sa.Column("thing", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
)
SYSTEM = SystemClock()


class Counted(Event):
    """The n-th event of all; of one thing the numbers grow."""

    TYPE: ClassVar[str] = "vn.thidua.spike.thing-counted.v1"

    thing: Code
    number: int

    @property
    def subject(self) -> str:
        return self.thing


class Running(Protocol):
    """The kernel's `Runner`, or what stands in its place."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...


class Tried(Applier):
    """The kernel's applier; `until` (monotonic) all fails, `lasts` a batch takes that long."""

    until: float = 0.0
    lasts: float = 0.0
    working: asyncio.Event
    sent: dict[str, float]
    latencies: list[float]

    async def apply(self, records: Sequence[Record]) -> Applied:
        if time.monotonic() < self.until:
            raise Transient("the spike says so")
        self.working.set()
        applied = await super().apply(records)
        now = time.perf_counter()
        for record in records:
            identity = dict(record.headers).get("ce_id") or b""
            if (at := self.sent.pop(identity.decode(), None)) is not None:
                self.latencies.append(now - at)
        return applied


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of events."""

    lost: int
    twice: int
    out_of_order: int
    parked: int

    def __str__(self) -> str:
        return (
            f"lost {self.lost}, twice {self.twice}, out of order {self.out_of_order},"
            f" parked {self.parked}"
        )


@dataclass(slots=True)
class Trial:
    """A topic, a database and the consumer between them."""

    kafka: str
    engine: AsyncEngine
    consumer: Consumer
    applier: Tried
    event: type[Counted]
    producer: AIOKafkaProducer
    numbers: int = 0
    tasks: list[tuple[Running, asyncio.Task[None]]] = field(default_factory=list)

    async def send(self, count: int, rate: float = 0.0) -> None:
        """So many events, all at once or, at random times, so many a second."""
        dice, due = random.Random(7), time.perf_counter()
        for _ in range(count):
            if rate:
                due += dice.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self.send_one({})
        await self.producer.flush()

    async def send_one(self, changed: dict[str, bytes | None]) -> None:
        """One event with these headers changed; None takes one away."""
        self.numbers += 1
        event = self.event(ward="w", thing=f"t-{self.numbers % KEYS}", number=self.numbers)
        envelope = new_envelope(event, "spike", SYSTEM.now(), "spike")
        headers = {name: text.encode() for name, text in envelope.headers().items()} | changed
        kept = [(name, value) for name, value in headers.items() if value is not None]
        self.applier.sent[envelope.id] = time.perf_counter()
        await self.producer.send(
            self.event.TOPIC,
            event.model_dump_json().encode(),
            key=event.key.encode(),
            headers=kept,
        )

    def start(self, running: Running) -> None:
        self.tasks.append((running, asyncio.create_task(running.run())))

    async def stop(self) -> None:
        """Ask all to stop, and wait for them."""
        for running, _ in self.tasks:
            running.stop()
        await asyncio.gather(*(task for _, task in self.tasks))
        self.tasks.clear()

    async def until(self, count: int, seconds: float) -> bool:
        """True once so many were handled or parked; False when nothing moved for so long."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            done = await self._count(seen) + await self._count(parked)
            if done >= count:
                return True
            if done != last:
                last, since = done, time.monotonic()
            await asyncio.sleep(0.1)
        return False

    async def forget(self) -> None:
        """As if an older copy of the database, from before the first event, was restored."""
        async with self.engine.begin() as connection:
            for table in (seen, inbox, position, parked):
                await connection.execute(sa.delete(table))

    async def outcome(self) -> Outcome:
        async with self.engine.connect() as connection:
            rows = (await connection.execute(sa.select(seen).order_by(seen.c.seq))).all()
        stories: defaultdict[str, list[int]] = defaultdict(list)
        for _, thing, number in rows:
            stories[thing].append(number)
        different = {number for story in stories.values() for number in story}
        set_aside = await self._count(parked)
        return Outcome(
            self.numbers - len(different) - set_aside,
            len(rows) - len(different),
            sum(b < a for story in stories.values() for a, b in pairwise(story)),
            set_aside,
        )

    async def members(self) -> int:
        """How many members the broker knows in the group."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            (answer,) = await admin.describe_consumer_groups([f"thidua.{self.consumer.name}"])
            return len(answer.groups[0][5])
        finally:
            await admin.close()

    async def _count(self, table: sa.Table) -> int:
        async with self.engine.connect() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _handler(applier: Callable[[], Tried]) -> Callable[..., Awaitable[None]]:
    async def take(events: Sequence[Received[Any]], work: UnitOfWork) -> None:
        rows = [{"thing": e.data.thing, "number": e.data.number} for e in events]
        await work.connection.execute(sa.insert(seen), rows)
        await asyncio.sleep(applier().lasts)

    return take


@asynccontextmanager
async def trial(kafka: str, url: str) -> AsyncIterator[Trial]:
    """A fresh topic, an empty database, nothing running yet."""
    name = f"spike.{uuid4().hex[:8]}"
    event = type("Here", (Counted,), {"TOPIC": name, "__module__": __name__})
    consumer = Consumer(name)
    engine = connect(url)
    async with engine.begin() as connection:
        for tables in (kernel, own):
            await connection.run_sync(tables.drop_all)
            await connection.run_sync(tables.create_all)
    applier = Tried(consumer, engine, BusinessClock(SYSTEM), SYSTEM)
    applier.working, applier.sent, applier.latencies = asyncio.Event(), {}, []
    consumer.on(event)(_handler(lambda: applier))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    await producer.start()
    try:
        yield Trial(kafka, engine, consumer, applier, event, producer)
    finally:
        await producer.stop()
        await engine.dispose()
