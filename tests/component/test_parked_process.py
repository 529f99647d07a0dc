"""Parked events and the alarm as an operator meets them: a process and its command line."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from deploy.local.state import free_port
from shared.database import connect
from shared.parked import EXIT_REFUSED, EXIT_STILL_PARKED
from tests.component.kafka_tools import counted_on, produce, until
from tests.component.kernel_bench import Bench
from tests.component.test_service_process import Tiny
from tests.component.tiny.app import BAD, consumer
from tests.kernel import record_of

pytestmark = pytest.mark.component

BUG = {"TINY_BUG": "1"}


class Operated(Tiny):
    """The tiny service, with what its operator does."""

    async def parked(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """`python -m … parked …`: exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.component.tiny", "parked", *arguments),
            env=self.environment(**environment),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, told = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        assert b"Traceback" not in told, told.decode()
        return process.returncode, (out if process.returncode < 2 else told).decode()

    async def send(self, *events: tuple[str, int]) -> None:
        kind = counted_on(self.topic)
        made = [kind(ward="tu-minh", thing=thing, number=number) for thing, number in events]
        await produce(self.kafka, [record_of(event, 0) for event in made])

    async def answers(self, path: str, status: int) -> bool:
        return (await self.ask(path)).status_code == status


@pytest.fixture
async def tiny(
    kafka: str, make_database: Callable[[str], str], make_topic_name: Callable[[str], str]
) -> Operated:
    made = Operated(kafka, make_database("operated"), make_topic_name("operated"), free_port())
    await made.create_topics()
    await made.migrate()
    return made


@asynccontextmanager
async def looking_at(tiny: Operated) -> AsyncIterator[Bench]:
    engine = connect(tiny.url)
    yield Bench(engine, consumer)
    await engine.dispose()


async def nothing_behind(tiny: Operated) -> bool:
    flow = (await tiny.ask("/flow")).json()
    return bool(flow["idle"] and sum(flow["positions"].values()))


async def test_an_operator_looks_retries_and_discards(tiny: Operated) -> None:
    async with tiny.serving(**BUG) as process:
        await tiny.send(("a", 1), ("a", BAD), ("a", 2), ("b", BAD), ("b", 3))
        await until(lambda: nothing_behind(tiny), "all to be applied or parked")
        assert (await tiny.ask("/flow")).json()["parked"] == 4
        process.send_signal(signal.SIGTERM)
        await tiny.end(process)
    code, said = await tiny.parked("list")
    lines = [line.split("\t") for line in said.splitlines()]
    assert code == 0
    assert lines[0][:4] == ["id", "state", "key", "type"]
    rows = {(line[2], line[5]): line for line in lines[1:]}
    assert set(rows) == {(f"tu-minh/{thing}", tries) for thing in "ab" for tries in "01"}
    head_a, head_b = rows["tu-minh/a", "1"][0], rows["tu-minh/b", "1"][0]
    code, said = await tiny.parked("show", head_a)
    shown = json.loads(said)
    assert (code, shown["error"], shown["key"]) == (0, "Permanent", "tu-minh/a")
    assert json.loads(shown["body"])["number"] == BAD
    assert "thirteen is not a number" in shown["trace"]
    code, said = await tiny.parked("retry", "--key", "tu-minh/a", **BUG)
    assert (code, said.splitlines()[0]) == (EXIT_STILL_PARKED, "applied: 0")
    assert f"stopped at {head_a}: Permanent: thirteen is not a number" in said
    assert await tiny.parked("retry", "--since", "2100-01-01T00:00Z") == (0, "applied: 0\n")
    assert await tiny.parked("retry", head_a) == (0, "applied: 2\n")
    why = ("--reason", "counted by hand", "--by", "operator-1")
    assert await tiny.parked("discard", head_b, *why, **BUG) == (
        0,
        f"discarded: {head_b}\napplied: 1\n",
    )
    code, said = await tiny.parked("discard", head_b, "--reason", "or not", "--by", "operator-1")
    assert (code, "discarded before" in said) == (EXIT_REFUSED, True)
    assert (await tiny.parked("show", "999"))[0] == EXIT_REFUSED
    assert len((await tiny.parked("list", "--state", "all"))[1].splitlines()) == 2
    async with looking_at(tiny) as bench:
        assert await bench.story("a") == [1, BAD, 2]
        assert await bench.story("b") == [3]


async def test_one_bug_in_many_keys_stops_the_consumer_until_it_is_restarted(
    tiny: Operated,
) -> None:
    things = "abcdefgh"
    async with tiny.serving(**BUG, THIDUA_ALARM_KEYS="3") as process:
        await tiny.send(*((thing, BAD) for thing in things))
        await until(lambda: tiny.answers("/readyz", 503), "the alarm")
        told = (await tiny.ask("/readyz")).json()
        assert told["missing"] == ["consumer"]
        assert told["alarm"].startswith("Permanent in vn.thidua.test.thing-counted.v1 parks 3 of")
        await tiny.send(("z", 1))
        await asyncio.sleep(1)
        async with looking_at(tiny) as bench:
            assert await bench.story("z") == [], "it has stopped"
            assert len(await bench.held()) < 3
        assert await tiny.answers("/livez", 200)
        process.send_signal(signal.SIGTERM)
        code, said = await tiny.end(process)
    assert code == 0, said
    errors = [json.loads(line) for line in said.splitlines() if '"level": "ERROR"' in line]
    assert any("stops applying until it is restarted" in line["message"] for line in errors)
    async with tiny.serving():
        await until(lambda: nothing_behind(tiny), "all to be applied or parked")
    await tiny.parked("retry")
    async with looking_at(tiny) as bench:
        assert [await bench.story(thing) for thing in things] == [[BAD]] * len(things)
        assert await bench.story("z") == [1]
        assert await bench.held() == []
