"""A service as small as can be, on a real database: what tests of the kernel drive."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import BusinessClock, SystemClock
from shared.messaging.applying import Applied, Applier
from shared.messaging.consumer import Consumer, Handler, Received
from shared.messaging.envelope import Record
from shared.messaging.parking import Parking
from shared.messaging.tables import inbox, kernel, outbox, parked, parked_key, position
from shared.messaging.unit_of_work import UnitOfWork, Works
from tests.kernel import Counted

seen = sa.Table(
    "seen",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("thing", sa.Text),
    sa.Column("number", sa.Integer),
)
SYSTEM = SystemClock()
BUSINESS = BusinessClock(SYSTEM)

Hook = Callable[[Received[Counted], UnitOfWork], Awaitable[None]]


async def create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(kernel.create_all)
        await connection.run_sync(seen.create)


@dataclass
class Bench:
    """A database with one consumer; `batches` holds what handlers were given."""

    engine: AsyncEngine
    consumer: Consumer
    batches: list[list[Any]] = field(default_factory=list)

    @property
    def applier(self) -> Applier:
        return Applier(self.consumer, self.engine, BUSINESS, SYSTEM)

    @property
    def parking(self) -> Parking:
        return Parking(self.consumer, self.engine, BUSINESS, SYSTEM)

    @property
    def works(self) -> Works:
        return Works(self.engine, self.consumer.name, BUSINESS, SYSTEM)

    def recorder(self, hook: Hook | None = None) -> Handler[Counted]:
        """A handler that writes down what it gets, and then does `hook` with each event."""

        async def take(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
            self.batches.append([event.data.number for event in events])
            rows = [{"thing": e.data.thing, "number": e.data.number} for e in events]
            await work.connection.execute(sa.insert(seen), rows)
            for event in events:
                if hook is not None:
                    await hook(event, work)

        return take

    async def apply(self, *records: Record) -> Applied:
        return await self.applier.apply(records)

    async def rows(self, *columns: sa.ColumnElement[Any]) -> list[Any]:
        async with self.engine.connect() as connection:
            found = await connection.execute(sa.select(*columns).order_by(*columns))
            return [row[0] if len(columns) == 1 else tuple(row) for row in found]

    async def story(self, thing: str) -> list[int]:
        """The numbers of a thing in the order in which they took effect."""
        return [n for _, name, n in await self.rows(*seen.c) if name == thing]

    async def taken(self) -> list[str]:
        return await self.rows(inbox.c.event_id)

    async def published(self) -> list[str]:
        return await self.rows(outbox.c.event_id)

    async def set_aside(self) -> list[tuple[str, int, str]]:
        return await self.rows(parked.c.key, parked.c.offset, parked.c.message)

    async def held(self) -> list[str]:
        return await self.rows(parked_key.c.key)

    async def positions(self) -> dict[int, int]:
        return dict(await self.rows(position.c.partition, position.c.next_offset))

    async def nothing_is_there(self) -> bool:
        found = [await self.taken(), await self.published(), await self.set_aside()]
        return not any(found) and not await self.positions() and not await self.rows(*seen.c)
