"""What becomes of a bad record, end to end: each has its stated outcome and a trace, and what is
behind it in its partition is applied."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.infrastructure import Provided
from services.intake.domain.publisher import Grant, Publisher
from services.intake.handlers import answer_publishers
from shared.contracts.base import Event, Text
from shared.messaging.applying import Applied, Applier
from shared.messaging.consumer import Consumer, Received
from shared.messaging.envelope import Record
from shared.messaging.running import Runner
from shared.messaging.tables import kernel, parked
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.emptying import empty
from tests.component.intake_desk import (
    OFFICER,
    WARD,
    DeskRoom,
    one_intake,
    open_the_year,
    participant,
    report,
)
from tests.component.kafka_tools import until
from tests.component.kernel_bench import BUSINESS, SYSTEM, Bench, seen
from tests.component.registered import enter_publishers
from tests.corpus.outcomes import (
    ALONE,
    APPLIED,
    FAULTS,
    PARKED,
    REPEATED,
    SKIPPED,
    UNSEEN,
    Draft,
    Fault,
)
from tests.corpus.wire import Wire, wire_to
from tests.kernel import Counted

pytestmark = pytest.mark.component

PAGE = Path(__file__).parents[2] / "docs" / "messaging.md"
OWN, CONTACTS, INBOUND = "test.outcomes.v1", "test.outcomes.people.v1", "thidua.inbound.outcomes.v1"
PUBLISHER = Publisher(
    "outcomes", "urn:thidua:publisher:outcomes", (Grant(WARD, None, date(2025, 1, 1)),)
)


class Marked(Counted):
    TOPIC: ClassVar[str] = OWN


class Known(Event):
    TYPE: ClassVar[str] = "vn.thidua.test.person-known.v1"
    TOPIC: ClassVar[str] = CONTACTS

    person: str
    name: Text

    @property
    def subject(self) -> str:
        return self.person


class Erased(Event):
    TYPE: ClassVar[str] = "vn.thidua.test.person-erased.v1"
    TOPIC: ClassVar[str] = CONTACTS
    ERASES: ClassVar[bool] = True

    person: str

    @property
    def subject(self) -> str:
        return self.person


class Counting(Applier):
    """Adds up what became of the batches."""

    told: Counter[str]

    async def apply(self, records: Sequence[Record]) -> Applied:
        applied = await super().apply(records)
        self.told.update(
            handled=applied.handled,
            repeated=applied.repeated,
            skipped=applied.skipped,
            parked=applied.parked,
        )
        return applied


def headers_of(kind: str, source: str, identity: str) -> tuple[tuple[bytes, bytes | None], ...]:
    return (
        (b"ce_specversion", b"1.0"),
        (b"ce_id", identity.encode()),
        (b"ce_source", source.encode()),
        (b"ce_type", kind.encode()),
        (b"ce_time", b"2025-12-01T09:00:00Z"),
        (b"content-type", b"application/json"),
    )


def draft(topic: str, code: str) -> Draft:
    """A good event of the topic, about `code`."""
    key, source = f"{WARD}/{code}".encode(), "urn:thidua:test"
    if topic == OWN:
        body = {"ward": WARD, "thing": code, "number": 1, "note": "Thông"}
        headers = headers_of(Marked.TYPE, source, code)
        return Draft(key, body, headers, "note", "number").saying("note", '"Th\\u00f4ng"')
    if topic == CONTACTS:
        body = {"ward": WARD, "person": code, "name": "Thông"}
        headers = headers_of(Known.TYPE, source, code)
        return Draft(key, body, headers, "name", "person").saying("name", '"Th\\u00f4ng"')
    headers = headers_of("vn.thidua.inbound.report-submitted.v1", PUBLISHER.source, code)
    good = Draft(key, report(code), headers, "difficulties", "revision")
    return good.saying("difficulties", '"Th\\u00f4ng"')


@dataclass
class Board:
    """What was sent where, and the two consumers that take it."""

    room: DeskRoom
    bench: Bench
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def listen(self) -> None:
        consumer = Consumer("test.outcomes")
        consumer.on(Marked)(self.take)
        consumer.on(Known)(self.take)
        consumer.on(Erased)(self.take)
        self.bench.consumer = consumer

    async def take(self, events: Sequence[Received[Any]], work: UnitOfWork) -> None:
        rows = [{"thing": e.data.subject, "number": getattr(e.data, "number", 0)} for e in events]
        await work.connection.execute(sa.insert(seen), rows)
        for event in events:
            self.texts[event.data.subject] = getattr(event.data, "note", "")

    async def send(self, wire: Wire, topic: str, number: int, fault: Fault) -> None:
        good = draft(topic, code_of(number))
        if fault.twice:
            await wire.append(topic, [good.record()])
        bent = fault.bend(good).record()
        self.places[topic, fault.name] = await self._by(wire, topic, fault.way, bent)
        behind = draft(topic, f"behind-{code_of(number)}").record()
        await wire.append(topic, [behind])

    @staticmethod
    async def _by(wire: Wire, topic: str, way: str, record: Any) -> int:
        if way == "plain":
            return await wire.append(topic, [record])
        if way == "bomb":
            return await wire.append(topic, [record], codec=1)
        if way in ("committed", "aborted"):
            return await wire.in_transaction(topic, [record], commit=way == "committed")
        return await wire.packed(topic, way, [record])

    async def answers(self) -> dict[str, str]:
        """Place of an inbound record -> what it was answered; a second answer is told, too."""
        told: dict[str, list[str]] = {}
        for said in await self.room.said():
            if said.topic == "thidua.outbound.outcomes.v1":
                told.setdefault(said.data["record"], []).append(answer_of(said.data))
        return {place: " and ".join(words) for place, words in told.items()}

    async def kernel_outcome(self, topic: str, number: int, fault: Fault) -> str:
        offset, code = self.places[topic, fault.name], code_of(number)
        for alone, where, place in await self.bench.rows(
            ~parked.c.in_order, parked.c.topic, parked.c.offset
        ):
            if (where, place) == (topic, offset):
                return ALONE if alone else PARKED
        if not await self.bench.story(code):
            return SKIPPED if fault.way != "aborted" else UNSEEN
        return REPEATED if fault.twice else APPLIED


def code_of(number: int) -> str:
    return f"case-{number}"


def answer_of(data: dict[str, Any]) -> str:
    if "reasons" in data:
        return " and ".join(sorted({f"`{reason['code']}`" for reason in data["reasons"]}))
    return "applied, `duplicate`" if data["duplicate"] else APPLIED


async def create_topics(kafka: str) -> None:
    times = {"message.timestamp.type": "LogAppendTime"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(OWN, 1, 1),
                NewTopic(CONTACTS, 1, 1),
                NewTopic(INBOUND, 1, 1, topic_configs=times),
            ]
        )
    finally:
        await admin.close()


async def run_until_read(kafka: str, *pairs: tuple[Consumer, Counting]) -> None:
    runners = [Runner(c, a, a._engine, kafka, "0") for c, a in pairs]
    tasks = [asyncio.create_task(runner.run()) for runner in runners]

    async def all_read() -> bool:
        for task in tasks:
            if task.done():
                task.result()
        return all([(await runner.behind())[0] == 0 for runner in runners])

    try:
        await until(all_read, "everything is read", seconds=60)
    finally:
        for runner in runners:
            runner.stop()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)


@dataclass
class Story:
    board: Board
    told: Counter[str]
    answers: dict[str, str]


@pytest.fixture(scope="module")
async def story(
    infrastructure: Provided, kernel_engine: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    """Every fault is sent to every kind of topic, and everything that is sent is read."""
    await empty(kernel_engine, (*kernel.sorted_tables, seen))
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as room:
        await enter_publishers(room.engine, PUBLISHER)
        board = Board(room, Bench(kernel_engine, Consumer("none")))
        board.listen()
        await open_the_year(room)
        codes = [code_of(number) for number in range(len(FAULTS))]
        people = [participant(code) for code in (*codes, *(f"behind-{c}" for c in codes))]
        await room.must(OFFICER, "/participants", {"participants": people})
        await create_topics(infrastructure.kafka)
        async with wire_to(infrastructure.kafka) as wire:
            for number, fault in enumerate(FAULTS):
                for topic in (OWN, CONTACTS, INBOUND):
                    await board.send(wire, topic, number, fault)
            for topic in (OWN, CONTACTS, INBOUND):
                last = draft(topic, "last").record()
                await wire.in_transaction(topic, [last], commit=True)
        ours = Counting(board.bench.consumer, kernel_engine, BUSINESS, SYSTEM)
        intake = Consumer("intake")
        intake.on_inbound(answer_publishers)
        intake.listen_to([INBOUND])
        theirs = Counting(intake, room.engine, room.clock, SYSTEM)
        ours.told, theirs.told = Counter(), Counter()
        await run_until_read(infrastructure.kafka, (board.bench.consumer, ours), (intake, theirs))
        yield Story(board, ours.told, await board.answers())


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
async def test_a_bad_record_has_its_stated_outcome(story: Story, number: int) -> None:
    fault = FAULTS[number]
    place = f"{INBOUND}/0/{story.board.places[INBOUND, fault.name]}"
    found = (
        fault.name,
        await story.board.kernel_outcome(OWN, number, fault),
        await story.board.kernel_outcome(CONTACTS, number, fault),
        story.answers.get(place, UNSEEN),
    )
    assert found == fault.row


async def test_what_is_behind_a_bad_record_is_applied(story: Story) -> None:
    codes = [f"behind-{code_of(number)}" for number in range(len(FAULTS))]
    applied = Counter(await story.board.bench.rows(seen.c.thing))
    assert {code: applied[code] for code in codes} == dict.fromkeys(codes, 2)
    reported = {s.data["participant"] for s in await story.board.room.said("report-received")}
    assert set(codes) <= reported


async def test_every_record_is_counted_once(story: Story) -> None:
    sent = sum(2 + fault.twice - (fault.way == "aborted") for fault in FAULTS) + 1
    assert sum(story.told.values()) == 2 * sent
    for outcome, name in ((SKIPPED, "skipped"), (REPEATED, "repeated")):
        stated = sum((f.own == outcome) + (f.contacts == outcome) for f in FAULTS)
        assert story.told[name] == stated
    assert len(story.answers) == sent
    assert not [words for words in story.answers.values() if "applied and" in words]
    assert await story.board.room.parked() == 0


async def test_text_is_kept_in_nfc(story: Story) -> None:
    number = [fault.name for fault in FAULTS].index("text in NFD; kept in NFC")
    assert story.board.texts[code_of(number)] == "Th\u00f4ng"


async def test_what_could_be_read_of_a_refused_record_is_kept(story: Story) -> None:
    name = "a header's name is not UTF-8"
    offset = story.board.places[OWN, name]
    columns = (parked.c.topic, parked.c.offset, parked.c.key, parked.c.body, parked.c.message)
    rows = [row for row in await story.board.bench.rows(*columns) if row[:2] == (OWN, offset)]
    good = draft(OWN, code_of([fault.name for fault in FAULTS].index(name)))
    [(_, _, key, body, message)] = rows
    assert (key.encode(), body) == (good.key, good.value)
    assert message == "the name of a header is not UTF-8: b'x-\\xff'"


def test_the_page_says_what_becomes_of_a_bad_record() -> None:
    section = PAGE.read_text("utf-8").split("## What becomes of a bad record")[1].split("\n## ")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table(section)]
    assert rows == [fault.row for fault in FAULTS]


def table(section: str) -> list[str]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert re.fullmatch(r"[|\s-]+", lines[1])
    return lines[2:]
