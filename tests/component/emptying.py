"""Databases that many tests use, one after the other."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

_NUMBERED = """
    SELECT owner.relname::text FROM pg_class number
    JOIN pg_depend ON (classid, objid) = (number.tableoid, number.oid) AND refobjsubid > 0
    JOIN pg_class owner ON owner.oid = pg_depend.refobjid
    WHERE CASE number.relkind WHEN 'S' THEN pg_sequence_last_value(number.oid) END IS NOT NULL
"""
"""Tables that have drawn a number, though they may hold nothing any more."""


async def empty(engine: AsyncEngine, tables: Iterable[sa.Table]) -> None:
    """Make the tables as new: no rows, and numbers from the first again.

    Those that are as new are left alone: to truncate one takes as long as if it held something,
    and forty take longer than most tests.
    """
    names = {table.name for table in tables}
    held = [f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in sorted(names)]
    async with engine.begin() as connection:
        found = await connection.scalars(sa.text(" UNION ".join([*held, _NUMBERED])))
        if used := names & set(found):
            listed = ", ".join(sorted(used))
            await connection.execute(sa.text(f"TRUNCATE {listed} RESTART IDENTITY CASCADE"))
