"""The night of a deadline: reports of a whole country on one inbound topic.

Each is received, stored and answered by intake's process, and gets its mail row by notify's. A
small country has that night again and again: what came in is forgotten in between.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from confluent_kafka import Consumer as Reader
from confluent_kafka import Producer, TopicPartition

from bench.backlog import Message
from bench.contest import ROOT, Child, ContestError, python
from bench.country import (
    EVENING,
    PERIOD,
    PUBLISHER,
    TOPIC,
    Country,
    Told,
    code_of,
    codes,
    criteria_of,
    movement_of_a_ward,
)
from bench.machine import tree_cpu_seconds
from deploy import topics
from deploy.local.infrastructure import Infrastructure
from shared.calendar import WARD_ZONE
from shared.clock import Anchor, set_business_clock
from shared.contracts.inbound import ReportSubmitted, outbound_topic

ROLES = ("intake", "notify")
EVENTS = {"intake": 1, "notify": 2}
"""What each handles of one report: notify hears that it came, and that a duty is met."""
WARM = 1800
"""Reports that are not counted: everything runs for the first time."""
SMALL = 10 * WARM
"""Whoever has no more participants has several nights."""
LOOK = 0.1
STUCK = 120.0
"""Seconds without any progress that end the run."""
_TEXT = "Đơn vị đã triển khai đầy đủ, có minh chứng kèm theo trong hồ sơ của phường. " * 3
_FORGET = {
    "intake": (
        f"DELETE FROM report WHERE period = '{PERIOD}'",
        "UPDATE obligation SET met_at = NULL, on_time = NULL WHERE met_at IS NOT NULL",
        "UPDATE reminder SET state = 'planned' WHERE state = 'cancelled'",
    ),
    "notify": ("DELETE FROM report", "DELETE FROM met"),
}


# --- what comes in ---


def reports(wards: int, each: int, dice: random.Random) -> Iterator[Message]:
    """The first report of everybody, in an order of chance."""
    plan = movement_of_a_ward()
    items = {number: _items(criteria_of(plan, number, each)) for number in range(each)}
    everybody = codes(wards, each)
    dice.shuffle(everybody)
    for ward, number in everybody:
        yield _message(ward, number, items[number], dice)


def _items(criteria: Sequence[str]) -> list[dict[str, Any]]:
    return [{"criterion": code, "self_score": "18.5", "narrative": _TEXT} for code in criteria]


def _message(ward: str, number: int, items: Any, dice: random.Random) -> Message:
    code = code_of(number)
    body = {
        "ward": ward,
        "participant": code,
        "period": PERIOD,
        "report_id": str(UUID(int=dice.getrandbits(128), version=4)),
        "revision": 1,
        "form_version": 1,
        "submitted_at": EVENING.isoformat(),
        "contents": [{"content": 1, "text": _TEXT}],
        "items": items,
    }
    headers: dict[str, str | bytes | None] = {
        "ce_specversion": "1.0",
        "ce_id": str(UUID(int=dice.getrandbits(128), version=4)),
        "ce_source": PUBLISHER.source,
        "ce_type": ReportSubmitted.TYPE,
        "content-type": "application/json",
    }
    value = json.dumps(body, ensure_ascii=False).encode()
    return Message(f"{ward}/{code}".encode(), value, headers)


def records(messages: Sequence[Message]) -> list[Told]:
    """As a Kafka client would hand them over."""
    at = int(datetime.now(WARD_ZONE).timestamp() * 1000)
    return [
        Told(
            TOPIC,
            0,
            number,
            one.key,
            one.value,
            tuple((name, str(text).encode()) for name, text in one.headers.items()),
            at,
        )
        for number, one in enumerate(messages)
    ]


# --- how it goes ---


@dataclass(frozen=True, slots=True)
class Sample:
    """How far both have come at one moment, and what the servers have used."""

    at: float
    of: Mapping[str, Mapping[str, float]]
    postgres: float
    kafka: float

    def reports(self, role: str) -> float:
        return self.of[role]["handled"] / EVENTS[role]


@dataclass(frozen=True, slots=True)
class Span:
    """From one sample to another; sums of spans are spans. `window`: so many reports at full speed.

    What is left after the last window has work in it that was put off before: facts to be sent,
    and the service's own words to be heard again. `done`: how many reports each has dealt with,
    for one may be ahead of the other.
    """

    done: Mapping[str, float]
    seconds: float
    cpu: Mapping[str, float]
    statements: Mapping[str, float]
    commits: Mapping[str, float]
    memory: Mapping[str, float]
    window: bool = False

    @classmethod
    def between(cls, first: Sample, last: Sample, *, window: bool = False) -> "Span":
        def grown(name: str) -> dict[str, float]:
            return {role: last.of[role][name] - first.of[role][name] for role in ROLES}

        done = {role: last.reports(role) - first.reports(role) for role in ROLES}
        servers = {"PostgreSQL": last.postgres - first.postgres, "Kafka": last.kafka - first.kafka}
        memory = {role: last.of[role]["memory"] for role in ROLES}
        counts = grown("statements"), grown("commits")
        used = grown("cpu") | servers
        return cls(done, last.at - first.at, used, *counts, memory, window)

    def __add__(self, other: "Span") -> "Span":
        def both(one: Mapping[str, float], two: Mapping[str, float]) -> dict[str, float]:
            return {name: one[name] + two[name] for name in one}

        return Span(
            both(self.done, other.done),
            self.seconds + other.seconds,
            both(self.cpu, other.cpu),
            both(self.statements, other.statements),
            both(self.commits, other.commits),
            other.memory,
        )

    @property
    def reports(self) -> float:
        return self.done["intake"]

    def each(self, figures: Mapping[str, float], name: str) -> float:
        """Of a process by its own reports, of a server by those that were taken."""
        return figures[name] / max(1.0, self.done.get(name, self.reports))

    @property
    def own(self) -> float:
        """CPU of both services' processes, milliseconds a report."""
        return sum(self.each(self.cpu, role) for role in ROLES) * 1000


