"""Topics, publishers and readers of tests: plain clients, no code of ours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.kernel import Counted, FakeRecord


async def create_topic(kafka: str, name: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


def counted_on(topic: str) -> type[Counted]:
    """The test's event, with a topic of its own."""

    class Here(Counted):
        TOPIC: ClassVar[str] = topic

    return Here


async def produce(kafka: str, records: Sequence[FakeRecord]) -> None:
    """Append the records in their order; partitions by key, offsets as they come."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        sent = [
            await producer.send(r.topic, value=r.value, key=r.key, headers=list(r.headers))
            for r in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def read_all(kafka: str, topic: str) -> list[Any]:
    """Every record of a topic from its beginning to its present end, each partition in order."""
    client = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await client.start()
    try:
        ends = await client.end_offsets(list(client.assignment()))
        found: list[Any] = []
        async with asyncio.timeout(60):
            while len(found) < sum(ends.values()):
                for records in (await client.getmany(timeout_ms=200)).values():
                    found.extend(records)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await client.stop()


async def committed(kafka: str, group: str, topic: str) -> dict[int, int]:
    """What Kafka believes that a group has read."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
        return {tp.partition: meta.offset for tp, meta in found.items() if tp.topic == topic}
    finally:
        await admin.close()


def event_numbers(records: Sequence[Any], kind: type[Counted]) -> dict[str, list[int]]:
    """key -> numbers of its events in the order of the topic, repeats included."""
    told: dict[str, list[int]] = {}
    for record in records:
        data = kind.model_validate_json(record.value)
        told.setdefault(record.key.decode(), []).append(data.number)
    return told


def first_occurrences(numbers: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


async def until(
    condition: Callable[[], Awaitable[bool]], what: str, *, seconds: float = 60
) -> None:
    """Wait until something is so. Raises AssertionError, saying what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:g} s: {what}") from None
