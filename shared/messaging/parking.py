"""Parked events: looked at, tried again in their order, or discarded with a reason. Never edited.

Everything happens under the key's lock and the row of the parked key, which the consumer takes
too; so what comes in meanwhile is either in line already or finds the key free.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import BusinessClock, Clock
from shared.messaging import parked_rows, store
from shared.messaging.consumer import Consumer
from shared.messaging.errors import Fault, Transient, fault_of
from shared.messaging.parked_rows import ParkedEvent, Selection
from shared.messaging.reading import Reading, reader
from shared.messaging.trying import Failure, Trying
from shared.messaging.unit_of_work import UnitOfWork, Works
from shared.metrics import DISCARDS, RETRIES
from shared.records import record_act

log = logging.getLogger(__name__)

RUN = 500
"""Events of one key a transaction. No fewer than the consumer's batch: it takes the key's lock
in turns with the retry, and could otherwise append faster than the retry applies."""


class NoSuchParkedEvent(Exception):
    """It was never parked here, or has been applied."""


class AlreadyDiscarded(Exception):
    """Somebody discarded it before, or for another reason."""


@dataclass(slots=True)
class Retried:
    """What a retry came to: how many were applied, and at which events (ids) it stopped."""

    applied: int = 0
    stopped_at: list[int] = field(default_factory=list)


class Parking:
    """The parked events of one consumer."""

    def __init__(
        self,
        consumer: Consumer,
        engine: AsyncEngine,
        business: BusinessClock,
        system: Clock,
        on_publish: Callable[[], None] = lambda: None,
    ) -> None:
        self._consumer = consumer
        self._name = consumer.name
        self._works = Works(engine, consumer.name, business, system, on_publish)
        self._read = reader(consumer)

    async def find(self, selection: Selection, limit: int = 100) -> list[ParkedEvent]:
        """The selected events, in the order in which they were parked."""
        async with self._works.read() as connection:
            return await parked_rows.find(connection, self._name, selection, limit)

    async def show(self, number: int, ward: str | None = None) -> ParkedEvent:
        """One event, discarded ones too. Raises NoSuchParkedEvent."""
        found = await self.find(Selection(ids=[number], ward=ward, state=None))
        if not found:
            raise NoSuchParkedEvent(str(number))
        return found[0]

    async def retry(self, selection: Selection) -> Retried:
        """Apply the selected events, and all that is parked before and behind them in their keys.

        Each key goes as far as its first event that fails again. Raises Transient; what was
        applied by then stays applied, and the rest is as it was.
        """
        async with self._works.read() as connection:
            keys = await parked_rows.keys_of(connection, self._name, selection)
            alone = await parked_rows.alone(connection, self._name, selection)
        result = Retried()
        with _faults_that_pass():
            for topic, key in keys:
                await self._key(topic, key, result)
            for number, key in alone:
                await self._alone(number, key, result)
        log.info(
            "retried %s: %d applied, stopped at %s", selection, result.applied, result.stopped_at
        )
        RETRIES.labels(self._name, "applied").inc(result.applied)
        RETRIES.labels(self._name, "stopped").inc(len(result.stopped_at))
        return result

    async def discard(self, number: int, reason: str, person: str) -> Retried:
        """Never apply this event; what waited behind it is tried.

        It is an act on record. Repeating it with the same words changes nothing. Raises
        NoSuchParkedEvent, AlreadyDiscarded, Transient.
        """
        if not reason.strip() or not person.strip():
            raise ValueError("a discard needs a reason and a person")
        event = await self.show(number)
        result = Retried()
        with _faults_that_pass():
            if await self._discard(event, reason, person):
                await self._key(event.topic, event.key, result)
        return result

    async def _discard(self, found: ParkedEvent, reason: str, person: str) -> bool:
        """Whether those behind it may go on now."""
        async with self._works.begin(found.key) as work:
            connection = work.connection
            await parked_rows.hold(connection, self._name, found.topic, found.key)
            event = await parked_rows.one(connection, self._name, found.id)
            if event is None:
                raise NoSuchParkedEvent(str(found.id))
            if event.state == "discarded":
                if (event.reason, event.discarded_by) != (reason, person):
                    raise AlreadyDiscarded(f"{found.id}: {event.reason} ({event.discarded_by})")
                return event.in_order
            first = await self._is_first(work, event)
            now = work.system.now()
            await parked_rows.mark_discarded(connection, event.id, reason, person, now)
            if event.in_order:
                await parked_rows.free_if_empty(connection, self._name, event.topic, event.key)
            facts = {"event": event.event_id, "type": event.event_type, "reason": reason}
            await record_act(work, "event-discarded", event.place, person, facts)
        DISCARDS.labels(self._name).inc()
        return first

    async def _is_first(self, work: UnitOfWork, event: ParkedEvent) -> bool:
        if not event.in_order:
            return False
        line = await parked_rows.waiting(work.connection, self._name, event.topic, event.key, 1)
        return bool(line) and line[0].id == event.id

    async def _key(self, topic: str, key: str, result: Retried) -> None:
        while await self._run(topic, key, result):
            pass

    async def _run(self, topic: str, key: str, result: Retried) -> bool:
        """One transaction with the first events of a key; whether there may be more to do.

        A savepoint an event: one that fails takes nothing of those before it along.
        """
        async with self._works.begin(key) as work:
            if not await parked_rows.hold(work.connection, self._name, topic, key):
                return False
            line = await parked_rows.waiting(work.connection, self._name, topic, key, RUN)
            trying = Trying(self._consumer, work)
            applied: list[int] = []
            stopped_at: int | None = None
            for event in line:
                if not await self._try(work, trying, event):
                    stopped_at = event.id
                    break
                applied.append(event.id)
            await parked_rows.drop(work.connection, applied)
            free = await parked_rows.free_if_empty(work.connection, self._name, topic, key)
            await work.store_published()
        result.applied += len(applied)
        if stopped_at is not None:
            result.stopped_at.append(stopped_at)
        return stopped_at is None and not free

    async def _alone(self, number: int, key: str, result: Retried) -> None:
        async with self._works.begin(key) as work:
            event = await parked_rows.one(work.connection, self._name, number)
            if event is None or event.state != "parked":
                return
            done = await self._try(work, Trying(self._consumer, work), event)
            if done:
                await parked_rows.drop(work.connection, [number])
        result.applied += done
        if not done:
            result.stopped_at.append(number)

    async def _try(self, work: UnitOfWork, trying: Trying, event: ParkedEvent) -> bool:
        reading, taken = await self._read_again(work, event)
        if taken:
            return True
        failure: Failure | None = await trying.alone(reading)
        if failure is None:
            return True
        now = work.system.now()
        await parked_rows.failed_again(work.connection, event.id, reading, failure, now)
        return False

    async def _read_again(self, work: UnitOfWork, event: ParkedEvent) -> tuple[Reading, bool]:
        """The event as this code reads it, and whether another copy of it has been applied.

        Its id was taken when it parked. Where its headers could not be read then, it was known by
        its place, and its id may be new or may have come in a readable copy meanwhile.
        """
        reading = self._read(event.record)
        if reading.outcome == "skipped":
            return reading.as_unreadable(f"no handler for {reading.event_type}"), False
        if await store.take_into_inbox(work.connection, self._name, [reading]):
            return reading, False
        known = await store.inbox_digests(work.connection, self._name, [reading])
        same = known.get((reading.publisher, reading.identity)) == reading.digest
        if reading.outcome == "inbound":
            repeats = event.event_id != reading.identity
            if repeats:
                reading = reading.as_repeat("same-bytes" if same else "other-bytes")
            return reading, False
        if not same:
            problem = f"id {reading.identity} was taken before with other data"
            return reading.as_unreadable(problem), False
        return reading, event.event_id != reading.identity


@contextmanager
def _faults_that_pass() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if fault_of(error) is Fault.TRANSIENT:
            raise Transient(str(error)) from error
        raise
