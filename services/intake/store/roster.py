"""The roll over time."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.desk import IS_OPEN, seen_by
from services.intake.store.tables import obligation, participant, participant_change
from shared.web.identity import Person


async def entries(
    connection: AsyncConnection, person: Person, after: str = "", limit: int = 0
) -> Sequence[sa.Row[Any]]:
    """Participants whom somebody may see, by code; those who have left are among them."""
    query = (
        sa.select(participant)
        .where(seen_by(person), participant.c.participant > after)
        .order_by(participant.c.participant)
        .limit(limit or None)
    )
    return (await connection.execute(query)).all()


async def entry(connection: AsyncConnection, person: Person, code: str) -> sa.Row[Any] | None:
    query = sa.select(participant).where(seen_by(person), participant.c.participant == code)
    return (await connection.execute(query)).one_or_none()


async def changes(connection: AsyncConnection, ward: str, code: str) -> Sequence[sa.Row[Any]]:
    """What was said anew of a participant, the oldest first."""
    query = sa.select(participant_change).where(
        participant_change.c.ward == ward, participant_change.c.participant == code
    )
    return (await connection.execute(query.order_by(participant_change.c.id))).all()


async def proposed_by(connection: AsyncConnection, ward: str, code: str) -> Sequence[sa.Row[Any]]:
    """The individuals whom a unit proposes."""
    query = sa.select(participant).where(
        participant.c.ward == ward,
        participant.c.proposed_by == code,
        participant.c.left_on.is_(None),
    )
    return (await connection.execute(query.order_by(participant.c.participant))).all()


async def put(connection: AsyncConnection, ward: str, code: str, **values: Any) -> None:
    await connection.execute(
        sa.update(participant)
        .where(participant.c.ward == ward, participant.c.participant == code)
        .values(**values)
    )


async def open_duties_of(
    connection: AsyncConnection, ward: str, code: str
) -> Sequence[sa.Row[Any]]:
    query = sa.select(obligation).where(
        obligation.c.ward == ward, obligation.c.participant == code, IS_OPEN
    )
    return (await connection.execute(query.order_by(obligation.c.id))).all()
