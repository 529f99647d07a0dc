"""faststream-outbox in the place of the kernel's relay: order, speed, take-over, outage.

`uv run --with faststream-outbox==0.19.0 python -m bench.spikes.faststream_outbox [speed|order|…]`;
what is decided by it is in `docs/decisions/outbox.md`.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.machine import Machine, cpu_seconds
from bench.spikes.relaying import KEY_HEADER, QUEUE, TOPIC_HEADER, facts
from bench.spikes.trials import KEYS, SYSTEM, Counted
from deploy.local.infrastructure import Infrastructure
from shared.clock import BusinessClock
from shared.database import connect
from shared.messaging.tables import kernel, outbox
from shared.messaging.unit_of_work import OutboxRow, UnitOfWork

ROWS = 30_000
DOCUMENTED_ROWS = 3_000
STORIES = 6_000
WRITERS = 8
OUTAGE_SECONDS = 20.0
FEW = 12
TUNED = {"FETCH": "500", "FLUSH": "100"}
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:thing)")


@dataclass(frozen=True, slots=True)
class Setting:
    """A relay as it is started: how many processes, with which environment.

    `stamped`: writers give their facts the time at which they held the lock (`activate_at`), not
    the time at which their transaction began.
    """

    name: str
    which: str
    environment: Mapping[str, str]
    processes: int = 1
    stamped: bool = False


OURS = Setting("ours", "ours", {})
DOCUMENTED = Setting("theirs, defaults", "theirs", {})
ONE = Setting("theirs, 1 worker", "theirs", TUNED)
EIGHT = Setting("theirs, 8 workers", "theirs", {**TUNED, "WORKERS": "8"})


class Relays:
    """The processes of one setting."""

    def __init__(self, setting: Setting, kafka: str, url: str) -> None:
        environment = {**os.environ, **setting.environment, "KAFKA": kafka, "DATABASE_URL": url}
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.spikes.relaying", setting.which],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for _ in range(setting.processes)
        ]

    def __enter__(self) -> "Relays":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def cpu(self) -> float:
        return sum(cpu_seconds(process.pid) for process in self.processes)

    def end(self) -> int:
        """Stop them; the statements that they sent."""
        said = [process.communicate()[0] for process in self.processes if process.stdout]
        self.processes = []
        return sum(json.loads(line)["statements"] for line in said if line)


@dataclass(slots=True)
class Desk:
    """A topic, a database with both outboxes, and writers."""

    kafka: str
    url: str
    engine: AsyncEngine
    topic: str
    setting: Setting
    numbers: defaultdict[str, int]

    async def write(self, connection: AsyncConnection, things: Sequence[str]) -> None:
        """Facts of things whose lock is held."""
        work = UnitOfWork(connection, "spike", BusinessClock(SYSTEM), SYSTEM)
        await work.lock(*(f"w/{thing}" for thing in things))
        for thing in things:
            self.numbers[thing] += 1
            number = self.numbers[thing]
            event = Counted(ward="w", thing=thing, number=number)
            work.publish(event, topic=self.topic, discriminator=str(number))
        if self.setting.which == "ours":
            await work.store_published()
            return
        insert = sa.insert(facts)
        if self.setting.stamped:
            insert = insert.values(next_attempt_at=sa.func.clock_timestamp())
        await connection.execute(insert, [_row(row) for row in work.published])

    async def fill(self, rows: int) -> None:
        for begin in range(0, rows, 1000):
            things = [f"t-{number % KEYS}" for number in range(begin, min(rows, begin + 1000))]
            async with self.engine.begin() as connection:
                await self.write(connection, things)

    async def tell_stories(self, rows: int) -> None:
        """Concurrent writers: begin, read something, lock a key, write, commit."""

        async def writer(dice: random.Random) -> None:
            for _ in range(rows // WRITERS):
                thing = f"t-{dice.randrange(KEYS // 10)}"
                async with self.engine.begin() as connection:
                    await connection.execute(sa.text("SELECT 1"))
                    await asyncio.sleep(dice.random() * 0.01)
                    await connection.execute(_LOCK, {"thing": int(thing[2:])})
                    await self.write(connection, [thing])

        await asyncio.gather(*(writer(random.Random(n)) for n in range(WRITERS)))

    async def left(self) -> int:
        table = outbox if self.setting.which == "ours" else facts
        async with self.engine.connect() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)

    async def drained(self, to: int = 0, seconds: float = 120.0) -> float:
        """When (monotonic) no more than so many rows were left. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while await self.left() > to:
                await asyncio.sleep(0.05)
        return time.monotonic()

    async def story(self) -> str:
        """What the topic tells, against what was committed."""
        told: defaultdict[str, list[int]] = defaultdict(list)
        reader = AIOKafkaConsumer(
            self.topic, bootstrap_servers=self.kafka, auto_offset_reset="earliest"
        )
        await reader.start()
        ends = await reader.end_offsets(list(reader.assignment()))
        left = sum(ends.values())
        while left:
            for records in (await reader.getmany(timeout_ms=500)).values():
                left -= len(records)
                for record in records:
                    event = Counted.model_validate_json(record.value)
                    told[event.thing].append(event.number)
        await reader.stop()
        first = {thing: list(dict.fromkeys(story)) for thing, story in told.items()}
        lost = sum(self.numbers.values()) - sum(map(len, first.values()))
        again = sum(map(len, told.values())) - sum(map(len, first.values()))
        wrong = sum(b < a for s in first.values() for a, b in pairwise(s))
        return f"lost {lost}, sent again {again}, inversions {wrong} of {sum(ends.values())}"


