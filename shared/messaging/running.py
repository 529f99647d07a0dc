"""The consumer's loop: poll, apply, and on a transient fault pause but keep polling."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.failpoints import reach
from shared.messaging import store
from shared.messaging.applying import Applier
from shared.messaging.client import make_consumer, make_observer
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.errors import StopAndAlarm, Transient, is_transient
from shared.metrics import TRANSIENT_FAULTS

log = logging.getLogger(__name__)

POLL_MS = 250
POLL_DEADLINE = 5.0
BATCH = 500
FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0
COMMIT_DEADLINE = 5.0
CLOSE_DEADLINE = 5.0
SHOW_SECONDS = 1.0
"""How often Kafka is told the offsets, and gaps are looked for, while records keep coming."""
LOOK_SECONDS = 10.0
"""How long nothing may come before it is asked whether there is nothing."""
LOOK_DEADLINE = 2.0
GATHER_SECONDS = 0.1
"""How long more may come together after records that are no business of ours, such as most of what
we have said ourselves: to go past one costs as much as to go past a hundred."""
ASK_SECONDS = 2.0
"""How often it is asked whether there are inbound topics that are not read yet."""


@dataclass(slots=True)
class Backoff:
    """Capped, jittered waits between tries at the same batch, in seconds."""

    attempt: int = 0
    until: float = 0.0

    def grow(self, now: float) -> float:
        longest = min(LONGEST_WAIT, FIRST_WAIT * float(2**self.attempt))
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311
        self.attempt += 1
        self.until = now + wait
        return wait


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the runner that its place in the partitions has to be found anew."""

    def __init__(self, runner: "Runner") -> None:
        self._runner = runner

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        log.info("partitions revoked: %d", len(revoked))
        self._runner.lose_place(assigned=False)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        log.info("partitions assigned: %d", len(assigned))
        self._runner.lose_place(assigned=True)


