"""Twenty thousand bent records: none stops a consumer or holds up another key, none is applied that
must not be, and what still says the same is applied as if it had not been bent."""

import asyncio
import contextlib
import itertools
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import TopicAlreadyExistsError
from confluent_kafka import Consumer, TopicPartition

from deploy.local.infrastructure import Provided
from shared.contracts.base import Event
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import ParticipantRegistered
from shared.messaging import store
from shared.messaging.applying import Applied, Applier
from shared.messaging.envelope import Record
from shared.messaging.running import Runner
from tests.component.intake_desk import report
from tests.component.kafka_tools import create_topic, until
from tests.corpus.bending import Bent, corpus, names
from tests.corpus.facts import fact
from tests.corpus.services import (
    INBOUND,
    NAMES,
    Desk,
    Said,
    Still,
    desk,
    fetched,
    written,
)
from tests.corpus.wire import WireRecord, wire_to

pytestmark = pytest.mark.reliability

SEED = int(os.environ.get("THIDUA_CORPUS_SEED", "20251205"))
COUNTS = {"intake": 3_000, "scoring": 5_000, "awards": 5_000, "notify": 7_000}
ROLL = 1_000
"""Participants that intake knows; reports of others are refused as `unknown-participant`."""
BATCH = 500
HOT = 20


@dataclass(frozen=True)
class Sent:
    """A record in its place; `instead`: what has the same effects, None when it has none."""

    topic: str
    offset: int
    record: WireRecord
    instead: WireRecord | None
    bent: Bent | None

    @property
    def place(self) -> str:
        return f"{self.topic}/0/{self.offset}"

    @property
    def identity(self) -> str:
        headers = dict((self.bent.straight if self.bent else self.record).headers)
        return (headers[b"ce_id"] or b"").decode()

    @property
    def number(self) -> int:
        return int(self.identity.partition("-")[2])


def code_of(number: int) -> str:
    return f"c-{number:06d}"


def straight(desk: Desk) -> Iterator[tuple[type[Event], str, WireRecord]]:
    """Good events of every type that the service takes, each about somebody else."""
    kinds: list[type[Event]] = [s.event for s in desk.consumer.subscriptions.values()]
    if desk.consumer.inbound_handler:
        kinds = [ReportSubmitted] * 7 + kinds
    for number, kind in zip(itertools.count(), itertools.cycle(kinds)):
        code = code_of(number)
        if kind is ReportSubmitted:
            submitted = ReportSubmitted.model_validate(report(code))
            yield kind, INBOUND, written(submitted, f"bent-{number}", INBOUND)
        else:
            yield kind, kind.TOPIC, written(fact(kind, code), f"bent-{number}")


def faithful(desk: Desk) -> Iterator[tuple[str, WireRecord]]:
    """Good events of a few hot keys, each saying more than the one before it."""
    for number in itertools.count():
        code, revision = f"hot-{number % HOT}", number // HOT + 1
        if desk.consumer.inbound_handler:
            submitted = ReportSubmitted.model_validate(report(code, revision=revision))
            yield INBOUND, written(submitted, f"hot-{number}", INBOUND)
        else:
            told = fact(ParticipantRegistered, code, revision)
            yield told.TOPIC, written(told, f"hot-{number}")


def mixed(desk: Desk, count: int) -> list[Sent]:
    """The bent records, each fifth followed by a good one of another key."""
    hot = faithful(desk)
    records: list[tuple[str, WireRecord, WireRecord | None, Bent | None]] = []
    for number, bent in enumerate(corpus(SEED, itertools.islice(straight(desk), count))):
        applies = bent.expected == "applied"
        records.append((bent.topic, bent.record, bent.straight if applies else None, bent))
        if number % 5 == 0:
            topic, good = next(hot)
            records.append((topic, good, good, None))
    offsets: Counter[str] = Counter()
    sent: list[Sent] = []
    for topic, record, instead, bent_from in records:
        sent.append(Sent(topic, offsets[topic], record, instead, bent_from))
        offsets[topic] += 1
    return sent


async def apply_all(desk: Desk, records: Sequence[tuple[str, int, WireRecord]]) -> Counter[str]:
    """In batches, each record at its offset of its topic."""
    told: Counter[str] = Counter()
    read = [one for topic, offset, record in records for one in fetched(topic, offset, [record])]
    for first in range(0, len(read), BATCH):
        told.update(counted(await desk.apply(read[first : first + BATCH])))
    return told


def counted(applied: Applied) -> dict[str, int]:
    names = ("handled", "repeated", "skipped", "parked")
    return {name: getattr(applied, name) for name in names}


@asynccontextmanager
async def two_desks(
    infrastructure: Provided, folder: Path, name: str
) -> AsyncIterator[tuple[Desk, Desk]]:
    """One for the bent records and one for what they would have been."""
    hot = [f"hot-{number}" for number in range(HOT)]
    roll = [*hot, *(code_of(n) for n in range(ROLL))] if name == "intake" else []
    async with AsyncExitStack() as stack:
        desks = []
        for part in ("bent", "straight"):
            (folder / part).mkdir()
            opened = desk(infrastructure, folder / part, name, roll)
            desks.append(await stack.enter_async_context(opened))
        yield desks[0], desks[1]


async def wrong(desk: Desk, sent: Sequence[Sent]) -> list[str]:
    """The records that did not come to what is expected of them, named."""
    parked, answers, taken = await desk.parked(), await answers_of(desk), await desk.taken()
    found = []
    for one in sent:
        if one.topic == INBOUND:
            came, should = answers.get(one.place, []), answer_to(one)
        elif one.bent and one.bent.expected == "skipped":
            came = ["taken" if (one.topic, one.identity) in taken else "skipped"]
            should = ["skipped"]
        else:
            error = parked.get((one.topic, one.offset))
            came = ["refused" if error else "applied"]
            should = [one.bent.expected if one.bent else "applied"]
        if came != should:
            error = parked.get((one.topic, one.offset), "")
            bend = one.bent.bend if one.bent else "a faithful one"
            found.append(f"seed {SEED}, {bend} at {one.place}: {came}, not {should}. {error}"[:600])
    return found


