"""From the queue to the relay on real SMTP: once, in doubt at most once, and never for nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.infrastructure import Provided
from shared.calendar import WARD_ZONE
from shared.post import Relay
from tests.component.notify_stage import (
    ADDRESS,
    DUE,
    PERSON,
    FakeRecord,
    Stage,
    Story,
    all_of,
    basics,
    many,
    one_database,
    parsed,
    staged,
    statuses,
)
from tests.component.test_post import Script, relay

pytestmark = pytest.mark.component

STORY = Story()
GONE = Relay("127.0.0.1", 9, timeout=2.0)


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_sending") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


async def test_a_mail_is_sent_told_and_kept_without_its_address(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.result())
    script = Script()
    async with relay(script) as to:
        room = stage.room(to)
        assert await room.pending() == 1
        await all_of(room)
        assert await room.pending() == 0
    assert await stage.states() == {"own-result": "sent"}
    [(sender, recipients, content)] = script.taken
    assert (sender, recipients) == ("thi-dua@tu-minh.example", [ADDRESS])
    [(identity, sent_at, reason)] = await stage.rows("SELECT message_id, sent_at, reason FROM mail")
    mail = parsed(content)
    assert mail["Message-ID"] == identity
    assert sent_at == stage.business.now()
    assert reason == ""
    [told] = await stage.published("mail-sent")
    [(event_id,)] = await stage.rows("SELECT event_id FROM notice")
    assert told["because_of"] == event_id == mail["X-Thidua-Event"]
    assert (told["person"], told["kind"]) == (PERSON, "own-result")
    assert await stage.find_text(ADDRESS) == ["contact"]


async def test_two_workers_send_three_hundred_mails_once_each(stage: Stage) -> None:
    events = many(300)
    for start in range(0, len(events), 500):
        await stage.tell(*events[start : start + 500])
    script = Script()
    async with relay(script) as to:
        rooms = [stage.room(to, worker, batch=20) for worker in ("0", "1")]
        await asyncio.gather(*(all_of(room) for room in rooms))
    assert await statuses(stage) == {"sent": 300}
    assert len(script.taken) == 300
    assert len({recipients[0] for _, recipients, _ in script.taken}) == 300
    assert len(await stage.published("mail-sent")) == 300
    assert script.connections > 2


async def test_a_batch_costs_one_statement_a_mail_and_a_few_more(stage: Stage) -> None:
    """One commit before each message leaves; claiming, marking and telling are for the batch."""
    await stage.tell(*many(40))
    statements: list[str] = []
    listening = (stage.engine.sync_engine, "before_cursor_execute")

    def heard(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    script = Script()
    async with relay(script) as to:
        sa.event.listen(*listening, heard)
        await stage.room(to).turn()
        sa.event.remove(*listening, heard)
    assert len(script.taken) == 40
    handed_over = [text for text in statements if text.startswith("UPDATE mail SET status = CASE")]
    assert len(handed_over) == 40
    assert len(statements) - len(handed_over) <= 12
    assert script.connections == 1


async def test_a_met_obligation_is_not_asked_for(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.opened(), STORY.reminder(), STORY.overdue())
    await stage.tell(STORY.met())
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    assert script.taken == []
    assert {(status, reason) for *_, status, reason, _ in await stage.mails()} == {
        ("dropped", "obligation-met")
    }
    assert await stage.published("mail-failed") == []


async def test_after_an_outage_only_the_newest_reminder_goes_out(stage: Stage) -> None:
    await stage.tell(*basics(STORY), *(STORY.reminder(days) for days in (14, 7, 3)))
    stage.business.time = DUE - timedelta(days=2)
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    reasons = [(status, reason) for _, _, status, reason, _ in await stage.mails()]
    assert Counter(reasons) == {("dropped", "superseded"): 2, ("sent", ""): 1}
    [(_, _, content)] = script.taken
    assert str(parsed(content)["Subject"]).startswith("Còn 2 ngày")


async def test_what_the_office_sends_by_hand_goes_out_beside_what_is_planned(stage: Stage) -> None:
    """Also when it comes after the overdue fact, and though a planned word comes behind it."""
    by_hand = STORY.reminder(-2).model_copy(update={"by_hand": True})
    await stage.tell(*basics(STORY), STORY.overdue(), by_hand, STORY.overdue())
    stage.business.time = DUE + timedelta(days=2)
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    told = [(kind, status, reason) for kind, _, status, reason, _ in await stage.mails()]
    assert sorted(told) == [
        ("overdue", "dropped", "superseded"),
        ("overdue", "sent", ""),
        ("reminder", "sent", ""),
    ]
    subjects = [str(parsed(content)["Subject"]) for *_, content in script.taken]
    assert all(subject.startswith("Quá hạn 2 ngày") for subject in subjects)


async def test_a_reminder_after_its_deadline_leaves_the_word_to_the_overdue_fact(
    stage: Stage,
) -> None:
    await stage.tell(*basics(STORY), STORY.reminder(0))
    stage.business.time = DUE + timedelta(days=1)
    script = Script()
    async with relay(script) as to:
        room = stage.room(to)
        await all_of(room)
        await stage.tell(STORY.overdue())
        await all_of(room)
    assert await stage.states() == {"reminder": "dropped", "overdue": "sent"}
    [(_, _, content)] = script.taken
    assert str(parsed(content)["Subject"]).startswith("Quá hạn 1 ngày")


async def test_a_later_attempt_of_the_day_sends_the_same_bytes(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.reminder())
    script = Kept()
    script.data = ["451 4.7.1 later"]
    async with relay(script) as to:
        room = stage.room(to)
        await all_of(room)
        assert await stage.states() == {"reminder": "retry"}
        assert await room.pending() == 0
        stage.business.pass_by(timedelta(hours=2))
        stage.system.pass_by(timedelta(minutes=2))
        assert await room.pending() == 1
        await all_of(room)
    assert await stage.states() == {"reminder": "sent"}
    first, second = script.seen
    assert first == second
    assert len(script.taken) == 1


async def test_an_attempt_on_another_day_counts_the_days_anew(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.reminder())
    script = Kept()
    script.data = ["451 4.7.1 later"]
    async with relay(script) as to:
        room = stage.room(to)
        await all_of(room)
        stage.business.pass_by(timedelta(days=3))
        stage.system.pass_by(timedelta(days=3))
        await all_of(room)
    subjects = [str(parsed(content)["Subject"])[:11] for content in script.seen]
    assert subjects == ["Còn 7 ngày ", "Còn 4 ngày "]
    identities = {parsed(content)["Message-ID"] for content in script.seen}
    assert len(identities) == 1


async def test_back_off_grows_by_system_time_and_ends(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.result())
    script = Script()
    script.rcpt = ["450 4.2.0 greylisted"] * 20
    waits: list[timedelta] = []
    async with relay(script) as to:
        room = stage.room(to)
        while (await stage.states())["own-result"] != "refused":
            await all_of(room)
            [(due, attempts)] = await stage.rows("SELECT due_at, attempts FROM mail")
            waits.append(due - stage.system.now())
            stage.system.time = max(due, stage.system.now())
    assert attempts == len(waits) == 8
    assert waits[:7] == sorted(waits[:7])
    assert waits[0] >= timedelta(minutes=1)
    [failed] = await stage.published("mail-failed")
    assert failed["uncertain"] is False
    assert failed["reason"].startswith("gave up: 450")


async def test_one_bad_recipient_does_not_hold_the_others(stage: Stage) -> None:
    """Refused for good, told without the address, and the rest of the batch goes out."""
    await stage.tell(*many(5))
    script = Script()
    script.rcpt = ["250 OK", "550 5.1.1 <dau-moi@truong-1.example>: no such user"]
    async with relay(script) as to:
        await all_of(stage.room(to))
    assert await statuses(stage) == {"sent": 4, "refused": 1}
    [failed] = await stage.published("mail-failed")
    assert failed["reason"] == "550 5.1.1 <<…>>: no such user"
    assert await stage.find_text("dau-moi@truong-1.example") == ["contact"]


async def test_an_address_that_is_none_fails_alone(stage: Stage) -> None:
    await stage.tell(*many(3), STORY.contact("truong-1.reporter", "không phải địa chỉ"))
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    assert await statuses(stage) == {"sent": 2, "refused": 1}
    assert len(await stage.published("mail-failed")) == 1


async def test_no_relay_pauses_the_sender_and_spends_no_attempt(stage: Stage) -> None:
    await stage.tell(*many(3))
    room = stage.room(GONE)
    await room.turn()
    assert await statuses(stage) == {"retry": 1, "queued": 2}
    assert await room.turn() == 0, "nothing is claimed while the breaker is open"
    assert await room.pending() == 2
    assert {row[0] for row in await stage.rows("SELECT attempts FROM mail")} == {0}
    script = Script()
    async with relay(script) as to:
        room.relay = to
        stage.system.pass_by(timedelta(minutes=2))
        await all_of(room)
    assert await statuses(stage) == {"sent": 3}
    assert len(script.taken) == 3


async def test_wrong_credentials_pause_everything(stage: Stage) -> None:
    await stage.tell(*many(3))
    script = Script()
    script.mail = ["530 5.7.0 authentication required"]
    async with relay(script) as to:
        room = stage.room(to)
        await room.turn()
        assert room.breaker.is_open(stage.system.now())
        assert await statuses(stage) == {"retry": 1, "queued": 2}
        stage.system.pass_by(timedelta(minutes=2))
        await all_of(room)
    assert await statuses(stage) == {"sent": 3}


async def test_an_answer_that_never_comes_is_uncertain_and_never_repeated(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.result())
    script = Script()
    script.hang_up_after_data = True
    async with relay(script) as to:
        room = stage.room(to)
        await all_of(room)
        script.hang_up_after_data = False
        stage.system.pass_by(timedelta(days=30))
        await all_of(room)
    assert await stage.states() == {"own-result": "uncertain"}
    assert len(script.taken) == 1
    [failed] = await stage.published("mail-failed")
    assert failed["uncertain"] is True


class Kept(Script):
    """Also keeps the messages that it does not accept."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.seen.append(envelope.original_content or b"")
        return await super().handle_DATA(server, session, envelope)


