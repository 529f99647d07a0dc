"""A table and its copy: making it, and putting the rows right that differ from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows put right in the live tables."""

    removed: int = 0
    corrected: int = 0
    added: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(
            self.removed + other.removed,
            self.corrected + other.corrected,
            self.added + other.added,
        )


async def create_copy(connection: AsyncConnection, schema: str, name: str) -> None:
    """An empty temporary table of the same name, with the same columns, checks and indexes."""
    await connection.execute(
        sa.text(f'CREATE TEMPORARY TABLE "{name}" (LIKE {schema}."{name}" INCLUDING ALL)')
    )


async def put_right(connection: AsyncConnection, schema: str, table: sa.Table) -> Changed:
    """Make the live table equal to the copy; rows that are equal are not touched.

    A trigger that lets nothing be changed guards what people decide; here the topic, which is the
    record, overrules it. The caller keeps other writers out.
    """
    live, built = f'{schema}."{table.name}"', f'pg_temp."{table.name}"'
    keys = (
        _columns("live", table.primary_key.columns)
        + " = "
        + _columns("built", table.primary_key.columns)
    )
    others = [column for column in table.columns if not column.primary_key]
    differs = "false"
    if others:
        differs = f"{_columns('live', others)} IS DISTINCT FROM {_columns('built', others)}"
    missing = f"NOT EXISTS (SELECT FROM {built} AS built WHERE {keys})"
    removed = await _count(connection, f"{live} AS live WHERE {missing}")
    corrected = await _count(
        connection, f"{live} AS live, {built} AS built WHERE {keys} AND {differs}"
    )
    if removed or corrected:
        await _execute(connection, f"ALTER TABLE {live} DISABLE TRIGGER USER")
        await _execute(connection, f"DELETE FROM {live} AS live WHERE {missing}")
        if others:
            values = ", ".join(f'"{c.name}" = built."{c.name}"' for c in others)
            await _execute(
                connection,
                f"UPDATE {live} AS live SET {values} FROM {built} AS built"
                f" WHERE {keys} AND {differs}",
            )
        await _execute(connection, f"ALTER TABLE {live} ENABLE TRIGGER USER")
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    added = await _execute(
        connection,
        f"INSERT INTO {live} ({names}) SELECT {names} FROM {built} AS built"
        f" WHERE NOT EXISTS (SELECT FROM {live} AS live WHERE {keys})",
    )
    return Changed(removed, corrected, added)


def _columns(owner: str, columns: Iterable[sa.Column[Any]]) -> str:
    return "(" + ", ".join(f'{owner}."{column.name}"' for column in columns) + ")"


async def _count(connection: AsyncConnection, rest: str) -> int:
    return int(await connection.scalar(sa.text(f"SELECT count(*) FROM {rest}")) or 0)


async def _execute(connection: AsyncConnection, statement: str) -> int:
    return (await connection.execute(sa.text(statement))).rowcount
