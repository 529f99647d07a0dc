"""Replicas of a service, as processes, are ended, killed and started again under load."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from deploy.local.state import free_port
from shared.database import connect
from tests.component.kafka_tools import create_topic, until
from tests.component.test_service_process import Tiny
from tests.component.tiny.app import SLOW
from tests.reliability.cuts.flow import PARTITIONS, Flow, Servers, events_on

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(180)]

DRAIN_SECONDS = 60


@dataclass
class Replicas:
    """Instances of the tiny service on one database, each on a port of its own."""

    tiny: Tiny
    up: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, instance: str) -> None:
        here = replace(self.tiny, port=free_port())
        self.up[instance] = await here.start("serve", THIDUA_INSTANCE=instance)
        await until(here.is_ready, f"{instance} to be ready", seconds=60)

    async def end(self, instance: str) -> str:
        """SIGTERM; what it said until it ended by itself in time."""
        process = self.up.pop(instance)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DRAIN_SECONDS):
            code, said = await self.tiny.end(process)
        assert code == 0, said
        return said

    async def kill(self, instance: str) -> None:
        process = self.up.pop(instance)
        process.kill()
        await self.tiny.end(process)


@pytest.fixture
async def replicas(servers: Servers) -> AsyncIterator[Replicas]:
    url = servers.provided.create_database("replicas")
    found = Replicas(Tiny(servers.provided.kafka, url, servers.next_topic(), 0))
    yield found
    for instance in list(found.up):
        await found.kill(instance)
    servers.provided.drop_database("replicas")


async def test_replicas_that_are_ended_or_killed_hand_over(
    servers: Servers, replicas: Replicas
) -> None:
    tiny = replicas.tiny
    for topic in (tiny.topic, f"{tiny.topic}.told"):
        await create_topic(tiny.kafka, topic, PARTITIONS)
    await tiny.migrate()
    direct = connect(tiny.url)
    flow = Flow(servers, direct, direct, *events_on(tiny.topic), start=SLOW)
    async with flow.running():
        await asyncio.gather(replicas.start("0"), replicas.start("1"))
        await flow.gets_on()
        for instance in ("0", "1"):
            assert "tiny stopped" in await replicas.end(instance)
            await replicas.start(instance)
        await replicas.kill("0")
        await replicas.start("0")
        await flow.gets_on()
        await replicas.end("1")
        await flow.settle()
    await direct.dispose()
