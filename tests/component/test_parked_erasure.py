"""A tombstone also erases what was set aside of its key: nothing of a person stays in `parked`."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from shared.contracts.base import Event
from shared.messaging.consumer import Received
from shared.messaging.errors import Permanent
from shared.messaging.parked_rows import ERASED, Selection
from shared.messaging.tables import act, parked
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.kernel_bench import Bench, seen
from tests.kernel import FakeRecord, Forgotten, changed, record_of

pytestmark = pytest.mark.component

SECRET = "nguoi-a@example.example"


class Known(Event):
    """A person's address, on the topic that a tombstone erases from."""

    TYPE: ClassVar[str] = "vn.thidua.test.person-known.v1"
    TOPIC: ClassVar[str] = Forgotten.TOPIC

    person: str
    email: str

    @property
    def subject(self) -> str:
        return self.person


def known(person: str, offset: int, email: str = SECRET) -> FakeRecord:
    return record_of(Known(ward="tu-minh", person=person, email=email), offset)


def forgotten(person: str, offset: int) -> FakeRecord:
    return record_of(Forgotten(ward="tu-minh", person=person), offset)


@pytest.fixture
def people(bench: Bench) -> Bench:
    """A consumer that cannot take any address, and whose errors quote it."""

    @bench.consumer.on(Known)
    async def take(events: Sequence[Received[Known]], work: UnitOfWork) -> None:
        for event in events:
            if event.data.email == SECRET:
                raise Permanent(f"{event.data.email} is not to our liking")

    @bench.consumer.on(Forgotten)
    async def forget(events: Sequence[Received[Forgotten]], work: UnitOfWork) -> None:
        for event in events:
            await work.connection.execute(sa.insert(seen).values(thing=event.data.person, number=0))

    return bench


async def texts(bench: Bench) -> str:
    """Everything that `parked` holds, bodies too."""
    body = sa.func.convert_from(sa.func.coalesce(parked.c.body, b""), "UTF8")
    rows: list[Any] = await bench.rows(sa.cast(parked.table_valued(), sa.Text), body)
    return repr(rows)


async def states(bench: Bench) -> list[tuple[int, str, str | None, str | None]]:
    c = parked.c
    return await bench.rows(c.offset, c.state, c.reason, c.discarded_by)


async def test_a_tombstone_blanks_and_discards_what_its_key_has_waiting(people: Bench) -> None:
    await people.apply(known("a", 0), known("a", 1, "other@a.example"), known("b", 2))
    assert SECRET in await texts(people)
    await people.apply(forgotten("a", 3))
    at = f"{Forgotten.TOPIC}/0/3"
    assert await states(people) == [
        (0, "discarded", ERASED, at),
        (1, "discarded", ERASED, at),
        (2, "parked", None, None),
    ]
    kept = await people.rows(parked.c.key, parked.c.message, parked.c.trace, parked.c.body)
    assert kept[:2] == [("tu-minh/a", ERASED, "", None)] * 2
    assert SECRET in kept[2][1], "the other person's stays"
    assert await people.story("a") == [0], "the tombstone itself is applied, it does not wait"
    assert await people.held() == ["tu-minh/b"]
    assert await people.rows(act.c.name, act.c.subject, act.c.actor) == [
        ("event-discarded", f"{Forgotten.TOPIC}/0/{offset}", at) for offset in (0, 1)
    ]
    retried = await people.parking.retry(Selection())
    assert (retried.applied, len(retried.stopped_at)) == (0, 1)


async def test_also_in_the_batch_in_which_it_parks(people: Bench) -> None:
    await people.apply(known("a", 0), forgotten("a", 1), known("a", 2, "new@a.example"))
    assert [(offset, state) for offset, state, *_ in await states(people)] == [(0, "discarded")]
    assert SECRET not in await texts(people)
    assert await people.held() == []
    assert await people.story("a") == [0]


async def test_what_operators_discarded_before_keeps_their_reason_and_loses_its_body(
    people: Bench,
) -> None:
    await people.apply(known("a", 0))
    [number] = await people.rows(parked.c.id)
    await people.parking.discard(number, "agreed", "operator-1")
    assert SECRET in await texts(people)
    bare = FakeRecord(Forgotten.TOPIC, 0, 1, b"tu-minh/a", None, ())
    await people.apply(bare)
    assert await states(people) == [(0, "discarded", "agreed", "operator-1")]
    assert SECRET not in await texts(people)
    assert len(await people.rows(act.c.seq)) == 1


async def test_a_record_without_readable_headers_is_blanked_too(people: Bench) -> None:
    record = known("a", 0)
    broken = FakeRecord(
        *(record.topic, 0, 0, record.key, record.value), changed(record.headers, "ce_id", b"\xff")
    )
    await people.apply(broken)
    assert SECRET in await texts(people)
    await people.apply(forgotten("a", 1))
    assert SECRET not in await texts(people)


async def test_a_tombstone_that_fails_has_blanked_all_the_same(
    people: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.apply(known("a", 0))

    async def fails(events: Sequence[Received[Forgotten]], work: UnitOfWork) -> None:
        raise Permanent("not now")

    erasing = people.consumer.subscriptions.pop(Forgotten.TYPE)
    people.consumer.on(Forgotten)(fails)
    await people.apply(forgotten("a", 1))
    assert [(o, s) for o, s, *_ in await states(people)] == [(0, "discarded"), (1, "parked")]
    assert SECRET not in await texts(people)
    people.consumer.subscriptions[Forgotten.TYPE] = erasing
    assert (await people.parking.retry(Selection())).applied == 1
    assert await people.story("a") == [0]
