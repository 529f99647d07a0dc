"""Publishers come and go while intake runs: on a real broker, in every replica."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from deploy.local.infrastructure import Provided
from services.intake.commands import publishers as commands
from services.intake.domain.publisher import Grant, Publisher
from services.intake.forms.publishers import PublisherGrantForm
from services.intake.handlers import answer_publishers, topics_of_publishers
from shared.clock import SystemClock
from shared.contracts.inbound import inbound_topic
from shared.messaging import running, store
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer
from shared.messaging.running import Runner
from shared.web.identity import Person
from tests.component.intake_desk import WARD, DeskRoom, one_intake, report
from tests.component.kafka_tools import counted_on, create_topic, produce, until
from tests.component.registered import enter_publishers
from tests.kernel import FakeRecord

pytestmark = pytest.mark.component

PARTITIONS = 3
CODES = ("tieu-hoc-1", "thcs-1", "phong-vhxh", "mttq", "cong-ty-1")
BY = Person("operator", "", frozenset({"operator"}), "", WARD)
_numbers = itertools.count(1)


@dataclass
class Place:
    """An intake whose consumer is a test's own, as one or more replicas."""

    room: DeskRoom
    kafka: str
    own: str
    consumers: list[Consumer] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    async def register(self, *, topic: bool = True, everybody: bool = True) -> str:
        """A new publisher with its topic; returns its name."""
        name = f"live-{next(_numbers)}"
        grants = (Grant(WARD, None, date(2025, 1, 1)),) if everybody else ()
        if topic:
            await self.make_topic(name)
        entry = Publisher(name, f"urn:thidua:publisher:{name}", grants)
        await enter_publishers(self.room.engine, entry)
        return name

    async def make_topic(self, name: str) -> None:
        await create_topic(self.kafka, inbound_topic(name), PARTITIONS)

    async def send(self, *names: str, times: int = 1) -> None:
        """From each publisher a record for each participant, so many times."""
        records: list[FakeRecord] = [
            self.room.record(report(code), publisher=name)
            for _ in range(times)
            for name in names
            for code in CODES
        ]
        await produce(self.kafka, records)
        self.sent.update({name: times * len(CODES) for name in names})

    async def answers(self, name: str) -> list[dict[str, Any]]:
        topic = f"thidua.outbound.{name}.v1"
        return [said.data for said in await self.room.said() if said.topic == topic]

    async def all_answered(self) -> bool:
        told = [len(await self.answers(name)) for name in self.sent]
        return all(n >= sent for n, sent in zip(told, self.sent.values(), strict=True))

    async def expect_answers(self) -> None:
        """Every record that was sent is answered once, those of a key in their order."""
        await until(self.all_answered, f"answers to {dict(self.sent)}")
        for name, sent in self.sent.items():
            answers = await self.answers(name)
            places = [answer["record"] for answer in answers]
            assert len(places) == len(set(places)) == sent
            for code in CODES:
                mine = [a["record"] for a in answers if a["participant"] == code]
                assert mine == sorted(mine, key=lambda place: int(place.rpartition("/")[2]))

    async def codes(self, name: str, last: int = len(CODES)) -> set[str]:
        """The reasons of the newest answers."""
        answers = await self.answers(name)
        return {reason["code"] for a in answers[-last:] for reason in a.get("reasons", ())}

    def runner(self, instance: str = "0") -> Runner:
        consumer = Consumer(self.own)
        consumer.on(counted_on(self.own))(_nothing)
        consumer.on_inbound(answer_publishers)
        consumer.inbound_topics_from(topics_of_publishers)
        self.consumers.append(consumer)
        applier = Applier(consumer, self.room.engine, self.room.clock, SystemClock())
        return Runner(consumer, applier, self.room.engine, self.kafka, instance)

    @asynccontextmanager
    async def running(self, *runners: Runner) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(runner.run()) for runner in runners]
        try:
            yield
        finally:
            for runner in runners:
                runner.stop()
            await asyncio.wait_for(asyncio.gather(*tasks), 60)

    async def positions(self, name: str) -> dict[int, int]:
        async with self.room.engine.connect() as connection:
            known = await store.positions(connection, self.own)
        return {part: end for (topic, part), end in known.items() if topic == inbound_topic(name)}


async def _nothing(events: Any, work: Any) -> None:
    return


def reading(runner: Runner, name: str) -> set[int]:
    """The partitions of a publisher's topic that this replica has."""
    client = runner.client
    ours = client.assignment() if client else ()
    return {p.partition for p in ours if p.topic == inbound_topic(name)}


