"""What is measured when somebody asks: the state of the flow at the moment of a scrape.

A scrape never fails and never waits long: what database and broker do not answer in time is left
out, and `thidua_database_up` or `thidua_broker_up` is 0.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

import sqlalchemy as sa
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import metrics
from shared.messaging.relay import Relay
from shared.messaging.running import Runner

log = logging.getLogger(__name__)

DEADLINE = 2.0
"""Seconds that database and broker have for their answers; scrapers usually wait ten."""
FRESH = 1.0
"""Seconds that answers are kept, however many ask."""

_STATE = sa.text(
    "SELECT (SELECT count(*) FROM outbox) AS outbox,"
    " (SELECT created_at FROM outbox ORDER BY seq LIMIT 1) AS oldest,"
    " count(*) FILTER (WHERE state = 'parked') AS parked,"
    " count(*) FILTER (WHERE state = 'discarded') AS discarded,"
    " (SELECT count(*) FROM parked_key WHERE consumer = :consumer) AS keys"
    " FROM parked WHERE consumer = :consumer"
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says: rows, moment of the oldest, events by state, keys that wait."""

    outbox: int
    oldest: datetime | None
    parked: int
    discarded: int
    keys: int

    @property
    def age(self) -> float:
        """Seconds that the oldest row has waited."""
        if self.oldest is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self.oldest).total_seconds())


@dataclass(slots=True)
class Question(Generic[T]):
    """Asked by one at a time; an answer that does not come in time is None.

    The one that is late is told to stop, and nobody waits until it has.
    """

    ask: Callable[[], Awaitable[T]]
    _task: "asyncio.Task[T] | None" = None

    async def answer(self) -> T | None:
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._asked())
        task = self._task
        await asyncio.wait({task}, timeout=DEADLINE)
        if not task.done():
            task.cancel()
            return None
        if task.cancelled() or (error := task.exception()):
            log.info("not measured: %r", None if task.cancelled() else error)
            return None
        return task.result()

    async def _asked(self) -> T:
        return await self.ask()


@dataclass(slots=True)
class Measuring:
    """Brings the gauges of one service's process up to date."""

    service: str
    engine: AsyncEngine
    runner: Runner
    relay: Relay
    _until: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _database: Question[Stored] = field(init=False)
    _broker: Question[tuple[int, dict[str, int]]] = field(init=False)

    def __post_init__(self) -> None:
        self._database = Question(self._ask_database)
        self._broker = Question(self.runner.behind)

    async def refresh(self) -> None:
        """Ask, unless that was done a moment ago."""
        async with self._lock:
            if time.monotonic() < self._until:
                return
            stored, told = await asyncio.gather(self._stored(), self._behind())
            self._show_stored(stored)
            self._show_lag(told, stored is not None)
            self._until = time.monotonic() + FRESH
        self._show_process()

    async def _stored(self) -> Stored | None:
        return await self._database.answer()

    async def _behind(self) -> int | None:
        if not self.runner.consumer.topics:
            return None
        told = await self._broker.answer()
        return None if told is None or told[0] < 0 else told[0]

    async def _ask_database(self) -> Stored:
        async with self.engine.connect() as connection:
            found = await connection.execute(_STATE, {"consumer": self.runner.consumer.name})
            return Stored(*found.one())

    def _show_stored(self, stored: Stored | None) -> None:
        self._show(metrics.DATABASE_UP, float(stored is not None))
        for gauge, value, labels in _of(stored):
            self._show(gauge, value, *labels)

    def _show_lag(self, behind: int | None, database_up: bool) -> None:
        if not self.runner.consumer.topics:
            return
        if database_up:
            self._show(metrics.BROKER_UP, float(behind is not None))
        else:
            self._show(metrics.BROKER_UP, None)
        self._show(metrics.CONSUMER_LAG, behind)
        lag = None if behind is None else self.runner.lag_seconds(behind, time.time())
        self._show(metrics.CONSUMER_LAG_SECONDS, lag)

    def _show_process(self) -> None:
        """What this process knows by itself; shown whatever the others answer."""
        runner, relay, now = self.runner, self.relay, time.monotonic()
        self._show(metrics.RELAY_ACTIVE, float(relay.active))
        self._show(metrics.RELAY_TURN_AGE, now - relay.last_turn)
        since = relay.head_since
        self._show(metrics.RELAY_HEAD_AGE, 0.0 if since is None else now - since)
        if not runner.consumer.topics:
            return
        client = runner.client
        self._show(metrics.ASSIGNED_PARTITIONS, len(client.assignment()) if client else 0)
        self._show(metrics.PAUSED_PARTITIONS, len(client.paused()) if client else 0)
        self._show(metrics.BACKOFF_ATTEMPTS, runner.attempts)
        self._show(metrics.ALARM, float(bool(runner.alarm)))
        self._show(metrics.LAST_POLL_AGE, now - runner.last_poll)

    def _show(self, gauge: Gauge, value: float | None, *labels: str) -> None:
        """Nothing is shown for what is not known; a stale value would be a lie."""
        if value is None:
            gauge.remove(self.service, *labels)
        else:
            gauge.labels(self.service, *labels).set(value)


def _of(stored: Stored | None) -> Sequence[tuple[Gauge, float | None, tuple[str, ...]]]:
    rows, age, parked, discarded, keys = (
        (stored.outbox, stored.age, stored.parked, stored.discarded, stored.keys)
        if stored
        else (None,) * 5
    )
    return (
        (metrics.OUTBOX_ROWS, rows, ()),
        (metrics.OUTBOX_AGE, age, ()),
        (metrics.PARKED_EVENTS, parked, ("parked",)),
        (metrics.PARKED_EVENTS, discarded, ("discarded",)),
        (metrics.PARKED_KEYS, keys, ()),
    )
