"""The bare limit: aiokafka, pydantic and asyncpg, and nothing that the work could do without.

It has an inbox and loses nothing when it is killed. It has no locks, no parking, no positions, no
life cycle and no relay, and takes one type of event. Garbage is collected as in a service.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import asyncpg
from aiokafka import AIOKafkaConsumer

from bench.contestants.protocol import Score, Told
from bench.events import RESULTS, ReportMarked, ScoreCounted, Who, counted
from shared.memory import settle

BATCH = int(os.environ.get("BATCH", "500"))
NAMESPACE = UUID("5f0d3c2e-7a44-5b0e-9a6f-2f6d0a1c7e11")
TABLES = """
CREATE TABLE inbox (
    consumer text, publisher text, event_id text, PRIMARY KEY (consumer, publisher, event_id));
CREATE TABLE score (
    ward text, participant text, points numeric(14, 2) NOT NULL, reports integer NOT NULL,
    PRIMARY KEY (ward, participant));
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text NOT NULL UNIQUE,
    topic text NOT NULL, key text NOT NULL, headers jsonb NOT NULL, body bytea NOT NULL,
    created_at timestamptz NOT NULL);
"""
TAKE = (
    "INSERT INTO inbox SELECT $1, $2, * FROM unnest($3::text[])"
    " ON CONFLICT DO NOTHING RETURNING event_id"
)
ADD = (
    "INSERT INTO score SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[], $4::int[])"
    " ON CONFLICT (ward, participant) DO UPDATE"
    " SET points = score.points + excluded.points, reports = score.reports + excluded.reports"
    " RETURNING ward, participant, points, reports"
)
COLUMNS = ("event_id", "topic", "key", "headers", "body", "created_at")


@dataclass(frozen=True, slots=True)
class Taken:
    """One record, read."""

    headers: Mapping[str, str]
    event: ReportMarked


def read(record: Any) -> Taken:
    """Raises ValueError on anything but a good record of the one type."""
    headers = {name: value.decode() for name, value in record.headers}
    if headers["ce_specversion"] != "1.0" or headers["ce_type"] != ReportMarked.TYPE:
        raise ValueError(f"unknown event: {headers['ce_type']}")
    event = ReportMarked.model_validate_json(record.value)
    if record.key.decode() != event.key:
        raise ValueError("the key is not the body's")
    return Taken(headers, event)


async def add_scores(connection: Any, events: Sequence[ReportMarked]) -> list[ScoreCounted]:
    """One row a participant; what each event leads to."""
    sums: dict[Who, tuple[Decimal, int]] = {}
    for event in events:
        who = event.ward, event.participant
        points, reports = sums.get(who, (Decimal(0), 0))
        sums[who] = points + event.points, reports + 1
    rows = await connection.fetch(
        ADD,
        [ward for ward, _ in sums],
        [participant for _, participant in sums],
        [points for points, _ in sums.values()],
        [reports for _, reports in sums.values()],
    )
    return counted(events, {(ward, who): (points, count) for ward, who, points, count in rows})


def outbox_row(cause: Mapping[str, str], fact: ScoreCounted, now: datetime) -> tuple[object, ...]:
    """The fact as it will be sent, headers as the kernel makes them."""
    parts = ("bench", cause["ce_source"], cause["ce_id"], fact.TYPE, fact.subject, "")
    identity = str(uuid5(NAMESPACE, json.dumps(parts)))
    trace = cause["traceparent"]
    headers = {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_source": "urn:thidua:bench",
        "ce_type": fact.TYPE,
        "ce_subject": fact.subject,
        "ce_time": now.isoformat().replace("+00:00", "Z"),
        "ce_ward": fact.ward,
        "ce_correlationid": cause["ce_correlationid"],
        "ce_causationid": cause["ce_id"],
        "traceparent": f"{trace[:36]}{secrets.token_hex(8)}{trace[52:]}",
        "content-type": "application/json",
    }
    return identity, RESULTS, fact.key, json.dumps(headers), fact.model_dump_json().encode(), now


async def apply(pool: Any, told: Told, records: Sequence[Any], score: Score) -> int:
    """A batch in one transaction; how many events of it were new."""
    batch = {taken.headers["ce_id"]: taken for taken in map(read, records)}
    async with pool.acquire() as connection, connection.transaction():
        new = {row[0] for row in await connection.fetch(TAKE, told.group, told.topic, list(batch))}
        fresh = [taken for identity, taken in batch.items() if identity in new]
        if fresh:
            facts = await add_scores(connection, [taken.event for taken in fresh])
            now = datetime.now(UTC)
            rows = [
                outbox_row(taken.headers, fact, now)
                for taken, fact in zip(fresh, facts, strict=True)
            ]
            await connection.copy_records_to_table("outbox", records=rows, columns=COLUMNS)
        score.statements += 3
    score.commits += 1
    return len(fresh)


async def drain(client: AIOKafkaConsumer, pool: Any, told: Told, score: Score) -> None:
    while True:
        fetched = await client.getmany(timeout_ms=250, max_records=BATCH)
        records = [record for part in fetched.values() for record in part]
        if not records:
            continue
        score.received()
        new = await apply(pool, told, records, score)
        if score.committed(new):
            return
        await client.commit()


async def run(told: Told) -> None:
    """Drain the topic; ends when the harness closes standard input."""
    score = Score(told.events)
    pool = await asyncpg.create_pool(told.database, min_size=1, max_size=2)
    if told.create:
        await pool.execute(TABLES)
    client = AIOKafkaConsumer(
        told.topic,
        bootstrap_servers=told.kafka,
        group_id=told.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await client.start()
    settle()
    score.ready()
    await drain(client, pool, told, score)
    score.end()
    await client.stop()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(run(Told.here()))
