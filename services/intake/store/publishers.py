"""The register of publishers: tables and queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.publisher import Grant, Publisher
from services.intake.store.tables import MOMENT, tables


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


publisher = sa.Table(
    "publisher",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    _text("ce_source"),
    _text("ward"),
    _text("document"),
    _text("registered_by"),
    sa.Column("registered_at", MOMENT, nullable=False),
    sa.Column("ended_at", MOMENT),
    sa.Column("ended_by", sa.Text),
    _text("ended_why", server_default=""),
    sa.UniqueConstraint("ce_source"),
)
"""Other systems, of all wards; `ward` is the one that registered it. Only the end is written."""

publisher_grant = sa.Table(
    "publisher_grant",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("publisher", sa.Text, sa.ForeignKey("publisher.name"), nullable=False),
    _text("ward"),
    sa.Column("participants", ARRAY(sa.Text)),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date),
    _text("document"),
    _text("granted_by"),
    sa.Column("granted_at", MOMENT, nullable=False),
    sa.Column("ended_at", MOMENT),
    sa.Column("ended_by", sa.Text),
    _text("ended_why", server_default=""),
    sa.Index("ix_publisher_grant_publisher_ward", "publisher", "ward"),
)
"""`participants` NULL: all of the ward's. Only the end of a row is ever written."""

_DOOR = (
    sa.func.unnest(
        sa.bindparam("publishers", type_=ARRAY(sa.Text())),
        sa.bindparam("wards", type_=ARRAY(sa.Text())),
    )
    .table_valued(sa.column("name", sa.Text()), sa.column("ward", sa.Text()), name="door")
    .render_derived()
)
_OPEN = sa.and_(
    publisher_grant.c.publisher == _DOOR.c.name,
    publisher_grant.c.ward == _DOOR.c.ward,
    publisher_grant.c.ended_at.is_(None),
)
_AT_THE_DOOR = sa.select(
    _DOOR.c.name,
    _DOOR.c.ward,
    publisher.c.ce_source,
    publisher.c.ended_at,
    publisher_grant.c.id,
    publisher_grant.c.participants,
    publisher_grant.c.since,
    publisher_grant.c.until,
).select_from(
    _DOOR.join(publisher, publisher.c.name == _DOOR.c.name).outerjoin(publisher_grant, _OPEN)
)


async def names(connection: AsyncConnection) -> list[str]:
    """Of every publisher that was ever registered: also one that has ended is answered."""
    query = sa.select(publisher.c.name).order_by(publisher.c.name)
    return list((await connection.execute(query)).scalars())


async def at_the_door(
    connection: AsyncConnection, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Publisher]:
    """Publishers by (name, ward), each with the grants of that ward that stand now."""
    given = {"publishers": [name for name, _ in asked], "wards": [ward for _, ward in asked]}
    found: dict[tuple[str, str], Publisher] = {}
    for row in await connection.execute(_AT_THE_DOOR, given):
        known = found.get((row.name, row.ward))
        grants = known.grants if known else ()
        if row.id is not None:
            whom = None if row.participants is None else frozenset(row.participants)
            grants = (*grants, Grant(row.ward, whom, row.since, row.until))
        ended = row.ended_at is not None
        found[row.name, row.ward] = Publisher(row.name, row.ce_source, grants, ended)
    return found


async def find(connection: AsyncConnection, name: str) -> Any:
    query = sa.select(publisher).where(publisher.c.name == name)
    return (await connection.execute(query)).one_or_none()


async def of_ward(connection: AsyncConnection, ward: str) -> Sequence[Any]:
    """The publishers that a ward has registered or granted something, by name. Who registered or
    ended another ward's, by what and why, is that ward's own affair.
    """
    granted = sa.select(publisher_grant.c.publisher).where(publisher_grant.c.ward == ward)
    query = sa.select(*(_told_to(ward, column) for column in publisher.c)).where(
        sa.or_(publisher.c.ward == ward, publisher.c.name.in_(granted))
    )
    return (await connection.execute(query.order_by(publisher.c.name))).all()


def _told_to(ward: str, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if column.name not in ("document", "registered_by", "ended_by", "ended_why"):
        return column
    blank = sa.null() if column.nullable else sa.literal("")
    return sa.case((publisher.c.ward == ward, column), else_=blank).label(column.name)


async def grants_of(
    connection: AsyncConnection, ward: str, wanted: Sequence[str]
) -> dict[str, list[Any]]:
    """What a ward has granted these publishers, the oldest first, also what has ended."""
    query = (
        sa.select(publisher_grant)
        .where(publisher_grant.c.ward == ward, publisher_grant.c.publisher.in_(wanted))
        .order_by(publisher_grant.c.id)
    )
    found: dict[str, list[Any]] = {name: [] for name in wanted}
    for row in await connection.execute(query):
        found[row.publisher].append(row)
    return found


async def add(connection: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """False when the name or the source is taken."""
    statement = insert(publisher).values(**row).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def add_grant(connection: AsyncConnection, row: Mapping[str, Any]) -> int:
    """Returns its number."""
    statement = sa.insert(publisher_grant).values(**row).returning(publisher_grant.c.id)
    return int((await connection.execute(statement)).scalar_one())


async def end(
    connection: AsyncConnection,
    table: sa.Table,
    which: sa.ColumnElement[bool],
    ended: tuple[datetime, str, str],
) -> None:
    """Write the end of one row: when, by whom, why."""
    at, by, why = ended
    statement = sa.update(table).where(which, table.c.ended_at.is_(None))
    await connection.execute(statement.values(ended_at=at, ended_by=by, ended_why=why))