@pytest.fixture(scope="module")
async def room(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("live")) as opened:
        yield opened


@pytest.fixture
async def place(room: DeskRoom, kafka: str, make_topic_name: Callable[[str], str]) -> Place:
    await room.begin_anew()
    own = make_topic_name("live")
    await create_topic(kafka, own, 1)
    return Place(room, kafka, own)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "ASK_SECONDS", 0.2)


async def test_a_new_publisher_is_answered_without_a_restart(place: Place) -> None:
    first, runner = await place.register(), place.runner()
    async with place.running(runner):
        await place.send(first)
        await place.expect_answers()
        before = await place.positions(first)
        second = await place.register()
        await place.send(first, second)
        await place.expect_answers()
        after = await place.positions(first)
    assert sum(before.values()) == len(CODES)
    assert sum(after.values()) == 2 * len(CODES)
    assert "not-granted" not in await place.codes(second)


async def test_what_was_sent_before_it_was_registered_is_answered_too(place: Place) -> None:
    name, runner = "early", place.runner()
    await place.make_topic(name)
    await place.send(name)
    async with place.running(runner):
        await asyncio.sleep(1)
        assert await place.answers(name) == []
        entry = Publisher(name, f"urn:thidua:publisher:{name}", ())
        await enter_publishers(place.room.engine, entry)
        await place.expect_answers()
    assert await place.codes(name) == {"not-granted"}


async def test_a_grant_holds_and_ends_from_the_next_batch_on(place: Place) -> None:
    name, runner = await place.register(everybody=False), place.runner()
    works = place.room.works
    async with place.running(runner):
        await place.send(name)
        await place.expect_answers()
        assert await place.codes(name) == {"not-granted"}
        form = PublisherGrantForm(participants="all", since=date(2025, 1, 1), document="1/QĐ")
        async with works.begin() as work:
            number, _ = await commands.grant(work, name, form, BY)
        await place.send(name)
        await place.expect_answers()
        assert "not-granted" not in await place.codes(name)
        async with works.begin() as work:
            await commands.revoke(work, name, number, "Thử", BY)
        await place.send(name)
        await place.expect_answers()
        assert await place.codes(name) == {"not-granted"}
        async with works.begin() as work:
            await commands.grant(work, name, form, BY)
            await commands.end(work, name, "Thôi", BY)
        await place.send(name)
        await place.expect_answers()
        assert await place.codes(name) == {"not-granted"}
    assert await place.room.parked() == 0


async def test_a_topic_that_is_not_there_yet_holds_nobody_up(place: Place) -> None:
    ready, missing = await place.register(), await place.register(topic=False)
    runner = place.runner()
    async with place.running(runner):
        await place.send(ready)
        await place.expect_answers()
        assert (await runner.behind())[0] == 0
        await place.make_topic(missing)
        await place.send(missing)
        await place.expect_answers()


async def test_two_replicas_share_a_new_publisher_and_lose_nothing(place: Place) -> None:
    first, one, two = await place.register(), place.runner("0"), place.runner("1")
    async with place.running(one, two):
        await place.send(first)
        await place.expect_answers()
        stop = asyncio.Event()

        async def keep_sending() -> None:
            while not stop.is_set():
                await place.send(first)

        sending = asyncio.create_task(keep_sending())
        second = await place.register()
        await place.send(second, times=3)

        async def shared() -> bool:
            parts = reading(one, second), reading(two, second)
            return all(parts) and len(parts[0] | parts[1]) == PARTITIONS

        await until(shared, "both replicas read the new publisher")
        stop.set()
        await sending
        await place.send(first, second)
        await place.expect_answers()


async def test_one_that_was_registered_while_the_member_was_away_is_read(place: Place) -> None:
    """The broker gives a static member that comes back in time what it had, and nothing more."""
    first = await place.register()
    async with place.running(place.runner()):
        await place.send(first)
        await place.expect_answers()
    second = await place.register()
    async with place.running(place.runner()):
        await place.send(first, second)
        await place.expect_answers()


async def test_a_database_that_is_away_when_it_asks_ends_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, runner = await place.register(), place.runner()
    faults = iter([ConnectionError("away"), ConnectionError("away")])
    asked: list[bool] = []

    async def source(connection: Any) -> Sequence[str]:
        if asked and (fault := next(faults, None)):
            raise fault
        asked.append(True)
        return await topics_of_publishers(connection)

    runner.consumer.inbound_topics_from(source)
    async with place.running(runner):
        await place.send(first)
        await place.expect_answers()
        second = await place.register()
        await place.send(second)
        await place.expect_answers()
    assert next(faults, None) is None
