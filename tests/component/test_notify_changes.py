"""A duty that is moved, withdrawn or late for long: who is told, and who is not."""

from collections.abc import AsyncIterator, Iterator
from datetime import date

import pytest

from deploy.local.infrastructure import Provided
from services.notify.store import tasks
from shared.contracts.base import Event
from shared.web.identity import Person
from tests.component.notify_stage import (
    LATER,
    NOON,
    PERSON,
    SCHOOL,
    Stage,
    Story,
    all_of,
    basics,
    one_database,
    parsed,
    staged,
)
from tests.component.test_post import Script, relay

pytestmark = pytest.mark.component

STORY = Story()
HEAD = "truong-1.head"


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_changes") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        await stage.tell(*basics(STORY))
        yield stage


async def sent_for(stage: Stage, *events: Event) -> list[tuple[str, str]]:
    """(kind, subject) of the mails that go out once these have come."""
    script = Script()
    async with relay(script) as to:
        await stage.tell(*events)
        await all_of(stage.room(to))
    mails = [parsed(content) for *_, content in script.taken]
    return [(str(mail["X-Thidua-Kind"]), str(mail["Subject"])) for mail in mails]


async def due_days(stage: Stage) -> list[date | None]:
    """The last days of what the school's reporter has to do."""
    reporter = Person(PERSON, "Đầu mối", frozenset({"reporter"}), SCHOOL, "tu-minh")
    async with stage.engine.connect() as connection:
        found = await tasks.seen_by(connection, reporter, NOON.date())
    return [task.due for task in found]


async def test_whoever_was_told_hears_of_the_new_date_once(stage: Stage) -> None:
    assert [kind for kind, _ in await sent_for(stage, STORY.opened())] == ["obligation-opened"]
    assert await sent_for(stage, STORY.moved()) == [
        ("deadline-moved", "Đổi hạn gửi báo cáo thi đua năm 2025: đến hết ngày 15/12/2025")
    ]
    assert await due_days(stage) == [date(2025, 12, 15)]
    assert await sent_for(stage, STORY.reminder()) == []
    assert (await stage.mails())[-1][2:4] == ("dropped", "deadline-moved")


async def test_whoever_was_told_nothing_is_only_told_the_new_date(stage: Stage) -> None:
    """The first mail was not out yet: it goes out with the date that holds, alone."""
    told = await sent_for(stage, STORY.opened(), STORY.moved())
    assert told == [("obligation-opened", "Báo cáo thi đua năm 2025: gửi đến hết ngày 15/12/2025")]


async def test_there_and_back_before_the_mail_went_out_is_no_news(stage: Stage) -> None:
    await sent_for(stage, STORY.opened())
    back = STORY.moved(due=STORY.opened().due, was=LATER)
    assert await sent_for(stage, STORY.moved(), back) == []


async def test_whoever_was_told_hears_that_it_is_not_asked_and_that_it_is_again(
    stage: Stage,
) -> None:
    await sent_for(stage, STORY.opened())
    assert [kind for kind, _ in await sent_for(stage, STORY.withdrawn())] == ["duty-withdrawn"]
    assert await due_days(stage) == []
    assert await sent_for(stage, STORY.reminder()) == []
    assert [kind for kind, _ in await sent_for(stage, STORY.opened())] == ["obligation-opened"]
    assert len(await due_days(stage)) == 1


async def test_a_duty_that_is_asked_again_with_another_date_is_told(stage: Stage) -> None:
    """Nobody heard that it was not asked in between: by the same date there is no news."""
    await sent_for(stage, STORY.opened())
    assert await sent_for(stage, STORY.withdrawn(), STORY.opened()) == []
    again = STORY.opened().model_copy(update={"due": LATER, "due_text": "trước ngày 16/12/2025"})
    assert await sent_for(stage, STORY.withdrawn(), again) == [
        ("obligation-opened", "Báo cáo thi đua năm 2025: gửi trước ngày 16/12/2025")
    ]
    assert await sent_for(stage, STORY.withdrawn(), again) == []


async def test_a_withdrawal_that_only_our_own_topic_knows_of_was_told(stage: Stage) -> None:
    await sent_for(stage, STORY.opened())
    await sent_for(stage, STORY.withdrawn())
    async with stage.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE mail SET recalled = true, told_due = NULL")
    assert [kind for kind, _ in await sent_for(stage, STORY.opened())] == ["obligation-opened"]


async def test_whoever_is_only_invited_by_now_is_not_told_to_be_late(stage: Stage) -> None:
    await sent_for(stage, STORY.opened())
    stage.business.time = STORY.opened().due.replace(day=10)
    invited = STORY.opened(manner="invited")
    assert await sent_for(stage, STORY.overdue(), invited) == []
    assert ("overdue", SCHOOL, "dropped", "not-owed", PERSON) in await stage.mails()


async def test_a_waiver_of_which_nobody_was_told_is_not_told(stage: Stage) -> None:
    assert await sent_for(stage, STORY.opened(), STORY.withdrawn()) == []
    assert {line[2] for line in await stage.mails()} == {"dropped"}


async def test_a_head_is_written_to_and_hears_of_what_follows(stage: Stage) -> None:
    await stage.tell(STORY.contact(HEAD, "hieu-truong@truong-1.example"))
    await sent_for(stage, STORY.opened())
    stage.business.time = STORY.opened().due.replace(day=14)
    told = await sent_for(stage, STORY.escalated(HEAD), STORY.escalated(None))
    assert told == [
        ("escalated", "Kính báo người đứng đầu: báo cáo thi đua năm 2025 đã quá hạn 5 ngày")
    ]
    moved = await sent_for(stage, STORY.moved())
    assert [kind for kind, _ in moved] == ["deadline-moved"] * 2
    people = [line[4] for line in await stage.mails() if line[0] == "deadline-moved"]
    assert people == [HEAD, PERSON]


async def test_a_head_who_is_erased_is_not_written_to(stage: Stage) -> None:
    await stage.tell(STORY.contact(HEAD, "hieu-truong@truong-1.example"), STORY.erased(HEAD))
    stage.business.time = STORY.opened().due.replace(day=14)
    assert await sent_for(stage, STORY.escalated(HEAD)) == []
