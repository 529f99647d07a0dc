"""Kafka's clients stay behind their proxy, and a broker that comes back keeps its doors."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from deploy.local.stack import Infrastructure
from shared.database import connect
from tests.faults.doors import Doors
from tests.played import state_folder

pytestmark = pytest.mark.reliability


async def advertised(address: str) -> str:
    """Where a client that starts at an address is told to go."""
    client = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        (broker,) = (await client.describe_cluster())["brokers"]
        return f"{broker['host']}:{broker['port']}"
    finally:
        await client.close()


async def test_each_service_has_doors_of_its_own() -> None:
    with (
        state_folder() as folder,
        Doors(folder, ["here", "there"]) as doors,
        Infrastructure(folder, doors=doors.places) as provided,
    ):
        here, there = doors.kafka_of("here"), doors.kafka_of("there")
        provided.kill("kafka")
        provided.restart("kafka")
        for address in (here, there, provided.kafka):
            assert await advertised(address) == address
        doors.kafka["here"].refuse()
        with pytest.raises(KafkaConnectionError):
            await advertised(here)
        assert await advertised(there) == there
        url = provided.create_database("here")
        engine = connect(doors.postgres_of("here", url))
        async with engine.connect():
            assert doors.postgres["here"].connections == 1
        await engine.dispose()
        assert doors.postgres["there"].connections == 0
