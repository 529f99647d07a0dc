"""Every service takes the published examples of what it reads, in whatever order they come."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from importlib import import_module
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from shared.clock import BusinessClock, SystemClock
from shared.contracts.base import Event
from shared.contracts.examples import PERIOD, REPORT, SCHOOL, WARD, all_examples, example_of
from shared.contracts.intake import (
    ContactRecorded,
    MovementLaunched,
    ObligationOpened,
    ParticipantRegistered,
    PeriodOpened,
    ReportAccepted,
    ReportReceived,
)
from shared.contracts.scoring import ResultFrozen
from shared.database import connect
from shared.messaging.applying import Applied, Applier
from shared.messaging.tables import parked
from shared.migrations import migrate
from tests.kernel import record_of

pytestmark = pytest.mark.component

READERS = ("scoring", "awards", "notify")
Order = Callable[[Sequence[Event]], list[Event]]
ORDERS: dict[str, Order] = {
    "as they happened": list,
    "backwards": lambda events: list(reversed(events)),
    "by topic and name": lambda events: sorted(events, key=lambda e: (e.TOPIC, e.TYPE)),
}


class Reader:
    """One service's consumer on a database of its own."""

    def __init__(self, name: str, engine: AsyncEngine) -> None:
        self.service = import_module(f"services.{name}.app").service
        self.tables = import_module(f"services.{name}.store.tables").tables
        self.engine = engine
        system = SystemClock()
        self.ward, self.numbers = WARD, itertools.count(1)
        self.applier = Applier(self.service.consumer, engine, BusinessClock(system), system)

    @property
    def reads(self) -> list[Event]:
        known = self.service.consumer.subscriptions
        return [event for event in all_examples() if event.TYPE in known]

    async def tell(self, events: Sequence[Event]) -> tuple[Applied, Applied]:
        """The events, of a ward that was never heard of, and once more: what became of both."""
        self.ward = f"{WARD}-{next(self.numbers)}"
        moved = [event.model_copy(update={"ward": self.ward}) for event in events]
        records = [record_of(event, next(self.numbers)) for event in moved]
        return await self.applier.apply(records), await self.applier.apply(records)

    async def row(self, table: str, **where: Any) -> Any:
        """The one row of the ward for these values."""
        source, where = self.tables.tables[table], {"ward": self.ward, **where}
        query = sa.select(source).where(*(source.c[name] == of for name, of in where.items()))
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).one()

    async def parked(self) -> list[tuple[str, str]]:
        async with self.engine.connect() as connection:
            query = sa.select(parked.c.event_type, parked.c.message)
            rows = await connection.execute(query.where(parked.c.key.startswith(f"{self.ward}/")))
            return [(row.event_type, row.message) for row in rows]


@pytest.fixture(scope="module")
async def readers(infrastructure: Provided) -> AsyncIterator[dict[str, Reader]]:
    made: dict[str, Reader] = {}
    for name in READERS:
        url = infrastructure.create_database(f"examples_{name}")
        await migrate(url, import_module(f"services.{name}.app").service.migrations)
        made[name] = Reader(name, connect(url))
    try:
        yield made
    finally:
        for name, reader in made.items():
            await reader.engine.dispose()
            infrastructure.drop_database(f"examples_{name}")


@pytest.mark.parametrize(("name", "order"), list(itertools.product(READERS, ORDERS)))
async def test_a_reader_takes_every_example_in_any_order(
    readers: dict[str, Reader], name: str, order: str
) -> None:
    reader = readers[name]
    events = ORDERS[order](reader.reads)
    applied, again = await reader.tell(events)
    assert await reader.parked() == []
    assert (applied.handled, applied.skipped) == (len(events), 0)
    assert (again.handled, again.published) == (0, 0)


async def test_scoring_keeps_what_the_example_of_a_report_claims(
    readers: dict[str, Reader],
) -> None:
    reader, told = readers["scoring"], example_of(ReportReceived)
    await reader.tell([example_of(ParticipantRegistered), told])
    kept = await reader.row("claim", participant=SCHOOL, period=PERIOD)
    assert [item["criterion"] for item in kept.items] == [one.criterion for one in told.items]
    assert kept.report_id == REPORT


async def test_awards_keeps_whom_the_example_of_an_acceptance_nominates(
    readers: dict[str, Reader],
) -> None:
    reader, told = readers["awards"], example_of(ReportAccepted)
    await reader.tell([example_of(ParticipantRegistered), told, example_of(ResultFrozen)])
    [nomination] = told.nominations
    kept = await reader.row("proposal", proposer=SCHOOL, period=PERIOD)
    assert (kept.subject, kept.form) == (nomination.subject, nomination.form)


async def test_notify_reminds_of_the_example_s_duty(readers: dict[str, Reader]) -> None:
    reader, told = readers["notify"], example_of(ObligationOpened)
    kinds: tuple[type[Event], ...] = (
        MovementLaunched,
        PeriodOpened,
        ParticipantRegistered,
        ContactRecorded,
    )
    await reader.tell([*(example_of(kind) for kind in kinds), told])
    kept = await reader.row("obligation", participant=SCHOOL)
    assert (kept.obligation, kept.due) == (told.obligation, told.due)
    assert (await reader.row("notice", participant=SCHOOL)).period == PERIOD
