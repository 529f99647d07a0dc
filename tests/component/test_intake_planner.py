"""The planner on a real database: what goes out when, and in which order."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.report import Taken
from services.intake.doors import Submission, take_submissions
from shared.contracts.inbound import ReportSubmitted
from tests.component.intake_desk import (
    ANNUAL,
    MOVEMENT,
    OFFICER,
    PARTICIPANTS,
    PERIOD,
    PLAN_PERIOD,
    DeskRoom,
    Said,
    intake_at,
    moment,
    open_the_year,
    participant,
    report,
)

pytestmark = pytest.mark.component


async def turn_until_idle(room: DeskRoom) -> int:
    """All that is due now; returns how many rows were settled."""
    settled = 0
    while done := await room.planner.turn():
        settled += done
    assert await room.planner.pending() == 0
    return settled


async def told_at(room: DeskRoom, when: str) -> list[tuple[str, str, int]]:
    """(event, participant, days) that the clock brings when it reads `when`."""
    room.clock.time = moment(when)
    await turn_until_idle(room)
    return sorted(_line(fact) for fact in await room.news())


def _line(fact: Said) -> tuple[str, str, int]:
    days = fact.data["days_left" if fact.name == "reminder-due" else "days_late"]
    return fact.name, fact.data["participant"], days


def reminded(days: int, *codes: str) -> list[tuple[str, str, int]]:
    return [("reminder-due", code, days) for code in codes]


ASKED = ("mttq", "phong-vhxh", "thcs-1", "tieu-hoc-1")
OWING = ("phong-vhxh", "thcs-1", "tieu-hoc-1")


async def meet_plans(room: DeskRoom) -> None:
    for code in ASKED:
        body = {
            "participant": code,
            "period": "2025-plan",
            "number": "1",
            "issued_on": "2025-08-01",
        }
        await room.must(OFFICER, "/plans", body)
    await room.news()


async def test_reminders_come_due_by_the_business_clock(room: DeskRoom) -> None:
    await open_the_year(room)
    await meet_plans(room)
    assert await told_at(room, "2025-11-07 07:29:59") == []
    assert await told_at(room, "2025-11-07 07:30") == reminded(32, *ASKED)
    assert await told_at(room, "2025-11-09 08:00") == []
    for day, left in (("11-25", 14), ("12-02", 7), ("12-05", 4), ("12-08", 1), ("12-09", 0)):
        assert await told_at(room, f"2025-{day} 07:30") == reminded(left, *ASKED)
    assert await told_at(room, "2025-12-10 07:29") == []
    overdue = [("obligation-overdue", code, 1) for code in OWING]
    assert await told_at(room, "2025-12-10 07:30") == overdue
    assert await told_at(room, "2025-12-15 07:29") == []
    escalated = [("obligation-escalated", code, 6) for code in OWING]
    assert await told_at(room, "2025-12-15 07:30") == escalated
    assert await told_at(room, "2026-06-01 07:30") == []


async def test_after_an_outage_only_the_latest_goes_out(room: DeskRoom) -> None:
    await open_the_year(room)
    await meet_plans(room)
    assert await told_at(room, "2025-12-05 10:00") == reminded(4, *ASKED)
    states = await room.rows(
        "SELECT offset_days, state, count(*) FROM reminder JOIN obligation ON id = obligation"
        " WHERE period = '2025-annual' AND due_at <= '2025-12-06' GROUP BY 1, 2 ORDER BY 1"
    )
    skipped = [(offset, "superseded", 4) for offset in (7, 14, 30)]
    assert states == [(3, "sent", 4), *skipped]


async def test_after_an_outage_over_the_deadline_nobody_hears_of_days_that_are_gone(
    room: DeskRoom,
) -> None:
    await open_the_year(room)
    await meet_plans(room)
    assert await told_at(room, "2025-12-10 06:00") == []
    overdue = [("obligation-overdue", code, 3) for code in OWING]
    assert await told_at(room, "2025-12-12 06:00") == overdue


async def test_a_backlog_larger_than_a_turn_is_still_one_message_each(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.routines.BATCH", 2)
    await open_the_year(room)
    await meet_plans(room)
    assert await told_at(room, "2025-12-05 10:00") == reminded(4, *ASKED)


async def test_nothing_after_a_report_however_late_or_early_it_comes(room: DeskRoom) -> None:
    await open_the_year(room)
    await meet_plans(room)
    room.clock.time = moment("2025-11-01 08:00")
    await room.must("tieu-hoc-1.reporter", "/reports", report("tieu-hoc-1"))
    await room.apply(room.record(report("mttq", criterion="b1"), at="2025-11-02 08:00"))
    await room.news()
    others = ("phong-vhxh", "thcs-1")
    assert await told_at(room, "2025-12-09 07:30") == reminded(0, *others)
    room.clock.time = moment("2025-12-10 01:00")
    await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
    await room.news()
    assert await told_at(room, "2025-12-10 07:30") == [("obligation-overdue", "phong-vhxh", 1)]
    cancelled = await room.rows(
        "SELECT participant, count(*) FROM reminder JOIN obligation ON id = obligation"
        " WHERE state = 'cancelled' AND period = '2025-annual' GROUP BY 1 ORDER BY 1"
    )
    assert cancelled == [("mttq", 6), ("thcs-1", 2), ("tieu-hoc-1", 8)]


async def test_plans_are_reminded_too(room: DeskRoom) -> None:
    await open_the_year(room)
    assert await told_at(room, "2025-08-15 07:30") == reminded(16, *ASKED)
    body = {"participant": "thcs-1", "period": "2025-plan", "number": "1"}
    await room.must("thcs-1.reporter", "/plans", {**body, "issued_on": "2025-08-11"})
    await room.news()
    rest = ("mttq", "phong-vhxh", "tieu-hoc-1")
    assert await told_at(room, "2025-08-22 07:30") == reminded(9, *rest)


async def test_whoever_comes_late_onto_the_roll_owes_what_is_still_to_come(room: DeskRoom) -> None:
    await open_the_year(room)
    await meet_plans(room)
    room.clock.time = moment("2025-12-04 08:00")
    newcomers = [participant("thcs-2"), participant("thcs-3", manner="voluntary")]
    await room.must(OFFICER, "/participants", {"participants": newcomers})
    opened = [f for f in await room.news() if f.name == "obligation-opened"]
    assert [(f.data["participant"], f.data["period"]) for f in opened] == [
        ("thcs-2", PERIOD),
        ("thcs-3", PERIOD),
    ]
    assert ("reminder-due", "thcs-2", 4) in await told_at(room, "2025-12-05 07:30")


async def test_the_order_of_roll_and_period_makes_no_difference(
    room: DeskRoom, make_database: Callable[[str], str], tmp_path: Path
) -> None:
    async def duties(desk: DeskRoom) -> list[tuple[Any, ...]]:
        return await desk.rows(
            "SELECT id, kind, manner, due, offset_days, due_at, state FROM obligation"
            " LEFT JOIN reminder ON id = obligation ORDER BY 1, 5"
        )

    await open_the_year(room)
    async with intake_at(make_database("intake"), tmp_path) as other:
        await other.must(OFFICER, "/movements", MOVEMENT)
        await other.must(OFFICER, "/participants", {"participants": PARTICIPANTS[:2]})
        await other.must(OFFICER, "/periods", ANNUAL)
        await other.must(OFFICER, "/participants", {"participants": PARTICIPANTS[2:]})
        await other.must(OFFICER, "/periods", PLAN_PERIOD)
        found, expected = await duties(other), await duties(room)
    assert expected
    assert found == expected


async def test_a_registration_and_a_period_at_the_same_moment_forget_nobody(
    room: DeskRoom,
) -> None:
    await room.must(OFFICER, "/movements", MOVEMENT)
    entries = [participant(f"truong-{n}") for n in range(12)]
    await asyncio.gather(
        *(room.must(OFFICER, "/participants", {"participants": [e]}) for e in entries[:6]),
        room.must(OFFICER, "/periods", ANNUAL),
        *(room.must(OFFICER, "/participants", {"participants": [e]}) for e in entries[6:]),
    )
    [(duties,)] = await room.rows("SELECT count(*) FROM obligation")
    opened = await room.said("obligation-opened")
    assert duties == len(opened) == 12


async def test_no_reminder_overtakes_the_report_that_made_it_moot(room: DeskRoom) -> None:
    """Planner and doors at once; afterwards the outbox shows no reminder behind its report."""
    await room.must(OFFICER, "/movements", MOVEMENT)
    codes = [f"truong-{n:02}" for n in range(30)]
    await room.must(OFFICER, "/participants", {"participants": [participant(c) for c in codes]})
    await room.must(OFFICER, "/periods", ANNUAL)
    await room.news()

    async def plan() -> None:
        for day in ("11-07", "11-25", "12-02", "12-05", "12-08", "12-09", "12-10", "12-15"):
            room.clock.time = moment(f"2025-{day} 07:30")
            await turn_until_idle(room)

    async def submit(code: str) -> None:
        await room.must(OFFICER, "/reports", report(code))

    async def all_submit() -> None:
        for start in range(0, len(codes), 6):
            await asyncio.gather(*(submit(code) for code in codes[start : start + 6]))

    await asyncio.gather(plan(), all_submit())
    met: set[str] = set()
    told = 0
    for fact in await room.news():
        if fact.name == "obligation-met":
            met.add(fact.data["participant"])
        elif fact.name in {"reminder-due", "obligation-overdue", "obligation-escalated"}:
            told += 1
            assert fact.data["participant"] not in met
    assert met == set(codes)
    assert told


async def test_the_planner_looks_again_once_it_holds_the_lock(room: DeskRoom) -> None:
    """It saw the duty open, then waits for whoever is submitting, and says nothing."""
    await room.must(OFFICER, "/movements", MOVEMENT)
    await room.must(OFFICER, "/participants", {"participants": [participant("thcs-1")]})
    await room.must(OFFICER, "/periods", ANNUAL)
    await room.news()
    room.clock.time = moment("2025-12-02 07:30")
    async with room.works.begin("tu-minh/thcs-1") as work:
        turn = asyncio.ensure_future(room.planner.turn())
        await until_somebody_waits(room)
        data = ReportSubmitted.model_validate(report("thcs-1"))
        sent = Submission(data, room.clock.time, door="http", publisher=None, by="thcs-1.reporter")
        [taken] = await take_submissions(work, [sent])
        assert isinstance(taken, Taken)
    assert await turn == 0
    assert [fact.name for fact in await room.news()] == ["report-received", "obligation-met"]


async def until_somebody_waits(room: DeskRoom) -> None:
    """Until a transaction waits for a key's lock."""
    async with asyncio.timeout(60):
        while not await room.rows(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        ):
            await asyncio.sleep(0.01)