@dataclass(frozen=True, slots=True)
class Night:
    """One country's. `begin` and `peak`: memory in MB, before the first report and at the most."""

    wards: int
    spans: Sequence[Span]
    begin: Mapping[str, float]
    peak: Mapping[str, float]

    @property
    def whole(self) -> Span:
        return sum(self.spans[1:], start=self.spans[0])

    @property
    def windows(self) -> list[Span]:
        return [span for span in self.spans if span.window]


@dataclass(slots=True)
class Watch:
    """Both processes, asked again and again."""

    country: Country
    infrastructure: Infrastructure
    children: Mapping[str, Child]
    window: int
    sent: int = 0

    def look(self) -> Sample:
        figures = {role: _ask(child) for role, child in self.children.items()}
        if any(one["parked"] for one in figures.values()):
            raise ContestError(f"events were set aside: {figures}")
        pids = self.infrastructure.family.pids
        used = tree_cpu_seconds(pids["postgres"]), tree_cpu_seconds(pids["kafka"])
        return Sample(time.monotonic(), figures, *used)

    async def through(self, messages: Sequence[Message] | Iterator[Message]) -> list[Span]:
        """Send all, see them through to the end; windows, and what is left."""
        first = last = self.look()
        sending = asyncio.create_task(asyncio.to_thread(_send, self.infrastructure.kafka, messages))
        spans: list[Span] = []
        moved = time.monotonic()
        while not (sending.done() and await self._is_over(self.sent + sending.result(), last)):
            await asyncio.sleep(LOOK)
            now = self.look()
            if now.of != last.of and _done(now) > _done(last):
                moved = time.monotonic()
            if time.monotonic() - moved > STUCK:
                raise ContestError(f"nothing moves any more: {now}")
            last = now
            if now.reports("intake") - first.reports("intake") >= self.window:
                spans.append(Span.between(first, now, window=True))
                first = now
        self.sent += await sending
        return [*spans, Span.between(first, self.look())]

    async def _is_over(self, goal: int, seen: Sample) -> bool:
        if any(seen.reports(role) < goal for role in ROLES):
            return False
        waiting = "SELECT count(*) FROM (SELECT FROM outbox LIMIT 1) AS waiting"
        return not await self.country.value(self.country.intake, waiting)


def _done(sample: Sample) -> float:
    return sum(sample.reports(role) for role in ROLES)


def _ask(child: Child) -> dict[str, float]:
    line = child.process.stdin
    if line is None:
        raise ContestError("no pipe to the process")
    line.write(b"\n")
    line.flush()
    return child.await_line("handled")