def answer_to(one: Sent) -> list[str]:
    if one.bent is None or (one.bent.expected == "applied" and one.number < ROLL):
        return ["received"]
    return [one.bent.code or "unknown-participant"]


async def answers_of(desk: Desk) -> dict[str, list[str]]:
    """Place of an inbound record -> its answers: "received", or the codes of a refusal."""
    told: dict[str, list[str]] = {}
    for (topic, _), facts in (await desk.said()).items():
        for _, kind, data in facts:
            if topic.startswith("thidua.outbound."):
                refused = sorted({reason["code"] for reason in data.get("reasons", ())})
                word = " and ".join(refused) if "rejected" in kind else "received"
                told.setdefault(data["record"], []).append(word)
    return told


def without_refusals(said: Said) -> Said:
    kept = {
        place: [fact for fact in facts if not fact[1].endswith("report-rejected.v1")]
        for place, facts in said.items()
    }
    return {place: facts for place, facts in kept.items() if facts}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of parked events are told to nobody."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


async def check(desk: Desk, other: Desk, sent: Sequence[Sent], told: Counter[str]) -> None:
    """Every record is accounted for, and the service is where it would be without the bad ones."""
    assert sum(told.values()) == len(sent)
    assert not (found := await wrong(desk, sent)), "\n".join([f"{len(found)}:", *found[:20]])
    good = [(one.topic, one.offset, one.instead) for one in sent if one.instead]
    assert (await apply_all(other, good))["parked"] == 0
    assert await desk.state() == await other.state(), f"seed {SEED}"
    assert without_refusals(await desk.said()) == without_refusals(await other.said())


@pytest.mark.parametrize("name", NAMES)
async def test_bent_records_come_to_what_they_must(
    name: str, infrastructure: Provided, tmp_path: Path
) -> None:
    async with two_desks(infrastructure, tmp_path, name) as (desk, other):
        sent = mixed(desk, COUNTS[name])
        told = await apply_all(desk, [(one.topic, one.offset, one.record) for one in sent])
        unused = names() - {one.bent.bend for one in sent if one.bent}
        assert unused <= (set() if name == "intake" else {"a number of many digits"})
        await check(desk, other, sent, told)


@pytest.mark.parametrize(("name", "count"), [("intake", 600), ("notify", 1_400)])
async def test_bent_records_come_to_the_same_through_a_broker(
    name: str, count: int, infrastructure: Provided, tmp_path: Path
) -> None:
    kafka = infrastructure.kafka
    async with two_desks(infrastructure, tmp_path, name) as (desk, other):
        await begin_at_the_ends(desk, kafka)
        sent = await send(kafka, mixed(desk, count))
        applier = Adding(desk.consumer, desk.engine, desk.business, Still())
        await run_until_read(kafka, desk, applier)
        await check(desk, other, sent, applier.told)


class Adding(Applier):
    """Adds up what became of the batches."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.told: Counter[str] = Counter()

    async def apply(self, records: Sequence[Record]) -> Applied:
        applied = await super().apply(records)
        self.told.update(counted(applied))
        return applied


async def begin_at_the_ends(desk: Desk, kafka: str) -> None:
    """Topics that are missing are made; what others have written to them is not read."""
    for topic in desk.consumer.topics:
        with contextlib.suppress(TopicAlreadyExistsError):
            await create_topic(kafka, topic, 1)
    ends = await asyncio.to_thread(ends_of, kafka, desk.consumer.topics)
    async with desk.engine.begin() as connection:
        await store.pass_over(connection, desk.consumer.name, ends)


def ends_of(kafka: str, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    """(topic, partition) -> the offset that the next record gets."""
    client = Consumer({"bootstrap.servers": kafka, "group.id": "ends"})
    with contextlib.closing(client):
        return {
            (topic, number): client.get_watermark_offsets(TopicPartition(topic, number), 10)[1]
            for topic in topics
            for number in client.list_topics(topic, 10).topics[topic].partitions
        }


async def send(kafka: str, records: Sequence[Sent]) -> list[Sent]:
    """Append them to partition 0 of their topics, a few in a batch; in their places now."""
    placed: list[Sent] = []
    by_topic: dict[str, list[Sent]] = {}
    for one in records:
        by_topic.setdefault(one.topic, []).append(one)
    async with wire_to(kafka) as wire:
        for topic, of_topic in by_topic.items():
            for batch in batches(of_topic):
                first = await wire.append(topic, [one.record for one in batch])
                placed += [replace(one, offset=first + n) for n, one in enumerate(batch)]
    return placed


def batches(records: Sequence[Sent]) -> Iterator[list[Sent]]:
    """At most 50 records and, unless one alone is larger, 500 kB."""
    batch: list[Sent] = []
    size = 0
    for one in records:
        length = len(one.record.value or b"") + 100_000 * any(
            len(value or b"") > 9_999 for _, value in one.record.headers
        )
        if batch and (len(batch) == 50 or size + length > 500_000):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch


async def run_until_read(kafka: str, desk: Desk, applier: Applier) -> None:
    runner = Runner(desk.consumer, applier, desk.engine, kafka, "corpus")
    task = asyncio.create_task(runner.run())

    async def all_read() -> bool:
        if task.done():
            task.result()
        return (await runner.behind())[0] == 0

    try:
        await until(all_read, "everything is read", seconds=60)
    finally:
        runner.stop()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 60)
