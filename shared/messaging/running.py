"""The consumer's loop: poll, apply, and on a transient fault pause but keep polling."""

import asyncio
import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.failpoints import reach
from shared.messaging import store
from shared.messaging.applying import Applier
from shared.messaging.client import make_consumer, make_observer
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.errors import StopAndAlarm, Transient, is_transient

log = logging.getLogger(__name__)

POLL_MS = 250
BATCH = 500
FIRST_WAIT = 0.2
LONGEST_WAIT = 30.0
COMMIT_DEADLINE = 5.0


@dataclass(slots=True)
class Backoff:
    """Capped, jittered waits between tries at the same batch, in seconds."""

    attempt: int = 0
    until: float = 0.0

    def grow(self, now: float) -> float:
        longest = min(LONGEST_WAIT, FIRST_WAIT * float(2**self.attempt))
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311
        self.attempt += 1
        self.until = now + wait
        return wait


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the runner that its place in the partitions has to be found anew."""

    def __init__(self, runner: "Runner") -> None:
        self._runner = runner

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        log.info("partitions revoked: %d", len(revoked))
        self._runner.lose_place(assigned=False)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        log.info("partitions assigned: %d", len(assigned))
        self._runner.lose_place(assigned=True)


@dataclass(slots=True)
class Runner:
    """Runs one consumer until it is stopped; a crash of the loop is the service's end.

    Only records read from the database's positions on are applied. Kafka's own offsets, from
    which its client begins by itself after each assignment, only show lag. Once `alarm` says
    why, nothing more is applied before a restart; it polls on, so as to keep its partitions.
    """

    consumer: Consumer
    applier: Applier
    engine: AsyncEngine
    kafka: str
    instance: str
    batch: int = BATCH
    client: AIOKafkaConsumer | None = None
    observer: AIOKafkaConsumer | None = None
    last_poll: float = field(default_factory=time.monotonic)
    busy: bool = False
    alarm: str = ""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _backoff: Backoff | None = None
    _assigned: bool = False
    _placed: bool = False

    async def run(self) -> None:
        """Consume until `stop`; then finish the batch at hand and leave."""
        self.client = make_consumer(self.kafka, self.consumer.name, self.instance)
        self.client.subscribe(list(self.consumer.topics), listener=_Rebalance(self))
        observer = make_observer(self.kafka, self.consumer.name, self.instance)
        try:
            await self.client.start()
            await observer.start()
            self.observer = observer
            while not self._stopping.is_set():
                await self._turn(self.client)
        finally:
            await self.client.stop()
            await observer.stop()

    def stop(self) -> None:
        self._stopping.set()

    def lose_place(self, *, assigned: bool) -> None:
        """What is polled from here on is dropped, until the positions have been sought."""
        self._assigned = assigned
        self._placed = False

    async def _turn(self, client: AIOKafkaConsumer) -> None:
        if self.alarm:
            client.pause(*client.assignment())
        elif self._backoff is None or time.monotonic() >= self._backoff.until:
            client.resume(*client.paused())
            if self._assigned and not self._placed:
                await self._find_place(client)
        try:
            fetched: Mapping[TopicPartition, list[Any]] = await client.getmany(
                timeout_ms=POLL_MS, max_records=self.batch
            )
        except KafkaError as error:
            log.warning("poll failed: %r", error)
            await asyncio.sleep(1)
            return
        self.last_poll = time.monotonic()
        if fetched and self._placed:
            await self._apply(client, fetched)

    async def _find_place(self, client: AIOKafkaConsumer) -> None:
        """Seek each partition to where the database says the effects end."""
        self._placed = True
        try:
            known = await self._positions()
        except Exception as error:
            if not is_transient(error):
                raise
            self._pause(client, error)
            return
        if not self._placed:  # a rebalance came in between
            return
        for partition in client.assignment():
            client.seek(partition, known.get((partition.topic, partition.partition), 0))

    async def _positions(self) -> dict[tuple[str, int], int]:
        async with self.engine.connect() as connection:
            return await store.positions(connection, self.consumer.name)

    async def _apply(
        self, client: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        records: list[Record] = [record for part in fetched.values() for record in part]
        self.busy = True
        try:
            await self.applier.apply(records)
        except Transient as fault:
            self._pause(client, fault)
            return
        except StopAndAlarm as alarm:
            self._placed = False
            self.alarm = str(alarm)
            log.error("%s stops applying until it is restarted: %s", self.consumer.name, alarm)
            return
        finally:
            self.busy = False
        self._backoff = None
        reach("committed-before-offsets")
        await self._show_progress(client, fetched)

    def _pause(self, client: AIOKafkaConsumer, fault: Exception) -> None:
        self._placed = False
        self._backoff = self._backoff or Backoff()
        wait = self._backoff.grow(time.monotonic())
        client.pause(*client.assignment())
        log.warning("transient fault, trying again in %.1f s: %s", wait, fault)

    async def _show_progress(
        self, client: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        ours = client.assignment()
        offsets = {p: records[-1].offset + 1 for p, records in fetched.items() if p in ours}
        if not offsets:
            return
        try:
            async with asyncio.timeout(COMMIT_DEADLINE):
                await client.commit(offsets)
        except (KafkaError, TimeoutError) as error:
            log.info("Kafka's offsets (which only show lag) were not committed: %r", error)

    async def behind(self) -> tuple[int, dict[str, int]]:
        """How many records of all topics are not applied yet (-1: unknown), and the positions."""
        client, observer = self.client, self.observer
        if client is None or observer is None:
            return -1, {}
        known = await self._positions()
        partitions = [
            TopicPartition(topic, number)
            for topic in self.consumer.topics
            for number in (client.partitions_for_topic(topic) or set())
        ]
        if len({p.topic for p in partitions}) < len(self.consumer.topics):
            return -1, {}
        ends: Mapping[TopicPartition, int] = await observer.end_offsets(partitions)
        missing = sum(max(0, end - known.get((p.topic, p.partition), 0)) for p, end in ends.items())
        return missing, {f"{topic}/{part}": offset for (topic, part), offset in known.items()}
