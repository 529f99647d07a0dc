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

from shared.messaging import store
from shared.messaging.applying import Applier
from shared.messaging.client import make_consumer
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.errors import Transient

log = logging.getLogger(__name__)

POLL_MS = 250
BATCH = 500
FIRST_WAIT = 0.2
LONGEST_WAIT = 30.0


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


class _SeekToPosition(ConsumerRebalanceListener):  # type: ignore[misc]
    """On assignment, read on from the database's position, whatever Kafka's offsets say."""

    def __init__(self, runner: "Runner") -> None:
        self._runner = runner

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        log.info("partitions revoked: %d", len(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        await self._runner.seek_to_positions(assigned)


@dataclass(slots=True)
class Runner:
    """Runs one consumer until it is stopped; a crash of the loop is the service's end."""

    consumer: Consumer
    applier: Applier
    engine: AsyncEngine
    kafka: str
    instance: str
    batch: int = BATCH
    client: AIOKafkaConsumer | None = None
    last_poll: float = field(default_factory=time.monotonic)
    busy: bool = False
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _backoff: Backoff | None = None

    async def run(self) -> None:
        """Consume until `stop`; then finish the batch at hand and leave."""
        self.client = make_consumer(self.kafka, self.consumer.name, self.instance)
        self.client.subscribe(list(self.consumer.topics), listener=_SeekToPosition(self))
        await self.client.start()
        try:
            while not self._stopping.is_set():
                await self._turn(self.client)
        finally:
            await self.client.stop()

    def stop(self) -> None:
        self._stopping.set()

    async def seek_to_positions(self, assigned: Sequence[TopicPartition]) -> None:
        """Seek each partition to where the database says the effects end."""
        known = await self._positions()
        client = self._client()
        for partition in assigned:
            offset = known.get((partition.topic, partition.partition))
            if offset is None:
                await client.seek_to_beginning(partition)
            else:
                client.seek(partition, offset)
        log.info("partitions assigned: %d", len(assigned))

    async def _positions(self) -> dict[tuple[str, int], int]:
        while True:
            try:
                async with self.engine.connect() as connection:
                    return await store.positions(connection, self.consumer.name)
            except Exception as error:  # the rebalance has to wait for the database
                log.warning("cannot read positions yet: %r", error)
                await asyncio.sleep(1)

    async def _turn(self, client: AIOKafkaConsumer) -> None:
        self._resume_when_due(client)
        try:
            fetched: Mapping[TopicPartition, list[Any]] = await client.getmany(
                timeout_ms=POLL_MS, max_records=self.batch
            )
        except KafkaError as error:
            log.warning("poll failed: %r", error)
            await asyncio.sleep(1)
            return
        self.last_poll = time.monotonic()
        if fetched:
            await self._apply(client, fetched)

    async def _apply(
        self, client: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        records: list[Record] = [record for part in fetched.values() for record in part]
        self.busy = True
        try:
            await self.applier.apply(records)
        except Transient as fault:
            self._pause(client, fetched, fault)
            return
        finally:
            self.busy = False
        self._backoff = None
        await self._show_progress(client, fetched)

    def _pause(
        self,
        client: AIOKafkaConsumer,
        fetched: Mapping[TopicPartition, list[Any]],
        fault: Transient,
    ) -> None:
        still_ours = client.assignment()
        for partition, records in fetched.items():
            if partition in still_ours:
                client.seek(partition, records[0].offset)
        self._backoff = self._backoff or Backoff()
        wait = self._backoff.grow(time.monotonic())
        client.pause(*still_ours)
        log.warning("transient fault, trying again in %.1f s: %s", wait, fault)

    def _resume_when_due(self, client: AIOKafkaConsumer) -> None:
        if self._backoff and client.paused() and time.monotonic() >= self._backoff.until:
            client.resume(*client.paused())

    async def _show_progress(
        self, client: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        ours = client.assignment()
        offsets = {p: records[-1].offset + 1 for p, records in fetched.items() if p in ours}
        try:
            await client.commit(offsets)
        except KafkaError as error:
            log.info("Kafka's offsets (which only show lag) were not committed: %r", error)

    def _client(self) -> AIOKafkaConsumer:
        if self.client is None:
            raise RuntimeError("the consumer is not running")
        return self.client

    async def behind(self) -> tuple[int, dict[str, int]]:
        """How many records of all topics are not applied yet, and the positions."""
        known = await self._positions()
        client = self._client()
        partitions = [
            TopicPartition(topic, number)
            for topic in self.consumer.topics
            for number in (client.partitions_for_topic(topic) or set())
        ]
        if len({p.topic for p in partitions}) < len(self.consumer.topics):
            return -1, {}
        ends: Mapping[TopicPartition, int] = await client.end_offsets(partitions)
        missing = sum(max(0, end - known.get((p.topic, p.partition), 0)) for p, end in ends.items())
        return missing, {f"{topic}/{part}": offset for (topic, part), offset in known.items()}
