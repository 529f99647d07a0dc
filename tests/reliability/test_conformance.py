"""Every handler of every service under repeats, under every order across keys and topics, and under
failures that pass: each time the service ends where an undisturbed one does."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.contracts.base import Event
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import (
    AccessEnded,
    ApprovalAsked,
    ApprovalSettled,
    ContactErased,
    ContactRecorded,
    MovementLaunched,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationOpened,
    ObligationOverdue,
    ObligationWithdrawn,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReminderDue,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
    ReportReturned,
    ReportWithdrawn,
    SummaryDue,
)
from shared.contracts.notify import MailFailed, MailSent
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer
from shared.messaging.errors import Transient
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.intake_desk import report
from tests.corpus.facts import fact
from tests.corpus.services import INBOUND, NAMES, Desk, Said, Still, desk, fetched, written
from tests.corpus.wire import WireRecord

pytestmark = pytest.mark.reliability

UNITS = [f"unit-{number}" for number in range(16)]
LIFE: Sequence[tuple[type[Event], int]] = (
    (MovementLaunched, 1),
    (PeriodOpened, 1),
    (ParticipantRegistered, 1),
    (ContactRecorded, 1),
    (AccessEnded, 1),
    (ObligationOpened, 1),
    (ReminderDue, 1),
    (ReminderDue, 2),
    (ObligationMoved, 1),
    (ReportSubmitted, 1),
    (ReportReceived, 1),
    (SheetAdopted, 1),
    (ScoreComputed, 1),
    (ObligationMet, 1),
    (ReportReturned, 1),
    (ApprovalAsked, 1),
    (ApprovalSettled, 1),
    (ApprovalAsked, 2),
    (ReportSubmitted, 2),
    (ReportReceived, 2),
    (ReportAccepted, 2),
    (ReportReopened, 2),
    (ReportReceived, 3),
    (ReportWithdrawn, 3),
    (ReportReceived, 4),
    (ReportAccepted, 4),
    (ObligationOverdue, 1),
    (ObligationEscalated, 1),
    (SummaryDue, 1),
    (ObligationWithdrawn, 1),
    (ObligationOpened, 2),
    (ParticipantRegistered, 2),
    (ScoreComputed, 2),
    (ResultFrozen, 3),
    (DossierOpened, 1),
    (CandidatePublished, 1),
    (DossierConcluded, 1),
    (AwardDecided, 2),
    (MailSent, 1),
    (MailFailed, 1),
    (ContactRecorded, 2),
    (MovementLaunched, 2),
    (ParticipantLeft, 1),
    (ContactErased, 1),
)
"""What comes to pass with one unit, and which word of its kind that is."""

Letter = tuple[str, WireRecord]
Course = Callable[[Sequence[Letter]], Iterator[list[Letter]]]
"""Cuts a year into batches."""


def year(consumer: Consumer) -> list[Letter]:
    """(topic, record) of all that the service listens to, in the order in which it came to pass."""
    heard = {subscription.event for subscription in consumer.subscriptions.values()}
    letters: list[Letter] = []
    for kind, revision in LIFE:
        for code in UNITS:
            identity = f"{kind.__name__}-{code}-{revision}"
            if kind is ReportSubmitted and consumer.inbound_handler:
                event: Event = ReportSubmitted.model_validate(report(code, revision=revision))
                letters.append((INBOUND, written(event, identity, INBOUND)))
            elif kind in heard:
                told = fact(kind, code, revision)
                letters.append((kind.TOPIC, written(told, identity)))
    return letters


def cut(letters: Sequence[Letter], size: int) -> Iterator[list[Letter]]:
    for first in range(0, len(letters), size):
        yield list(letters[first : first + size])


def plainly(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    return cut(letters, 40)


def twice_in_a_batch(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    return cut([letter for letter in letters for _ in range(2)], 40)


def twice_in_two_batches(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    for batch in cut(letters, 20):
        yield from (batch, batch)


def twice_and_late(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """The second time comes 30 records later, amid others."""
    both: list[Letter] = []
    for number in range(len(letters) + 30):
        both += letters[number : number + 1]
        if number >= 30:
            both.append(letters[number - 30])
    return cut(both, 25)


def reordered(seed: int) -> Course:
    """Any order that keeps that of each key of each topic, in batches of any size."""

    def course(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
        random = Random(seed)
        stories: dict[tuple[str, bytes | None], list[Letter]] = {}
        for topic, record in letters:
            stories.setdefault((topic, record.key), []).append((topic, record))
        left = [story[::-1] for story in stories.values()]
        mixed: list[Letter] = []
        while left:
            story = random.choice(left)
            mixed.append(story.pop())
            left = [one for one in left if one]
        while mixed:
            size = random.choice([1, 3, 20, 60])
            yield mixed[:size]
            mixed = mixed[size:]

    return course


COURSES: Mapping[str, Course] = {
    "twice in a batch": twice_in_a_batch,
    "twice in two batches": twice_in_two_batches,
    "twice and late": twice_and_late,
    "reordered 1": reordered(1),
    "reordered 2": reordered(2),
    "reordered 3": reordered(3),
}


@dataclass
class Hands:
    """A consumer whose handlers are watched, and fail where `failing`."""

    consumer: Consumer
    failing: bool = False
    handed: Counter[str] = field(default_factory=Counter)
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _calls: Counter[str] = field(default_factory=Counter)

    def wrapped(self) -> Consumer:
        copy = Consumer(self.consumer.name)
        for kind, one in self.consumer.subscriptions.items():
            copy.on(one.event, order=one.order)(self._wrap(kind, one.handler))
        if self.consumer.inbound_handler:
            copy.on_inbound(self._wrap("inbound", self.consumer.inbound_handler))
            copy.listen_to(sorted(self.consumer.inbound_topics))
        return copy

    def _wrap(self, kind: str, handler: Any) -> Any:
        async def handle(events: Sequence[Any], work: UnitOfWork) -> None:
            failure = self._next(kind) if self.failing else ""
            if failure == "before":
                raise Transient("before its writes")
            if failure == "amid":
                await handler(events[: len(events) // 2 + 1], work)
                raise Transient("amid its writes")
            await handler(events, work)
            if failure:
                await fail(failure, work)
            self.handed[kind] += len(events)

        return handle

    def _next(self, kind: str) -> str:
        """Each handler fails at every second call, in another way each time."""
        number = self._calls[kind]
        self._calls[kind] += 1
        if number % CALM:
            return ""
        failure = FAILURES[number // CALM % len(FAILURES)]
        self.failed[kind, failure] += 1
        return failure


CALM = 2
SPEAKING = ("intake", "scoring")
"""Services that publish because of what they are told."""
FAILURES = ("before", "amid", "after", "deadlock", "connection lost", "unknown", "unknown")
"""The second unknown one comes while the batch is gone through event by event."""


async def fail(failure: str, work: UnitOfWork) -> None:
    if failure == "after":
        raise Transient("after its writes")
    if failure == "unknown":
        raise RuntimeError("nobody knows")
    if failure == "deadlock":
        raised = "DO $$ BEGIN RAISE 'deadlock' USING ERRCODE = '40P01'; END $$"
        await work.connection.execute(sa.text(raised))
    await work.connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))


@dataclass(frozen=True)
class End:
    """Where a service is when everything has been told."""

    state: Mapping[str, list[str]]
    said: Said
    handed: Mapping[str, int]
    failed: Mapping[tuple[str, str], int]
    parked: Mapping[tuple[str, int], str]

    def words(self) -> dict[tuple[str, str], list[tuple[str, Any]]]:
        """What was said, apart from ids and places; an answer to a repeat is none of it."""
        told: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        for place, facts in self.said.items():
            for _, kind, data in facts:
                if not data.get("duplicate"):
                    kept = {name: value for name, value in data.items() if name != "record"}
                    told.setdefault(place, []).append((kind, kept))
        return told

    def last_words(self) -> dict[tuple[str, str, str], Any]:
        """Of each type about each key the last: those before it may depend on what came first."""
        return {
            (*place, kind): data for place, facts in self.words().items() for kind, data in facts
        }


async def played(opened: Desk, course: Course, *, failing: bool = False) -> End:
    """The year, told in this course; a batch that fails for now is tried again."""
    clock: Any = Still()
    hands = Hands(opened.consumer, failing)
    applier = Applier(hands.wrapped(), opened.engine, opened.business, clock)
    offsets: Counter[str] = Counter()
    for batch in course(year(opened.consumer)):
        records = []
        for topic, record in batch:
            records += fetched(topic, offsets[topic], [record])
            offsets[topic] += 1
        await until_applied(applier, records)
        if course is twice_in_two_batches:
            await until_applied(applier, records)
    return End(
        await opened.state(),
        await opened.said(),
        dict(hands.handed),
        dict(hands.failed),
        await opened.parked(),
    )


async def until_applied(applier: Applier, records: Sequence[Any]) -> None:
    for _ in range(200):
        try:
            await applier.apply(records)
        except Transient:
            continue
        return
    raise AssertionError("the batch never succeeded")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, End]:
    return {}


async def end_of(
    infrastructure: Provided, folder: Path, name: str, course: Course, *, failing: bool = False
) -> End:
    folder.mkdir(exist_ok=True)
    async with desk(infrastructure, folder, name, UNITS if name == "intake" else ()) as opened:
        end = await played(opened, course, failing=failing)
        left_out = kinds_of(opened.consumer) - end.handed.keys()
        assert not left_out, "handlers that were given nothing"
        assert not end.parked
        assert end.said or name not in SPEAKING
        return end


def kinds_of(consumer: Consumer) -> set[str]:
    return set(consumer.subscriptions) | ({"inbound"} if consumer.inbound_handler else set())


async def plain_end(
    undisturbed: dict[str, End], infrastructure: Provided, folder: Path, name: str
) -> End:
    if name not in undisturbed:
        undisturbed[name] = await end_of(infrastructure, folder / "plain", name, plainly)
    return undisturbed[name]


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("name", NAMES)
async def test_repeats_and_orders_change_nothing(
    name: str,
    course: str,
    infrastructure: Provided,
    tmp_path: Path,
    undisturbed: dict[str, End],
) -> None:
    plain = await plain_end(undisturbed, infrastructure, tmp_path, name)
    end = await end_of(infrastructure, tmp_path / "other", name, COURSES[course])
    assert end.state == plain.state
    assert end.last_words() == plain.last_words()
    if course.startswith("twice"):
        assert end.words() == plain.words()
        assert of_our_own(end.handed) == of_our_own(plain.handed)


def of_our_own(handed: Mapping[str, int]) -> dict[str, int]:
    """Repeats of inbound records are handed over, to be answered; repeats of ours are not."""
    return {kind: count for kind, count in handed.items() if kind != "inbound"}


@pytest.mark.parametrize("name", NAMES)
async def test_failures_that_pass_change_nothing(
    name: str, infrastructure: Provided, tmp_path: Path, undisturbed: dict[str, End]
) -> None:
    plain = await plain_end(undisturbed, infrastructure, tmp_path, name)

    def in_pairs(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
        return cut(letters, 2)

    end = await end_of(infrastructure, tmp_path / "other", name, in_pairs, failing=True)
    met = {kind: {f for k, f in end.failed if k == kind} for kind in end.handed}
    assert met == {kind: set(FAILURES) for kind in plain.handed}
    assert end.state == plain.state
    assert end.words() == plain.words()
