"""Each failpoint kills the process at the place that its name says, and nowhere in production."""

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from deploy.local.state import free_port
from shared.database import connect
from shared.failpoints import FAILPOINTS
from tests.component.kafka_tools import (
    committed,
    counted_on,
    first_occurrences,
    produce,
    read_all,
    until,
)
from tests.component.test_service_process import Tiny
from tests.component.tiny.app import BAD
from tests.kernel import record_of

pytestmark = pytest.mark.reliability

KILLED = -signal.SIGKILL
BUG = {"TINY_BUG": "1"}


@pytest.fixture
async def tiny(
    kafka: str, make_database: Callable[[str], str], make_topic_name: Callable[[str], str]
) -> Tiny:
    made = Tiny(kafka, make_database("failpoint"), make_topic_name("failpoint"), free_port())
    await made.create_topics()
    return made


@pytest.fixture
async def ready(tiny: Tiny) -> Tiny:
    await tiny.migrate()
    return tiny


async def dies_at(tiny: Tiny, failpoint: str, command: str = "serve", **other: str) -> None:
    code, said = await tiny.run(command, THIDUA_ENV="local", THIDUA_FAILPOINT=failpoint, **other)
    assert code == KILLED, said
    assert f"failpoint {failpoint} reached" in said


async def send(tiny: Tiny, *numbers: int) -> None:
    kind = counted_on(tiny.topic)
    made = [kind(ward="tu-minh", thing="a", number=number) for number in numbers]
    await produce(tiny.kafka, [record_of(event, 0) for event in made])


async def ask(tiny: Tiny, query: str) -> Any:
    engine = connect(tiny.url, pool_size=1)
    try:
        async with engine.connect() as connection:
            return await connection.scalar(sa.text(query))
    finally:
        await engine.dispose()


async def count(tiny: Tiny, table: str) -> int:
    found: int = await ask(tiny, f"SELECT count(*) FROM {table}")
    return found


async def told(tiny: Tiny) -> list[int]:
    records = await read_all(tiny.kafka, f"{tiny.topic}.told")
    return [json.loads(record.value)["number"] for record in records]


async def all_is_well_afterwards(tiny: Tiny, numbers: list[int]) -> None:
    """Started clean it applies and tells each number once, in order."""
    async with tiny.serving() as process:
        await until(lambda: _idle(tiny), "all to be applied and told")
        process.send_signal(signal.SIGTERM)
        assert (await tiny.end(process))[0] == 0
    applied = "SELECT array_agg(number ORDER BY number) FROM seen"
    assert await ask(tiny, applied) == sorted(numbers)
    assert first_occurrences(await told(tiny)) == numbers


async def _idle(tiny: Tiny) -> bool:
    flow = (await tiny.ask("/flow")).json()
    return bool(flow["idle"] and sum(flow["positions"].values()))


async def test_mid_batch_leaves_nothing_of_the_batch(ready: Tiny) -> None:
    await send(ready, 1, 2, 3)
    await dies_at(ready, "mid-batch")
    for table in ("seen", "inbox", "outbox", "position"):
        assert await count(ready, table) == 0
    await all_is_well_afterwards(ready, [1, 2, 3])


async def test_committed_before_offsets_leaves_the_effects_and_no_offset(ready: Tiny) -> None:
    await send(ready, 1, 2, 3)
    await dies_at(ready, "committed-before-offsets")
    assert await ask(ready, "SELECT max(next_offset) FROM position") == 3
    assert await count(ready, "seen") == 3
    group = f"thidua.tiny-{ready.topic}"
    assert not any((await committed(ready.kafka, group, ready.topic)).values())
    await all_is_well_afterwards(ready, [1, 2, 3])


async def test_claimed_before_send_leaves_the_outbox_unsent(ready: Tiny) -> None:
    await send(ready, 1, 2, 3)
    await dies_at(ready, "claimed-before-send")
    assert await count(ready, "outbox") == 3
    assert await told(ready) == []
    await all_is_well_afterwards(ready, [1, 2, 3])


async def test_acknowledged_before_delete_leaves_what_was_sent_in_the_outbox(ready: Tiny) -> None:
    await send(ready, 1, 2, 3)
    await dies_at(ready, "acknowledged-before-delete")
    assert await told(ready) == [1, 2, 3]
    assert await count(ready, "outbox") == 3
    await all_is_well_afterwards(ready, [1, 2, 3])
    assert await told(ready) == [1, 2, 3, 1, 2, 3]


async def test_inside_parking_leaves_nothing_parked_and_nothing_taken(ready: Tiny) -> None:
    await send(ready, 1, BAD, 2)
    await dies_at(ready, "inside-parking", **BUG)
    for table in ("seen", "inbox", "outbox", "position", "parked", "parked_key"):
        assert await count(ready, table) == 0
    await all_is_well_afterwards(ready, [1, BAD, 2])


async def test_during_migration_leaves_a_migration_that_can_be_repeated(tiny: Tiny) -> None:
    await dies_at(tiny, "during-migration", "migrate")
    assert await ask(tiny, "SELECT to_regclass('alembic_version')::text") is None
    assert (await tiny.run("migrate"))[0] == 0
    await send(tiny, 1)
    await all_is_well_afterwards(tiny, [1])


async def test_during_shutdown_leaves_what_is_in_the_outbox_to_the_next(ready: Tiny) -> None:
    armed = {"THIDUA_ENV": "local", "THIDUA_FAILPOINT": "during-shutdown"}
    process = await ready.start("serve", **armed)
    await until(ready.is_ready, "the service to be ready")
    process.send_signal(signal.SIGTERM)
    code, said = await ready.end(process)
    assert code == KILLED
    assert "failpoint during-shutdown reached" in said
    await send(ready, 1)
    await all_is_well_afterwards(ready, [1])


async def test_in_production_nothing_is_armed(ready: Tiny) -> None:
    await send(ready, 1, 2, 3)
    armed = {"THIDUA_ENV": "production", "THIDUA_FAILPOINT": ",".join(FAILPOINTS)}
    process = await ready.start("serve", **armed)
    await until(ready.is_ready, "the service to be ready")
    await until(lambda: _idle(ready), "all to be applied and told")
    process.send_signal(signal.SIGTERM)
    code, said = await asyncio.wait_for(ready.end(process), 60)
    assert code == 0
    assert "failpoint" not in said
    assert await told(ready) == [1, 2, 3]
