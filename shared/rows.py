"""Many rows in one statement: PostgreSQL unpacks them from one array a column.

A statement's text does not depend on the number of rows, so it is prepared once. Rows are
mappings of column name to value, all with the names of the first.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Mapping[str, Any]
_PLACE = "ordinality"
_PARAMETER = "given_"


def as_table(
    rows: Sequence[Row], types: Mapping[str, sa.types.TypeEngine[Any]]
) -> sa.TableValuedAlias:
    """The rows as something to select from: a column for each type, and their places."""
    arrays = [
        sa.literal([row[name] for row in rows], ARRAY(kind, dimensions=1))
        for name, kind in types.items()
    ]
    return _unpacked(arrays, types)


def _unpacked(
    arrays: Sequence[sa.ColumnElement[Any]], types: Mapping[str, sa.types.TypeEngine[Any]]
) -> sa.TableValuedAlias:
    columns = [sa.column(name, kind) for name, kind in types.items()]
    unpacked = sa.func.unnest(*arrays).table_valued(*columns, with_ordinality=_PLACE, name="given")
    return unpacked.render_derived()


async def insert_rows(connection: AsyncConnection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert new rows. Raises IntegrityError when one is there already."""
    if rows:
        await connection.execute(insertion(table, tuple(rows[0])), arrays_of(rows))


async def add_rows(connection: AsyncConnection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows; those that are there already stay as they are."""
    if rows:
        await connection.execute(_addition(table, tuple(rows[0])), arrays_of(rows))


async def put_rows(
    connection: AsyncConnection, table: sa.Table, rows: Sequence[Row], *, newer: str = ""
) -> None:
    """Insert rows or replace them by their primary key; of rows with one key the last holds.

    `newer`: a column in which a row must be greater than the one that it replaces, in the table or
    among the rows.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    last: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        if not (newer and key in last and row[newer] <= last[key][newer]):
            last[key] = row
    statement = _replacement(table, tuple(rows[0]), newer)
    await connection.execute(statement, arrays_of(list(last.values())))


def arrays_of(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The parameters of `insertion`; at least one row."""
    return {_PARAMETER + name: [row[name] for row in rows] for name in rows[0]}


def values_of(row: Row) -> dict[str, Any]:
    """The parameters of `insertion_of_one`."""
    return {_PARAMETER + name: value for name, value in row.items()}


_made_once = lru_cache(maxsize=256)
"""To make a statement and to find its text again costs more than to send it."""


@_made_once
def insertion(table: sa.Table, names: tuple[str, ...]) -> Insert:
    """Inserts rows with these columns, for whoever adds something to it.

    In the order of the rows, which is then also that of the numbers of identity columns.
    """
    types = {name: table.c[name].type for name in names}
    arrays = [
        sa.bindparam(_PARAMETER + name, type_=ARRAY(kind, dimensions=1))
        for name, kind in types.items()
    ]
    given = _unpacked(arrays, types)
    values = sa.select(*(given.c[name] for name in names)).order_by(given.c[_PLACE])
    return insert(table).from_select(list(names), values)


@_made_once
def insertion_of_one(table: sa.Table, names: tuple[str, ...]) -> Insert:
    """Inserts one row with these columns, for whoever adds something to it."""
    return insert(table).values({name: sa.bindparam(_PARAMETER + name) for name in names})


@_made_once
def _addition(table: sa.Table, names: tuple[str, ...]) -> Insert:
    return insertion(table, names).on_conflict_do_nothing()


@_made_once
def _replacement(table: sa.Table, names: tuple[str, ...], newer: str) -> Insert:
    keys = [column.name for column in table.primary_key]
    statement = insertion(table, names)
    others = {c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    where = statement.excluded[newer] > table.c[newer] if newer else None
    return statement.on_conflict_do_update(index_elements=keys, set_=others, where=where)
