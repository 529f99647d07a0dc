"""The one place where Kafka clients are made: every setting that loses events is overridden."""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.abc import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, Topic
from faststream.kafka.subscriber.usecase import LogicSubscriber

from shared.messaging import fetching

MAX_POLL_INTERVAL_MS = 300_000
SESSION_TIMEOUT_MS = 10_000
REQUEST_TIMEOUT_MS = 15_000
"""After which a silent connection is given up; longer than a rebalance, whose answer waits for all.
"""


def consumer_settings(kafka: str, group: str, instance: str) -> dict[str, Any]:
    """Static membership, explicit commits, from the beginning, never creating topics."""
    return {
        "bootstrap_servers": kafka,
        "group_id": f"thidua.{group}",
        "group_instance_id": f"thidua.{group}.{instance}",
        "client_id": f"thidua.{group}.{instance}",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "session_timeout_ms": SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": SESSION_TIMEOUT_MS // 4,
        "max_poll_interval_ms": MAX_POLL_INTERVAL_MS,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
        "check_crcs": True,
    }


def producer_settings(kafka: str, service: str, instance: str) -> dict[str, Any]:
    """Acknowledged by all replicas, idempotent, in order."""
    return {
        "bootstrap_servers": kafka,
        "client_id": f"thidua.{service}.{instance}.relay",
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 2,
        "max_request_size": 1_048_576,
        "request_timeout_ms": 20_000,
    }


def make_consumer(kafka: str, group: str, instance: str) -> AIOKafkaConsumer:
    fetching.take_over()
    return AIOKafkaConsumer(**consumer_settings(kafka, group, instance))


def make_observer(kafka: str, group: str, instance: str) -> AIOKafkaConsumer:
    """Asks for the ends of topics. The broker answers a connection in order, so on the
    consumer's own one the question would wait behind a fetch that waits for records.
    """
    name = f"thidua.{group}.{instance}.observer"
    return AIOKafkaConsumer(
        bootstrap_servers=kafka,
        client_id=name,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


def make_reader(kafka: str, service: str) -> AIOKafkaConsumer:
    """Reads topics from their beginning, in no group: nobody's place in them changes."""
    return AIOKafkaConsumer(
        bootstrap_servers=kafka,
        client_id=f"thidua.{service}.rebuild",
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
        check_crcs=True,
    )


def make_producer(kafka: str, service: str, instance: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(**producer_settings(kafka, service, instance))


def make_broker(kafka: str) -> KafkaBroker:
    """FastStream's broker, for declaring: it is never started, and safe if somebody did."""
    return KafkaBroker(
        kafka, acks="all", enable_idempotence=True, allow_auto_create_topics=False, logger=None
    )


def declare_subscriber(
    broker: KafkaBroker, topic: str, group: str, title: str, description: str
) -> LogicSubscriber[Any]:
    """A subscriber of which every setting that loses events is overridden."""
    settings = consumer_settings("", group, "declared")
    subscriber: LogicSubscriber[Any] = broker.subscriber(
        Topic(topic, declare=False),
        group_id=settings["group_id"],
        group_instance_id=settings["group_instance_id"],
        auto_offset_reset=settings["auto_offset_reset"],
        isolation_level=settings["isolation_level"],
        ack_policy=AckPolicy.NACK_ON_ERROR,
        title=title,
        description=description,
    )
    return subscriber


__all__ = [
    "ConsumerRebalanceListener",
    "consumer_settings",
    "declare_subscriber",
    "make_broker",
    "make_consumer",
    "make_observer",
    "make_producer",
    "make_reader",
    "producer_settings",
]
