"""Applying a batch: inbox, effects, outbox and position in one transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import BusinessClock, Clock
from shared.failpoints import reach
from shared.messaging import parked_rows, store
from shared.messaging.alarm import Alarm
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.errors import StopAndAlarm, Transient, WaitsBehind, is_transient
from shared.messaging.reading import Reading, reader
from shared.messaging.trying import Failure, Trying
from shared.messaging.unit_of_work import UnitOfWork
from shared.messaging.waves import waves
from shared.telemetry import Meter

log = logging.getLogger(__name__)

_INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch."""

    handled: int
    repeated: int
    skipped: int
    parked: int
    published: int


class Applier:
    """Applies batches of records for one consumer, each batch whole or not at all."""

    def __init__(
        self,
        consumer: Consumer,
        engine: AsyncEngine,
        business: BusinessClock,
        system: Clock,
        on_publish: Callable[[], None] = lambda: None,
        alarm: Alarm | None = None,
    ) -> None:
        self._consumer = consumer
        self._engine = engine
        self._business = business
        self._system = system
        self._on_publish = on_publish
        self._alarm = alarm
        self._read = reader(consumer)
        self._meter = Meter(consumer.name)

    async def apply(self, records: Sequence[Record]) -> Applied:
        """Apply records in their order. Raises Transient when trying again later can help.

        A batch that fails for good is gone through once more with a savepoint per event; the
        event that fails alone is parked, and later events of its key wait behind it. Raises
        StopAndAlarm, with the batch undone, when one error parks too many keys.
        """
        readings = [self._read(record) for record in records]
        try:
            applied = await self._transaction(readings, careful=False)
        except StopAndAlarm:
            raise
        except Exception as error:
            self._raise_transient(error)
            log.warning("batch failed (%r); going through it event by event", error)
            try:
                applied = await self._transaction(readings, careful=True)
            except Exception as second:
                self._raise_transient(second)
                raise
        if applied.published:
            self._on_publish()
        self._meter.batch(applied.handled, applied.repeated, applied.skipped, applied.parked)
        return applied

    @staticmethod
    def _raise_transient(error: Exception) -> None:
        if is_transient(error):
            raise Transient(str(error)) from error

    async def _transaction(self, readings: Sequence[Reading], *, careful: bool) -> Applied:
        async with self._engine.begin() as connection:
            work = UnitOfWork(connection, self._consumer.name, self._business, self._system)
            batch = Batch(self._consumer, work, self._alarm)
            await batch.run(readings, careful=careful)
            published = await work.store_published()
            await store.advance(connection, self._consumer.name, readings)
        skipped = sum(reading.outcome == "skipped" for reading in readings)
        return Applied(batch.handled, batch.repeated, skipped, batch.parked, published)


class Batch:
    """One pass over a batch, inside one transaction."""

    def __init__(self, consumer: Consumer, work: UnitOfWork, alarm: Alarm | None) -> None:
        self._consumer = consumer
        self._work = work
        self._alarm = alarm
        self._trying = Trying(consumer, work)
        self._held: set[tuple[str, str]] = set()
        self.handled = 0
        self.repeated = 0
        self.parked = 0

    async def run(self, readings: Sequence[Reading], *, careful: bool) -> None:
        """Apply what is new: by waves, or (careful) one by one, parking what fails alone."""
        ours = [reading for reading in readings if reading.outcome != "skipped"]
        if not ours:
            return
        if self._alarm:
            self._alarm.met({_key_of(reading) for reading in ours})
        await self._work.lock(*{reading.key for reading in ours})
        fresh = await self._take(ours)
        self._held = await store.parked_keys(self._work.connection, self._consumer.name, fresh)
        able: list[Reading] = []
        for reading in fresh:
            if self._must_wait(reading):
                await self._park(reading, Failure(WaitsBehind("waits behind a parked event"), 0))
            elif careful or reading.outcome == "unreadable":
                await self._alone(reading)
            else:
                able.append(reading)
        await self._by_waves(able)

    def _must_wait(self, reading: Reading) -> bool:
        return _key_of(reading) in self._held and not _out_of_order(reading)

    async def _take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The readings that are new, in their order; repeated inbound ones are kept, marked."""
        inserted = await store.take_into_inbox(self._work.connection, self._consumer.name, readings)
        new = [r for r in readings if r.place in inserted]
        others = [r for r in readings if r.place not in inserted]
        if others:
            new += await self._repeats(others)
            new.sort(key=lambda r: (r.record.topic, r.record.partition, r.record.offset))
        return new

    async def _repeats(self, readings: Sequence[Reading]) -> list[Reading]:
        """Of readings whose id was taken before: those that need an answer or a person.

        An inbound record before the position is the very one that was answered, read again.
        """
        ends = await store.positions(self._work.connection, self._consumer.name)
        known = await store.inbox_digests(self._work.connection, self._consumer.name, readings)
        refused: list[Reading] = []
        marked: list[Reading] = []
        for reading in readings:
            same = known.get((reading.publisher, reading.identity)) == reading.digest
            if reading.outcome == _INBOUND:
                if reading.record.offset >= ends.get(reading.partition, 0):
                    marked.append(reading.as_repeat("same-bytes" if same else "other-bytes"))
            elif not same:
                problem = f"id {reading.identity} was taken before with other data"
                refused.append(reading.as_unreadable(problem))
        inserted = await store.take_into_inbox(self._work.connection, self._consumer.name, marked)
        answered = [reading for reading in marked if reading.place in inserted]
        self.repeated += len(readings) - len(refused) - len(answered)
        return refused + answered

    async def _by_waves(self, readings: Sequence[Reading]) -> None:
        for wave in waves(readings, _key_of, lambda r: r.event_kind):
            for group in wave.values():
                await self._trying.together(group)
                reach("mid-batch")
                self.handled += len(group)

    async def _alone(self, reading: Reading) -> None:
        failure = await self._trying.alone(reading)
        if failure:
            await self._park(reading, failure)
        else:
            self.handled += 1

    async def _park(self, reading: Reading, failure: Failure) -> None:
        nameless = reading.outcome == "unreadable" and not reading.event_type
        in_order = not (nameless or _out_of_order(reading))
        stored = await parked_rows.park(
            self._work.connection,
            self._consumer.name,
            reading,
            failure,
            now=self._work.system.now(),
            in_order=in_order,
        )
        if not stored:
            self.repeated += 1
            return
        reach("inside-parking")
        if in_order:
            self._held.add(_key_of(reading))
        self.parked += 1
        name = reading.event_type or "unreadable"
        log.error("parked %s (%s): %s", reading.place, name, failure.error)
        if self._alarm and failure.tries:
            self._alarm.parked(_key_of(reading), reading.event_type, failure.error)


def _key_of(reading: Reading) -> tuple[str, str]:
    return reading.record.topic, reading.key


def _out_of_order(reading: Reading) -> bool:
    return reading.subscription is not None and reading.subscription.order == "none"
