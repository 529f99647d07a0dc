"""Settings that lose events are overridden in one place, and nobody goes around it."""

import ast
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy

from deploy.topics import catalogue
from shared.messaging import client
from shared.messaging.client import (
    consumer_settings,
    declare_subscriber,
    make_broker,
    make_consumer,
    make_observer,
    make_producer,
    producer_settings,
)
from shared.messaging.relay import SEND_DEADLINE
from shared.messaging.running import COMMIT_DEADLINE
from shared.messaging.unit_of_work import LARGEST_BODY
from shared.service import Service
from shared.settings import Settings

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
SERVICES = ("intake", "scoring", "awards", "notify")
KAFKA = "127.0.0.1:1"


def service(name: str) -> Service[Settings]:
    found: Service[Settings] = import_module(f"services.{name}.app").service
    return found


@pytest.fixture(params=SERVICES)
async def consumer(request: pytest.FixtureRequest) -> AsyncIterator[AIOKafkaConsumer]:
    made = make_consumer(KAFKA, service(request.param).consumer.name, "7")
    yield made
    await made.stop()


async def test_a_consumer_commits_by_itself_never(consumer: AIOKafkaConsumer) -> None:
    assert consumer._enable_auto_commit is False


async def test_a_consumer_begins_at_the_beginning(consumer: AIOKafkaConsumer) -> None:
    assert consumer._auto_offset_reset == "earliest"


async def test_a_consumer_is_a_static_member_of_its_service_s_group(
    consumer: AIOKafkaConsumer,
) -> None:
    assert consumer._group_id in {f"thidua.{name}" for name in SERVICES}
    assert consumer._group_instance_id == f"{consumer._group_id}.7"


async def test_a_consumer_sees_no_aborted_records(consumer: AIOKafkaConsumer) -> None:
    assert consumer._isolation_level == "read_committed"
    assert consumer._check_crcs is True


async def test_the_longest_pause_leaves_the_member_in_its_group(consumer: AIOKafkaConsumer) -> None:
    assert consumer._max_poll_interval_ms == 300_000
    assert consumer._heartbeat_interval_ms * 3 < consumer._session_timeout_ms
    assert consumer._session_timeout_ms > COMMIT_DEADLINE * 1000


async def test_a_rebalance_is_not_taken_for_a_silent_broker(consumer: AIOKafkaConsumer) -> None:
    assert consumer._client._request_timeout_ms > consumer._rebalance_timeout_ms


def test_every_service_has_a_group_of_its_own() -> None:
    groups = {consumer_settings(KAFKA, service(n).consumer.name, "0")["group_id"] for n in SERVICES}
    assert len(groups) == len(SERVICES)


def test_two_replicas_are_two_members() -> None:
    members = {consumer_settings(KAFKA, "intake", i)["group_instance_id"] for i in ("0", "1")}
    assert len(members) == 2


async def test_an_observer_is_no_member_of_a_group() -> None:
    observer = make_observer(KAFKA, "intake", "0")
    assert observer._group_id is None
    assert observer._enable_auto_commit is False
    await observer.stop()


async def test_a_producer_waits_for_all_and_repeats_nothing() -> None:
    producer = make_producer(KAFKA, "intake", "0")
    await producer.stop()
    assert producer._sender._acks == -1
    assert producer._txn_manager is not None, "idempotence is off"
    assert producer._txn_manager.transactional_id is None
    assert producer._max_request_size > LARGEST_BODY


def test_the_relay_gives_up_a_producer_before_that_gives_up_a_batch() -> None:
    assert producer_settings(KAFKA, "x", "0")["request_timeout_ms"] > SEND_DEADLINE * 1000


@pytest.mark.parametrize("name", SERVICES)
async def test_what_is_declared_to_faststream_is_as_safe(name: str) -> None:
    broker = make_broker(KAFKA)
    for topic in (*service(name).consumer.topics, "thidua.inbound.e-office.v1"):
        declare_subscriber(broker, topic, name, topic, "")
    subscribers: list[Any] = list(broker.subscribers)
    for subscriber in subscribers:
        resolved = subscriber._connection_args
        assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
        assert resolved["enable_auto_commit"] is False
        assert resolved["auto_offset_reset"] == "earliest"
        assert resolved["isolation_level"] == "read_committed"
        assert resolved["group_instance_id"] == f"thidua.{name}.declared"
        assert subscriber.group_id == f"thidua.{name}"
        assert all(topic.declare is False for topic in subscriber._topics)
    assert subscribers
    assert broker.config.allow_auto_create_topics is False


# --- nobody goes around ---

MAKERS = {"AIOKafkaConsumer", "AIOKafkaProducer", "KafkaBroker", "KafkaRouter", "subscriber"}
HOME = Path(client.__file__)


def calls(tree: ast.AST) -> Iterator[str]:
    """Names of what is called, by a bare name or as an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node.func.attr


def sources() -> list[Path]:
    return [path for top in ("shared", "services") for path in (ROOT / top).rglob("*.py")]


def test_kafka_clients_are_made_in_one_place_only() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        if path != HOME
        for name in MAKERS & set(calls(ast.parse(path.read_text("utf-8"))))
    }
    assert found - {"shared/messaging/asyncapi.py: subscriber"} == set()


def test_that_place_is_looked_into() -> None:
    """The search finds what it is to find."""
    assert set(calls(ast.parse(HOME.read_text("utf-8")))) >= MAKERS - {"KafkaRouter"}


# --- every topic comes from the catalogue ---


def known() -> set[str]:
    return {topic.name for topic in catalogue(["e-office", "trial"])}


@pytest.mark.parametrize("name", SERVICES)
def test_every_topic_of_a_service_is_in_the_catalogue(name: str) -> None:
    made = service(name)
    topics = {*made.consumer.topics, *(event.TOPIC for event in made.publishes)}
    assert {topic.replace("<publisher>", "trial") for topic in topics} <= known()


def test_every_topic_of_the_published_language_is_in_the_catalogue() -> None:
    from shared.contracts.schemas import events

    topics = {event.TOPIC.replace("<publisher>", "trial") for event in events().values()}
    assert topics <= known()
    fixed = {topic for topic in known() if "e-office" not in topic}
    assert fixed == topics, "a topic that nobody speaks on"
