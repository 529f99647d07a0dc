"""The kernel, put together as a service's process puts it together.

`RELAY=inside`: the relay runs in this process; `RELAY=beside`: another process relays. In both the
work ends when the outbox is empty; without it, at the last commit.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy import event as hooks
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.contestants.protocol import Score, Told
from bench.events import RESULTS, ReportMarked, ScoreCounted, Who, counted
from shared.clock import BusinessClock, SystemClock
from shared.database import connect, metadata
from shared.memory import settle
from shared.messaging import Consumer, Received, Transient, UnitOfWork
from shared.messaging.alarm import Alarm
from shared.messaging.applying import Applied, Applier
from shared.messaging.envelope import Record
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import kernel, outbox

tables = metadata()
score_table = sa.Table(
    "score",
    tables,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("points", sa.Numeric(14, 2), nullable=False),
    sa.Column("reports", sa.Integer, nullable=False),
)
_ADD = sa.text(
    "INSERT INTO score (ward, participant, points, reports)"
    " SELECT * FROM unnest(:wards, :participants, :points, :reports)"
    " ON CONFLICT (ward, participant) DO UPDATE"
    " SET points = score.points + excluded.points, reports = score.reports + excluded.reports"
    " RETURNING ward, participant, points, reports"
).bindparams(
    sa.bindparam("wards", type_=ARRAY(sa.Text)),
    sa.bindparam("participants", type_=ARRAY(sa.Text)),
    sa.bindparam("points", type_=ARRAY(sa.Numeric)),
    sa.bindparam("reports", type_=ARRAY(sa.Integer)),
)


async def count_scores(events: Sequence[Received[ReportMarked]], work: UnitOfWork) -> None:
    """Add what the batch brings, one row a participant; say each step of the sum."""
    points: defaultdict[Who, Decimal] = defaultdict(Decimal)
    reports: defaultdict[Who, int] = defaultdict(int)
    for event in events:
        who = event.data.ward, event.data.participant
        points[who] += event.data.points
        reports[who] += 1
    rows = await work.connection.execute(
        _ADD,
        {
            "wards": [ward for ward, _ in points],
            "participants": [participant for _, participant in points],
            "points": list(points.values()),
            "reports": list(reports.values()),
        },
    )
    ends = {(ward, participant): (total, count) for ward, participant, total, count in rows}
    facts = counted([event.data for event in events], ends)
    for event, fact in zip(events, facts, strict=True):
        work.publish(fact, because_of=event)


class Counting(Applier):
    """The kernel's applier, telling when work begins and when enough was done.

    What comes after that is put back, so that an outbox can be seen to run empty.
    """

    score: Score
    enough: asyncio.Event

    async def apply(self, records: Sequence[Record]) -> Applied:
        if self.enough.is_set():
            raise Transient("enough was done")
        self.score.received()
        applied = await super().apply(records)
        if self.score.committed(applied.handled):
            self.enough.set()
        return applied


def count_on(engine: AsyncEngine, score: Score) -> None:
    """Let the engine count what it sends."""

    def sent(*_: object) -> None:
        score.statements += 1

    def ended(*_: object) -> None:
        score.commits += 1

    hooks.listen(engine.sync_engine, "before_cursor_execute", sent)
    hooks.listen(engine.sync_engine, "commit", ended)


def consumer_of(told: Told) -> Consumer:
    """The one subscription, on the run's topic."""
    ReportMarked.TOPIC = told.topic
    ScoreCounted.TOPIC = os.environ.get("RESULTS", RESULTS)
    consumer = Consumer(told.group)
    consumer.on(ReportMarked)(count_scores)
    return consumer


async def create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(kernel.create_all)
        await connection.run_sync(tables.create_all)


async def _outbox_is_empty(engine: AsyncEngine) -> None:
    while True:
        async with engine.connect() as connection:
            if not await connection.scalar(sa.select(sa.exists().select_from(outbox))):
                return
        await asyncio.sleep(0.05)


async def run(told: Told) -> None:
    """Drain the topic; ends when the harness closes standard input."""
    score, enough = Score(told.events), asyncio.Event()
    engine = connect(told.sqlalchemy_url)
    if told.create:
        await create_tables(engine)
    count_on(engine, score)
    system = SystemClock()
    relay = Relay(engine, told.kafka, "bench", told.group)
    relaying = os.environ.get("RELAY", "")
    consumer = consumer_of(told)
    business = BusinessClock(system)
    wake = relay.wake if relaying == "inside" else lambda: None
    applier = Counting(consumer, engine, business, system, wake, Alarm(0.05, 5))
    applier.score, applier.enough = score, enough
    instance = os.environ.get("INSTANCE", "0")
    runner = Runner(consumer, applier, engine, told.kafka, instance)
    tasks = [asyncio.create_task(runner.run())]
    if relaying == "inside":
        tasks.append(asyncio.create_task(relay.run()))
    settle()
    score.ready()
    stopped = asyncio.create_task(enough.wait())
    await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if relaying:
        await _outbox_is_empty(engine)
        score.committed(0)
    score.end()
    runner.stop()
    relay.stop()
    await asyncio.gather(*tasks)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(run(Told.here()))
