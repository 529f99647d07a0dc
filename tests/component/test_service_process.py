"""A service as its operator sees it: a process that starts, says why it cannot, and ends well."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.local.state import free_port
from shared.database import connect
from shared.migrations import migrate
from shared.service import EXIT_DEPENDENCY_MISSING, EXIT_MISCONFIGURED
from tests.component.kafka_tools import counted_on, create_topic, produce, read_all, until
from tests.component.kernel_bench import Bench
from tests.component.tiny.app import SLOW, consumer, service
from tests.kernel import record_of

pytestmark = pytest.mark.component


@dataclass
class Tiny:
    """The tiny service with its own database and topics."""

    kafka: str
    url: str
    topic: str
    port: int

    def environment(self, **other: str) -> dict[str, str]:
        others = ("THIDUA_", "PYTHONDONTWRITEBYTECODE")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
        return kept | {
            "THIDUA_DATABASE_URL": self.url,
            "THIDUA_KAFKA": self.kafka,
            "THIDUA_HTTP_PORT": str(self.port),
            "THIDUA_WAIT_SECONDS": "30",
            "TINY_TOPIC": self.topic,
            **other,
        }

    async def start(self, command: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.component.tiny", command),
            env=self.environment(**environment),
            stderr=asyncio.subprocess.PIPE,
        )

    async def end(self, process: asyncio.subprocess.Process) -> tuple[int, str]:
        """Exit code and everything that was logged."""
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def run(self, command: str, **environment: str) -> tuple[int, str]:
        return await self.end(await self.start(command, **environment))

    async def migrate(self) -> None:
        """As the command does, without a process of its own."""
        await migrate(self.url, service.migrations)

    async def ask(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/tiny") as client:
            return await client.get(path, headers=headers)

    async def create_topics(self) -> None:
        for name in (self.topic, f"{self.topic}.told"):
            await create_topic(self.kafka, name, 1)

    async def is_ready(self) -> bool:
        try:
            return (await self.ask("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    @asynccontextmanager
    async def serving(self, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await self.start("serve", **environment)
        try:
            await until(self.is_ready, "the service to be ready")
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


@pytest.fixture
def tiny(
    kafka: str, make_database: Callable[[str], str], make_topic_name: Callable[[str], str]
) -> Tiny:
    return Tiny(kafka, make_database("tiny"), make_topic_name("tiny"), free_port())


async def test_settings_that_are_missing_are_named(tiny: Tiny) -> None:
    code, said = await tiny.run("serve", THIDUA_KAFKA="", THIDUA_WAIT_SECONDS="soon")
    assert code == EXIT_MISCONFIGURED
    assert "THIDUA_KAFKA" in said
    assert "THIDUA_WAIT_SECONDS" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["serve", "migrate"])
async def test_without_its_database_it_ends_and_says_so(tiny: Tiny, command: str) -> None:
    nowhere = f"postgresql+asyncpg://tiny:x@127.0.0.1:{free_port()}/tiny"
    code, said = await tiny.run(command, THIDUA_DATABASE_URL=nowhere, THIDUA_WAIT_SECONDS="1")
    assert code == EXIT_DEPENDENCY_MISSING
    assert "waiting for PostgreSQL" in said
    assert "did not come in 1 s" in said
    assert "Traceback" not in said


async def test_it_waits_for_its_schema_and_then_for_its_topics(tiny: Tiny) -> None:
    code, said = await tiny.run("serve", THIDUA_WAIT_SECONDS="1")
    assert code == EXIT_DEPENDENCY_MISSING
    assert "its schema is None, this code needs 0003" in said
    both = await asyncio.gather(tiny.run("migrate"), tiny.run("migrate"))
    assert [code for code, _ in both] == [0, 0], both
    code, said = await tiny.run("serve", THIDUA_WAIT_SECONDS="1")
    assert code == EXIT_DEPENDENCY_MISSING
    assert f"topics are missing: {tiny.topic}, {tiny.topic}.told" in said
    nowhere = f"127.0.0.1:{free_port()}"
    code, said = await tiny.run("serve", THIDUA_KAFKA=nowhere, THIDUA_WAIT_SECONDS="1")
    assert code == EXIT_DEPENDENCY_MISSING
    assert "Kafka at 127.0.0.1" in said


async def test_it_serves_and_a_sigterm_finishes_what_is_at_hand(tiny: Tiny) -> None:
    await tiny.create_topics()
    await tiny.migrate()
    event = counted_on(tiny.topic)
    engine = connect(tiny.url)
    bench = Bench(engine, consumer)

    async def send(number: int) -> None:
        await produce(tiny.kafka, [record_of(event(ward="tu-minh", thing="a", number=number), 0)])

    async def begun() -> bool:
        answer = (await tiny.ask("/flow")).json()
        return bool(answer["behind"] == 1)

    try:
        async with tiny.serving() as process:
            await it_answers(tiny)
            await send(1)
            await until(lambda: is_idle(tiny), "the service to be idle")
            await send(SLOW)
            await until(begun, "the slow batch to be begun")
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            code, said = await tiny.end(process)
        assert code == 0, said
        assert "tiny stopped" in said
        assert await bench.story("a") == [1, SLOW]
        assert await bench.published() == [], "the outbox was sent before the end"
    finally:
        await engine.dispose()
    assert len(await read_all(tiny.kafka, f"{tiny.topic}.told")) == 2


async def is_idle(tiny: Tiny) -> bool:
    told: dict[str, Any] = (await tiny.ask("/flow")).json()
    return bool(told["idle"] and sum(told["positions"].values()))


async def it_answers(tiny: Tiny) -> None:
    assert (await tiny.ask("/livez")).json() == {"service": "tiny", "stale": []}
    flow = (await tiny.ask("/flow")).json()
    assert (flow["outbox"], flow["parked"], flow["due"]) == (0, 0, {"nothing": 0})
    assert (await tiny.ask("/me")).json()["type"] == "urn:thidua:problem:unauthenticated"
    assert (await tiny.ask("/nothing")).json()["type"] == "urn:thidua:problem:not-found"
    assert "vn.thidua.tiny.thing-told.v1" in (await tiny.ask("/asyncapi.json")).json()["channels"]
    assert 'thidua_database_up{service="tiny"} 1.0' in (await tiny.ask("/metrics")).text
    assert (await tiny.ask("/openapi.json")).json()["info"]["title"] == "thidua tiny"


async def test_a_port_that_is_taken_ends_it(tiny: Tiny) -> None:
    await tiny.create_topics()
    await tiny.migrate()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", tiny.port))
        taken.listen()
        code, said = await tiny.run("serve")
    assert code == EXIT_DEPENDENCY_MISSING
    assert f"cannot listen on 127.0.0.1:{tiny.port}: Address already in use" in said


@pytest.mark.parametrize(
    ("proxies", "answers"), [("127.0.0.0/8", [200, 429, 200]), ("", [200, 429, 429])]
)
async def test_only_the_proxy_in_front_is_believed_about_where_a_request_comes_from(
    tiny: Tiny, proxies: str, answers: list[int]
) -> None:
    """Whoever is not signed in may ask once a minute here, each address for itself."""
    await tiny.create_topics()
    await tiny.migrate()
    async with tiny.serving(THIDUA_PROXIES=proxies, THIDUA_PER_MINUTE="1"):
        seen = [
            (await tiny.ask("/asyncapi.json", {"X-Forwarded-For": source})).status_code
            for source in ("198.51.100.1", "198.51.100.1", "198.51.100.2")
        ]
    assert seen == answers
