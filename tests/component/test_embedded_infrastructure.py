"""PostgreSQL and Apache Kafka of the embedded stack: rights, topics, and what survives a kill."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from deploy.local.infrastructure import Provided
from deploy.local.stack import Infrastructure
from deploy.local.state import ROOT
from deploy.topics import catalogue

pytestmark = pytest.mark.component

REGISTER = """
- {name: e-office, source: "urn:thidua:publisher:e-office"}
- {name: trial, source: "urn:thidua:publisher:trial"}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infrastructure]:
    """One of our own, to be killed and to hold the real topics."""
    with Infrastructure(tmp_path_factory.mktemp("own")) as infrastructure:
        yield infrastructure


async def test_a_role_reaches_its_own_database_only(infrastructure: Provided) -> None:
    intake = infrastructure.create_database("rights_intake").replace("+asyncpg", "")
    awards = infrastructure.create_database("rights_awards").replace("+asyncpg", "")
    try:
        connection = await asyncpg.connect(intake)
        await connection.execute("CREATE TABLE mine (id int)")
        await connection.close()
        for database in ("rights_awards", "postgres", "template1"):
            elsewhere = intake.rpartition("/")[0] + f"/{database}"
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
                await asyncpg.connect(elsewhere)
        stranger = awards.replace("rights_awards:", "rights_intake:")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(stranger)
    finally:
        infrastructure.drop_database("rights_intake")
        infrastructure.drop_database("rights_awards")


async def test_the_server_is_set_as_a_real_one(own: Infrastructure) -> None:
    connection = await asyncpg.connect(own.admin_url.replace("+asyncpg", ""))
    try:
        expected = {
            "fsync": "on",
            "TimeZone": "UTC",
            "max_connections": "200",
            "server_encoding": "UTF8",
            "password_encryption": "scram-sha-256",
            "listen_addresses": "127.0.0.1",
        }
        for setting, value in expected.items():
            assert await connection.fetchval(f"SHOW {setting}") == value
    finally:
        await connection.close()


def topics_job(kafka: str, register: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.topics", "--publishers", str(register), *arguments],
        cwd=ROOT,
        env={"THIDUA_KAFKA": kafka},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_topics_job_makes_the_catalogue_true_once(own: Infrastructure, tmp_path: Path) -> None:
    register = tmp_path / "publishers.yaml"
    register.write_text(REGISTER)
    assert topics_job(own.kafka, register, "--check").returncode == 1
    first = topics_job(own.kafka, register)
    assert first.returncode == 0, first.stderr
    wanted = catalogue(["e-office", "trial"])
    found = AdminClient({"bootstrap.servers": own.kafka}).list_topics(timeout=10).topics
    assert {topic.name: topic.partitions for topic in wanted} == {
        name: len(found[name].partitions) for name in found if name.startswith("thidua.")
    }
    again = topics_job(own.kafka, register)
    assert (again.returncode, again.stdout) == (0, "10 topics in the catalogue, 0 drifts\n")
    assert topics_job(own.kafka, register, "--check").returncode == 0


def test_the_topics_job_grows_partitions_and_only_tells_drift(
    own: Infrastructure, tmp_path: Path
) -> None:
    register = tmp_path / "publishers.yaml"
    register.write_text(REGISTER + '- {name: late, source: "urn:thidua:publisher:late"}')
    make_topic(own.kafka, "thidua.outbound.late.v1", {"retention.ms": "1000"})
    told = topics_job(own.kafka, register).stdout.splitlines()
    line = "drift: thidua.outbound.late.v1: retention.ms is 1000, the catalogue says -1"
    assert line in told
    assert "grown: thidua.outbound.late.v1 to 3 partitions" in told
    assert line in topics_job(own.kafka, register).stdout.splitlines()
    found = AdminClient({"bootstrap.servers": own.kafka}).list_topics(timeout=10).topics
    assert len(found["thidua.outbound.late.v1"].partitions) == 3


def test_a_topic_is_never_made_by_a_typing_error(own: Infrastructure) -> None:
    admin = AdminClient({"bootstrap.servers": own.kafka})
    admin.list_topics("thidua.tpyo.v1", timeout=10)
    assert "thidua.tpyo.v1" not in admin.list_topics(timeout=10).topics


def publish(kafka: str, topic: str, value: str) -> None:
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": kafka, "acks": "all", "message.timeout.ms": 20000})
    producer.produce(topic, value.encode(), on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(30) == 0
    assert failures == [None]


def end_of(consumer: Consumer, partition: TopicPartition) -> int:
    """A broker that has just come back answers before it leads its partitions again."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, timeout=20)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def everything(kafka: str, topic: str) -> list[str]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": uuid.uuid4().hex})
    try:
        partition = TopicPartition(topic, 0, 0)
        end = end_of(consumer, partition)
        consumer.assign([partition])
        values: list[str] = []
        while len(values) < end:
            record = consumer.poll(20)
            assert record is not None
            values.append((record.value() or b"").decode())
        return values
    finally:
        consumer.close()


async def test_what_was_acknowledged_survives_kills_and_restarts(tmp_path: Path) -> None:
    """SIGKILL to both, then an orderly restart of the whole folder at the same addresses."""
    state = tmp_path / "state"
    with Infrastructure(state) as infrastructure:
        kafka, url = infrastructure.kafka, infrastructure.create_database("kept", "pw")
        make_topic(kafka, "kept")
        publish(kafka, "kept", "before the kill")
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute("CREATE TABLE kept (word text)")
        await connection.execute("INSERT INTO kept VALUES ('before the kill')")
        connection.terminate()
        for name in ("kafka", "postgres"):
            infrastructure.kill(name)
            infrastructure.restart(name)
        assert everything(kafka, "kept") == ["before the kill"]
        publish(kafka, "kept", "after the kill")
    with Infrastructure(state) as infrastructure:
        assert infrastructure.kafka == kafka
        assert everything(kafka, "kept") == ["before the kill", "after the kill"]
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        assert await connection.fetchval("SELECT word FROM kept") == "before the kill"
        await connection.close()


def make_topic(kafka: str, name: str, config: dict[str, str] | None = None) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    made = admin.create_topics([NewTopic(name, 1, 1, config=config or {})])
    made[name].result(timeout=20)
