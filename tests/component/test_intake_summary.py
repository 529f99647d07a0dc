"""The office's morning on a real database: what is counted, for whom, and that it is told once."""

import json
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from services.intake import office_routines
from services.intake.handlers import consumer
from services.intake.store.summary import office_morning
from services.intake.store.tables import contact, participant, role_held
from services.intake.store.tables import report as report_table
from shared.contracts.inbound import inbound_topic
from shared.contracts.intake import SummaryDue
from shared.rows import insert_rows
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    SUBSTITUTE,
    WARD,
    DeskRoom,
    judgement,
    moment,
    open_the_year,
    report,
    returning,
)
from tests.kernel import FakeRecord

pytestmark = pytest.mark.component

UNITS = {OFFICER: "phong-vhxh", SUBSTITUTE: "van-phong", "gone": "mttq", "later": "mttq"}
OTHER_SCHOOL, OFFICE = "thcs-1.reporter", "phong-vhxh.reporter"


@pytest.fixture
async def office(room: DeskRoom) -> DeskRoom:
    """The year is open; an officer, a substitute, one whose time is over, one whose is to come."""
    await open_the_year(room)
    people = [{"ward": WARD, "person": p, "name": p, "email": p, "unit": UNITS[p]} for p in UNITS]
    held = [
        _held(OFFICER, "officer"),
        _held(SUBSTITUTE, "substitute-officer", of="phong-vhxh"),
        _held("gone", "officer", until=date(2025, 7, 1)),
        _held("later", "officer", since=date(2026, 5, 1)),
    ]
    async with room.engine.begin() as connection:
        await insert_rows(connection, contact, people)
        await insert_rows(connection, role_held, held)
    return room


def _held(person: str, role: str, *, of: str = "", **dates: date) -> dict[str, Any]:
    return {
        "ward": WARD,
        "person": person,
        "role": role,
        "scope": "unit" if of else "ward",
        "scope_of": of,
        "since": date(2025, 1, 1),
        "until": None,
        "document": "",
        "granted_by": "operator",
        "granted_at": moment("2025-01-01 08:00"),
        **dates,
    }


async def told(room: DeskRoom, now: str) -> list[tuple[Any, ...]]:
    """(person, waiting, new, overdue, new) of each who is told when it is this moment."""
    room.clock.time = moment(now)
    mornings = office_routines.mornings(room.works, tuple)
    while await mornings.pending():
        await mornings.turn()
    names = ("person", "waiting", "waiting_new", "overdue", "overdue_new")
    return [tuple(one.data[name] for name in names) for one in await room.news("summary-due")]


async def test_a_year_of_mornings(office: DeskRoom) -> None:
    room = office
    assert await told(room, "2025-08-04 07:30") == []
    assert await told(room, "2025-09-03 07:30") == [(OFFICER, 0, 0, 3, 3)]
    room.clock.time = moment("2025-12-04 09:00")
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    await room.must(OFFICE, "/reports", report("phong-vhxh"))
    assert await told(room, "2025-12-05 07:30") == [
        (OFFICER, 1, 1, 3, 0),
        (SUBSTITUTE, 1, 1, 0, 0),
    ]
    assert await told(room, "2025-12-05 23:00") == []
    await room.must(OTHER_SCHOOL, "/reports", report("thcs-1"))
    assert await told(room, "2025-12-06 09:00") == []
    assert await told(room, "2025-12-08 08:00") == [(OFFICER, 2, 1, 3, 0)]
    await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
    await room.must(OFFICER, "/reports/returns", returning("thcs-1"))
    assert await told(room, "2025-12-09 08:00") == []
    await room.must(OTHER_SCHOOL, "/reports", report("thcs-1", revision=2))
    assert await told(room, "2025-12-10 08:00") == [(OFFICER, 1, 1, 3, 0)]


async def test_what_came_or_was_done_since_the_morning_is_not_counted(office: DeskRoom) -> None:
    """However late it is looked at: the same words as at 07:30."""
    room = office
    room.clock.time = moment("2025-12-04 09:00")
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    room.clock.time = moment("2025-12-05 07:30")
    await room.must(OTHER_SCHOOL, "/reports", report("thcs-1"))
    room.clock.time = moment("2025-12-05 10:00")
    await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
    assert (OFFICER, 1, 1, 3, 3) in await told(room, "2025-12-05 16:00")
    assert await told(room, "2025-12-08 09:00") == [(OFFICER, 1, 1, 3, 0)]


async def test_after_an_outage_of_days_there_is_one_summary(office: DeskRoom) -> None:
    room = office
    await told(room, "2025-09-03 07:30")
    for day, person, code in (("01", SCHOOL, "tieu-hoc-1"), ("03", OTHER_SCHOOL, "thcs-1")):
        room.clock.time = moment(f"2025-12-{day} 09:00")
        await room.must(person, "/reports", report(code))
    assert await told(room, "2025-12-09 12:00") == [(OFFICER, 2, 2, 3, 0)]


async def test_a_document_is_news_once_it_is_entered(office: DeskRoom) -> None:
    """However early it had come."""
    room = office
    room.clock.time = moment("2025-12-04 09:00")
    await room.must(OFFICE, "/reports", report("phong-vhxh"))
    await told(room, "2025-12-05 07:30")
    async with room.engine.begin() as connection:
        entered = sa.update(report_table).values(taken_at=moment("2025-12-05 09:00"))
        await connection.execute(entered)
    assert await told(room, "2025-12-08 07:30") == [(SUBSTITUTE, 1, 1, 0, 0)]


async def test_what_came_during_an_outage_is_read_before_the_morning_is_looked_at(
    office: DeskRoom,
) -> None:
    mornings = office_routines.mornings(office.works, lambda: consumer.topics)
    assert callable(mornings.after_reading)
    heard = set(mornings.after_reading())
    assert heard >= {SummaryDue.TOPIC, *map(inbound_topic, ("e-office",))}


async def test_whoever_left_waits_for_nobody(office: DeskRoom) -> None:
    room = office
    await told(room, "2025-09-03 07:30")
    room.clock.time = moment("2025-12-04 09:00")
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    async with room.engine.begin() as connection:
        gone = sa.update(participant).where(participant.c.participant == "tieu-hoc-1")
        await connection.execute(gone.values(left_on=date(2025, 12, 4)))
    assert await told(room, "2025-12-05 07:30") == []


async def test_a_report_that_was_taken_back_does_not_wait(office: DeskRoom) -> None:
    room = office
    await told(room, "2025-09-03 07:30")
    room.clock.time = moment("2025-12-04 09:00")
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    await room.must(SCHOOL, "/reports/withdrawals", judgement("tieu-hoc-1"))
    assert await told(room, "2025-12-05 07:30") == []


async def test_what_our_own_topic_says_was_told_is_not_told_again(office: DeskRoom) -> None:
    """A database that was put back to an older copy hears of it first."""
    room = office
    assert await told(room, "2025-09-03 07:30") != []
    async with room.engine.begin() as connection:
        earlier = moment("2025-08-01 08:00")
        await connection.execute(
            sa.update(office_morning).values(looked_at=earlier, next_at=earlier)
        )
    [said] = await room.said("summary-due")
    value, pairs = json.dumps(said.data).encode(), tuple(said.headers.items())
    headers = tuple((name, text.encode()) for name, text in pairs)
    heard = FakeRecord(said.topic, 0, 0, said.key.encode(), value, headers, 0)
    assert not (await room.apply(heard)).parked
    assert await told(room, "2025-09-03 16:00") == []
