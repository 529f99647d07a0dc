"""Facts may come in every relative order: the end is the same, and each is told once."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.local.infrastructure import Provided
from services.notify import commands
from services.notify.commands import Written
from services.notify.domain.letter import Letter
from shared.contracts.base import Event
from shared.mailbox import Mailbox
from shared.messaging import UnitOfWork
from shared.post import Relay
from tests.component.notify_stage import (
    HOUSE,
    PERSON,
    PUPIL,
    SCHOOL,
    Stage,
    Story,
    one_database,
    parsed,
    record,
    staged,
)
from tests.component.test_post import Script, relay

pytestmark = pytest.mark.component
_wards = (f"w-{number}" for number in itertools.count())

SENT = [
    ("award-decided", PUPIL),
    ("award-decided", SCHOOL),
    ("own-result", SCHOOL),
    ("report-accepted", SCHOOL),
    ("report-received", PUPIL),
    ("report-received", SCHOOL),
    ("report-received", SCHOOL),
    ("report-returned", SCHOOL),
]
END = sorted(
    [(kind, code, "sent", "", PERSON) for kind, code in SENT]
    + [
        (kind, SCHOOL, "dropped", "obligation-met", PERSON)
        for kind in ("obligation-opened", "reminder")
    ]
)


INTAKE, CONTACTS, SCORING, AWARDS = (0, 1, 2, 3), (4,), (5, 6), (7, 8)
"""Places of `streams`, by topic."""


def streams(story: Story) -> list[list[Event]]:
    """What comes in order, each list on a topic and key of its own."""
    return [
        [story.movement()],
        [story.period()],
        [
            story.school(),
            story.opened(),
            story.reminder(),
            story.received(),
            story.met(),
            story.returned(),
            story.received(2),
            story.accepted(),
        ],
        [story.pupil(), story.received(code=PUPIL)],
        [story.contact()],
        [story.sheet()],
        [story.scored("self"), story.scored("verified"), story.result()],
        [story.dossier(), story.candidate(), story.concluded(passed=True), story.award()],
        [story.award(PUPIL, "Giáo viên dạy Tin học")],
    ]


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_orders") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


async def play(stage: Stage, to: Relay, batches: Sequence[Sequence[Event]], *, turns: bool) -> None:
    """Apply batches; with `turns` the mail room works after each of them, else at the end."""
    room = stage.room(to)
    for batch in batches:
        await stage.take(*(record(event) for event in batch))
        while turns and await room.turn():
            pass
    while await room.turn():
        pass
    assert await room.pending() == 0


async def to_be_told(stage: Stage) -> list[tuple[str, Letter, Mailbox]]:
    """What the next turn would send; looked at and rolled back."""
    async with stage.engine.connect() as connection:
        work = UnitOfWork(connection, "notify", stage.works.business, stage.system)
        _, batch = await commands.take_in_hand(work, HOUSE, "looker", 100)
        await connection.rollback()
    contents = [(one.mail.person, one.content) for one in batch]
    return sorted(
        ((who, c.letter, c.to) for who, c in contents if isinstance(c, Written)), key=repr
    )


async def test_every_order_of_topics_and_keys_tells_the_same(stage: Stage) -> None:
    """All orders of the four topics, with intake's keys forwards and backwards."""
    seen: list[tuple[str, Letter, Mailbox]] = []
    for order in itertools.permutations((INTAKE, CONTACTS, SCORING, AWARDS)):
        for way in (1, -1):
            story = Story(next(_wards))
            told = streams(story)
            for number in (place for topic in order for place in topic[::way]):
                await stage.take(*(record(event) for event in told[number]))
            letters = [
                (who, at_one_duty(letter, story), to) for who, letter, to in await to_be_told(stage)
            ]
            seen = seen or letters
            assert letters == seen, (order, way)
            await finish(stage, story.ward)
    assert Counter(letter.kind for _, letter, _ in seen) == Counter(kind for kind, _ in SENT)


def at_one_duty(letter: Letter, story: Story) -> Letter:
    """The id of an obligation is each ward's own."""
    return replace(letter, path=letter.path.replace(str(story.opened().obligation), "…"))


async def finish(stage: Stage, ward: str) -> None:
    """Take a ward's mails out of the way of the next."""
    async with stage.engine.begin() as connection:
        await connection.execute(
            sa.text("DELETE FROM mail USING notice n WHERE n.id = mail.id AND n.ward = :ward"),
            {"ward": ward},
        )


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_any_interleaving_sends_one_mail_a_notice(stage: Stage, data: st.DataObject) -> None:
    """Turns of the mail room in between: what is true at the time is told, once, or dropped."""
    story, script = Story(next(_wards)), Script()
    left = [list(stream) for stream in streams(story)]
    batches: list[list[Event]] = []
    while any(left):
        number = data.draw(st.sampled_from([n for n, stream in enumerate(left) if stream]))
        batches.append([left[number].pop(0)])
    async with relay(script) as to:
        await play(stage, to, batches, turns=True)
    mails = await stage.mails(story.ward)
    assert [(kind, code) for kind, code, *_ in mails] == [(kind, code) for kind, code, *_ in END]
    assert {status for *_, status, _, _ in mails} <= {"sent", "dropped"}
    assert {kind for kind, _, status, *_ in mails if status == "dropped"} <= {
        "obligation-opened",
        "reminder",
    }
    sent = Counter(kind for kind, _, status, *_ in mails if status == "sent")
    assert Counter(str(parsed(c)["X-Thidua-Kind"]) for *_, c in script.taken) == sent