def _row(row: OutboxRow) -> dict[str, object]:
    """As its `publish` stores it; topic and key have no column there."""
    headers = {**row.envelope.headers(), TOPIC_HEADER: row.topic, KEY_HEADER: row.key}
    return {"queue": QUEUE, "payload": row.body, "headers": headers}


async def desk(here: Infrastructure, setting: Setting) -> Desk:
    topic = f"spike.{uuid4().hex[:8]}"
    url = here.create_database(f"spike_{topic[6:]}")
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(kernel.create_all)
        await connection.run_sync(facts.metadata.create_all)
    admin = AIOKafkaAdminClient(bootstrap_servers=here.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 6, 1)])
    await admin.close()
    return Desk(here.kafka, url, engine, topic, setting, defaultdict(int))


async def speed(here: Infrastructure) -> None:
    """A full outbox, relayed by one process."""
    for setting in (OURS, DOCUMENTED, ONE, EIGHT, OURS):
        at = await desk(here, setting)
        rows = DOCUMENTED_ROWS if setting is DOCUMENTED else ROWS
        await at.fill(rows)
        with Relays(setting, at.kafka, at.url) as relays:
            begun, cpu = await at.drained(rows - 1), relays.cpu()
            rest = await at.left()
            took, cpu = await at.drained() - begun, relays.cpu() - cpu
            statements = relays.end()
        say(
            f"speed: {setting.name}: {rest / took:.0f}/s, {cpu * 1000 / rest:.3f} CPU-s per 1,000,"
            f" {statements / rows:.3f} statements an event; {await at.story()}"
        )
        await at.engine.dispose()


async def order(here: Infrastructure) -> None:
    """Writers and relays at the same time."""
    settings = (
        OURS,
        Setting("ours, 2 processes", "ours", {}, 2),
        ONE,
        EIGHT,
        Setting("theirs, 2 processes of 1 worker", "theirs", TUNED, 2),
        Setting("theirs, stamped, 1 worker", "theirs", TUNED, stamped=True),
        Setting("theirs, stamped, 2 processes of 1 worker", "theirs", TUNED, 2, stamped=True),
    )
    for setting in settings:
        at = await desk(here, setting)
        with Relays(setting, at.kafka, at.url):
            await at.tell_stories(STORIES)
            await at.drained()
        say(f"order: {setting.name}: {await at.story()}")
        await at.engine.dispose()


async def take_over(here: Infrastructure) -> None:
    """Two processes; the first that works is killed when a third of the rows has gone."""
    for setting in (OURS, ONE):
        at = await desk(here, setting)
        await at.fill(ROWS)
        with ExitStack() as stack:
            first = stack.enter_context(Relays(setting, at.kafka, at.url))
            await at.drained(ROWS - 1)
            stack.enter_context(Relays(setting, at.kafka, at.url))
            await at.drained(ROWS * 2 // 3)
            first.processes[0].kill()
            killed, rest = time.monotonic(), await at.left()
            moved = await at.drained(rest - 1) - killed
            took = await at.drained() - killed
        say(
            f"kill -9: {setting.name}: next row after {moved:.1f} s, all after {took:.1f} s;"
            f" {await at.story()}"
        )
        await at.engine.dispose()


async def outage(here: Infrastructure) -> None:
    """The broker is killed, and away for a while."""
    for setting in (OURS, ONE):
        at = await desk(here, setting)
        with Relays(setting, at.kafka, at.url):
            await at.fill(KEYS)
            await at.drained()
            here.kill("kafka")
            await at.fill(FEW)
            await asyncio.sleep(OUTAGE_SECONDS)
            here.restart("kafka")
            back = time.monotonic()
            await asyncio.sleep(1)
            await at.fill(KEYS * 5)
            took = await at.drained() - back
        say(f"outage: {setting.name}: all sent after {took:.1f} s; {await at.story()}")
        await at.engine.dispose()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


PARTS = {"speed": speed, "order": order, "take-over": take_over, "outage": outage}


def main(wanted: Sequence[str]) -> None:
    """Run what is wanted, on a broker and a database of their own."""
    say(str(Machine.here()))
    with tempfile.TemporaryDirectory() as folder, Infrastructure(Path(folder) / "state") as here:
        for name in wanted:
            asyncio.run(PARTS[name](here))


if __name__ == "__main__":
    main(sys.argv[1:] or list(PARTS))
