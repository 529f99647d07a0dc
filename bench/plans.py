"""How PostgreSQL goes about the hot statements: what the code sends, explained where it was sent.

The statements are taken from the code as it runs, in a transaction that is undone; then they are
run again in the same order under `EXPLAIN (ANALYZE, BUFFERS)`, and undone again.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.country import LAST_MORNING, TOPIC, YEAR, SetClock, Told
from bench.tables import table
from services.intake import routines
from services.intake.domain.year import Wanted
from services.intake.handlers import consumer as intake_consumer
from services.intake.store import board, planning
from services.notify.handlers import consumer as notify_consumer
from services.notify.store import tasks
from shared.calendar import ward_day
from shared.clock import BusinessClock, SystemClock
from shared.messaging import store
from shared.messaging.applying import Batch
from shared.messaging.consumer import Consumer
from shared.messaging.reading import reader
from shared.messaging.relay import _FORGET, _HEAD
from shared.messaging.unit_of_work import OutboxRow, UnitOfWork
from shared.web.identity import Person

BIG = frozenset(
    {
        "contact",
        "hand_reminder",
        "inbox",
        "judgement",
        "mail",
        "met",
        "notice",
        "obligation",
        "participant",
        "plan",
        "reminder",
        "report",
        "role_held",
    }
)
"""Tables that grow with the country."""
_LOCKS = re.compile(r"SELECT pg_|SAVEPOINT|RELEASE")
_HEAD_WORDS = re.compile(r"\s+")

Sent = tuple[str, Any]
"""A statement, and its parameters."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One statement's plan. `blocks`: of 8 kB, read or found in memory; `scanned`: whole tables."""

    of: str
    statement: str
    rows: int
    blocks: int
    milliseconds: float
    indexes: tuple[str, ...]
    scanned: tuple[str, ...]

    @property
    def seeks(self) -> bool:
        """No table that grows with the country is gone through."""
        return BIG.isdisjoint(self.scanned)


@contextmanager
def sent_on(connection: AsyncConnection) -> Iterator[list[Sent]]:
    """What is sent meanwhile."""
    found: list[Sent] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if not _LOCKS.match(statement):
            found.append((statement, parameters))

    inner = connection.sync_connection
    if inner is None:
        raise RuntimeError("the connection is not open")
    sa.event.listen(inner, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        sa.event.remove(inner, "before_cursor_execute", keep)


@asynccontextmanager
async def undone(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that leaves nothing."""
    async with engine.connect() as connection:
        yield connection
        await connection.rollback()


async def explain(engine: AsyncEngine, of: str, sent: Sequence[Sent]) -> list[Shown]:
    """Run them once more, in their order, each under EXPLAIN."""
    found: list[Shown] = []
    async with undone(engine) as connection:
        for statement, parameters in sent:
            asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            told = (await connection.exec_driver_sql(asked, parameters)).scalar_one()
            [whole] = json.loads(told) if isinstance(told, str) else told
            found.append(_shown(of, statement, whole))
    return found


def _shown(of: str, statement: str, whole: dict[str, Any]) -> Shown:
    nodes = list(_nodes(whole["Plan"]))
    top = nodes[0]
    return Shown(
        of,
        _HEAD_WORDS.sub(" ", statement).strip(),
        round(top["Actual Rows"]),
        top.get("Shared Hit Blocks", 0) + top.get("Shared Read Blocks", 0),
        whole["Execution Time"],
        tuple(sorted({node["Index Name"] for node in nodes if "Index Name" in node})),
        tuple(sorted({n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"})),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


# --- what the code sends ---


async def of_board(engine: AsyncEngine, ward: str, now: datetime) -> list[Sent]:
    """The board of a year: a page of it, what stands where, the year's progress."""
    person = Person("x", "", frozenset({"officer"}), "", ward)
    async with undone(engine) as connection:
        with sent_on(connection) as sent:
            await board.periods(connection, ward, YEAR)
            await board.rows(connection, person, Wanted(YEAR), now, ward_day(now), limit=51)
            await board.counts(connection, person, Wanted(YEAR), now)
            await board.received_by_day(connection, person, "annual-report", YEAR)
            await board.escalated(connection, person, YEAR)
    return sent


async def of_list(engine: AsyncEngine, ward: str, roles: frozenset[str], unit: str) -> list[Sent]:
    """What somebody has to do: the main page."""
    heads = frozenset({unit}) if "head" in roles else frozenset[str]()
    person = Person("x", "", roles, unit, ward, heads=heads)
    async with undone(engine) as connection:
        with sent_on(connection) as sent:
            await tasks.seen_by(connection, person, ward_day(LAST_MORNING))
    return sent


async def of_planner(engine: AsyncEngine, now: datetime, limit: int) -> list[Sent]:
    """A turn in which so many duties came due, and intake's own ear for what it says."""
    async with undone(engine) as connection:
        with sent_on(connection) as sent:
            duties = await planning.duties_to_remind(connection, now, limit)
            work = _work(connection, "intake", SetClock(now))
            await work.lock(*{f"{row.ward}/{row.participant}" for row in duties})
            await routines._remind(work, [row.id for row in duties])
            await work.store_published()
            told = [_told(number, row) for number, row in enumerate(work.published)]
            await through(connection, intake_consumer, told)
    return sent


def _work(connection: AsyncConnection, service: str, clock: BusinessClock) -> UnitOfWork:
    return UnitOfWork(connection, service, clock, SystemClock())


async def of_night(
    intake: AsyncEngine, notify: AsyncEngine, records: Sequence[Told]
) -> tuple[list[Sent], list[Sent]]:
    """A batch of reports through intake with its relay, and what it says through notify."""
    intake_consumer.listen_to({TOPIC})
    async with undone(intake) as connection:
        with sent_on(connection) as of_intake:
            said = await through(connection, intake_consumer, records)
            rows = (await connection.execute(_HEAD)).all()
            await connection.execute(_FORGET, {"seqs": [row.seq for row in rows]})
    told = [_told(number, row) for number, row in enumerate(said)]
    async with undone(notify) as connection:
        with sent_on(connection) as of_notify:
            await through(connection, notify_consumer, told)
    return of_intake, of_notify


async def through(
    connection: AsyncConnection, consumer: Consumer, records: Sequence[Told]
) -> Sequence[OutboxRow]:
    """As the kernel's applier does it, up to the commit."""
    work = _work(connection, consumer.name, SetClock(LAST_MORNING))
    read = reader(consumer)
    readings = [read(record) for record in records]
    batch = Batch(consumer, work, None)
    await batch.run(readings, careful=False)
    await work.store_published()
    await store.advance(connection, consumer.name, readings)
    return work.published


def _told(number: int, row: OutboxRow) -> Told:
    headers = tuple((name, text.encode()) for name, text in row.envelope.headers().items())
    at = int(row.envelope.time.timestamp() * 1000)
    return Told(row.topic, 0, number, row.key.encode(), row.body, headers, at)


# --- the table ---

_LONGEST = 70


def plan_table(shown: Sequence[Shown]) -> str:
    head = ("statement", "of", "rows", "blocks", "ms", "indexes", "whole tables")
    lines = [
        (
            f"`{one.statement[:_LONGEST]}`",
            one.of,
            f"{one.rows:,}",
            f"{one.blocks:,}",
            f"{one.milliseconds:.1f}",
            ", ".join(one.indexes),
            ", ".join(one.scanned) or "none",
        )
        for one in shown
    ]
    return table(head, lines)
