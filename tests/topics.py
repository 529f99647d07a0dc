"""Topics as a stranger reads them: a plain client, no code of ours."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, TopicPartition

POLL_SECONDS = 0.3
PATIENCE = 60
"""Empty polls in a row before the reading is given up."""


def messages(kafka: str, topics: Sequence[str]) -> Iterator[Any]:
    """Every message up to the present ends, each partition in order. Raises TimeoutError."""
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": str(uuid.uuid4()), "enable.auto.commit": False}
    )
    with closing(consumer):
        left: dict[tuple[str, int], int] = {}
        starts = []
        for topic in topics:
            for number in consumer.list_topics(topic, 10).topics[topic].partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), 10)
                if high > low:
                    left[topic, number] = high
                    starts.append(TopicPartition(topic, number, low))
        consumer.assign(starts)
        empty = 0
        while left:
            found: Sequence[Any] = consumer.consume(5000, POLL_SECONDS)
            empty = 0 if found else empty + 1
            if empty > PATIENCE:
                raise TimeoutError(f"records did not come: {left}")
            for message in found:
                place = (str(message.topic()), int(message.partition()))
                if message.offset() < left.get(place, 0):
                    yield message
                if message.offset() + 1 >= left.get(place, 0):
                    left.pop(place, None)
