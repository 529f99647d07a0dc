"""What a full batch costs: the kernel's own handlers and the services' floods, by counts.

A statement is one call of the driver, as `thidua_sql_statements_total` counts. A call with many
rows is one round trip, and yet the server executes it once a row: what is bounded is `executed`.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event as hooks
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from services.notify.app import service as notify
from shared.messaging.applying import Applied
from shared.messaging.consumer import Received
from shared.messaging.unit_of_work import UnitOfWork
from shared.migrations import migrate
from tests.component import awards_world, intake_desk, notify_stage, scoring_world
from tests.component.intake_desk import DeskRoom, open_the_year
from tests.component.kernel_bench import Bench, seen
from tests.component.notify_stage import Stage, Story
from tests.kernel import Counted, FakeRecord, Renamed, counted, record_of

pytestmark = pytest.mark.component

BATCH = 500
FEW = 60
"""Participants of a ward, more or less."""
MOST_STATEMENTS = 0.1
"""Per event of a full batch."""
MOST_COMMITS = 0.02
_COUNT = sa.text(
    "INSERT INTO seen (thing, number) SELECT * FROM unnest(:things, :numbers)"
).bindparams(
    sa.bindparam("things", type_=ARRAY(sa.Text)), sa.bindparam("numbers", type_=ARRAY(sa.Integer))
)


@dataclass
class Costs:
    """What was sent to the database while it was counted."""

    statements: int = 0
    executed: int = 0
    commits: int = 0

    def are_small(self, events: int) -> None:
        """Raises AssertionError when they are not those of batches."""
        assert self.commits <= MOST_COMMITS * events, self
        assert self.executed <= MOST_STATEMENTS * events, self


@contextmanager
def counting(engine: AsyncEngine) -> Iterator[Costs]:
    costs = Costs()

    def sent(_: Any, __: Any, ___: Any, parameters: Any, ____: Any, executemany: bool) -> None:
        costs.statements += 1
        costs.executed += len(parameters) if executemany else 1

    def ended(_: Any) -> None:
        costs.commits += 1

    listeners: dict[str, Callable[..., None]] = {"before_cursor_execute": sent, "commit": ended}
    for name, listener in listeners.items():
        hooks.listen(engine.sync_engine, name, listener)
    try:
        yield costs
    finally:
        for name, listener in listeners.items():
            hooks.remove(engine.sync_engine, name, listener)


async def take_all(events: Sequence[Received[Any]], work: UnitOfWork) -> None:
    """One statement for a batch, and one fact for each event."""
    columns = {
        "things": [event.data.thing for event in events],
        "numbers": [event.data.number for event in events],
    }
    await work.connection.execute(_COUNT, columns)
    for event in events:
        told = Renamed(ward="tu-minh", thing=event.data.thing, number=event.data.number)
        work.publish(told, because_of=event, discriminator=str(event.data.number))


async def take_each(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
    """The planted fault: a statement for each event."""
    for event in events:
        row = {"thing": event.data.thing, "number": event.data.number}
        await work.connection.execute(sa.insert(seen).values(row))


async def take_rows(events: Sequence[Received[Counted]], work: UnitOfWork) -> None:
    """One call with many rows: executed once a row."""
    rows = [{"thing": event.data.thing, "number": event.data.number} for event in events]
    await work.connection.execute(sa.insert(seen), rows)


def things(count: int, keys: int) -> list[FakeRecord]:
    return [record_of(counted(f"thing-{n % keys}", n), n) for n in range(count)]


def two_types(count: int, keys: int) -> list[FakeRecord]:
    """Of every key in turns an event of one type and of the other: as many waves as can be."""
    return [
        record_of(
            Renamed(ward="tu-minh", thing=f"thing-{n % keys}", number=n)
            if n // keys % 2
            else counted(f"thing-{n % keys}", n),
            n,
        )
        for n in range(count)
    ]


# --- the kernel ---


@pytest.mark.parametrize("keys", [FEW, BATCH])
async def test_a_full_batch_costs_a_handful_of_statements(bench: Bench, keys: int) -> None:
    bench.consumer.on(Counted)(take_all)
    with counting(bench.engine) as costs:
        applied = await bench.apply(*things(BATCH, keys))
    assert (applied.handled, applied.published) == (BATCH, BATCH)
    assert costs == Costs(statements=6, executed=6, commits=1)
    costs.are_small(BATCH)


async def test_what_nobody_handles_is_passed_over_in_one_statement(bench: Bench) -> None:
    """Without a transaction around it, which would be three round trips instead of one."""
    began: list[bool] = []

    def note(connection: sa.Connection, *_: Any) -> None:
        driver: Any = connection.connection.driver_connection
        began.append(driver.is_in_transaction())

    bench.consumer.on(Counted)(take_all)
    hooks.listen(bench.engine.sync_engine, "after_cursor_execute", note)
    try:
        for first, event in ((0, Renamed), (3, Counted)):
            told = [event(ward="tu-minh", thing="a", number=n) for n in range(first, first + 3)]
            await bench.apply(*(record_of(one, first + n) for n, one in enumerate(told)))
    finally:
        hooks.remove(bench.engine.sync_engine, "after_cursor_execute", note)
    assert began == [False, *[True] * 6]
    assert await bench.positions() == {0: 6}


async def test_a_key_of_two_types_in_turns_costs_a_statement_a_wave(bench: Bench) -> None:
    bench.consumer.on(Counted)(take_all)
    bench.consumer.on(Renamed)(take_all)
    with counting(bench.engine) as costs:
        applied = await bench.apply(*two_types(BATCH, FEW))
    assert applied.handled == BATCH
    costs.are_small(BATCH)


async def test_a_batch_of_repeats_costs_no_more_than_a_batch_of_news(bench: Bench) -> None:
    bench.consumer.on(Counted)(take_all)
    records = things(BATCH, FEW)
    await bench.apply(*records)
    with counting(bench.engine) as costs:
        applied = await bench.apply(*records)
    assert (applied.handled, applied.repeated) == (0, BATCH)
    costs.are_small(BATCH)


@pytest.mark.parametrize("handler", [take_each, take_rows])
async def test_a_statement_for_each_event_is_found(bench: Bench, handler: Any) -> None:
    bench.consumer.on(Counted)(handler)
    with counting(bench.engine) as costs:
        await bench.apply(*things(BATCH, FEW))
    with pytest.raises(AssertionError):
        costs.are_small(BATCH)


# --- the services ---


def codes(keys: int) -> list[str]:
    return [f"don-vi-{number % keys}" for number in range(BATCH)]


def revision(number: int, keys: int) -> int:
    return number // keys + 1


def all_was_taken(applied: Applied, costs: Costs) -> None:
    assert (applied.handled, applied.parked) == (BATCH, 0)
    costs.are_small(BATCH)


@asynccontextmanager
async def a_database(infrastructure: Provided, name: str) -> AsyncIterator[str]:
    yield infrastructure.create_database(name)
    infrastructure.drop_database(name)


@pytest.mark.parametrize("keys", [FEW, BATCH])
async def test_intake_takes_a_full_batch_of_inbound_reports(
    infrastructure: Provided, tmp_path: Any, keys: int
) -> None:
    async with intake_desk.one_intake(infrastructure, tmp_path) as room:
        await open_the_year(room)
        await _register(room, keys)
        records = [
            room.record(intake_desk.report(code, revision=revision(number, keys)))
            for number, code in enumerate(codes(keys))
        ]
        with counting(room.engine) as costs:
            applied = await room.apply(*records)
        assert applied.published > BATCH
    all_was_taken(applied, costs)


async def _register(room: DeskRoom, keys: int) -> None:
    roll = [intake_desk.participant(code) for code in sorted(set(codes(keys)))]
    for first in range(0, len(roll), 100):
        await room.must(
            intake_desk.OFFICER, "/participants", {"participants": roll[first : first + 100]}
        )


@pytest.mark.parametrize("keys", [FEW, BATCH])
async def test_scoring_scores_a_full_batch_of_reports(
    infrastructure: Provided, tmp_path: Any, keys: int
) -> None:
    async with (
        a_database(infrastructure, "scoring_costs") as url,
        scoring_world.open_world(url, tmp_path) as world,
    ):
        ward = world.ward()
        roll = [ward.participant(code) for code in sorted(set(codes(keys)))]
        await world.tell(ward.movement(), ward.period(), *roll)
        await world.adopt(ward)
        reports = [
            scoring_world.record_of(
                ward.report(code, {"a1": str(20 + revision(n, keys))}, revision=revision(n, keys))
            )
            for n, code in enumerate(codes(keys))
        ]
        with counting(world.engine) as costs:
            applied = await world.applier.apply(reports)
        assert applied.published == BATCH
    all_was_taken(applied, costs)


@pytest.mark.parametrize("keys", [FEW, BATCH])
async def test_notify_notes_a_full_batch_of_reports(infrastructure: Provided, keys: int) -> None:
    async with a_database(infrastructure, "notify_costs") as url:
        await migrate(url, notify.migrations)
        async with notify_stage.staged(url) as stage:
            await _introduce(stage, keys)
            records = [
                notify_stage.record(Story().received(revision(number, keys), code))
                for number, code in enumerate(codes(keys))
            ]
            with counting(stage.engine) as costs:
                applied = await stage.take(*records)
            assert len(await stage.mails()) == BATCH
    all_was_taken(applied, costs)


async def _introduce(stage: Stage, keys: int) -> None:
    story = Story()
    people = [story.school(code) for code in sorted(set(codes(keys)))]
    await stage.tell(story.movement(), story.period(), story.contact(), *people)


async def test_awards_keeps_a_full_batch_of_results(
    infrastructure: Provided, tmp_path: Any
) -> None:
    async with (
        a_database(infrastructure, "awards_costs") as url,
        awards_world.open_world(url, tmp_path) as world,
    ):
        ward = world.ward()
        with counting(world.engine) as costs:
            results = (ward.result(code, "phong-ban", 1) for code in codes(BATCH))
            applied = await world.tell(*results)
    all_was_taken(applied, costs)
