"""A routine that must know what was said before begins only when its topics are read."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.consumer import Received
from shared.messaging.unit_of_work import UnitOfWork
from shared.routine import Routine, RoutineRunner
from tests.component.kafka_tools import until
from tests.component.test_kernel_flow import Flow, flow, handle
from tests.kernel import Counted

pytestmark = pytest.mark.component

__all__ = ["flow"]


async def test_read_is_what_the_topic_held_when_it_was_first_asked(flow: Flow) -> None:
    gate = asyncio.Event()

    async def wait(_: Received[Counted], __: UnitOfWork) -> None:
        await gate.wait()

    handle(flow, wait)
    await flow.send(1, 3)
    runner, topics = flow.runner(), [flow.event.TOPIC]
    assert not await runner.has_read(topics)
    async with flow.running(runner):
        await until(lambda: _observed(runner.observer), "a connection of its own")
        assert not await runner.has_read(topics)
        assert await runner.has_read([])
        gate.set()
        await flow.expect(3)
        await until(lambda: runner.has_read(topics), "all is read")
        gate.clear()
        await flow.send(4, 4)
        assert await runner.has_read(topics), "what came later is not waited for"
        gate.set()


async def test_an_empty_topic_is_read(flow: Flow) -> None:
    handle(flow)
    runner = flow.runner()
    async with flow.running(runner):
        await until(lambda: runner.has_read([flow.event.TOPIC]), "nothing to read")


async def _observed(observer: object) -> bool:
    return observer is not None


@pytest.mark.parametrize("asked_each_time", [False, True])
@pytest.mark.parametrize("topics", [(), ("thidua.tiny.v1",)])
async def test_a_routine_waits_for_its_topics_and_for_no_others(
    kernel_engine: AsyncEngine, topics: Sequence[str], asked_each_time: bool
) -> None:
    asked: list[Sequence[str]] = []
    read = False
    turns = 0

    async def has_read(of: Sequence[str]) -> bool:
        asked.append(of)
        return read

    async def turn() -> int:
        nonlocal turns
        turns += 1
        return 0

    named = (lambda: topics) if asked_each_time else topics
    routine = Routine("waiting", turn, turn, after_reading=named)
    runner = RoutineRunner(routine, kernel_engine, has_read)
    running = asyncio.create_task(runner.run())
    try:
        if topics:
            await until(lambda: _positive(len(asked)), "it to ask whether they are read")
            assert turns == 0
            read = True
        await until(lambda: _positive(turns), "its first turn")
    finally:
        runner.stop()
        await running
    assert set(map(tuple, asked)) == ({topics} if topics else set())


async def _positive(number: int) -> bool:
    return number > 0
