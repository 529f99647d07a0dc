"""The end of the chain: a row to be mailed for each score; `OUT` gets report id -> its commit."""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from bench.contestants.protocol import Score, Told
from bench.events import ScoreCounted
from shared.clock import BusinessClock, SystemClock
from shared.database import connect, metadata
from shared.memory import settle
from shared.messaging import Consumer, Received, UnitOfWork
from shared.messaging.applying import Applied, Applier
from shared.messaging.envelope import Record
from shared.messaging.running import Runner
from shared.messaging.tables import kernel

tables = metadata()
mail_table = sa.Table(
    "mail",
    tables,
    sa.Column("report", UUID, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
)
_ADD = sa.text("INSERT INTO mail SELECT * FROM unnest(:reports, :keys)").bindparams(
    sa.bindparam("reports", type_=ARRAY(UUID)), sa.bindparam("keys", type_=ARRAY(sa.Text))
)


class Timed(Applier):
    """Notes when the mails of a batch were committed."""

    score: Score
    enough: asyncio.Event
    at_hand: list[str]
    written: dict[str, float]

    async def apply(self, records: Sequence[Record]) -> Applied:
        self.at_hand = []
        applied = await super().apply(records)
        now = time.time()
        self.written.update(dict.fromkeys(self.at_hand, now))
        if self.score.committed(applied.handled):
            self.enough.set()
        return applied


async def run(told: Told) -> None:
    """Until there is a row for each of `EVENTS` reports."""
    score, enough = Score(told.events), asyncio.Event()
    ScoreCounted.TOPIC = told.topic
    engine, system = connect(told.sqlalchemy_url), SystemClock()
    async with engine.begin() as connection:
        await connection.run_sync(kernel.create_all)
        await connection.run_sync(tables.create_all)
    consumer = Consumer(told.group)
    applier = Timed(consumer, engine, BusinessClock(system), system)
    applier.score, applier.enough, applier.written = score, enough, {}

    @consumer.on(ScoreCounted)
    async def note(events: Sequence[Received[ScoreCounted]], work: UnitOfWork) -> None:
        applier.at_hand = [str(event.data.report_id) for event in events]
        columns = {
            "reports": [event.data.report_id for event in events],
            "keys": [event.key for event in events],
        }
        await work.connection.execute(_ADD, columns)

    runner = Runner(consumer, applier, engine, told.kafka, "0")
    running = asyncio.create_task(runner.run())
    settle()
    score.ready()
    await enough.wait()
    Path(os.environ["OUT"]).write_text(json.dumps(applier.written))
    score.end()
    runner.stop()
    await running
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(run(Told.here()))
