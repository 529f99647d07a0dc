"""Records that flow in, effects and facts that come of them, and what an observer finds."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import httpx
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from confluent_kafka.admin import AdminClient
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Infrastructure
from shared.clock import BusinessClock, SystemClock
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer, Received
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import outbox, parked
from shared.messaging.unit_of_work import UnitOfWork
from shared.web.health import health_router
from tests.component.kafka_tools import event_numbers, first_occurrences, read_all, until
from tests.component.kernel_bench import seen
from tests.faults.doors import Doors
from tests.kernel import Counted, record_of

DOOR = "cuts"
PARTITIONS = 3
THINGS = ("a", "b", "c", "d", "e", "f")
PAUSE = 0.01
"""Seconds between two numbers of every thing."""
SYSTEM = SystemClock()
BUSINESS = BusinessClock(SYSTEM)


@dataclass
class Servers:
    """The broker and the database server; `provided` goes past the doors."""

    provided: Infrastructure
    doors: Doors
    url: str
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def url_through_door(self) -> str:
        return self.doors.postgres_of(DOOR, self.url)

    def next_topic(self) -> str:
        return f"thidua.cuts.{next(self._numbers)}.v1"

    async def kill(self, *names: str) -> None:
        """SIGKILL to `kafka` or `postgres`."""
        for name in names:
            await asyncio.to_thread(self.provided.kill, name)

    async def restart(self, *names: str) -> None:
        for name in names:
            await asyncio.to_thread(self.provided.restart, name)

    async def end_sessions(self) -> int:
        """End every session of the service's database; how many that were."""
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'cuts'"
        )
        return int(await asyncio.to_thread(self.provided.databases.execute, query))

    def members(self, group: str) -> dict[str, str]:
        """Static name -> the id that the broker gave the member when it joined."""
        admin = AdminClient({"bootstrap.servers": self.provided.kafka, "log_level": 0})
        found = admin.describe_consumer_groups([group])[group].result(10)
        return {str(member.group_instance_id): member.member_id for member in found.members}


def events_on(topic: str) -> tuple[type[Counted], type[Counted]]:
    """What comes in on a topic, and what is told of it."""

    class Given(Counted):
        TOPIC: ClassVar[str] = topic

    class Told(Counted):
        TYPE: ClassVar[str] = "vn.thidua.test.thing-told.v1"
        TOPIC: ClassVar[str] = f"{topic}.told"

    return Given, Told


