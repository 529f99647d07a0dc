"""One transaction: what is read, decided, stored and published together or not at all."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid6 import uuid7

from shared.clock import BusinessClock, Clock
from shared.contracts.base import Event
from shared.messaging.envelope import Cause, Envelope, derived_envelope, new_envelope
from shared.messaging.errors import DuplicateId, KeyNotLocked, Permanent
from shared.metrics import count_out

if TYPE_CHECKING:
    from datetime import datetime

LARGEST_BODY = 900_000
"""Bytes; below the broker's limit of 1 MiB with headers. A larger fact is refused here."""

_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(h) FROM"
    " (SELECT DISTINCT h FROM unnest(:hashes) AS t(h) ORDER BY h) AS sorted"
).bindparams(sa.bindparam("hashes", type_=ARRAY(sa.BigInteger)))

_STORE = sa.text(
    "INSERT INTO outbox (event_id, topic, key, headers, body, created_at)"
    " SELECT event_id, topic, key, headers::jsonb, body, :created_at"
    " FROM unnest(:ids, :topics, :keys, :headers, :bodies) WITH ORDINALITY"
    " AS t(event_id, topic, key, headers, body, place) ORDER BY place"
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Text)),
    sa.bindparam("topics", type_=ARRAY(sa.Text)),
    sa.bindparam("keys", type_=ARRAY(sa.Text)),
    sa.bindparam("headers", type_=ARRAY(sa.Text)),
    sa.bindparam("bodies", type_=ARRAY(sa.LargeBinary)),
    sa.bindparam("created_at", type_=sa.DateTime(timezone=True)),
)


class HasCause(Protocol):
    """An event or record that a new fact can follow from."""

    @property
    def cause(self) -> Cause: ...


class OutboxRow(NamedTuple):
    topic: str
    key: str
    envelope: Envelope
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a unit of work stood; what was published and locked after it can be taken back."""

    rows: int
    locked: frozenset[str]


@dataclass(slots=True)
class UnitOfWork:
    """An open transaction. `connection` is SQLAlchemy Core's; `business` tells business time."""

    connection: AsyncConnection
    service: str
    business: BusinessClock
    system: Clock
    _rows: list[OutboxRow] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _locked: set[str] = field(default_factory=set)
    _stored: int = 0
    _correlation: str = field(default_factory=lambda: str(uuid7()))

    async def lock(self, *keys: str) -> None:
        """Take the keys' transaction locks, before reading the state that a decision rests on.

        Whoever publishes for `<ward>/<subject>` holds its lock to the commit; otherwise the
        order in the topic and the order of commits could differ.
        """
        missing = sorted(set(keys) - self._locked)
        if missing:
            await self.connection.execute(_LOCK, {"hashes": [key_hash(key) for key in missing]})
            self._locked.update(missing)

    def publish(
        self,
        event: Event,
        *,
        because_of: HasCause | None = None,
        discriminator: str = "",
        topic: str = "",
    ) -> str:
        """Store a fact to be sent after the commit; returns its id.

        `because_of` makes the id a function of the cause; several facts of one type and subject
        from one cause need a `discriminator`. Raises KeyNotLocked, DuplicateId, Permanent.
        """
        if event.key not in self._locked:
            raise KeyNotLocked(f"{event.TYPE} published for {event.key} without its lock")
        topic = topic or event.TOPIC
        if "<" in topic:
            raise Permanent(f"{event.TYPE} of {event.key}: name the topic of its publisher")
        envelope = self._envelope(event, because_of, discriminator)
        if envelope.id in self._ids:
            raise DuplicateId(f"{event.TYPE} of {event.key}: give it a discriminator")
        body = None if event.ERASES else event.model_dump_json().encode()
        if body is not None and len(body) > LARGEST_BODY:
            raise Permanent(f"{event.TYPE} of {event.key} is larger than {LARGEST_BODY} bytes")
        self._ids.add(envelope.id)
        self._rows.append(OutboxRow(topic, event.key, envelope, body))
        return envelope.id

    def _envelope(self, event: Event, because_of: HasCause | None, discriminator: str) -> Envelope:
        now = self.system.now()
        if because_of is None:
            return new_envelope(event, self.service, now, self._correlation)
        return derived_envelope(event, self.service, now, because_of.cause, discriminator)

    def mark(self) -> Mark:
        """To be taken before a savepoint begins."""
        return Mark(len(self._rows), frozenset(self._locked))

    def take_back(self, mark: Mark) -> None:
        """Forget what was done since the mark: the savepoint's rollback undid it.

        PostgreSQL also lets go of the locks taken since.
        """
        for row in self._rows[mark.rows :]:
            self._ids.discard(row.envelope.id)
        del self._rows[mark.rows :]
        self._stored = min(self._stored, mark.rows)
        self._locked = set(mark.locked)

    @property
    def published(self) -> Sequence[OutboxRow]:
        return tuple(self._rows)

    async def store_published(self) -> int:
        """Write what is not in the outbox yet, last and in one statement; returns all facts."""
        rows = self._rows[self._stored :]
        if rows:
            await self._store(rows)
            self._stored = len(self._rows)
        return len(self._rows)

    async def _store(self, rows: Sequence[OutboxRow]) -> None:
        created: datetime = self.system.now()
        await self.connection.execute(
            _STORE,
            {
                "ids": [row.envelope.id for row in rows],
                "topics": [row.topic for row in rows],
                "keys": [row.key for row in rows],
                "headers": [json.dumps(row.envelope.headers()) for row in rows],
                "bodies": [row.body for row in rows],
                "created_at": created,
            },
        )


def key_hash(key: str) -> int:
    """A key's advisory lock: 64 bits, signed, the same in every process."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True, slots=True)
class Works:
    """Begins units of work; the one way into a service's database."""

    engine: AsyncEngine
    service: str
    business: BusinessClock
    system: Clock
    on_commit: Callable[[], None] = lambda: None
    _looking: AsyncEngine = field(init=False, repr=False)

    def __post_init__(self) -> None:
        looking = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        object.__setattr__(self, "_looking", looking)

    @asynccontextmanager
    async def begin(self, *keys: str) -> AsyncIterator[UnitOfWork]:
        """A unit of work holding the keys' locks; commits at the end, rolls back on an error."""
        async with self.engine.begin() as connection:
            work = UnitOfWork(connection, self.service, self.business, self.system)
            await work.lock(*keys)
            yield work
            stored = await work.store_published()
        if stored:
            count_out(self.service, (row.envelope.type for row in work.published))
            self.on_commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only look at one consistent state."""
        async with self.engine.connect() as connection:
            looking = await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            async with looking.begin():
                yield looking

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """For reading with one statement: that is one consistent state by itself.

        No transaction is begun and ended around it, which saves two of three round trips.
        """
        async with self._looking.connect() as connection:
            yield connection
