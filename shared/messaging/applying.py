"""Applying a batch: inbox, effects, outbox and position in one transaction."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.clock import BusinessClock, Clock
from shared.failpoints import reach
from shared.messaging import parked_rows, store
from shared.messaging.alarm import Alarm
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.errors import (
    StopAndAlarm,
    Transient,
    Unreadable,
    WaitsBehind,
    is_transient,
)
from shared.messaging.reading import Reading, reader
from shared.messaging.trying import Failure, Trying
from shared.messaging.unit_of_work import UnitOfWork
from shared.messaging.waves import waves
from shared.metrics import OTHER, Meter, count_out, part_of
from shared.records import record_act

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
        self._engine = part_of(engine, "consumer")
        self._plain = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._business = business
        self._system = system
        self._on_publish = on_publish
        self._alarm = alarm
        self._read = reader(consumer)
        self._meter = Meter(consumer.name, consumer.subscriptions)

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
        return applied

    @staticmethod
    def _raise_transient(error: Exception) -> None:
        if is_transient(error):
            raise Transient(str(error)) from error

    async def _transaction(self, readings: Sequence[Reading], *, careful: bool) -> Applied:
        """Where nothing is ours, moving the position is the one statement, and commits itself."""
        ours = any(reading.outcome != "skipped" for reading in readings)
        async with (self._engine if ours else self._plain).begin() as connection:
            work = UnitOfWork(connection, self._consumer.name, self._business, self._system)
            batch = Batch(self._consumer, work, self._alarm)
            await batch.run(readings, careful=careful)
            published = await work.store_published()
            await store.advance(connection, self._consumer.name, readings)
        self._measure(readings, batch, work)
        skipped = sum(reading.outcome == "skipped" for reading in readings)
        return Applied(batch.handled, batch.repeated, skipped, batch.parked, published)

    def _measure(self, readings: Sequence[Reading], batch: "Batch", work: UnitOfWork) -> None:
        """Once a batch, after its commit."""
        now = self._system.now().timestamp()
        latencies = [max(0.0, now - _made_at(reading)) for reading in batch.done]
        self._meter.batch(len(readings), batch.outcomes(readings), latencies)
        count_out(self._consumer.name, (row.envelope.type for row in work.published))


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
        self.done: list[Reading] = []
        self._set_aside: list[tuple[str, str]] = []
        self._discards: list[tuple[str, dict[str, str]]] = []

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
            if _erases(reading):
                await self._erase(reading)
            if self._must_wait(reading):
                await self._park(reading, Failure(WaitsBehind("waits behind a parked event"), 0))
            elif careful or reading.outcome == "unreadable":
                await self._alone(reading)
            else:
                able.append(reading)
        await self._by_waves(able)
        await self._record_discards()

    async def _erase(self, tombstone: Reading) -> None:
        """Nothing that is set aside of its key may keep what it erases, nor hold it up."""
        work = self._work
        discarded = await parked_rows.erase(
            work.connection, self._consumer.name, tombstone, work.system.now()
        )
        self._held.discard(_key_of(tombstone))
        self._discards += [(tombstone.place, event) for event in discarded]

    async def _record_discards(self) -> None:
        """Acts on record, as those of operators; last, since the log is one for all."""
        for tombstone, event in self._discards:
            facts = {"event": event["event"], "type": event["type"], "reason": parked_rows.ERASED}
            await record_act(self._work, "event-discarded", event["place"], tombstone, facts)

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
                self.done += group

    async def _alone(self, reading: Reading) -> None:
        failure = await self._trying.alone(reading)
        if failure:
            await self._park(reading, failure)
        else:
            self.handled += 1
            self.done.append(reading)

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
        self._set_aside.append((reading.event_kind, _why(failure.error)))
        name = reading.event_type or "unreadable"
        log.error("parked %s (%s): %s", reading.place, name, failure.error)
        if self._alarm and failure.tries:
            self._alarm.parked(_key_of(reading), reading.event_type, failure.error)

    def outcomes(self, readings: Sequence[Reading]) -> Counter[tuple[str, str]]:
        """(type, outcome) -> how many; what was neither handled nor set aside is a repeat."""
        found = Counter((reading.event_kind, "handled") for reading in self.done)
        found.update(self._set_aside)
        left = Counter(r.event_kind for r in readings if r.outcome != "skipped")
        for (kind, _), count in list(found.items()):
            left[kind] -= count
        found.update({(kind, "repeated"): count for kind, count in left.items() if count})
        skipped = sum(reading.outcome == "skipped" for reading in readings)
        if skipped:
            found[OTHER, "skipped"] = skipped
        return found


def _why(error: Exception) -> str:
    if isinstance(error, WaitsBehind):
        return "waiting"
    return "refused" if isinstance(error, Unreadable) else "parked"


def _made_at(reading: Reading) -> float:
    """Seconds since 1970: ce_time; the broker's time for what other systems wrote."""
    received = reading.received
    if received is not None and received.envelope.time.timestamp() > 0:
        return received.envelope.time.timestamp()
    return reading.record.timestamp / 1000


def _key_of(reading: Reading) -> tuple[str, str]:
    return reading.record.topic, reading.key


def _erases(reading: Reading) -> bool:
    event = reading.subscription.event if reading.subscription else None
    return reading.outcome == "event" and event is not None and event.ERASES


def _out_of_order(reading: Reading) -> bool:
    return reading.subscription is not None and reading.subscription.order == "none"
