"""Records as any publisher may write them: names of headers that are no text, any packing."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NoError, NotLeaderForPartitionError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Producer

RawHeaders = tuple[tuple[bytes, bytes | None], ...]


@dataclass(frozen=True)
class WireRecord:
    """What is written; the broker decides topic and offset. `timestamp` in ms since 1970."""

    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    timestamp: int = 1_763_600_000_000


class _RawName(str):
    """A name that encodes to bytes that are no text."""

    raw: bytes

    def encode(self, *_: Any) -> bytes:
        return self.raw


def _raw_name(raw: bytes) -> str:
    name = _RawName("raw")
    name.raw = raw
    return name


def batch_of(records: Sequence[WireRecord], codec: int = 0) -> bytes:
    """One batch in Kafka's format v2; 0: not packed, 1: gzip."""
    builder = _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=codec,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for number, record in enumerate(records):
        headers = [(_raw_name(name), value) for name, value in record.headers]
        builder.append(number, record.timestamp, record.key, record.value, headers)
    return bytes(builder.build())


@dataclass
class Wire:
    """Appends batches to partition 0 of topics; each call returns the first offset given."""

    kafka: str
    _client: AIOKafkaClient

    async def append(self, topic: str, records: Sequence[WireRecord], codec: int = 0) -> int:
        batch = batch_of(records, codec)
        async with asyncio.timeout(20):
            while True:
                error, offset = await self._append(topic, batch)
                if error is not NotLeaderForPartitionError:
                    break
        if error is not NoError:
            raise error
        return offset

    async def _append(self, topic: str, batch: bytes) -> tuple[type[Exception], int]:
        """A topic just made may have no leader yet; then nothing was appended."""
        await self._client.add_topic(topic)
        await self._client.force_metadata_update()
        node = self._client.cluster.leader_for_partition(TopicPartition(topic, 0))
        request = ProduceRequest(None, -1, 20_000, [(topic, [(0, batch)])])
        response = await self._client.send(node, request)
        _, error, offset, *_ = response.topics[0][1][0]
        return for_code(error), int(offset)

    async def packed(self, topic: str, codec: str, records: Sequence[WireRecord]) -> int:
        """By librdkafka, which brings all of Kafka's codecs."""
        return await asyncio.to_thread(_packed, self.kafka, topic, codec, records)

    async def in_transaction(
        self, topic: str, records: Sequence[WireRecord], *, commit: bool
    ) -> int:
        """A transaction of its own: what it ends with is a control record."""
        name = f"transaction-{topic}-{commit}"
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, transactional_id=name)
        await producer.start()
        try:
            await producer.begin_transaction()
            for record in records:
                headers = [(name.decode(), value) for name, value in record.headers]
                told = await producer.send_and_wait(
                    topic, record.value, record.key, partition=0, headers=headers
                )
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()
        return int(told.offset) - len(records) + 1


def _packed(kafka: str, topic: str, codec: str, records: Sequence[WireRecord]) -> int:
    settings = {"bootstrap.servers": kafka, "compression.type": codec, "linger.ms": 50}
    offsets: list[int | None] = []
    with _producer(settings) as producer:
        for record in records:
            producer.produce(
                topic,
                record.value,
                record.key,
                0,
                headers=[(name.decode(), value) for name, value in record.headers],
                on_delivery=lambda _, message: offsets.append(message.offset()),
            )
    return int(offsets[0] or 0)


@contextmanager
def _producer(settings: dict[str, Any]) -> Iterator[Producer]:
    producer = Producer(settings)
    yield producer
    if producer.flush(20):
        raise AssertionError("the broker did not take all records")


@asynccontextmanager
async def wire_to(kafka: str) -> AsyncIterator[Wire]:
    client = AIOKafkaClient(bootstrap_servers=kafka)
    await client.bootstrap()
    try:
        yield Wire(kafka, client)
    finally:
        await client.close()
