"""Many rows in one statement keep the meaning of one statement a row."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import connect, metadata
from shared.rows import add_rows, as_table, insert_rows, put_rows

pytestmark = pytest.mark.component

MORE_THAN_PARAMETERS = 40_000
"""A statement has 32,767 of them at most."""
tables = metadata()
thing = sa.Table(
    "thing",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, sa.Identity()),
    sa.Column("number", sa.Integer),
)
sample = sa.Table(
    "sample",
    tables,
    sa.Column("id", sa.UUID, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("day", sa.Date),
    sa.Column("points", sa.Numeric(7, 2)),
    sa.Column("late", sa.Boolean),
    sa.Column("items", JSONB),
    sa.Column("text", sa.Text),
)


@pytest.fixture
async def connection(make_database: Callable[[str], str]) -> AsyncIterator[AsyncConnection]:
    engine = connect(make_database("rows"))
    async with engine.begin() as connection:
        await connection.run_sync(tables.create_all)
        yield connection
    await engine.dispose()


def things(*numbers: int, name: str = "thing-{}") -> list[dict[str, Any]]:
    return [{"name": name.format(number), "number": number} for number in numbers]


async def numbers(connection: AsyncConnection) -> list[int | None]:
    """In the order of the identity column."""
    return list(await connection.scalars(sa.select(thing.c.number).order_by(thing.c.seq)))


@pytest.mark.parametrize("write", [insert_rows, add_rows, put_rows])
async def test_rows_are_numbered_in_their_order(connection: AsyncConnection, write: Any) -> None:
    told = [number * 7919 % MORE_THAN_PARAMETERS for number in range(MORE_THAN_PARAMETERS)]
    await write(connection, thing, things(*told))
    assert await numbers(connection) == told


@pytest.mark.parametrize("write", [insert_rows, add_rows, put_rows])
async def test_no_rows_are_no_statement(connection: AsyncConnection, write: Any) -> None:
    await write(connection, thing, [])
    assert await numbers(connection) == []


async def test_a_new_row_that_is_there_is_refused(connection: AsyncConnection) -> None:
    await insert_rows(connection, thing, things(1))
    with pytest.raises(IntegrityError):
        await insert_rows(connection, thing, things(2, 1))


async def test_an_added_row_leaves_the_first_one_as_it_is(connection: AsyncConnection) -> None:
    await insert_rows(connection, thing, things(1, name="same"))
    await add_rows(connection, thing, [*things(2, name="same"), *things(3, 4, name="other")])
    assert await numbers(connection) == [1, 3]


async def test_of_rows_put_with_one_key_the_last_holds(connection: AsyncConnection) -> None:
    await put_rows(connection, thing, things(1, name="same"))
    await put_rows(connection, thing, [*things(3, 2, name="same"), *things(5, 4, name="other")])
    assert await numbers(connection) == [2, 4]


async def test_a_row_that_is_not_newer_replaces_nothing(connection: AsyncConnection) -> None:
    await put_rows(connection, thing, things(2, name="same"))
    for number, held in ((1, 2), (2, 2), (3, 3)):
        await put_rows(connection, thing, things(number, name="same"), newer="number")
        assert await numbers(connection) == [held]


async def test_of_rows_that_must_be_newer_the_newest_holds(connection: AsyncConnection) -> None:
    await put_rows(connection, thing, things(1, 3, 2, name="same"), newer="number")
    assert await numbers(connection) == [3]


async def test_values_of_every_kind_come_back_as_they_were(connection: AsyncConnection) -> None:
    full = {
        "id": UUID(int=1),
        "at": datetime(2026, 11, 22, 7, 30, tzinfo=UTC),
        "day": datetime(2026, 11, 22, tzinfo=UTC).date(),
        "points": Decimal("19.50"),
        "late": True,
        "items": [{"criterion": "a1", "narrative": 'Đã "xong"'}, [1, [2]], None],
        "text": "{NULL,\\}",
    }
    nothing = dict.fromkeys(full) | {"id": UUID(int=2), "items": [], "text": ""}
    await insert_rows(connection, sample, [full, nothing])
    found = await connection.execute(sa.select(sample).order_by(sample.c.id))
    assert [dict(row) for row in found.mappings()] == [full, nothing]


async def test_an_update_takes_each_row_its_own_value(connection: AsyncConnection) -> None:
    await insert_rows(connection, thing, things(1, 2, 3))
    given = as_table(things(3, 1), {"name": sa.Text(), "number": sa.Integer()})
    update = sa.update(thing).where(thing.c.name == given.c.name)
    await connection.execute(update.values(number=given.c.number * 10))
    assert await numbers(connection) == [10, 2, 30]
