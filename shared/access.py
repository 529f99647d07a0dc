"""Access that has ended: every service hears of it and stops believing the tokens it had."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.clock import Clock
from shared.contracts.intake import AccessEnded
from shared.messaging.consumer import Received
from shared.messaging.tables import ended_access
from shared.messaging.unit_of_work import UnitOfWork
from shared.tokens import TOKEN_LIFE

SNAPSHOT_SECONDS = 1.0
"""How old may be what a request is judged by; with the event's way it stays far below 5 s."""
_KEPT = TOKEN_LIFE + timedelta(minutes=5)


async def take_ended_access(events: Sequence[Received[AccessEnded]], work: UnitOfWork) -> None:
    """Remember from when on tokens are good again, as long as an older one could still be shown."""
    now = work.system.now()
    latest: dict[tuple[str, str, str], datetime] = {}
    for event in events:
        data = event.data
        key = (data.ward, data.person, str(data.session or ""))
        latest[key] = max(data.issued_before, latest.get(key, data.issued_before))
    await end_access(work.connection, latest, now)


async def end_access(
    connection: AsyncConnection, ended: dict[tuple[str, str, str], datetime], now: datetime
) -> None:
    """`ended`: (ward, person, session or "") -> issued before. Rows of no more use are deleted."""
    rows = [
        {"ward": ward, "person": person, "session": session, "issued_before": moment}
        for (ward, person, session), moment in ended.items()
        if moment > now - _KEPT
    ]
    await connection.execute(
        sa.delete(ended_access).where(ended_access.c.issued_before <= now - _KEPT)
    )
    if rows:
        given = insert(ended_access).values(rows)
        later = sa.func.greatest(ended_access.c.issued_before, given.excluded.issued_before)
        await connection.execute(
            given.on_conflict_do_update(
                constraint=ended_access.primary_key, set_={"issued_before": later}
            )
        )


class EndedAccess:
    """What a service knows of ended access, at most `SNAPSHOT_SECONDS` old."""

    def __init__(self, engine: AsyncEngine, system: Clock) -> None:
        self._engine, self._system = engine, system
        self._ended: dict[tuple[str, str, str], datetime] = {}
        self._seen = float("-inf")
        self._turn = asyncio.Lock()

    async def has_ended(self, ward: str, person: str, session: str, issued_at: datetime) -> bool:
        """True when a token issued then is not good any more."""
        if self._is_old():
            async with self._turn:
                if self._is_old():
                    await self._look()
        moments = (self._ended.get((ward, person, which)) for which in {"", session})
        return any(moment is not None and issued_at < moment for moment in moments)

    def _is_old(self) -> bool:
        return time.monotonic() - self._seen > SNAPSHOT_SECONDS

    async def _look(self) -> None:
        seen = time.monotonic()
        query = sa.select(ended_access).where(
            ended_access.c.issued_before > self._system.now() - _KEPT
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        self._ended = {(r.ward, r.person, r.session): r.issued_before for r in rows}
        self._seen = seen
