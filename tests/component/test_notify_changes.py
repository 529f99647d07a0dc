"""A duty that is moved, withdrawn or late for long, a draft before its head: who is told, and who
is not."""

from collections.abc import AsyncIterator, Iterator
from datetime import date

import pytest

from deploy.local.infrastructure import Provided
from services.notify.store import tasks
from shared.contracts.base import Event
from shared.contracts.intake import PaperDocument
from shared.web.identity import Person
from tests.component.notify_stage import (
    HEAD,
    LATER,
    NOON,
    OFFICER,
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


def words_of(content: bytes) -> str:
    """A mail's plain text on one line."""
    body = parsed(content).get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


async def due_days(stage: Stage) -> list[date | None]:
    """The last days of what the school's reporter has to do."""
    reporter = Person(PERSON, "Đầu mối", frozenset({"reporter"}), SCHOOL, "tu-minh")
    async with stage.engine.connect() as connection:
        found = await tasks.seen_by(connection, reporter, NOON.date())
    return [task.due for task in found.tasks]


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


async def test_each_head_is_told_once_of_a_draft_that_waits(stage: Stage) -> None:
    deputy = "truong-1.deputy"
    await stage.tell(STORY.contact(HEAD, "hieu-truong@truong-1.example"))
    await stage.tell(STORY.contact(deputy, "hieu-pho@truong-1.example"))
    told = await sent_for(stage, STORY.asked(7, HEAD, deputy))
    words = "Xin duyệt báo cáo thi đua năm 2025 trước khi gửi"
    assert told == [("approval-asked", words)] * 2
    assert [line[4] for line in await stage.mails()] == [deputy, HEAD]


@pytest.mark.parametrize("outcome", ["approved", "sent-back", "taken-back", "sent"])
async def test_a_head_is_not_told_of_what_waits_no_more(stage: Stage, outcome: str) -> None:
    await stage.tell(STORY.contact(HEAD, "hieu-truong@truong-1.example"))
    told = await sent_for(stage, STORY.asked(7), STORY.settled(outcome))
    news = {
        "approved": ["Người đứng đầu đã duyệt báo cáo thi đua năm 2025: có thể gửi"],
        "sent-back": ["Người đứng đầu trả lại bản soạn báo cáo thi đua năm 2025"],
    }
    assert [subject for _, subject in told] == news.get(outcome, [])
    asked = next(line for line in await stage.mails() if line[0] == "approval-asked")
    assert asked[2:] == ("dropped", "draft-changed", HEAD)


async def test_of_a_draft_that_is_shown_again_both_are_told_the_last_only(stage: Stage) -> None:
    await stage.tell(STORY.contact(HEAD, "hieu-truong@truong-1.example"))
    told = await sent_for(stage, STORY.asked(7), STORY.settled("sent-back", 8), STORY.asked(9))
    assert [kind for kind, _ in told] == ["approval-asked"]
    assert [kind for kind, _ in await sent_for(stage, STORY.settled("approved", 10))] == [
        "approval-settled"
    ]


async def test_the_office_is_told_of_no_participant_and_the_newest_only(stage: Stage) -> None:
    assert await sent_for(stage, STORY.summary(2)) == []
    assert [line[2] for line in await stage.mails()] == ["waiting"]
    contact = STORY.contact(OFFICER, "cong-chuc@tu-minh.example")
    assert await sent_for(stage, contact, STORY.summary(3)) == [
        (
            "office-summary",
            "Việc chờ xử lý ngày 05/12/2025: 3 báo cáo chờ xem xét, 2 việc quá hạn",
        )
    ]
    assert ("office-summary", "", "dropped", "superseded", OFFICER) in await stage.mails()


@pytest.mark.parametrize("erased", [False, True])
async def test_a_receipt_of_a_paper_names_it_and_who_entered_it(stage: Stage, erased: bool) -> None:
    officers = ("can-bo-1", "can-bo-2")
    for officer in officers:
        await stage.tell(STORY.contact(officer, f"{officer}@tu-minh.example"))
    if erased:
        await stage.tell(STORY.erased(officers[0]))
    paper = PaperDocument(
        number="15/BC-TH",
        dated=date(2025, 12, 3),
        received_on=date(2025, 12, 4),
        came_by="paper",
        recorded_by=officers[0],
        acting_for=officers[1],
        recorded_at=NOON,
    )
    script = Script()
    async with relay(script) as to:
        await stage.tell(STORY.received().model_copy(update={"paper": paper}))
        await all_of(stage.room(to))
    [(*_, content)] = script.taken
    assert "theo văn bản số 15/BC-TH ngày 03/12/2025" in words_of(content)
    name = "Phòng Văn hóa - Xã hội" if erased else "Đầu mối báo cáo Trường số 1"
    told = f"Người nhập thay: {name} (thay Đầu mối báo cáo Trường số 1), lúc 12:00"
    assert told in words_of(content)
