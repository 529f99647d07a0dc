"""The issuer's queries: signing keys and machines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.token_key import KeyTimes
from services.intake.store.sign_in_tables import machine, signing_key


async def key_times(connection: AsyncConnection) -> list[KeyTimes]:
    query = sa.select(signing_key.c.kid, signing_key.c.signs_from)
    return [KeyTimes(row.kid, row.signs_from) for row in await connection.execute(query)]


async def private_key(connection: AsyncConnection, kid: str) -> bytes:
    """A private key as it is kept: wrapped."""
    query = sa.select(signing_key.c.private).where(signing_key.c.kid == kid)
    return bytes((await connection.execute(query)).scalar_one())


async def published_keys(connection: AsyncConnection) -> list[dict[str, Any]]:
    """The public keys, the oldest first."""
    query = sa.select(signing_key.c.jwk).order_by(signing_key.c.signs_from)
    return list((await connection.execute(query)).scalars())


async def add_key(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    await connection.execute(sa.insert(signing_key).values(**values))


async def withdraw_keys(connection: AsyncConnection, kids: Sequence[str]) -> None:
    if kids:
        await connection.execute(sa.delete(signing_key).where(signing_key.c.kid.in_(kids)))


async def add_machine(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """False when there is, or was, one of that name."""
    statement = insert(machine).values(**values).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def find_machine(connection: AsyncConnection, which: str) -> sa.Row[Any] | None:
    """A machine that has not ended, and does not before the commit."""
    query = sa.select(machine).where(machine.c.id == which, machine.c.ended_at.is_(None))
    return (await connection.execute(query.with_for_update(read=True))).one_or_none()


async def machines(connection: AsyncConnection, ward: str) -> Sequence[sa.Row[Any]]:
    """The ward's machines, without their secrets."""
    query = sa.select(*(column for column in machine.c if column.name != "secret_hash"))
    query = query.where(machine.c.ward == ward).order_by(machine.c.id)
    return (await connection.execute(query)).all()


async def end_machine(connection: AsyncConnection, ward: str, which: str, at: datetime) -> bool:
    """False when the ward has no such machine, or it has ended."""
    statement = (
        sa.update(machine)
        .where(machine.c.id == which, machine.c.ward == ward, machine.c.ended_at.is_(None))
        .values(ended_at=at)
    )
    return (await connection.execute(statement)).rowcount == 1
