"""Work that the clock starts: planning reminders, sending mails, printing documents."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import lease, renewing
from shared.messaging.unit_of_work import key_hash

log = logging.getLogger(__name__)

NET_SECONDS = 0.25
RARELY = 5.0
"""Seconds between two looks of what is due twice a minute, or once an hour."""
AFTER_A_FAULT = 2.0


@dataclass(frozen=True, slots=True)
class Routine:
    """`turn` does what is due and returns how much it did; `pending` counts what is due now.

    `after_reading`: topics, or what names them, of which it must first have read all that they
    held at its start. From its own a database restored from an older copy learns what it has said
    and done since, and does not do it again; of others' it would speak too early.
    `rest`: seconds from a turn that found nothing to the next.
    """

    name: str
    turn: Callable[[], Awaitable[int]]
    pending: Callable[[], Awaitable[int]]
    after_reading: Sequence[str] | Callable[[], Sequence[str]] = ()
    rest: float = NET_SECONDS


@dataclass(slots=True)
class RoutineRunner:
    """Runs a routine in one process at a time: the one that holds its session lock."""

    routine: Routine
    engine: AsyncEngine
    has_read: Callable[[Sequence[str]], Awaitable[bool]]
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self.engine.connect() as connection:
                    await self._lead(connection)
            except Exception:  # a routine outlives every fault of its parts
                log.exception("routine %s failed; it goes on", self.routine.name)
                await self._rest(AFTER_A_FAULT)

    async def _lead(self, connection: AsyncConnection) -> None:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        lock = {"lock": key_hash(f"routine/{self.routine.name}")}
        while not await connection.scalar(sa.text("SELECT pg_try_advisory_lock(:lock)"), lock):
            await self._rest(1.0)
            if self._stopping.is_set():
                return
        try:
            await lease(connection)
            while not self._stopping.is_set():
                await connection.execute(sa.text("SELECT 1"))
                if not await renewing(connection, self._turn()):
                    await self._rest(self.routine.rest)
        finally:
            with contextlib.suppress(Exception):
                await connection.invalidate()

    async def _turn(self) -> int:
        named = self.routine.after_reading
        topics = named() if callable(named) else named
        if topics and not await self.has_read(topics):
            return 0
        return await self.routine.turn()

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
