"""The four services' consumers on databases of their own, under clocks that stand still."""

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from services.intake.domain.publisher import Grant, Publisher
from shared.clock import BusinessClock
from shared.contracts.base import Event
from shared.contracts.inbound import inbound_topic
from shared.database import connect
from shared.messaging.applying import Applied, Applier
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.fetching import Fetched
from shared.messaging.tables import inbox, kernel, outbox, parked
from shared.migrations import migrate
from tests.component import intake_desk, scoring_world
from tests.component.registered import enter_publishers
from tests.corpus.facts import WARD
from tests.corpus.wire import WireRecord, batch_of
from tests.kernel import FakeRecord

NAMES = ("intake", "scoring", "awards", "notify")
PUBLISHER = Publisher(
    "corpus", "urn:thidua:publisher:corpus", (Grant(WARD, None, date(2025, 1, 1)),)
)
INBOUND = inbound_topic(PUBLISHER.name)
_numbers = itertools.count(1)
Said = dict[tuple[str, str], list[tuple[str, str, Any]]]
"""(topic, key) -> (id, type, data) of the facts, in their order."""


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2025, 12, 6, 2, 0, tzinfo=UTC)


@dataclass
class Desk:
    """One service's consumer and its database."""

    name: str
    engine: AsyncEngine
    consumer: Consumer
    business: BusinessClock

    def __post_init__(self) -> None:
        clock: Any = Still()
        self.applier = Applier(self.consumer, self.engine, self.business, clock)

    async def apply(self, records: Sequence[Record]) -> Applied:
        return await self.applier.apply(records)

    async def state(self) -> dict[str, list[str]]:
        """Table -> rows as JSON, sorted; without the kernel's tables and drawn numbers."""
        known = {table.name for table in kernel.sorted_tables} | {"alembic_version"}
        found: dict[str, list[str]] = {}
        async with self.engine.connect() as connection:
            names = await connection.scalars(
                sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            )
            for name in sorted(set(names) - known):
                drawn = await connection.scalars(_DRAWN, {"name": name})
                rows = await connection.scalars(
                    sa.text(f'SELECT (to_jsonb(t) - :drawn)::text FROM "{name}" t').bindparams(
                        sa.bindparam("drawn", list(drawn), type_=sa.ARRAY(sa.Text))
                    )
                )
                found[name] = sorted(rows)
        return found

    async def said(self) -> Said:
        """What is in the outbox."""
        told: Said = {}
        async with self.engine.connect() as connection:
            for row in await connection.execute(sa.select(outbox).order_by(outbox.c.seq)):
                data = json.loads(row.body) if row.body else None
                fact = (row.event_id, row.headers["ce_type"], data)
                told.setdefault((row.topic, row.key), []).append(fact)
        return told

    async def parked(self) -> dict[tuple[str, int], str]:
        """(topic, offset) -> the error, of what was set aside."""
        columns = (parked.c.topic, parked.c.offset, parked.c.error, parked.c.message)
        async with self.engine.connect() as connection:
            rows = await connection.execute(sa.select(*columns))
            return {
                (topic, offset): f"{error}: {message}" for topic, offset, error, message in rows
            }

    async def taken(self) -> set[tuple[str, str]]:
        """(topic, id) of what the inbox holds."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(sa.select(inbox.c.publisher, inbox.c.event_id))
            return {(publisher, identity) for publisher, identity in rows}


_DRAWN = sa.text(
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name = :name AND is_identity = 'YES'"
)


@asynccontextmanager
async def desk(
    infrastructure: Provided, folder: Path, name: str, roll: Sequence[str] = ()
) -> AsyncIterator[Desk]:
    """A service's consumer on a database of its own.

    Scoring has its sheet adopted; intake has the year open and these participants on its roll,
    and the corpus is a publisher.
    """
    database = f"corpus_{name}_{next(_numbers)}"
    url = infrastructure.create_database(database)
    try:
        async with _OPEN.get(name, _plain)(name, url, folder, roll) as opened:
            yield opened
    finally:
        infrastructure.drop_database(database)


@asynccontextmanager
async def _plain(name: str, url: str, _: Path, __: Sequence[str]) -> AsyncIterator[Desk]:
    service = import_module(f"services.{name}.app").service
    await migrate(url, service.migrations)
    engine = connect(url)
    clock: Any = Still()
    try:
        yield Desk(name, engine, service.consumer, BusinessClock(clock))
    finally:
        await engine.dispose()


@asynccontextmanager
async def _scoring(name: str, url: str, folder: Path, _: Sequence[str]) -> AsyncIterator[Desk]:
    async with scoring_world.open_world(url, folder) as world:
        ward = scoring_world.Ward(WARD)
        await world.tell(ward.movement(), ward.period())
        await world.adopt(ward)
    async with _plain(name, url, folder, ()) as opened:
        await _forget(opened.engine)
        yield opened


@asynccontextmanager
async def _intake(name: str, url: str, folder: Path, roll: Sequence[str]) -> AsyncIterator[Desk]:
    async with intake_desk.intake_at(url, folder) as room:
        await intake_desk.open_the_year(room)
        people = [intake_desk.participant(code) for code in roll]
        for first in range(0, len(people), 100):
            body = {"participants": people[first : first + 100]}
            await room.must(intake_desk.OFFICER, "/participants", body)
        await _forget(room.engine)
        consumer = room.applier._consumer
        await enter_publishers(room.engine, PUBLISHER)
        consumer.listen_to([INBOUND])
        yield Desk(name, room.engine, consumer, room.clock)


async def _forget(engine: AsyncEngine) -> None:
    """What the kernel's tables know of how the year was opened."""
    names = ", ".join(table.name for table in kernel.sorted_tables if table.name != "act")
    async with engine.begin() as connection:
        await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))


_OPEN = {"intake": _intake, "scoring": _scoring}


def written(event: Event, identity: str, topic: str = "") -> WireRecord:
    """The event as its publisher would write it; on the inbound topic that is the corpus."""
    source = PUBLISHER.source if topic == INBOUND else f"urn:thidua:{event.PUBLISHER}"
    headers = {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_source": source,
        "ce_type": event.TYPE,
        "ce_time": "2025-12-05T02:30:00Z",
        "ce_ward": WARD,
        "content-type": "application/json",
    }
    body = None if event.ERASES else event.model_dump_json().encode()
    return WireRecord(
        event.key.encode(), body, tuple((k.encode(), v.encode()) for k, v in headers.items())
    )


def fetched(topic: str, first: int, records: Sequence[WireRecord]) -> list[Any]:
    """The records as the consumer's client reads them from a batch that begins at this offset."""
    batch = Fetched(batch_of(records)).next_batch()
    return [
        FakeRecord(topic, 0, first + r.offset, r.key, r.value, tuple(r.headers), r.timestamp)
        for r in batch
    ]
