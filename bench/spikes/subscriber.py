"""The kernel's applier behind FastStream's batch subscriber, with public parts of 0.7.8 alone."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, Topic
from faststream.kafka.annotations import KafkaMessage
from faststream.kafka.message import KafkaAckableMessage
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging import client, store
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer
from shared.messaging.errors import Transient, is_transient

WAIT = 0.2


@dataclass(slots=True)
class Seeking(ConsumerRebalanceListener):  # type: ignore[misc]
    """Seeks to the database's positions on assignment; tries until it knows them."""

    subscribed: "Subscribed"

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self.subscribed.placed = False

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.subscribed.placed = False
        known = await self.subscribed.positions()
        kafka = self.subscribed.subscriber.consumer
        for partition in assigned:
            kafka.seek(partition, known.get((partition.topic, partition.partition), 0))
        self.subscribed.placed = True


@dataclass(slots=True)
class Subscribed:
    """Runs like the kernel's `Runner`.

    `own_parser`: FastStream's, which decodes every header. `in_handler`: on a transient fault the
    handler waits until it has passed; else it fails, and FastStream seeks back and polls again.
    `guarded`: records that came before the seek are dropped, as the kernel's loop drops them.
    """

    consumer: Consumer
    applier: Applier
    engine: AsyncEngine
    kafka: str
    instance: str
    batch: int = 500
    timeout_ms: int = 200
    graceful: float = 15.0
    own_parser: bool = False
    in_handler: bool = False
    guarded: bool = True
    placed: bool = False
    subscriber: Any = None
    last_poll: float = field(default_factory=time.monotonic)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Consume until `stop`."""
        broker = self._broker()
        await broker.start()
        await self._stopping.wait()
        await broker.stop()

    def stop(self) -> None:
        self._stopping.set()

    async def positions(self) -> dict[tuple[str, int], int]:
        """The database's positions, asked for until it answers."""
        while True:
            try:
                async with self.engine.connect() as connection:
                    return await store.positions(connection, self.consumer.name)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(WAIT)

    def _broker(self) -> KafkaBroker:
        settings = client.consumer_settings(self.kafka, self.consumer.name, self.instance)
        broker = KafkaBroker(
            self.kafka,
            acks="all",
            allow_auto_create_topics=False,
            graceful_timeout=self.graceful,
            client_id=settings["client_id"],
            logger=None,
        )
        self.subscriber = broker.subscriber(
            *(Topic(topic, declare=False) for topic in self.consumer.topics),
            batch=True,
            max_records=self.batch,
            batch_timeout_ms=self.timeout_ms,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=Seeking(self),
            parser=None if self.own_parser else self._parse,
            decoder=None if self.own_parser else _undecoded,
            **{name: settings[name] for name in _PASSED},
        )
        self.subscriber(self._take)
        return broker

    async def _parse(self, records: tuple[Any, ...]) -> KafkaAckableMessage:
        return KafkaAckableMessage(raw_message=records, body=b"", consumer=self.subscriber.consumer)

    async def _take(self, message: KafkaMessage) -> None:
        self.last_poll = time.monotonic()
        records: Any = message.raw_message
        if self.guarded and not self.placed:
            return
        while True:
            try:
                await self.applier.apply(records)
            except Transient:
                await asyncio.sleep(WAIT)
                if not self.in_handler:
                    raise
            else:
                return


_PASSED = (
    "group_id",
    "group_instance_id",
    "auto_offset_reset",
    "isolation_level",
    "session_timeout_ms",
    "heartbeat_interval_ms",
    "max_poll_interval_ms",
    "max_partition_fetch_bytes",
    "check_crcs",
)


async def _undecoded(message: KafkaAckableMessage) -> None:
    """Nothing is decoded: the handler takes the raw records."""
