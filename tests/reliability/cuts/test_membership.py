"""Instances come and go, and faults last: the group stays whole, and so does the flow."""

import asyncio
import contextlib
import itertools
import time

import pytest

from shared.messaging import client
from shared.messaging.running import Runner
from shared.web import health
from tests.component.kafka_tools import until
from tests.reliability.cuts.flow import DOOR, Flow, Servers

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(180)]


async def test_an_outage_longer_than_three_poll_intervals_leaves_the_member_in_its_group(
    flow: Flow, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_POLL_INTERVAL_MS", 2_000)
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    async with flow.running(runner, relay):
        await flow.gets_on()
        assert runner.client is not None
        place = runner.client._coordinator.generation
        members = await asyncio.to_thread(servers.members, flow.group)
        door = servers.doors.postgres[DOOR]
        door.refuse()
        until_then = time.monotonic() + 3.5 * 2
        while time.monotonic() < until_then:
            await asyncio.sleep(0.5)
            assert await asyncio.to_thread(servers.members, flow.group) == members
        assert runner.attempts > 3, "the outage was not noticed: nothing was tested"
        assert (await flow.health(runner, relay))["stale"] == []
        door.heal()
        await flow.gets_on()
        await flow.settle()
        assert runner.client._coordinator.generation == place
    assert len(members) == 1


class Storm:
    """Three members of one group, of which one comes or goes each time."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.up: dict[str, tuple[Runner, asyncio.Task[None]]] = {}
        self.changes = 0
        self._polite = itertools.cycle([True, False])

    def join(self, instance: str) -> None:
        runner = self.flow.runner(instance)
        self.up[instance] = runner, asyncio.create_task(runner.run())

    async def leave(self, instance: str, *, polite: bool) -> None:
        runner, task = self.up.pop(instance)
        if polite:
            runner.stop()
            await task
        else:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def change(self, instance: str) -> None:
        self.changes += 1
        if instance in self.up:
            await self.leave(instance, polite=next(self._polite))
        else:
            self.join(instance)

    async def end(self) -> None:
        for instance in list(self.up):
            await self.leave(instance, polite=True)


async def test_instances_that_join_and_leave_all_the_time_do_nothing_twice(flow: Flow) -> None:
    storm = Storm(flow)
    try:
        async with flow.running(flow.relay()):
            storm.join("0")
            await flow.gets_on()
            for instance in ["1", "2", "0", "1", "0", "2", "1", "2", "0", "0", "1", "2"]:
                await storm.change(instance)
                await asyncio.sleep(0.7)
            for instance in {"0", "1", "2"} - storm.up.keys():
                storm.join(instance)
            await flow.gets_on()
            await flow.settle()
    finally:
        await storm.end()
    assert storm.changes == 12


async def test_a_consumer_that_gets_no_records_that_are_there_is_not_alive(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STALE_SECONDS", 3.0)
    relay = flow.relay()
    runner = flow.runner(relay=relay)

    async def stale() -> list[str]:
        found: list[str] = (await flow.health(runner, relay))["stale"]
        return found

    async def says_so() -> bool:
        return await stale() == ["consumer"]

    async with flow.running(runner, relay):
        await flow.gets_on()
        assert await stale() == []
        assert runner.client is not None
        runner.client._fetcher._fetch_task.cancel()
        await until(says_so, "liveness to notice")
        polled = runner.last_poll

        async def polls_on() -> bool:
            return runner.last_poll > polled

        await until(polls_on, "it to poll on; has it ended, nothing was tested")


async def test_a_consumer_that_never_gets_its_place_back_is_not_alive(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STALE_SECONDS", 3.0)
    relay = flow.relay()
    runner = flow.runner(relay=relay)

    async def says_so() -> bool:
        return bool((await flow.health(runner, relay))["stale"] == ["consumer"])

    over = asyncio.Event()

    async def rejoins_for_ever(*_: object) -> bool:
        await over.wait()
        await asyncio.sleep(0.1)
        return False

    async with flow.running(runner, relay):
        await flow.gets_on()
        assert runner.client is not None
        coordinator = runner.client._coordinator
        monkeypatch.setattr(coordinator, "_do_rejoin_group", rejoins_for_ever)
        coordinator.request_rejoin()
        await until(says_so, "liveness to notice")
        over.set()


async def test_a_consumer_with_nothing_to_do_or_no_broker_is_alive(
    flow: Flow, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STALE_SECONDS", 4.0)
    relay = flow.relay()
    runner = flow.runner(relay=relay)
    async with flow.running(runner, relay):
        await flow.gets_on()
        await flow.settle()
        for number in range(20):
            if number == 8:
                servers.doors.kafka[DOOR].black_hole()
            await asyncio.sleep(0.5)
            assert (await flow.health(runner, relay))["stale"] == []
        servers.doors.heal()
