"""A database restored from an older copy learns from its own topic what it has done since."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from services.intake.store.tables import reminder
from services.notify.commands import notice_id
from services.notify.domain.delivery import IN_HAND
from services.notify.store.tables import mail
from shared.contracts.base import Event
from shared.contracts.notify import MailFailed, MailSent
from tests.component.intake_desk import DeskRoom, Said, moment, one_intake, open_the_year
from tests.component.notify_stage import (
    NOON,
    PERSON,
    SCHOOL,
    FakeRecord,
    Stage,
    Story,
    all_of,
    basics,
    one_database,
    record,
    staged,
)
from tests.component.test_intake_planner import meet_plans, told_at
from tests.component.test_post import Script, relay
from tests.kernel import FakeRecord as Copied
from tests.kernel import header_pairs

pytestmark = pytest.mark.component

STORY = Story()
REASON = "event-1"
"""Gives the fact that the mail is about the same id in each telling."""


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_recall") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


def reason() -> FakeRecord:
    return record(STORY.received(), identity=REASON)


def mail_of(fact: FakeRecord) -> UUID:
    identity = dict(fact.headers)["ce_id"]
    assert identity is not None
    return notice_id(identity.decode(), "report-received", SCHOOL)


def about() -> dict[str, object]:
    return {
        "ward": STORY.ward,
        "mail": mail_of(reason()),
        "person": PERSON,
        "kind": "report-received",
        "because_of": REASON,
    }


def ends() -> dict[str, Event]:
    failed = about() | {"failed_at": NOON, "reason": "550 5.1.1 unknown"}
    return {
        "sent": MailSent.model_validate(about() | {"sent_at": NOON}),
        "refused": MailFailed.model_validate(failed | {"uncertain": False}),
        "uncertain": MailFailed.model_validate(failed | {"uncertain": True}),
    }


async def what_goes_out(stage: Stage) -> list[str]:
    """Recipients of all that the room sends now."""
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    return [recipient for _, recipients, _ in script.taken for recipient in recipients]


@pytest.mark.parametrize("end", ["sent", "refused", "uncertain"])
@pytest.mark.parametrize("fact_first", [True, False])
async def test_a_mail_that_ended_before_is_not_sent_again(
    stage: Stage, end: str, *, fact_first: bool
) -> None:
    said, heard = [record(f) for f in basics(STORY)] + [reason()], record(ends()[end])
    for batch in ([heard], said) if fact_first else (said, [heard]):
        await stage.take(*batch)
    assert await what_goes_out(stage) == []
    assert await stage.states() == {"report-received": end}
    [(sent_at, person)] = await stage.rows("SELECT sent_at, person FROM mail")
    assert (sent_at, person) == (NOON if end == "sent" else None, PERSON)
    assert await stage.rows("SELECT * FROM told") == []
    assert await stage.rows("SELECT * FROM outbox") == []


@pytest.mark.parametrize("status", ["queued", "sending", "data", "retry"])
async def test_however_far_the_older_copy_had_come_with_it(stage: Stage, status: str) -> None:
    await stage.take(*(record(fact) for fact in basics(STORY)), reason())
    claim = {"claim": uuid4(), "claimed_by": "0", "lease_until": NOON}
    written = {"message_id": "<1@tu-minh.example>", "written_at": NOON}
    async with stage.engine.begin() as connection:
        await connection.execute(
            sa.update(mail).values(
                status=status,
                person=PERSON,
                due_at=NOON,
                **(claim if status in IN_HAND else {}),
                **(written if status == "data" else {}),
            )
        )
    await stage.take(record(ends()["sent"]))
    assert await what_goes_out(stage) == []
    assert await stage.states() == {"report-received": "sent"}


async def test_without_that_word_it_goes_out(stage: Stage) -> None:
    await stage.take(*(record(fact) for fact in basics(STORY)), reason())
    assert len(await what_goes_out(stage)) == 1


async def test_our_own_word_is_no_news_to_a_database_that_forgot_nothing(stage: Stage) -> None:
    await stage.take(*(record(fact) for fact in basics(STORY)), reason())
    assert len(await what_goes_out(stage)) == 1
    await stage.take(record(ends()["sent"]))
    assert await stage.rows("SELECT * FROM told") == []
    assert await stage.states() == {"report-received": "sent"}


@pytest.fixture
async def room(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        await opened.begin_anew()
        yield opened


def copied(facts: Sequence[Said]) -> list[Copied]:
    """The facts as the relay wrote them to the topic."""
    return [
        Copied(
            fact.topic,
            0,
            place,
            fact.key.encode(),
            json.dumps(fact.data).encode(),
            header_pairs(fact.headers),
        )
        for place, fact in enumerate(facts)
    ]


async def restored(room: DeskRoom) -> list[Said]:
    """A copy of the evening of 09/11, in December; what was said since then."""
    await open_the_year(room)
    await meet_plans(room)
    assert len(await told_at(room, "2025-11-09 07:30")) == 4
    copy = await room.rows("SELECT obligation, offset_days FROM reminder WHERE state = 'planned'")
    said: list[Said] = []
    for day in ("2025-11-25 07:30", "2025-12-02 07:30"):
        room.clock.time = moment(day)
        await room.planner.turn()
        said += await room.news("reminder-due")
    assert len(said) == 8
    async with room.engine.begin() as connection:
        await connection.execute(
            sa.update(reminder)
            .where(sa.tuple_(reminder.c.obligation, reminder.c.offset_days).in_(copy))
            .values(state="planned")
        )
    return said


async def test_a_reminder_that_went_out_before_is_not_repeated(room: DeskRoom) -> None:
    said = await restored(room)
    await room.apply(*copied(said))
    assert await told_at(room, "2025-12-03 08:00") == []
    assert len(await told_at(room, "2025-12-06 07:30")) == 4


async def test_the_newest_word_supersedes_what_was_planned_before_it(room: DeskRoom) -> None:
    said = await restored(room)
    await room.apply(*copied(said[4:]))
    assert await told_at(room, "2025-12-03 08:00") == []


async def test_without_that_word_the_reminder_goes_out(room: DeskRoom) -> None:
    await restored(room)
    assert len(await told_at(room, "2025-12-03 08:00")) == 4


async def test_that_a_duty_is_overdue_is_said_once(room: DeskRoom) -> None:
    await open_the_year(room)
    await meet_plans(room)
    assert len(await told_at(room, "2025-12-10 07:30")) == 3
    [*said] = await room.said("obligation-overdue")
    async with room.engine.begin() as connection:
        await connection.execute(sa.update(reminder).values(state="planned"))
    await room.apply(*copied(said))
    told = await told_at(room, "2025-12-11 08:00")
    assert [name for name, *_ in told if name == "obligation-overdue"] == []
