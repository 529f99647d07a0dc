"""Databases made by an older release and new ones end with the same tables of the kernel."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import migrations
from shared.database import connect
from shared.messaging.tables import kernel
from tests.kernel import NOW

pytestmark = pytest.mark.component

SERVICES = Path(__file__).parents[2] / "services"
_COLUMNS = sa.text(
    "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity,"
    " identity_generation FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name = ANY(:tables) ORDER BY 1, 2"
)
_CONSTRAINTS = sa.text(
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid::regclass::text = ANY(:tables) AND contype <> 'n' ORDER BY 1, 2"
)
_INDEXES = sa.text(
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename = ANY(:tables)"
    " ORDER BY 1, 2"
)
_OLD_ROW = sa.text(
    'INSERT INTO parked (consumer, topic, partition, "offset", key, event_id, event_type,'
    " headers, body, error, message, trace, attempts, first_at, last_at)"
    " VALUES ('c', :topic, 0, :offset, :key, 'id', :type, '[]', NULL, :error, :message, :trace,"
    " 1, :at, :at)"
)


@pytest.fixture
async def open_database(
    make_database: Callable[[str], str],
) -> AsyncIterator[Callable[[], AsyncEngine]]:
    engines: list[AsyncEngine] = []

    def make() -> AsyncEngine:
        engines.append(connect(make_database("revisions")))
        return engines[-1]

    yield make
    for engine in engines:
        await engine.dispose()


async def shape(engine: AsyncEngine) -> list[Any]:
    names = {"tables": [table.name for table in kernel.sorted_tables]}
    async with engine.connect() as connection:
        asked = [await connection.execute(q, names) for q in (_COLUMNS, _CONSTRAINTS, _INDEXES)]
        return [tuple(row) for answer in asked for row in answer]


def to_0001(connection: sa.Connection, folder: Path) -> None:
    config = migrations._config(folder)
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


async def migrate(engine: AsyncEngine, folder: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    await migrations.migrate(url, folder)


async def park_the_old_way(engine: AsyncEngine) -> None:
    ours, inbound = "thidua.test.v1", "thidua.inbound.x.v1"
    waits = {"error": "Permanent", "message": "waits behind a parked event", "trace": ""}
    failed = {"error": "Bad", "message": "three", "trace": "raise Bad"}
    rows = [
        {"topic": ours, "offset": 0, "key": "w/a", "type": "t", **failed},
        {"topic": ours, "offset": 1, "key": "w/a", "type": "t", **waits},
        {"topic": ours, "offset": 2, "key": "w/a", "type": "", **failed},
        {"topic": ours, "offset": 3, "key": "w/b", "type": "t", **failed},
        {"topic": inbound, "offset": 4, "key": "w/a", "type": "", **failed},
    ]
    async with engine.begin() as connection:
        await connection.execute(_OLD_ROW, [{**row, "at": NOW} for row in rows])
        for topic in (ours, inbound):
            held = sa.text("INSERT INTO parked_key VALUES ('c', :topic, 'w/a')")
            await connection.execute(held, {"topic": topic})


@pytest.mark.parametrize("service", ["intake", "scoring", "awards", "notify"])
async def test_an_old_database_and_a_new_one_end_equal(
    service: str, open_database: Callable[[], AsyncEngine]
) -> None:
    folder = SERVICES / service / "migrations"
    old, new, meant = (open_database() for _ in range(3))
    async with old.begin() as connection:
        await connection.run_sync(to_0001, folder)
    await park_the_old_way(old)
    await migrate(old, folder)
    await migrate(new, folder)
    async with meant.begin() as connection:
        await connection.run_sync(kernel.create_all)
    assert await shape(old) == await shape(new) == await shape(meant)
    columns = (
        'SELECT "offset", state, in_order, attempts, error, appended_at FROM parked ORDER BY 1'
    )
    async with old.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(sa.text(columns))]
    assert rows == [
        (0, "parked", True, 1, "Bad", NOW),
        (1, "parked", True, 0, "WaitsBehind", NOW),
        (2, "parked", False, 1, "Bad", NOW),
        (3, "parked", False, 1, "Bad", NOW),
        (4, "parked", True, 1, "Bad", NOW),
    ]


async def test_the_code_before_the_revision_goes_on_parking(
    open_database: Callable[[], AsyncEngine],
) -> None:
    """In a rolling restart the database is ahead of some of the processes."""
    engine = open_database()
    await migrate(engine, SERVICES / "scoring" / "migrations")
    await park_the_old_way(engine)


async def test_a_discarded_event_has_its_reason_or_the_database_refuses(
    open_database: Callable[[], AsyncEngine],
) -> None:
    engine = open_database()
    await migrate(engine, SERVICES / "scoring" / "migrations")
    await park_the_old_way(engine)
    for change in ("state = 'discarded'", "reason = 'x'", "state = 'gone'"):
        async with engine.connect() as connection:
            with pytest.raises(sa.exc.IntegrityError, match="ck_parked"):
                await connection.execute(sa.text(f"UPDATE parked SET {change}"))
