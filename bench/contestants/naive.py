"""FastStream and SQLAlchemy's ORM, one transaction an event, as their documentation shows them.

One message at a time; a session is opened per message; the offset is committed after the handler
(`NACK_ON_ERROR`), so that nothing is lost, and the inbox makes it once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import sqlalchemy as sa
from fast_depends import Depends
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy import event as hooks
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.contestants.protocol import Score, Told
from bench.events import RESULTS, ReportMarked, ScoreCounted
from shared.messaging.envelope import Cause, derived_envelope


class Base(DeclarativeBase):
    pass


class InboxRow(Base):
    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    publisher: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)


class ScoreRow(Base):
    __tablename__ = "score"

    ward: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    participant: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    points: Mapped[Decimal] = mapped_column(sa.Numeric(14, 2))
    reports: Mapped[int]


class OutboxRow(Base):
    __tablename__ = "outbox"

    seq: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    event_id: Mapped[str] = mapped_column(sa.Text, unique=True)
    topic: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[str] = mapped_column(sa.Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


async def count_score(
    event: ReportMarked, message: KafkaMessage, session: AsyncSession, consumer: str
) -> bool:
    """One event, one transaction. False: it was there before."""
    headers, record = message.headers, message.raw_message
    if isinstance(record, tuple):
        raise TypeError("one record at a time")
    if headers["ce_specversion"] != "1.0" or headers["ce_type"] != ReportMarked.TYPE:
        raise ValueError(f"unknown event: {headers['ce_type']}")
    if record.key is None or record.key.decode() != event.key:
        raise ValueError("the key is not the body's")
    identity = (consumer, record.topic, headers["ce_id"])
    async with session.begin():
        if await session.get(InboxRow, identity):
            return False
        session.add(InboxRow(consumer=consumer, publisher=record.topic, event_id=identity[2]))
        row = await session.get(ScoreRow, (event.ward, event.participant), with_for_update=True)
        if row is None:
            row = ScoreRow(
                ward=event.ward, participant=event.participant, points=Decimal(0), reports=0
            )
            session.add(row)
        row.points += event.points
        row.reports += 1
        session.add(_result(event, headers, row))
    return True


def _result(event: ReportMarked, headers: dict[str, str], row: ScoreRow) -> OutboxRow:
    fact = ScoreCounted(
        ward=event.ward,
        participant=event.participant,
        report_id=event.report_id,
        added=event.points,
        points=row.points,
        reports=row.reports,
    )
    cause = Cause(
        headers["ce_source"],
        headers["ce_id"],
        headers["ce_correlationid"],
        headers["traceparent"],
    )
    now = datetime.now(UTC)
    envelope = derived_envelope(fact, "bench", now, cause, "")
    return OutboxRow(
        event_id=envelope.id,
        topic=RESULTS,
        key=fact.key,
        headers=envelope.headers(),
        body=fact.model_dump_json().encode(),
        created_at=now,
    )


def count_on(engine: AsyncEngine, score: Score) -> None:
    """Let the engine count what it sends."""

    def sent(*_: object) -> None:
        score.statements += 1

    def ended(*_: object) -> None:
        score.commits += 1

    hooks.listen(engine.sync_engine, "before_cursor_execute", sent)
    hooks.listen(engine.sync_engine, "commit", ended)


async def run(told: Told) -> None:
    """Drain the topic; ends when the harness closes standard input."""
    score, enough = Score(told.events), asyncio.Event()
    engine = create_async_engine(told.sqlalchemy_url)
    if told.create:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    count_on(engine, score)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    broker = KafkaBroker(told.kafka, allow_auto_create_topics=False, logger=None)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    @broker.subscriber(
        told.topic,
        group_id=told.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def take(
        event: ReportMarked,
        message: KafkaMessage,
        opened: Annotated[AsyncSession, Depends(session)],
    ) -> None:
        score.received()
        new = await count_score(event, message, opened, told.group)
        if score.committed(int(new)):
            enough.set()

    app = FastStream(broker, logger=None)
    running = asyncio.create_task(app.run())
    score.ready()
    await enough.wait()
    score.end()
    app.exit()
    await running
    await engine.dispose()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    asyncio.run(run(Told.here()))
