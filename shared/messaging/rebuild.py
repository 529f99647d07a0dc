"""Rebuilding a projection: its tables made anew from the kept topics, beside the running service.

The events are folded into temporary tables, which only this session sees and which vanish with
it: whatever happens before the end, the live tables are untouched. At the end the live tables are
closed to writers for a moment, the rest is folded up to exactly the consumer's position, and the
rows that differ are put right in the same transaction. Inbox, position and outbox are not touched.

What is parked or discarded was never applied, so it is left out; a repeated id counts once.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.clock import BusinessClock, Clock
from shared.contracts.base import Event
from shared.messaging import store
from shared.messaging.consumer import Consumer, Projection
from shared.messaging.envelope import Record
from shared.messaging.errors import Transient, is_transient
from shared.messaging.history import History, HistoryIncomplete
from shared.messaging.reading import Reading, reader
from shared.messaging.swapping import Changed, create_copy, put_right
from shared.messaging.trying import Trying
from shared.messaging.unit_of_work import HasCause, UnitOfWork
from shared.messaging.waves import waves

log = logging.getLogger(__name__)

NEAR = 1_000
"""Records that may be left to fold while the live tables are closed to writers."""
ROUNDS = 20
"""How often it runs after the consumer before it closes the tables all the same."""
LOCK_TRIES = 5
LOCK_TIMEOUT_MS = 5_000

_POSITIONS = 'SELECT topic, partition, next_offset FROM {schema}."position" WHERE consumer = :name'
_PARKED = (
    'SELECT topic, partition, "offset", event_id FROM {schema}.parked'
    " WHERE consumer = :name AND topic = ANY(:topics)"
)

Place = tuple[str, int, int]
"""Topic, partition, offset."""


class RebuildFailed(Exception):
    """The projection cannot be rebuilt; nothing was changed. Says why."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to: events folded, those left out as parked, rows put right."""

    events: int
    left_out: int
    changed: Changed


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the consumer has come: the ends, and place -> id in the inbox of what is parked."""

    ends: Mapping[tuple[str, int], int]
    parked: Mapping[Place, str]


class _Folding(UnitOfWork):
    """A unit of work in which nothing can be said to others."""

    async def lock(self, *keys: str) -> None:
        raise RebuildFailed(f"it locks {', '.join(keys)}: whoever locks means to publish")

    def publish(
        self,
        event: Event,
        *,
        because_of: HasCause | None = None,
        discriminator: str = "",
        topic: str = "",
    ) -> str:
        raise RebuildFailed(f"it publishes {event.TYPE} of {event.key}")


@dataclass(slots=True)
class Rebuild:
    """One rebuild of one projection."""

    consumer: Consumer
    projection: Projection
    engine: AsyncEngine
    kafka: str
    business: BusinessClock
    system: Clock
    _folds: Consumer = field(init=False)
    _schema: str = ""
    _deferred: dict[Place, Reading] = field(default_factory=dict)
    _told_of: set[tuple[str, str]] = field(default_factory=set)
    _events: int = 0

    def __post_init__(self) -> None:
        self._folds = Consumer(self.consumer.name)
        for event, fold in self.projection.folds.items():
            self._folds.on(event)(fold)

    async def run(self) -> Rebuilt:
        """Rebuild. Raises RebuildFailed, or Transient when trying again later can help."""
        try:
            async with self.engine.connect() as connection:
                try:
                    return await self._run(connection)
                finally:
                    await connection.invalidate()
        except (RebuildFailed, Transient):
            raise
        except HistoryIncomplete as error:
            raise RebuildFailed(str(error)) from error
        except Exception as error:
            if is_transient(error):
                raise Transient(str(error)) from error
            raise RebuildFailed(f"{type(error).__name__}: {error}") from error

    async def _run(self, connection: AsyncConnection) -> Rebuilt:
        async with connection.begin():
            await self._create_copies(connection)
            mark = await self._look(connection)
        async with History(self.kafka, self.consumer.name, mark.ends) as history:
            for _ in range(ROUNDS):
                if history.distance(mark.ends) <= NEAR:
                    break
                await self._fold_apart(connection, history, mark)
                async with connection.begin():
                    mark = await self._look(connection)
            async with connection.begin():
                await self._finish_building(connection)
            return await self._finish(connection, history)

    async def _finish(self, connection: AsyncConnection, history: History) -> Rebuilt:
        """Close the live tables to writers, fold the rest, put right what differs."""
        await self._close_tables(connection)
        mark = await self._look(connection)
        await self._release(connection, mark)
        async for records in history.up_to(mark.ends):
            await self._fold(connection, records, mark)
        self._check_compacted(history)
        changed = Changed()
        for table in self.projection.tables:
            changed += await put_right(connection, self._schema, table)
        await connection.commit()
        return Rebuilt(self._events, len(self._deferred), changed)

    async def _create_copies(self, connection: AsyncConnection) -> None:
        """From here on a name without a schema means a copy, and nothing else can be found."""
        schema = await connection.scalar(sa.text("SELECT quote_ident(current_schema())"))
        self._schema = str(schema)
        for name in (*(table.name for table in self.projection.tables), "inbox"):
            await create_copy(connection, self._schema, name)
        await connection.execute(sa.text("SET search_path TO pg_temp"))

    async def _finish_building(self, connection: AsyncConnection) -> None:
        for table in self.projection.tables:
            await connection.execute(sa.text(f'ANALYZE pg_temp."{table.name}"'))

    async def _close_tables(self, connection: AsyncConnection) -> None:
        """Begin a transaction that no writer of the projection's tables is in, nor gets into."""
        names = ", ".join(f'{self._schema}."{table.name}"' for table in self.projection.tables)
        for left in reversed(range(LOCK_TRIES)):
            try:
                await connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
                await connection.execute(sa.text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
            except DBAPIError as error:
                await connection.rollback()
                gone = error.connection_invalidated
                if gone or not left or not is_transient(error):
                    raise
                log.info("the tables are in use; trying again: %s", error.orig)
            else:
                return

    async def _look(self, connection: AsyncConnection) -> Mark:
        """Positions first: what is parked up to them is in the second answer."""
        name, topics = {"name": self.consumer.name}, list(self.projection.topics)
        found = await connection.execute(sa.text(_POSITIONS.format(schema=self._schema)), name)
        ends = {(topic, part): end for topic, part, end in found if topic in topics}
        query = sa.text(_PARKED.format(schema=self._schema))
        rows = await connection.execute(query, name | {"topics": topics})
        parked = {(topic, part, offset): event for topic, part, offset, event in rows}
        return Mark(ends, parked)

    async def _fold_apart(self, connection: AsyncConnection, history: History, mark: Mark) -> None:
        async with connection.begin():
            await self._release(connection, mark)
        async for records in history.up_to(mark.ends):
            async with connection.begin():
                await self._fold(connection, records, mark)

    async def _release(self, connection: AsyncConnection, mark: Mark) -> None:
        """What was parked and is not any more has been applied; it is before all that is new."""
        freed = sorted(place for place in self._deferred if place not in mark.parked)
        await self._apply(connection, [self._deferred.pop(place) for place in freed])

    async def _fold(
        self, connection: AsyncConnection, records: Sequence[Record], mark: Mark
    ) -> None:
        read = reader(self._folds)
        readings = [_as_taken(read(record), mark.parked) for record in records]
        ours = [reading for reading in readings if reading.outcome != "skipped"]
        fresh = await store.take_into_inbox(connection, self.consumer.name, ours)
        able: list[Reading] = []
        for reading in ours:
            if reading.place not in fresh:
                continue
            if _place(reading) in mark.parked:
                self._deferred[_place(reading)] = reading
            else:
                able.append(reading)
        await self._apply(connection, able)

    async def _apply(self, connection: AsyncConnection, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if reading.outcome != "event":
                raise RebuildFailed(f"{reading.place} cannot be read any more: {reading.problem}")
        work = _Folding(connection, self.consumer.name, self.business, self.system)
        trying = Trying(self._folds, work)
        for wave in waves(readings, _key, lambda reading: reading.event_type):
            for kind, group in wave.items():
                try:
                    await trying.together(group)
                except Exception as error:
                    if is_transient(error):
                        raise
                    where = f"{group[0].place} … {group[-1].place}"
                    raise RebuildFailed(f"{kind} ({where}): {error}") from error
        self._told_of.update(self._on_compacted(readings))
        self._events += len(readings)

    def _on_compacted(self, readings: Iterable[Reading]) -> Iterable[tuple[str, str]]:
        return (_key(r) for r in readings if self.consumer.erasing_type(r.record.topic))

    def _check_compacted(self, history: History) -> None:
        """A compacted topic may have lost the value before one that is parked or discarded."""
        for reading in self._deferred.values():
            compacted = any(self._on_compacted([reading])) and reading.partition in history.gaps
            if compacted and _key(reading) not in self._told_of:
                raise RebuildFailed(
                    f"{reading.place} is not applied, and what its key held before may have been"
                    " compacted away; retry it, or have its publisher say it again"
                )


def _as_taken(reading: Reading, parked: Mapping[Place, str]) -> Reading:
    """Known in the inbox by the id under which it parked, if it did."""
    identity = parked.get(_place(reading))
    return reading if identity is None else replace(reading, identity=identity)


def _place(reading: Reading) -> Place:
    record = reading.record
    return record.topic, record.partition, record.offset


def _key(reading: Reading) -> tuple[str, str]:
    return reading.record.topic, reading.key
