"""Kafka's clients that fail: when a new one is made, and how often."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.messaging import relay, running
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.running import Runner

pytestmark = pytest.mark.unit


class FakeClient:
    """Stands for a consumer of aiokafka; `error` is what every poll raises."""

    def __init__(self, error: KafkaError | None) -> None:
        self.error = error
        self.polls = 0
        self.ended = False

    def subscribe(self, *_: object, **__: object) -> None: ...

    def assignment(self) -> set[Any]:
        return set()

    paused = assignment

    def resume(self, *_: object) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.ended = True

    async def getmany(self, **_: object) -> dict[Any, Any]:
        self.polls += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {}


async def seen(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not what():
            await asyncio.sleep(0.01)


async def run_with(clients: list[FakeClient], monkeypatch: pytest.MonkeyPatch) -> Runner:
    left = iter(clients)
    monkeypatch.setattr(running, "make_consumer", lambda *_: next(left))
    monkeypatch.setattr(running, "make_observer", lambda *_: FakeClient(None))
    engine = cast(AsyncEngine, None)
    return Runner(Consumer("lost"), cast(Applier, None), engine, "nowhere:1", "0")


async def finish(runner: Runner, task: "asyncio.Task[None]") -> None:
    runner.stop()
    async with asyncio.timeout(60):
        await task


async def test_a_client_that_fails_for_good_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, sound = FakeClient(KafkaError("died of something unforeseen")), FakeClient(None)
    runner = await run_with([broken, sound], monkeypatch)
    task = asyncio.create_task(runner.run())
    await seen(lambda: sound.polls > 3)
    assert broken.ended
    assert broken.polls == 1
    assert runner.client is cast(Any, sound)
    await finish(runner, task)
    assert sound.ended


async def test_a_client_that_only_lost_its_connection_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = FakeClient(KafkaConnectionError("away"))
    runner = await run_with([client], monkeypatch)
    task = asyncio.create_task(runner.run())
    await seen(lambda: client.polls >= 2)
    client.error = None
    await seen(lambda: client.polls > 5)
    assert not client.ended
    await finish(runner, task)


async def test_news_in_the_outbox_does_not_hurry_a_relay_whose_broker_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = 0

    class NoBroker:
        async def start(self) -> None:
            nonlocal tries
            tries += 1
            raise KafkaConnectionError("away")

        async def stop(self) -> None: ...

    async def at_once(_: AsyncConnection, work: Coroutine[Any, Any, Any]) -> Any:
        return await work

    monkeypatch.setattr(relay, "make_producer", lambda *_: NoBroker())
    monkeypatch.setattr(relay, "renewing", at_once)
    ours = Relay(cast(AsyncEngine, None), "nowhere:1", "lost", "0")
    task = asyncio.create_task(ours._with_a_producer(cast(AsyncConnection, None)))
    for _ in range(50):
        ours.wake()
        await asyncio.sleep(0.01)
    assert tries <= 2
    ours.stop()
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await task


async def test_a_fetch_that_waits_to_try_again_does_not_end_whoever_lets_go_of_the_client() -> None:
    closed: list[str] = []

    class Part:
        def __init__(self, name: str) -> None:
            self.name = name

        async def close(self) -> None:
            closed.append(self.name)

    class Client:
        _coordinator, _client = Part("coordinator"), Part("client")

        async def stop(self) -> None:
            fetch = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            fetch.cancel()
            await fetch

    await running._end(cast(Any, Client()))
    assert closed == ["coordinator", "client"]