@dataclass(slots=True)
class Runner:
    """Runs one consumer until it is stopped; a crash of the loop is the service's end.

    Only records read from the database's positions on are applied. Kafka's own offsets, from
    which its client begins by itself after each assignment, only show lag. Once `alarm` says
    why, nothing more is applied before a restart; it polls on, so as to keep its partitions.
    """

    consumer: Consumer
    applier: Applier
    engine: AsyncEngine
    kafka: str
    instance: str
    batch: int = BATCH
    client: AIOKafkaConsumer | None = None
    observer: AIOKafkaConsumer | None = None
    last_poll: float = field(default_factory=time.monotonic)
    last_progress: float = field(default_factory=time.monotonic)
    busy: bool = False
    alarm: str = ""
    _oldest: float | None = None
    _caught_up: float | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _backoff: Backoff | None = None
    _assigned: bool = False
    _placed: bool = False
    _unshown: dict[TopicPartition, list[Any]] = field(default_factory=dict)
    _last_shown: float = 0.0
    _reached: dict[TopicPartition, int] = field(default_factory=dict)
    _past: dict[str, Mapping[TopicPartition, int]] = field(default_factory=dict)
    _next_ask: float = 0.0
    _absent: frozenset[str] = frozenset()
    _new_here: bool = False
    _in_no_hurry: bool = False

    async def run(self) -> None:
        """Consume until `stop`; then finish the batch at hand and leave."""
        observer = make_observer(self.kafka, self.consumer.name, self.instance)
        try:
            await observer.start()
            self.observer = observer
            while not self._stopping.is_set():
                await self._with_a_client()
        finally:
            await observer.stop()

    async def _with_a_client(self) -> None:
        """Consume until `stop`, or until this client of Kafka's is of no use any more.

        One whose part for the group has died of something unforeseen raises at every poll for
        ever, however well the broker is; a new one takes its place.
        """
        client = make_consumer(self.kafka, self.consumer.name, self.instance)
        try:
            await self._learn_topics()
            self._subscribe(client)
            self.client, self._new_here = client, True
            await client.start()
            while not self._stopping.is_set():
                await self._turn(client)
                await self._gather()
                await self._keep_up_with_topics(client)
            await self._show_progress(client, self._unshown)
        except KafkaError as error:
            log.warning("a new client takes over from one that fails for good: %r", error)
            await asyncio.sleep(1)
        finally:
            self.lose_place(assigned=False)
            await _end(client)

    def stop(self) -> None:
        self._stopping.set()

    def _subscribe(self, client: AIOKafkaConsumer) -> None:
        """To all topics that are known now. The group shares its partitions out anew, and each
        member seeks its positions, as after any other rebalance.
        """
        self.lose_place(assigned=False)
        client.subscribe(list(self.consumer.topics), listener=_Rebalance(self))

    async def _keep_up_with_topics(self, client: AIOKafkaConsumer) -> None:
        """Subscribe again when an inbound topic is new, or when the group does not know of it.

        A static member that comes back with a new subscription gets the partitions it had, and
        the broker sees no reason to share out anew. So a new client that is given nothing of a
        topic subscribes once more: of a group's leader that makes the group share out.
        """
        if self.consumer.topic_source is None or time.monotonic() < self._next_ask:
            return
        known = set(self.consumer.topics)
        await self._learn_topics()
        given = {partition.topic for partition in client.assignment()}
        unknown_to_group = self._new_here and self._assigned and not known <= given
        if self._assigned:
            self._new_here = False
        if unknown_to_group or known != set(self.consumer.topics):
            await self._show_progress(client, self._unshown)
            self._subscribe(client)

    async def _learn_topics(self) -> None:
        """Ask for the names of the inbound topics, and listen to those that exist.

        One that does not would make all others wait: Kafka's client asks for it again and again.
        """
        source, observer = self.consumer.topic_source, self.observer
        if source is None or observer is None:
            return
        self._next_ask = time.monotonic() + ASK_SECONDS
        try:
            async with self.engine.connect() as connection:
                named = frozenset(await source(connection)) - self.consumer.inbound_topics
            async with asyncio.timeout(LOOK_DEADLINE):
                absent = named - await observer.topics() if named else frozenset[str]()
        except Exception as error:
            if not is_transient(error) and not isinstance(error, KafkaError):
                raise
            log.info("it is not known which inbound topics there are: %r", error)
            return
        self.consumer.listen_to(self.consumer.inbound_topics | (named - absent))
        if absent - self._absent:
            log.warning("inbound topics are missing, or not ours to read: %s", sorted(absent))
        self._absent = absent

    def lose_place(self, *, assigned: bool) -> None:
        """What is polled from here on is dropped, until the positions have been sought."""
        self._assigned = assigned
        self._placed = False
        self._oldest = self._caught_up = None
        self._unshown = {}

    async def _turn(self, client: AIOKafkaConsumer) -> None:
        if self.alarm:
            client.pause(*client.assignment())
        elif self._backoff is None or time.monotonic() >= self._backoff.until:
            client.resume(*client.paused())
            if self._assigned and not self._placed:
                await self._find_place(client)
        try:
            fetched = await self._poll(client)
        except KafkaError as error:
            self._placed = False  # what other partitions had given is gone with the error
            if not error.retriable:
                raise
            log.warning("poll failed: %r", error)
            await asyncio.sleep(1)
            return
        self.last_poll = time.monotonic()
        if (fetched and self._placed) or await self._may_be_idle():
            self.last_progress = time.monotonic()
        self._look_at(fetched)
        if fetched and self._placed:
            await self._apply(client, fetched)
        if self._placed:
            self._reached |= {p: records[-1].offset + 1 for p, records in fetched.items()}
        if not fetched or time.monotonic() - self._last_shown >= SHOW_SECONDS:
            await self._pass_gaps(client, fetched.keys())
            await self._show_progress(client, self._unshown)

    async def _gather(self) -> None:
        """Let more come together. Kafka's client asks for nothing more meanwhile: it waits until
        what it has is taken.
        """
        if not self._in_no_hurry:
            return
        self._in_no_hurry = False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), GATHER_SECONDS)

    async def _poll(self, client: AIOKafkaConsumer) -> Mapping[TopicPartition, list[Any]]:
        """Without an assignment the client waits for one as long as that takes; we do not."""
        fetched: Mapping[TopicPartition, list[Any]] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_DEADLINE):
                fetched = await client.getmany(timeout_ms=POLL_MS, max_records=self.batch)
        return fetched

    async def _may_be_idle(self) -> bool:
        """Whether an empty poll is as it should be; a client that is stuck polls for ever.

        False: the broker answers, but we have no place in the group, or our partitions hold records
        that do not come. Also False between two looks.
        """
        if self.alarm or self._backoff:
            return True
        if time.monotonic() - self.last_progress < LOOK_SECONDS:
            return False
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                ends = await self._ends(self.consumer.topics)
        except (KafkaError, TimeoutError):
            return True
        if ends is None or self.client is None:
            return True
        ours = self.client.assignment()
        waiting = any(end > self._reached.get(p, 0) for p, end in ends.items() if p in ours)
        return self._assigned and not waiting

    def _look_at(self, fetched: Mapping[TopicPartition, list[Any]]) -> None:
        """Keep what tells how late we are: the oldest append time in hand, or when none was left.

        While a batch is put back, or the alarm stands, an empty poll says nothing.
        """
        if not self._placed or self.alarm or self._backoff:
            return
        if fetched:
            self._oldest = min(records[0].timestamp for records in fetched.values()) / 1000
        else:
            self._oldest, self._caught_up = None, time.time()

    def lag_seconds(self, behind: int, now: float) -> float | None:
        """How long the oldest record that is not applied has waited, as far as this process knows.

        `behind`: how many are not applied; `now`: seconds since 1970. None: not known yet.
        """
        if not behind:
            return 0.0
        since = self._caught_up if self._oldest is None else self._oldest
        return None if since is None else max(0.0, now - since)

    @property
    def attempts(self) -> int:
        """Tries that the batch at hand has failed."""
        return self._backoff.attempt if self._backoff else 0

    async def _find_place(self, client: AIOKafkaConsumer) -> None:
        """Seek each partition to where the database says the effects end."""
        self._placed = True
        try:
            known = await self._positions()
        except Exception as error:
            if not is_transient(error):
                raise
            self._pause(client, error)
            return
        if not self._placed:  # a rebalance came in between
            return
        for partition in client.assignment():
            self._reached[partition] = known.get((partition.topic, partition.partition), 0)
            client.seek(partition, self._reached[partition])

    async def _pass_gaps(self, client: AIOKafkaConsumer, fetched: Set[TopicPartition]) -> None:
        """Go past what is no record to us, such as the end of a publisher's transaction."""
        if not self._placed:
            return
        passed: dict[tuple[str, int], int] = {}
        try:
            async with asyncio.timeout(COMMIT_DEADLINE):
                for p in client.assignment() - fetched:
                    end = await client.position(p)
                    if end > self._reached.get(p, end):
                        passed[p.topic, p.partition] = self._reached[p] = end
        except (KafkaError, TimeoutError) as error:
            log.info("Kafka's client does not know where it is: %r", error)
        try:
            if passed:
                async with self.engine.begin() as connection:
                    await store.pass_over(connection, self.consumer.name, passed)
        except Exception as error:
            if not is_transient(error):
                raise
            self._pause(client, error)

    async def _positions(self) -> dict[tuple[str, int], int]:
        async with self.engine.connect() as connection:
            return await store.positions(connection, self.consumer.name)

    async def _apply(
        self, client: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        records: list[Record] = [record for part in fetched.values() for record in part]
        self.busy = True
        try:
            applied = await self.applier.apply(records)
        except Transient as fault:
            self._pause(client, fault)
            return
        except StopAndAlarm as alarm:
            self._placed = False
            self.alarm = str(alarm)
            log.error("%s stops applying until it is restarted: %s", self.consumer.name, alarm)
            return
        finally:
            self.busy = False
        self._backoff = None
        self._in_no_hurry = applied.skipped == len(records) < self.batch
        reach("committed-before-offsets")
        self._unshown |= {p: records[-1:] for p, records in fetched.items()}

    def _pause(self, client: AIOKafkaConsumer, fault: Exception) -> None:
        self._placed = False
        self._backoff = self._backoff or Backoff()
        wait = self._backoff.grow(time.monotonic())
        TRANSIENT_FAULTS.labels(self.consumer.name).inc()
        client.pause(*client.assignment())
        log.warning("transient fault, trying again in %.1f s: %s", wait, fault)

    async def _show_progress(
        self, client: AIOKafkaConsumer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        ours = client.assignment()
        offsets = {p: records[-1].offset + 1 for p, records in fetched.items() if p in ours}
        self._unshown = {}
        if not offsets:
            return
        self._last_shown = time.monotonic()
        try:
            async with asyncio.timeout(COMMIT_DEADLINE):
                await client.commit(offsets)
        except (KafkaError, TimeoutError) as error:
            log.info("Kafka's offsets (which only show lag) were not committed: %r", error)

    async def has_read(self, topics: Sequence[str]) -> bool:
        """Whether everything is applied that these topics held when this was first asked.

        No transactions are written to them: a control record's offset is never applied.
        """
        for topic in topics:
            if topic not in self._past:
                ends = await self._ends([topic])
                if ends is None:
                    return False
                self._past[topic] = ends
        left = {place: end for topic in topics for place, end in self._past[topic].items()}
        if not left:
            return True
        known = await self._positions()
        if any(known.get((place.topic, place.partition), 0) < end for place, end in left.items()):
            return False
        self._past |= {topic: {} for topic in topics}
        return True

    async def behind(self) -> tuple[int, dict[str, int]]:
        """How many records of all topics are not applied yet (-1: unknown), and the positions."""
        ends = await self._ends(self.consumer.topics)
        if ends is None:
            return -1, {}
        known = await self._positions()
        missing = sum(max(0, end - known.get((p.topic, p.partition), 0)) for p, end in ends.items())
        return missing, {f"{topic}/{part}": offset for (topic, part), offset in known.items()}

    async def _ends(self, topics: Sequence[str]) -> Mapping[TopicPartition, int] | None:
        """Where the topics end now; None while that is not known."""
        client, observer = self.client, self.observer
        if client is None or observer is None:
            return None
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in (client.partitions_for_topic(topic) or set())
        ]
        if len({p.topic for p in partitions}) < len(topics):
            return None
        ends: Mapping[TopicPartition, int] = await observer.end_offsets(partitions)
        return ends


async def _end(client: AIOKafkaConsumer) -> None:
    """Let go of it, however it takes that; what it holds was read, and is not applied.

    aiokafka lets the cancellation of a fetch that waits to try again through its own `stop`, and
    then leaves the rest open.
    """
    stopping = asyncio.ensure_future(client.stop())
    try:
        await asyncio.wait({stopping}, timeout=CLOSE_DEADLINE)
        if stopping.done() and stopping.cancelled():
            async with asyncio.timeout(CLOSE_DEADLINE):
                await client._coordinator.close()  # noqa: SLF001
                await client._client.close()  # noqa: SLF001
        elif stopping.done():
            stopping.result()
        else:
            log.warning("Kafka's client does not end by itself")
    except Exception as error:
        log.warning("Kafka's client does not end by itself: %r", error)
    finally:
        stopping.cancel()