async def test_redelivery_doubles_nothing(stage: Stage) -> None:
    """The same records again; and the same events under new places, before and after sending."""
    story, script = Story(next(_wards)), Script()
    records = [record(event) for stream in streams(story) for event in stream]
    async with relay(script) as to:
        await stage.take(*records)
        assert (await stage.take(*records)).handled == 0
        room = stage.room(to)
        while await room.turn():
            pass
        await stage.take(*records)
        while await room.turn():
            pass
    assert await stage.mails(story.ward) == END
    assert len(script.taken) == len(SENT)


async def test_a_notice_is_unique_even_without_the_inbox(stage: Stage) -> None:
    """The table itself refuses to tell an event twice."""
    story = Story(next(_wards))
    await stage.take(record(story.result(), identity="result"))
    async with stage.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM inbox")
    await stage.take(record(story.result(), identity="result"))
    assert len(await stage.mails(story.ward)) == 1


async def test_an_award_waits_for_its_participant_and_the_contact(stage: Stage) -> None:
    story, script = Story(next(_wards)), Script()
    async with relay(script) as to:
        room = stage.room(to)
        for event in (story.movement(), story.period(), story.award(), story.school()):
            await stage.tell(event)
            await room.turn()
            assert await room.pending() == 0
            assert set((await stage.states(story.ward)).values()) <= {"waiting"}
        await stage.tell(story.contact())
        assert await room.pending() == 1
        await room.turn()
    assert await stage.states(story.ward) == {"award-decided": "sent"}
    [(_, recipients, content)] = script.taken
    assert recipients == ["dau-moi@truong-1.example"]
    mail = parsed(content)
    assert str(mail["Subject"]) == "Quyết định số 215/QĐ-UBND: tặng Giấy khen"
    text = " ".join(mail.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert "Chủ tịch Ủy ban nhân dân phường Tứ Minh đã quyết định" in text
    assert "Kế hoạch phát động Phong trào thi đua đổi mới sáng tạo" in text
    assert f"https://thidua.tu-minh.example/awards/dossiers/2025-annual.{SCHOOL}" in text


async def test_a_returned_report_names_the_criterion_at_its_place(stage: Stage) -> None:
    story, script = Story(next(_wards)), Script()
    async with relay(script) as to:
        before = [story.movement(), story.period(), story.contact(), story.school()]
        await play(stage, to, [[*before, story.opened(), story.received()]], turns=True)
        await play(stage, to, [[story.returned()]], turns=True)
    mail = parsed(script.taken[-1][2])
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "1. Tiêu chí a2: Chưa nêu minh chứng." in text
    assert f"/intake/duties/{story.opened().obligation}" in text


async def test_a_report_that_is_opened_again_names_the_criterion_too(stage: Stage) -> None:
    story, script = Story(next(_wards)), Script()
    async with relay(script) as to:
        before = [story.movement(), story.period(), story.contact(), story.school()]
        await play(stage, to, [[*before, story.received(2), story.accepted()]], turns=True)
        await play(stage, to, [[story.reopened()]], turns=True)
    text = parsed(script.taken[-1][2]).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "1. Tiêu chí a2: Số liệu thay đổi." in text


async def test_the_unasked_are_written_to_by_the_periods_date(stage: Stage) -> None:
    """A proposed individual owes nothing: thanked, never told "on time" or "late"."""
    story, script = Story(next(_wards)), Script()
    facts = [story.pupil(), story.received(code=PUPIL), story.contact(), story.movement()]
    async with relay(script) as to:
        await play(stage, to, [facts, [story.period()]], turns=True)
    [(_, _, content)] = script.taken
    mail = parsed(content)
    assert str(mail["Subject"]) == "Đã nhận báo cáo thi đua năm 2025"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "trước ngày 10/12/2025" in text


async def test_a_units_plan_needs_no_reporting_period(stage: Stage) -> None:
    story, script = Story(next(_wards)), Script()
    facts = [story.movement(), story.school(), story.contact(), story.opened(kind="unit-plan")]
    async with relay(script) as to:
        await play(stage, to, [facts], turns=True)
    assert await stage.states(story.ward) == {"obligation-opened": "sent"}
