"""The relay: sends what the outbox holds, in order, and deletes what the broker acknowledged.

One relay is active per database (an advisory lock of its session); others stand by. After a
crash facts may be sent again, with the same id: first occurrences come in order, duplicates are
possible, and the inbox of each reader makes it whole.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import lease, renewing
from shared.failpoints import reach
from shared.messaging.client import make_producer
from shared.messaging.tables import outbox
from shared.metrics import EVENTS_ACKNOWLEDGED, OTHER, RELAY_FAULTS, count_out, part_of

log = logging.getLogger(__name__)

RELAY_LOCK = 7_401_001
BATCH = 500
NET_SECONDS = 0.5
"""How often the outbox is looked at when nobody said that there is something in it."""
BREATH_SECONDS = 0.02
"""The pause after a send that took all there was: while it lasts, the next one grows. To look, to
send and to delete costs as much for one fact as for ten."""
FAULT_SECONDS = 1.0
"""The pause before it tries again."""
SEND_DEADLINE = 15.0
"""Shorter than the producer's own time-out: one that gives up a batch goes on with the next."""
CLOSE_DEADLINE = 5.0

_HEAD = (
    sa.select(outbox.c.seq, outbox.c.topic, outbox.c.key, outbox.c.headers, outbox.c.body)
    .order_by(outbox.c.seq)
    .limit(BATCH)
)
_FORGET = sa.delete(outbox).where(
    outbox.c.seq == sa.bindparam("seqs", type_=sa.ARRAY(sa.BigInteger())).any_()
)
_TRY_LOCK = sa.text("SELECT pg_try_advisory_lock(:lock)")


@dataclass(frozen=True, slots=True)
class _Row:
    seq: int
    topic: str
    key: str
    headers: list[tuple[str, bytes]]
    body: bytes | None

    @property
    def type(self) -> str:
        return next((value.decode() for name, value in self.headers if name == "ce_type"), OTHER)


@dataclass(slots=True)
class Relay:
    """Moves facts of one database to Kafka until it is stopped."""

    engine: AsyncEngine
    kafka: str
    service: str
    instance: str
    last_turn: float = field(default_factory=time.monotonic)
    active: bool = False
    head_since: float | None = None
    last_fault: float = -math.inf
    _head_seq: int | None = None
    _stopping: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Say that a transaction of this process has put something into the outbox."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Relay until `stop`; broker and database may come and go."""
        while not self._stopping:
            try:
                async with part_of(self.engine, "relay").connect() as connection:
                    await self._as_the_active_one(connection)
            except Exception as error:  # whatever went wrong: begin again from the head
                self.last_turn = time.monotonic()
                self._failed()
                log.warning("relay begins again: %r", error)
                await self._wait_after_a_fault()

    async def _as_the_active_one(self, connection: AsyncConnection) -> None:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        while not self._stopping:
            self.last_turn = time.monotonic()
            if await connection.scalar(_TRY_LOCK, {"lock": RELAY_LOCK}):
                break
            self._see([])
            await self._rest(NET_SECONDS)
        self.active = not self._stopping
        try:
            await lease(connection)
            await self._with_a_producer(connection)
        finally:
            self.active = False
            with contextlib.suppress(Exception):
                await connection.invalidate()

    async def _with_a_producer(self, connection: AsyncConnection) -> None:
        while not self._stopping:
            self.last_turn = time.monotonic()
            producer = make_producer(self.kafka, self.service, self.instance)
            try:
                await renewing(connection, asyncio.wait_for(producer.start(), SEND_DEADLINE))
                await self._drain(connection, producer)
            except (KafkaError, TimeoutError) as error:
                self._failed()
                log.warning("broker did not take it; a new producer tries again: %r", error)
                await self._wait_after_a_fault()
            finally:
                await _close(producer)

    async def _drain(self, connection: AsyncConnection, producer: AIOKafkaProducer) -> None:
        while True:
            self.last_turn = time.monotonic()
            self._wake.clear()
            rows = await _head(connection)
            self._see(rows)
            if rows:
                reach("claimed-before-send")
                await _send(connection, producer, rows, self.service)
                self._see([])
            elif self._stopping:
                return
            if rows and len(rows) < BATCH:
                await asyncio.sleep(BREATH_SECONDS)
            if len(rows) < BATCH:
                await self._rest(NET_SECONDS)

    def _see(self, rows: Sequence[_Row]) -> None:
        """Keep since when the same row heads the outbox."""
        head = rows[0].seq if rows else None
        if head != self._head_seq:
            self._head_seq = head
            self.head_since = None if head is None else time.monotonic()

    def _failed(self) -> None:
        self.last_fault = time.monotonic()
        RELAY_FAULTS.labels(self.service).inc()

    async def _wait_after_a_fault(self) -> None:
        """However much comes into the outbox meanwhile: only `stop` cuts it short."""
        end = time.monotonic() + FAULT_SECONDS
        while not self._stopping and (left := end - time.monotonic()) > 0:
            self._wake.clear()
            await self._rest(left)

    async def _rest(self, seconds: float) -> None:
        if self._stopping:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


async def _head(connection: AsyncConnection) -> list[_Row]:
    rows = await connection.execute(_HEAD)
    return [
        _Row(
            row.seq,
            row.topic,
            row.key,
            [(name, value.encode()) for name, value in row.headers.items()],
            row.body,
        )
        for row in rows
    ]


async def _send(
    connection: AsyncConnection, producer: AIOKafkaProducer, rows: Sequence[_Row], service: str
) -> None:
    """Send all, wait for all, delete the acknowledged; raise the first failure afterwards."""
    sent: list[asyncio.Future[object]] = []
    deadline = time.monotonic() + SEND_DEADLINE
    try:
        async with asyncio.timeout(SEND_DEADLINE):
            for row in rows:
                key = row.key.encode()
                sent.append(
                    await producer.send(row.topic, value=row.body, key=key, headers=row.headers)
                )
    finally:
        if sent:
            left = max(0.0, deadline - time.monotonic())
            await renewing(connection, asyncio.wait(sent, timeout=left))
            done = _acknowledged(rows, sent)
            reach("acknowledged-before-delete")
            await _delete(connection, done)
            _count(rows, done, service)
    for future in sent:
        if not future.done():
            raise TimeoutError(f"not acknowledged in {SEND_DEADLINE:g} s")
        future.result()


def _acknowledged(rows: Sequence[_Row], sent: Sequence[asyncio.Future[object]]) -> list[int]:
    """Rows to delete: acknowledged, and with no failed row of their key before them."""
    failed: set[tuple[str, str]] = set()
    done: list[int] = []
    for row, future in zip(rows, sent, strict=False):
        if not future.done() or future.exception() is not None:
            failed.add((row.topic, row.key))
        elif (row.topic, row.key) not in failed:
            done.append(row.seq)
    return done


def _count(rows: Sequence[_Row], done: Sequence[int], service: str) -> None:
    gone = set(done)
    types = (row.type for row in rows if row.seq in gone)
    count_out(service, types, EVENTS_ACKNOWLEDGED)


async def _delete(connection: AsyncConnection, seqs: Sequence[int]) -> None:
    if seqs:
        await connection.execute(_FORGET, {"seqs": seqs})


async def _close(producer: AIOKafkaProducer) -> None:
    """Throw it away; what it still holds must not be sent later, behind newer facts."""
    try:
        async with asyncio.timeout(CLOSE_DEADLINE):
            await producer.stop()
    except Exception as error:
        log.warning("the producer does not end by itself: %r", error)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_DEADLINE):
                await producer._sender.close()  # noqa: SLF001
                await producer.client.close()
