"""Six bugs that a messaging kernel can have, to be planted into ours: the checker must find each.

They are patches of the kernel inside the process of one run; nothing here is ever imported by a
service of its own accord.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import applying, relay, store
from shared.messaging.applying import Applied, Applier, Batch
from shared.messaging.envelope import Record
from shared.messaging.reading import Reading
from shared.messaging.tables import outbox
from shared.messaging.unit_of_work import UnitOfWork

VARIABLE = "CHAOS_PLANTED"
PAUSE = 0.1
"""Seconds by which a planted window is held open, so that a short run meets it."""


def plant(name: str) -> None:
    """Plant a bug by its name; "" plants none. Raises KeyError on an unknown name."""
    if name:
        BUGS[name]()


def acknowledge_first() -> None:
    """The position moves, committed, before the effects' transaction begins."""
    honest = Applier.apply

    async def apply(self: Applier, records: Sequence[Record]) -> Applied:
        readings = [self._read(record) for record in records]
        async with self._engine.begin() as connection:
            await store.advance(connection, self._consumer.name, readings)
        return await honest(self, records)

    _replace(Applier, "apply", apply)


_taken: ContextVar[set[str] | None] = ContextVar("taken", default=None)


def commit_before_effects() -> None:
    """Inbox and position are committed in one transaction, the effects in a later one."""
    honest, take = Applier._transaction, store.take_into_inbox

    async def transaction(self: Applier, readings: Sequence[Reading], *, careful: bool) -> Applied:
        if not careful:
            ours = [reading for reading in readings if reading.outcome != "skipped"]
            async with self._engine.begin() as connection:
                _taken.set(await take(connection, self._consumer.name, ours))
                await store.advance(connection, self._consumer.name, readings)
        return await honest(self, readings, careful=careful)

    async def taken(
        connection: AsyncConnection, consumer: str, readings: Sequence[Reading]
    ) -> set[str]:
        known = _taken.get()
        if known is None:
            return await take(connection, consumer, readings)
        return {reading.place for reading in readings} & known

    _replace(Applier, "_transaction", transaction)
    _replace(store, "take_into_inbox", taken)


def cursor_relay() -> None:
    """The relay goes on behind the last number that it saw: late committers are passed over."""
    last = 0

    async def head(connection: AsyncConnection) -> list[Any]:
        nonlocal last
        query = sa.select(outbox).where(outbox.c.seq > last).order_by(outbox.c.seq).limit(500)
        rows = [
            relay._Row(
                row.seq,
                row.topic,
                row.key,
                [(name, value.encode()) for name, value in row.headers.items()],
                row.body,
            )
            for row in await connection.execute(query)
        ]
        last = max([last, *(row.seq for row in rows)])
        return rows

    _replace(relay, "_head", head)
    _hold_open(before=False)


def _hold_open(*, before: bool) -> None:
    """Every other transaction waits before, or after, it draws its outbox numbers."""
    honest = UnitOfWork.store_published
    turns = 0

    async def stored(self: UnitOfWork) -> int:
        nonlocal turns
        turns += bool(self.published)
        pause = PAUSE if self.published and turns % 2 else 0
        await asyncio.sleep(pause if before else 0)
        count = await honest(self)
        await asyncio.sleep(0 if before else pause)
        return count

    _replace(UnitOfWork, "store_published", stored)


def no_inbox() -> None:
    """Whatever comes is new."""

    async def take(_: AsyncConnection, __: str, readings: Sequence[Reading]) -> set[str]:
        return {reading.place for reading in readings}

    _replace(store, "take_into_inbox", take)


def park_without_successors() -> None:
    """An event that fails is parked, and those behind it go on."""

    def must_wait(_: Batch, __: Reading) -> bool:
        return False

    _replace(Batch, "_must_wait", must_wait)


def publish_without_lock() -> None:
    """Keys count as locked, and nobody is kept out."""

    async def lock(self: UnitOfWork, *keys: str) -> None:
        self._locked.update(keys)
        await asyncio.sleep(0)

    _replace(UnitOfWork, "lock", lock)
    _hold_open(before=True)


def _replace(owner: Any, name: str, bug: Callable[..., Any]) -> None:
    """Raises AttributeError where the kernel has no such thing any more: the bug must bite."""
    getattr(owner, name)
    setattr(owner, name, bug)


BUGS: dict[str, Callable[[], None]] = {
    "acknowledge-first": acknowledge_first,
    "commit-before-effects": commit_before_effects,
    "cursor-relay": cursor_relay,
    "no-inbox": no_inbox,
    "park-without-successors": park_without_successors,
    "publish-without-lock": publish_without_lock,
}

__all__ = ["BUGS", "VARIABLE", "applying", "plant"]