async def test_erasure_removes_every_copy_and_drops_what_was_not_sent(stage: Stage) -> None:
    """Before it, in its middle and after it: no table holds name or address any more."""
    await stage.tell(*basics(STORY), STORY.result(), STORY.award())
    script = Script()
    script.rcpt = ["250 OK", f"451 4.2.0 <{ADDRESS}> busy"]
    async with relay(script) as to:
        room = stage.room(to)
        await all_of(room)
        assert await statuses(stage) == {"sent": 1, "retry": 1}
        await stage.tell(STORY.received(), STORY.erased(), STORY.returned())
        stage.system.pass_by(timedelta(days=1))
        await all_of(room)
    assert await statuses(stage) == {"sent": 1, "dropped": 3}
    assert {reason for *_, reason, _ in await stage.mails()} == {"", "contact-erased"}
    assert await stage.find_text(ADDRESS) == []
    assert await stage.find_text("Đầu mối báo cáo") == []
    assert len(script.taken) == 1


async def test_erased_and_recorded_again_is_written_to_again(stage: Stage) -> None:
    await stage.tell(*basics(STORY), STORY.erased(), STORY.contact(email="moi@truong-1.example"))
    await stage.tell(STORY.result())
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    assert [recipients for _, recipients, _ in script.taken] == [["moi@truong-1.example"]]


async def test_a_tombstone_without_headers_erases(stage: Stage) -> None:
    """Compaction and other tools write bare tombstones."""
    await stage.tell(STORY.contact())
    tombstone = FakeRecord("thidua.intake.contacts.v1", f"tu-minh/{PERSON}".encode(), None, ())
    await stage.take(tombstone)
    assert await stage.find_text(ADDRESS) == []


async def test_dates_are_business_time(stage: Stage) -> None:
    stage.business.time = DUE.replace(hour=7, minute=30)
    await stage.tell(*basics(STORY), STORY.reminder(0))
    script = Script()
    async with relay(script) as to:
        await all_of(stage.room(to))
    mail = parsed(script.taken[0][2])
    assert mail["Date"].datetime.astimezone(WARD_ZONE) == stage.business.now()
    assert str(mail["Subject"]) == "Hôm nay là ngày cuối cùng gửi báo cáo thi đua năm 2025"