def _send(kafka: str, messages: Sequence[Message] | Iterator[Message]) -> int:
    """Returns how many."""
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2",
            "linger.ms": 20,
            "queue.buffering.max.messages": 20_000,
        }
    )
    count = 0
    for one in messages:
        while True:
            try:
                producer.produce(TOPIC, key=one.key, value=one.value, headers=one.headers)
                break
            except BufferError:
                producer.poll(0.05)
        count += 1
    if left := producer.flush(120):
        raise RuntimeError(f"{left} reports were not taken by the broker")
    return count


@asynccontextmanager
async def watching(
    infrastructure: Infrastructure, country: Country, window: int, folder: Path
) -> AsyncIterator[Watch]:
    """Topics as the catalogue has them, and both processes at work, in the last evening."""
    await topics.apply(infrastructure.kafka, [PUBLISHER.name], 1, check=False)
    clock = folder / "clock.jsonl"
    set_business_clock(clock, Anchor(datetime.now(WARD_ZONE), EVENING, 1.0))
    async with AsyncExitStack() as stack:
        children = {}
        for role, url in zip(ROLES, (country.intake, country.notify), strict=True):
            told = {
                "ROLE": role,
                "DATABASE_URL": url,
                "KAFKA": infrastructure.kafka,
                "CLOCK": str(clock),
                "PYTHONPATH": str(ROOT),
            }
            command = python("bench.contestants.night")
            child = stack.enter_context(Child(command, told, folder / f"{role}.log"))
            child.await_line("ready")
            children[role] = child
        yield Watch(country, infrastructure, children, window)


async def spend(
    infrastructure: Infrastructure,
    country: Country,
    wanted: int,
    window: int,
    folder: Path,
    say: Callable[[str], None],
) -> Night:
    """So many reports, and `WARM` before that; night after night, where the country is small."""
    dice, size = random.Random(1), country.wards * country.each
    rounds = size <= SMALL
    wanted = wanted if rounds else min(wanted, size - WARM)
    spans: list[Span] = []
    async with watching(infrastructure, country, window, folder) as watch:
        begin = {role: one["memory"] for role, one in watch.look().of.items()}
        coming = reports(country.wards, country.each, dice)
        while sum(span.reports for span in spans) < wanted or watch.sent < WARM:
            warm = watch.sent < WARM
            some = coming if rounds else _some(coming, WARM if warm else wanted)
            found = await watch.through(some)
            if not warm:
                spans += found
                say(f"    {watch.sent - WARM:,} reports, {found[-1].own:.2f} ms CPU each")
            if rounds:
                await _forget(country)
                coming = reports(country.wards, country.each, dice)
        last = watch.look()
        await _check(watch, infrastructure.kafka)
    peak = {role: one["peak"] for role, one in last.of.items()}
    return Night(country.wards, spans, begin, peak)


def _some(messages: Iterator[Message], count: int) -> Iterator[Message]:
    for _ in range(count):
        one = next(messages, None)
        if one is None:
            return
        yield one


async def _forget(country: Country) -> None:
    """The night has not been yet; what was answered and mailed stays."""
    await country.run(country.intake, *_FORGET["intake"])
    await country.run(country.notify, *_FORGET["notify"])


async def _check(watch: Watch, kafka: str) -> None:
    """Everything that was sent is answered and has its mail row, once. Raises ContestError."""
    country, sent = watch.country, watch.sent
    mails = await country.value(
        country.notify,
        "SELECT count(*) FROM mail JOIN notice USING (id) WHERE kind = 'report-received'",
    )
    answers = _length(kafka, outbound_topic(PUBLISHER.name))
    taken = await country.value(country.intake, "SELECT count(*) FROM inbox")
    if not sent == mails == answers == taken:
        told = f"{taken} taken, {answers} answered, {mails} mails"
        raise ContestError(f"{sent} reports were sent, but {told}")


def _length(kafka: str, topic: str) -> int:
    reader = Reader({"bootstrap.servers": kafka, "group.id": "bench.night"})
    try:
        parts = reader.list_topics(topic, timeout=10).topics[topic].partitions
        ends = [reader.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in parts]
    finally:
        reader.close()
    return sum(end - begin for begin, end in ends)
