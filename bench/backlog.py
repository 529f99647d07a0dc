"""The backlog: events made from a seed, as our relay would have written them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal
from uuid import UUID

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.events import ReportMarked

Shape = Literal["60 keys", "Zipf"]
SHAPES: tuple[Shape, ...] = ("60 keys", "Zipf")
TITLES = {"60 keys": "60 keys", "Zipf": "Wide: Zipf over a million keys"}
FEW = 60
MANY = 1_000_000
WARD = "tu-minh"
PARTITIONS = 6
REPEAT_EVERY = 1_000
"""Of so many records one comes again, a little later: the inbox has something to find."""
_CHUNK = 10_000
_NOTE = "Báo cáo đủ minh chứng, đúng hạn; đoàn kiểm tra của phường đã xem tại chỗ."


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be sent."""

    key: bytes
    value: bytes
    headers: dict[str, str | bytes | None]


def participants(shape: Shape, dice: random.Random) -> Iterator[str]:
    """For ever: whose report comes next. Zipf: the k-th participant with weight 1/k."""
    count = FEW if shape == "60 keys" else MANY
    weights = None
    if shape == "Zipf":
        weights = list(accumulate(1 / rank for rank in range(1, count + 1)))
    while True:
        for number in dice.choices(range(count), cum_weights=weights, k=_CHUNK):
            yield f"p-{number:06d}"


def messages(shape: Shape, events: int, seed: int) -> Iterator[Message]:
    """So many new events, and one repeat of each thousandth."""
    dice = random.Random(seed)
    whose = participants(shape, dice)
    kept: Message | None = None
    for number in range(events):
        message = _message(next(whose), dice)
        yield message
        if number % REPEAT_EVERY == REPEAT_EVERY // 2:
            kept = message
        elif kept and number % REPEAT_EVERY == REPEAT_EVERY - 1:
            yield kept


def _message(participant: str, dice: random.Random) -> Message:
    halves = [dice.randrange(1, 80) for _ in range(3)]
    parts = ",".join(
        f'{{"criterion":"{code}","points":"{half / 2:g}"}}'
        for code, half in zip(("a1", "a2", "b1"), halves, strict=True)
    )
    body = (
        f'{{"ward":"{WARD}","participant":"{participant}","period":"2025-annual",'
        f'"report_id":"{_uuid(dice)}","revision":1,"marked_at":"2025-12-05T09:30:00+07:00",'
        f'"points":"{sum(halves) / 2:g}","parts":[{parts}],"note":"{_NOTE}"}}'
    )
    headers: dict[str, str | bytes | None] = {
        "ce_specversion": "1.0",
        "ce_id": _uuid(dice),
        "ce_source": "urn:thidua:intake",
        "ce_type": ReportMarked.TYPE,
        "ce_subject": participant,
        "ce_time": "2025-12-05T02:30:00.123456Z",
        "ce_ward": WARD,
        "ce_correlationid": _uuid(dice),
        "ce_causationid": _uuid(dice),
        "traceparent": f"00-{dice.getrandbits(128):032x}-{dice.getrandbits(64):016x}-01",
        "content-type": "application/json",
    }
    return Message(f"{WARD}/{participant}".encode(), body.encode(), headers)


def _uuid(dice: random.Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


def create_topic(kafka: str, name: str) -> None:
    """Raises KafkaException when it is there already."""
    admin = AdminClient({"bootstrap.servers": kafka})
    topic = NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)
    admin.create_topics([topic])[name].result()


def fill(kafka: str, topic: str, shape: Shape, events: int, seed: int) -> None:
    """Make the topic and put the backlog into it."""
    create_topic(kafka, topic)
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2",
            "linger.ms": 20,
            "queue.buffering.max.messages": 200_000,
        }
    )
    for message in messages(shape, events, seed):
        while True:
            try:
                producer.produce(
                    topic, key=message.key, value=message.value, headers=message.headers
                )
                break
            except BufferError:
                producer.poll(0.05)
    if left := producer.flush(120):
        raise RuntimeError(f"{left} records of the backlog were not taken by the broker")
