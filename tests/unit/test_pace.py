"""When consumer and relay pause, so that what comes one by one is taken together."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.messaging import relay as relaying
from shared.messaging import running
from shared.messaging.applying import Applied, Applier
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.running import Runner

pytestmark = pytest.mark.unit
PLACE = TopicPartition("thidua.test.v1", 0)
FOR_EVER = 3600.0


class FakeKafka:
    """One partition that holds another record at each poll."""

    def __init__(self) -> None:
        self.polls = 0

    def subscribe(self, _: object, listener: Any) -> None:
        self.listener = listener

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    def paused(self) -> set[TopicPartition]:
        return set()

    def resume(self, *_: object) -> None: ...

    def seek(self, *_: object) -> None: ...

    async def commit(self, _: object) -> None: ...

    async def start(self) -> None:
        if hasattr(self, "listener"):
            await self.listener.on_partitions_assigned([PLACE])

    async def stop(self) -> None: ...

    async def getmany(self, **_: object) -> dict[TopicPartition, list[Any]]:
        self.polls += 1
        await asyncio.sleep(0)
        return {PLACE: [SimpleNamespace(offset=self.polls, timestamp=0)]}


class FakeApplier:
    """Says of every batch that so many of its records were no business of ours."""

    def __init__(self, skipped: int) -> None:
        self.skipped = skipped

    async def apply(self, _: Sequence[Any]) -> Applied:
        return Applied(1 - self.skipped, 0, self.skipped, 0, 0)


async def turns(times: int = 50) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("skipped", "batch", "waits"),
    [
        pytest.param(1, 500, True, id="what is not ours can wait for more"),
        pytest.param(0, 500, False, id="what is ours waits for nothing"),
        pytest.param(1, 1, False, id="a full batch waits for nothing"),
    ],
)
async def test_only_a_short_batch_of_nothing_ours_is_followed_by_a_pause(
    monkeypatch: pytest.MonkeyPatch, skipped: int, batch: int, waits: bool
) -> None:
    async def nowhere(_: Runner) -> dict[tuple[str, int], int]:
        return {}

    client = FakeKafka()
    monkeypatch.setattr(running, "make_consumer", lambda *_: client)
    monkeypatch.setattr(running, "make_observer", lambda *_: FakeKafka())
    monkeypatch.setattr(Runner, "_positions", nowhere)
    monkeypatch.setattr(running, "GATHER_SECONDS", FOR_EVER)
    applier = cast(Applier, FakeApplier(skipped))
    runner = Runner(Consumer("test"), applier, cast(AsyncEngine, None), "nowhere:1", "0", batch)
    task = asyncio.create_task(runner.run())
    await turns()
    assert (client.polls == 1) == waits
    runner.stop()
    async with asyncio.timeout(60):
        await task


@pytest.mark.parametrize(
    ("rows", "waits"),
    [
        pytest.param(1, True, id="after a short send the next one grows"),
        pytest.param(relaying.BATCH, False, id="a backlog is sent without a pause"),
        pytest.param(0, False, id="what comes into an empty outbox is sent at once"),
    ],
)
async def test_only_a_short_send_is_followed_by_a_breath(
    monkeypatch: pytest.MonkeyPatch, rows: int, waits: bool
) -> None:
    looks = 0

    async def head(_: object) -> list[Any]:
        nonlocal looks
        looks += 1
        relay.wake()
        await asyncio.sleep(0)
        return [] if relay._stopping else [SimpleNamespace(seq=looks)] * rows

    async def send(*_: object) -> None: ...

    monkeypatch.setattr(relaying, "_head", head)
    monkeypatch.setattr(relaying, "_send", send)
    monkeypatch.setattr(relaying, "BREATH_SECONDS", FOR_EVER)
    relay = Relay(cast(AsyncEngine, None), "nowhere:1", "test", "0")
    task = asyncio.create_task(relay._drain(cast(AsyncConnection, None), cast(Any, None)))
    await turns()
    assert (looks == 1) == waits
    relay.stop()
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait({task})
