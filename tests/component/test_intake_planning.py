"""Duties after they were laid: moved, given up, opened again; the ward's days; two planners."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import connect
from shared.routine import Routine, RoutineRunner
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    moment,
    open_the_year,
    report,
)
from tests.component.planning_room import (
    STORM,
    another_planner,
    days,
    duty_of,
    has_read,
    one_school,
    order,
    planned,
    told_at,
)

pytestmark = pytest.mark.component


async def test_a_moved_duty_is_reminded_and_judged_by_its_new_date(room: DeskRoom) -> None:
    await one_school(room)
    assert await told_at(room, "2025-12-02 07:30") == [("reminder-due", 7)]
    answer = await order(room, "move", last_day="2025-12-16")
    assert (answer["state"], answer["due_text"]) == ("open", "đến hết ngày 16/12/2025")
    [moved] = await room.news()
    assert moved.name == "obligation-moved"
    assert datetime.fromisoformat(moved.data["was_due"]) == moment("2025-12-09 23:59:59")
    assert datetime.fromisoformat(moved.data["due"]) == moment("2025-12-16 23:59:59")
    assert moved.data["why"] == STORM["reason"]
    days_planned = await planned(room)
    assert days_planned == [
        (7, "12-09"),
        (3, "12-12"),
        (1, "12-15"),
        (0, "12-16"),
        (-1, "12-17"),
        (-2, "12-22"),
    ]
    assert await told_at(room, "2025-12-10 07:30") == [("reminder-due", 6)]
    room.clock.time = moment("2025-12-16 20:00")
    assert not (await room.must("thcs-1.reporter", "/reports", report("thcs-1")))["late"]
    again = report("thcs-1", revision=2)
    room.clock.time = moment("2025-12-18 20:00")
    late = await room.must("thcs-1.reporter", "/reports", again)
    assert (late["late"], late["days_late"]) == (True, 2)
    assert await told_at(room, "2026-02-01 08:00") == []


async def test_what_went_out_for_a_date_does_not_go_out_for_it_again(room: DeskRoom) -> None:
    """There and back: of one deadline each offset is said once."""
    await one_school(room)
    assert await told_at(room, "2025-12-02 07:30") == [("reminder-due", 7)]
    await order(room, "move", last_day="2025-12-31")
    await order(room, "move", last_day="2025-12-09", due_text="trước ngày 10/12/2025")
    assert await told_at(room, "2025-12-02 08:00") == []
    assert await told_at(room, "2025-12-08 07:30") == [("reminder-due", 1)]
    rows = await room.rows("SELECT command, done_by, document FROM obligation_change ORDER BY id")
    assert rows == [("move", OFFICER, STORM["document"])] * 2


@pytest.mark.parametrize(("command", "why"), [("waive", "waived"), ("excuse", "excused")])
async def test_nobody_is_reminded_of_what_is_not_asked_until_it_is_again(
    room: DeskRoom, command: str, why: str
) -> None:
    await one_school(room)
    room.clock.time = moment("2025-11-20 08:00")
    assert (await order(room, command))["state"] == why
    [gone] = await room.news()
    assert (gone.name, gone.data["why"], gone.data["reason"]) == (
        "obligation-withdrawn",
        why,
        STORM["reason"],
    )
    assert await planned(room) == []
    assert await told_at(room, "2025-12-05 08:00") == []
    assert (await order(room, "reopen"))["state"] == "open"
    [opened] = await room.news()
    assert (opened.name, opened.data["obligation"]) == ("obligation-opened", await duty_of(room))
    assert await planned(room) == [(1, "12-08"), (0, "12-09"), (-1, "12-10"), (-2, "12-15")]


async def test_whoever_was_excused_is_nowhere_shown_as_late(room: DeskRoom) -> None:
    await one_school(room)
    await order(room, "excuse")
    room.clock.time = moment("2025-12-20 08:00")
    board = (await room.get(OFFICER, f"/board?period={PERIOD}")).json()
    assert [(row["standing"], row["due"]) for row in board["items"]] == [("free", None)]
    shown = (await room.page("thcs-1.reporter", f"/duties/{await duty_of(room)}")).text
    assert "Không bắt buộc" in shown
    assert "quá hạn" not in shown.casefold()


async def test_a_report_of_whoever_was_excused_is_taken_and_meets_nothing(room: DeskRoom) -> None:
    await one_school(room)
    await order(room, "excuse")
    await room.news()
    await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
    assert [fact.name for fact in await room.news()] == ["report-received"]
    assert (await order(room, "waive"))["state"] == "waived"


async def test_a_duty_is_opened_again_by_a_date_ahead(room: DeskRoom) -> None:
    await one_school(room)
    await order(room, "waive")
    room.clock.time = moment("2025-12-20 08:00")
    path = f"/obligations/{await duty_of(room)}/orders"
    refused = await room.post(OFFICER, path, {"command": "reopen", **STORM})
    assert refused.json()["errors"][0]["pointer"] == "/last_day"
    await order(room, "reopen", last_day="2025-12-31")
    assert await planned(room) == [
        (7, "12-24"),
        (3, "12-26"),
        (1, "12-30"),
        (0, "12-31"),
        (-1, "01-02"),
        (-2, "01-07"),
    ]


REFUSED: list[tuple[list[str], dict[str, str], str]] = [
    ([], {"command": "reopen"}, "obligation-closed"),
    ([], {"command": "move"}, "date-missing"),
    ([], {"command": "move", "last_day": "2025-12-09"}, "same-date"),
    ([], {"command": "move", "last_day": "2025-07-31"}, "date-passed"),
    (["waive"], {"command": "waive"}, "obligation-closed"),
    (["waive"], {"command": "move", "last_day": "2025-12-16"}, "obligation-closed"),
    (["waive"], {"command": "excuse"}, "obligation-closed"),
]


@pytest.mark.parametrize(("before", "given_order", "name"), REFUSED)
async def test_what_the_state_or_the_date_forbids(
    room: DeskRoom, before: list[str], given_order: dict[str, str], name: str
) -> None:
    await one_school(room)
    for command in before:
        await order(room, command)
    path = f"/obligations/{await duty_of(room)}/orders"
    answer = await room.post(OFFICER, path, {**given_order, **STORM})
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:thidua:problem:{name}"


async def test_nobody_moves_the_deadline_of_their_own_unit(room: DeskRoom) -> None:
    await open_the_year(room)
    path = f"/obligations/{await duty_of(room, 'phong-vhxh')}/orders"
    body = {"command": "move", "last_day": "2025-12-16", **STORM}
    answer = await room.post(OFFICER, path, body)
    assert answer.json()["type"] == "urn:thidua:problem:own-unit"
    for person in (SCHOOL, "tieu-hoc-1.head", "chairman", "auditor"):
        assert (await room.post(person, path, body)).status_code == HTTPStatus.FORBIDDEN
    await room.must(SUBSTITUTE, path, body)


async def test_a_duty_is_shown_with_what_was_ordered_inside_the_scope(room: DeskRoom) -> None:
    await one_school(room, "thcs-1", "tieu-hoc-1")
    await order(room, "move", last_day="2025-12-16")
    path = f"/obligations/{await duty_of(room)}"
    detail = (await room.get(OFFICER, path)).json()
    [change] = detail["changes"]
    assert (change["command"], change["done_by"]) == ("move", OFFICER)
    assert {one["state"] for one in detail["reminders"]} == {"planned", "cancelled"}
    assert (await room.get("thcs-1.reporter", path)).status_code == HTTPStatus.OK
    assert (await room.get(SCHOOL, path)).status_code == HTTPStatus.NOT_FOUND


async def test_a_day_off_moves_what_is_planned_to_the_day_before(room: DeskRoom) -> None:
    await one_school(room)
    await order(room, "move", last_day="2025-12-10")
    await order(room, "move", last_day="2025-12-09")
    off = {"day": "2025-12-08", "kind": "off", "note": "Mất điện toàn phường"}
    assert await room.must(OFFICER, "/calendar/days", off) == {"duties": 1}
    assert await room.must(OFFICER, "/calendar/days", off) == {"duties": 0}
    assert await planned(room) == [
        (30, "11-07"),
        (14, "11-25"),
        (7, "12-02"),
        (1, "12-05"),
        (0, "12-09"),
        (-1, "12-10"),
        (-2, "12-15"),
    ]
    assert await told_at(room, "2025-12-05 07:30") == [("reminder-due", 4)]
    assert await told_at(room, "2025-12-08 07:30") == []
    usual = {**off, "day": "2025-12-09", "kind": "off"}
    await room.must(OFFICER, "/calendar/days", usual)
    await room.must(OFFICER, "/calendar/days", {**usual, "kind": "usual"})
    year = (await room.get(OFFICER, "/calendar?year=2025")).json()
    own = [day for day in year["days"] if day["set_by"]]
    assert [(day["day"], day["working"]) for day in own] == [("2025-12-08", False)]
    passed = await room.post(OFFICER, "/calendar/days", {**off, "day": "2025-12-01"})
    assert passed.json()["errors"][0]["pointer"] == "/day"


async def test_a_saturday_worked_after_all_repeats_nothing_that_went_out(room: DeskRoom) -> None:
    """The third day before is a Saturday, so it was said on the Friday."""
    await one_school(room)
    assert await told_at(room, "2025-12-05 07:30") == [("reminder-due", 4)]
    worked = {"day": "2025-12-06", "kind": "working", "note": "Làm bù"}
    await room.must(OFFICER, "/calendar/days", worked)
    assert await planned(room) == [(1, "12-08"), (0, "12-09"), (-1, "12-10"), (-2, "12-15")]


async def test_every_head_of_the_unit_is_told_once_after_the_wards_grace(room: DeskRoom) -> None:
    await one_school(room)
    await room.must(OFFICER, "/calendar/grace", {"grace": 1})
    for person in ("thcs-1.head", "thcs-1.deputy"):
        admitted = {"person": person, "name": person, "email": f"{person}@thcs.example"}
        await room.must(OFFICER, "/people", {**admitted, "unit": "thcs-1"})
        await room.must(OFFICER, f"/people/{person}/roles", {"role": "head", "unit": "thcs-1"})
    await room.news()
    assert await told_at(room, "2025-12-10 07:30") == [("obligation-overdue", 1)]
    room.clock.time = moment("2025-12-11 07:30")
    await room.planner.turn()
    facts = await room.news()
    assert [(f.name, f.data["head"], days(f)) for f in facts] == [
        ("obligation-escalated", "thcs-1.deputy", 2),
        ("obligation-escalated", "thcs-1.head", 2),
    ]
    assert await told_at(room, "2026-01-11 07:30") == []


async def test_the_office_finds_exactly_those_whose_heads_were_told(room: DeskRoom) -> None:
    """Not all that is overdue; and of those alone many are reminded at once."""
    await one_school(room, "thcs-1", "thcs-2", "thcs-3")
    await order(room, "move", "thcs-2", last_day="2025-12-12")
    await told_at(room, "2025-12-16 08:00")
    await room.must(OFFICER, "/reports", report("thcs-3"))

    async def listed(state: str) -> list[str]:
        found = (await room.get(OFFICER, f"/duties?year=2025&state={state}")).json()
        return [row["participant"] for row in found["items"]]

    assert await listed("overdue") == ["thcs-1", "thcs-2"]
    assert await listed("escalated") == ["thcs-1"]
    page = (await room.page(OFFICER, "/duties?year=2025")).text
    assert '<a href="/intake/duties?year=2025&amp;state=escalated"><b>1</b>' in page
    await room.must(OFFICER, "/reports", report("thcs-1"))
    assert await listed("escalated") == []


async def test_a_ward_may_leave_the_heads_in_peace(room: DeskRoom) -> None:
    await one_school(room)
    await room.must(OFFICER, "/calendar/grace", {"grace": None})
    assert await told_at(room, "2026-01-11 07:30") == [("obligation-overdue", 33)]


async def test_a_move_and_a_report_at_the_same_moment_agree(room: DeskRoom) -> None:
    """Whichever is first: nothing stays planned for what is met, and a met duty is not moved."""
    codes = [f"truong-{n}" for n in range(8)]
    await one_school(room, *codes)
    paths = {code: f"/obligations/{await duty_of(room, code)}/orders" for code in codes}
    body = {"command": "move", "last_day": "2025-12-16", **STORM}
    moves = [room.post(OFFICER, paths[code], body) for code in codes]
    reports = [room.must(OFFICER, "/reports", report(code)) for code in codes]
    answers, _ = await asyncio.gather(asyncio.gather(*moves), asyncio.gather(*reports))
    assert {answer.status_code for answer in answers} <= {201, 422}
    assert await planned(room) == []
    met: set[str] = set()
    for fact in await room.news():
        if fact.name == "obligation-met":
            met.add(fact.data["obligation"])
        assert not (fact.name == "obligation-moved" and fact.data["obligation"] in met)
    assert len(met) == len(codes)


# --- two planners ---


async def test_another_planner_takes_over_and_says_nothing_twice(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leader is ended in the middle of its work; the one that waited goes on, and had not
    begun before.
    """
    monkeypatch.setattr("services.intake.routines.BATCH", 3)
    codes = [f"truong-{n:02}" for n in range(20)]
    await one_school(room, *codes)
    room.clock.time = moment("2025-12-02 07:30")
    engines = [connect(room.engine.url.render_as_string(hide_password=False)) for _ in range(2)]
    acted: list[int] = []
    tasks: list[asyncio.Task[None]] = []
    try:
        for number, engine in enumerate(engines):
            asks = _asks_to_lead(engine)
            planner = _watched(another_planner(room, engine), number, acted)
            tasks.append(asyncio.create_task(RoutineRunner(planner, engine, has_read).run()))
            await asyncio.wait_for(asks.wait(), 60)
            await _turns(acted, len(acted) + 3)
        await _until(room, at_least=len(codes))
        room.clock.time = moment("2025-12-08 07:30")
        await _until(room, at_least=len(codes) + 4)
        assert set(acted) == {0}
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        acted.clear()
        await _turns(acted, 1)
        await _until(room, at_least=2 * len(codes))
        assert set(acted) == {1}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for engine in engines:
            await engine.dispose()
    said = Counter(
        (fact.data["participant"], fact.data["offset_days"]) for fact in await room.news()
    )
    assert set(said.values()) == {1}
    assert {code for code, _ in said} == set(codes)
    assert {(code, 1) for code in codes} <= set(said)


