"""The one place where Kafka clients are made: every setting that loses events is overridden."""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.abc import ConsumerRebalanceListener

MAX_POLL_INTERVAL_MS = 300_000
SESSION_TIMEOUT_MS = 10_000


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
    return AIOKafkaConsumer(**consumer_settings(kafka, group, instance))


def make_producer(kafka: str, service: str, instance: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(**producer_settings(kafka, service, instance))


__all__ = [
    "ConsumerRebalanceListener",
    "consumer_settings",
    "make_consumer",
    "make_producer",
    "producer_settings",
]
