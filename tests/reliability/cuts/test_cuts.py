"""Cut connections under load: nothing is lost, nothing happens twice, all stays in order."""

import asyncio

import pytest

from tests.component.kafka_tools import until
from tests.faults.proxy import Proxy
from tests.reliability.cuts.flow import DOOR, Flow, Servers

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(180)]

HEALTHY: dict[str, list[str]] = {"stale": [], "missing": []}


@pytest.fixture(params=["kafka", "postgres"])
def door(request: pytest.FixtureRequest, servers: Servers) -> Proxy:
    """The way to the broker, then the way to the database."""
    doors = servers.doors
    return (doors.kafka if request.param == "kafka" else doors.postgres)[DOOR]


async def test_resets_again_and_again(flow: Flow, door: Proxy) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    async with flow.running(runner, relay):
        await flow.gets_on()
        for _ in range(8):
            door.reset()
            await asyncio.sleep(0.3)
        await flow.gets_on()
        await flow.settle()
        assert await flow.health(runner, relay) == HEALTHY


async def test_latency(flow: Flow, door: Proxy) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    async with flow.running(runner, relay):
        await flow.gets_on()
        door.slow(0.1)
        await flow.gets_on()
        assert await flow.health(runner, relay) == HEALTHY
        door.heal()
        await flow.settle()


async def test_a_black_hole_that_opens_and_closes(
    flow: Flow, servers: Servers, door: Proxy
) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    missing = ["database"] if door is servers.doors.postgres[DOOR] else []
    async with flow.running(runner, relay):
        await flow.gets_on()
        door.black_hole()
        await asyncio.sleep(4)
        assert await flow.health(runner, relay) == {"stale": [], "missing": missing}
        door.heal()
        await flow.gets_on()
        await flow.settle()
        assert await flow.health(runner, relay) == HEALTHY


async def test_half_open_connections_are_given_up_by_us(flow: Flow, door: Proxy) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    async with flow.running(runner, relay):
        await flow.gets_on()
        door.half_open()
        await flow.gets_on(600, seconds=30)
        await flow.settle()
        assert await flow.health(runner, relay) == HEALTHY


async def test_sessions_are_ended_again_and_again(flow: Flow, servers: Servers) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    ended = 0
    async with flow.running(runner, relay):
        await flow.gets_on()
        for _ in range(12):
            ended += await servers.end_sessions()
            await asyncio.sleep(0.25)
        await flow.gets_on()
        await flow.settle()
    assert ended >= 12


@pytest.mark.parametrize("names", [["kafka"], ["postgres"], ["kafka", "postgres"]])
async def test_servers_are_killed_and_come_back(
    flow: Flow, servers: Servers, names: list[str]
) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    async with flow.running(runner, relay):
        await flow.gets_on()
        await servers.kill(*names)
        await asyncio.sleep(1)
        if "postgres" in names:
            assert (await flow.health(runner, relay))["missing"] == ["database"]
        await servers.restart(*names)
        await flow.gets_on()
        await flow.settle()
        assert await flow.health(runner, relay) == HEALTHY


async def test_nothing_at_all_is_reached_and_then_everything(flow: Flow, servers: Servers) -> None:
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    database, broker = servers.doors.postgres[DOOR], servers.doors.kafka[DOOR]
    async with flow.running(runner, relay):
        await flow.gets_on()
        database.refuse()

        async def noticed() -> bool:
            return runner.attempts > 0 and not relay.active

        await until(noticed, "both loops to notice")
        broker.refuse()
        await asyncio.sleep(1)
        for door in (broker, database):
            door.heal()
        await flow.gets_on()
        await flow.settle()