@dataclass
class Flow:
    """One consumer and its relay, by way of the doors; what it did is looked at past them.

    The numbers of every thing begin after `start`; `sent` is the last one.
    """

    servers: Servers
    direct: AsyncEngine
    engine: AsyncEngine
    given: type[Counted]
    told: type[Counted]
    start: int = 0
    consumer: Consumer = field(init=False)
    sent: int = field(init=False)
    _enough: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.sent = self.start
        self.consumer = Consumer(self.given.TOPIC)
        self.consumer.on(self.given)(self._take)

    @property
    def kafka(self) -> str:
        return self.servers.doors.kafka_of(DOOR)

    @property
    def group(self) -> str:
        return f"thidua.{self.consumer.name}"

    async def _take(self, events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
        rows = [{"thing": event.data.thing, "number": event.data.number} for event in events]
        await work.connection.execute(sa.insert(seen), rows)
        for event in events:
            data = event.data
            fact = self.told(ward=data.ward, thing=data.thing, number=data.number)
            work.publish(fact, because_of=event)

    def runner(self, instance: str = "0", relay: Relay | None = None) -> Runner:
        wake = relay.wake if relay else lambda: None
        applier = Applier(self.consumer, self.engine, BUSINESS, SYSTEM, wake)
        return Runner(self.consumer, applier, self.engine, self.kafka, instance)

    def relay(self, instance: str = "0") -> Relay:
        return Relay(self.engine, self.kafka, self.consumer.name, instance)

    @property
    def beside(self) -> "Flow":
        """The same on another machine, whose connections do not go through the doors."""
        return replace(self, engine=self.direct)

    @asynccontextmanager
    async def running(self, *parts: Runner | Relay) -> AsyncIterator[None]:
        """Parts that run, and records that come in until `settle`."""
        tasks = [asyncio.create_task(part.run()) for part in parts]
        load = asyncio.create_task(self.pour())
        try:
            yield
        finally:
            self._enough.set()
            for part in parts:
                part.stop()
            await asyncio.wait_for(asyncio.gather(load, *tasks), 60)

    @asynccontextmanager
    async def running_too(self, part: Runner | Relay) -> AsyncIterator[None]:
        """Another part, whose end is also that of its task, whatever happens meanwhile."""
        task = asyncio.create_task(part.run())
        try:
            yield
        finally:
            part.stop()
            await asyncio.wait_for(task, 60)

    async def pour(self) -> None:
        """The next number of every thing, and again."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.servers.provided.kafka, acks="all", enable_idempotence=True
        )
        await producer.start()
        try:
            while not self._enough.is_set():
                for thing in THINGS:
                    event = self.given(ward="tu-minh", thing=thing, number=self.sent + 1)
                    made = record_of(event, 0, identity=f"{thing}-{self.sent + 1}")
                    await producer.send(
                        made.topic, value=made.value, key=made.key, headers=list(made.headers)
                    )
                self.sent += 1
                await asyncio.sleep(PAUSE)
            await producer.flush()
        finally:
            await producer.stop()

    async def applied(self) -> int:
        """How many effects there are."""
        async with self.direct.connect() as connection:
            return await connection.scalar(sa.select(sa.func.count()).select_from(seen)) or 0

    async def gets_on(self, by: int = 300, *, seconds: float = 60) -> None:
        """Wait until so many more effects are there."""
        before = await self.applied()
        await until(lambda: self._beyond(before + by), "the member to get on", seconds=seconds)

    async def is_told(self) -> None:
        """Wait until the relay has sent and deleted facts, so that its statements are prepared.

        Where a session is cut off between preparing a statement and running it, the server
        takes it for busy and none of its limits counts (docs/decisions/outbox.md).
        """
        before = await self.applied()
        await until(lambda: self._relayed_beyond(before), "the relay to have deleted facts")

    async def _relayed_beyond(self, count: int) -> bool:
        effects, waiting = (
            sa.select(sa.func.count()).select_from(table).scalar_subquery()
            for table in (seen, outbox)
        )
        async with self.direct.connect() as connection:
            return bool(await connection.scalar(sa.select(effects - waiting > count)))

    async def _beyond(self, count: int) -> bool:
        return await self.applied() >= count

    async def settle(self, *, seconds: float = 60) -> None:
        """Stop the load; every record then takes effect once and in order, and is told of so."""
        self._enough.set()
        await asyncio.sleep(2 * PAUSE)
        await until(self._all_told, "all effects to be there and told", seconds=seconds)
        expected = list(range(self.start + 1, self.sent + 1))
        async with self.direct.connect() as connection:
            rows = (await connection.execute(sa.select(seen).order_by(seen.c.seq))).all()
            assert not await connection.scalar(sa.select(sa.func.count()).select_from(parked))
        for thing in THINGS:
            assert [row.number for row in rows if row.thing == thing] == expected
        records = await read_all(self.servers.provided.kafka, self.told.TOPIC)
        told = event_numbers(records, self.told)
        assert told.keys() == {f"tu-minh/{thing}" for thing in THINGS}
        for numbers in told.values():
            assert first_occurrences(numbers) == expected

    async def _all_told(self) -> bool:
        async with self.direct.connect() as connection:
            waiting = await connection.scalar(sa.select(sa.func.count()).select_from(outbox))
        return not waiting and await self._beyond((self.sent - self.start) * len(THINGS))

    async def close(self) -> None:
        self._enough.set()
        await self.engine.dispose()
        await self.direct.dispose()

    async def health(self, runner: Runner, relay: Relay) -> dict[str, Any]:
        """What `/livez` and `/readyz` say: the lists of what is stale and what is missing."""
        app = FastAPI()
        app.include_router(health_router("cuts", self.engine, runner, relay, []))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://cuts") as client:
            live, ready = await asyncio.gather(client.get("/livez"), client.get("/readyz"))
        assert (live.status_code == 200) == (not live.json()["stale"])
        assert (ready.status_code == 200) == (not ready.json()["missing"])
        return {"stale": live.json()["stale"], "missing": ready.json()["missing"]}