def _asks_to_lead(engine: AsyncEngine) -> asyncio.Event:
    """Set once somebody asks this engine's database for a leader's lock."""
    asks = asyncio.Event()

    @sa.event.listens_for(engine.sync_engine, "after_cursor_execute")
    def heard(*of_statement: Any) -> None:
        if "pg_try_advisory_lock" in of_statement[2]:
            asks.set()

    return asks


def _watched(planner: Routine, number: int, acted: list[int]) -> Routine:
    """A planner that writes down when it takes a turn."""

    async def turn() -> int:
        acted.append(number)
        return await planner.turn()

    return replace(planner, turn=turn)


async def _turns(acted: list[int], at_least: int) -> None:
    """Until so many turns have begun."""
    async with asyncio.timeout(60):
        while len(acted) < at_least:
            await asyncio.sleep(0.01)


async def _until(room: DeskRoom, *, at_least: int) -> None:
    """Until so many reminders have been said."""
    async with asyncio.timeout(60):
        while len(await room.said("reminder-due")) < at_least:
            await asyncio.sleep(0.02)


async def test_planners_that_both_believe_to_lead_say_nothing_twice(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The participants' locks alone keep them apart."""
    monkeypatch.setattr("services.intake.routines.BATCH", 3)
    codes = [f"truong-{n:02}" for n in range(12)]
    await one_school(room, *codes)
    room.clock.time = moment("2025-12-02 07:30")
    planners = [another_planner(room, room.engine) for _ in range(3)]

    async def work(planner: Any) -> None:
        while await planner.pending():
            await planner.turn()

    await asyncio.gather(*(work(planner) for planner in planners))
    said = Counter(fact.data["participant"] for fact in await room.news())
    assert said == Counter(codes)


# --- pages ---


async def test_the_officer_moves_a_date_on_the_duty_page(room: DeskRoom) -> None:
    await one_school(room)
    path = f"/obligations/{await duty_of(room)}"
    shown = (await room.page(OFFICER, path)).text
    assert "Đổi hạn" in shown
    assert "Mở lại" not in shown
    assert "nhắc trước hạn 7 ngày" in shown
    typed = {"command": "move", "last_day": "16/12/2025", "reason": "Bão.", "document": ""}
    wrong = await room.fill(OFFICER, f"{path}/orders", {**typed, "last_day": "16 tháng 12"})
    assert wrong.status_code == 422
    assert "ngày/tháng/năm" in wrong.text
    passed = await room.fill(OFFICER, f"{path}/orders", {**typed, "last_day": "01/07/2025"})
    assert "Hạn mới phải ở sau thời điểm này." in passed.text
    done = await room.fill(OFFICER, f"{path}/orders", typed)
    assert done.headers["location"] == f"/intake{path}?done=ordered"
    after = (await room.page(OFFICER, f"{path}?done=ordered")).text
    assert "đến hết ngày 16/12/2025" in after
    assert "Bão." in after
    reporters = (await room.page("thcs-1.reporter", path)).text
    assert "Ghi quyết định" not in reporters
    assert (await room.page(SCHOOL, path)).status_code == HTTPStatus.NOT_FOUND


async def test_the_officer_of_the_unit_itself_is_told_who_decides(room: DeskRoom) -> None:
    await open_the_year(room)
    path = f"/obligations/{await duty_of(room, 'phong-vhxh')}"
    shown = (await room.page(OFFICER, path)).text
    assert "người được phân công thay thế sẽ quyết định" in shown
    assert "Ghi quyết định" not in shown


async def test_the_officer_keeps_the_wards_days_on_a_page(room: DeskRoom) -> None:
    await one_school(room)
    shown = (await room.page(OFFICER, "/calendar?year=2026")).text
    assert "Ngày nghỉ (thay cho ngày 22/08/2026)" in shown
    assert "Quá hạn 3 ngày làm việc" in shown
    typed = {"day": "08/12/2025", "kind": "off", "note": "Mất điện", "document": "7/TB"}
    passed = await room.fill(OFFICER, "/calendar/days", {**typed, "day": "01/07/2025"})
    assert "Ngày đã qua không đổi được nữa" in passed.text
    done = await room.fill(OFFICER, "/calendar/days", typed)
    assert done.headers["location"] == "/intake/calendar?year=2025&done=day"
    assert "Mất điện" in (await room.page(OFFICER, "/calendar?year=2025")).text
    await room.fill(OFFICER, "/calendar/grace", {"grace": ""})
    told = (await room.page(SCHOOL, "/calendar")).text
    assert "Phường không báo người đứng đầu" in told
    assert "Đặt ngày" not in told
