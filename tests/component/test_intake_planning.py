"""Duties after they were laid: moved, given up, opened again; the ward's days; two planners."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from deploy.local.infrastructure import Provided
from services.intake import routines
from services.intake.domain.deadline import lateness
from shared.calendar import ward_day
from shared.database import connect
from shared.messaging.unit_of_work import Works
from shared.routine import RoutineRunner
from tests.component.intake_desk import (
    ANNUAL,
    MOVEMENT,
    OFFICER,
    PERIOD,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    Said,
    moment,
    one_intake,
    open_the_year,
    participant,
    report,
)

pytestmark = pytest.mark.component

STORM = {"reason": "Ảnh hưởng của bão.", "document": "45/UBND-VHXH"}
TO_THE_PARTICIPANT = {"reminder-due", "obligation-overdue"}
TOLD = {*TO_THE_PARTICIPANT, "obligation-escalated"}


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("planning")) as opened:
        yield opened


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    return desk


async def one_school(room: DeskRoom, *codes: str) -> None:
    """The year's report is asked for; nothing of it is news."""
    await room.must(OFFICER, "/movements", MOVEMENT)
    roll = [participant(code) for code in codes or ("thcs-1",)]
    await room.must(OFFICER, "/participants", {"participants": roll})
    await room.must(OFFICER, "/periods", ANNUAL)
    await room.news()


async def duty_of(room: DeskRoom, code: str = "thcs-1") -> str:
    [(found,)] = await room.rows(
        f"SELECT id FROM obligation WHERE participant = '{code}' AND period = '{PERIOD}'"
    )
    return str(found)


async def order(
    room: DeskRoom, command: str, code: str = "thcs-1", by: str = OFFICER, **more: str
) -> dict[str, Any]:
    path = f"/obligations/{await duty_of(room, code)}/orders"
    return await room.must(by, path, {"command": command, **STORM, **more})


async def told_at(room: DeskRoom, when: str) -> list[tuple[str, int]]:
    """(event, days) that the clock brings when it reads `when`."""
    room.clock.time = moment(when)
    while await room.planner.turn():
        pass
    assert await room.planner.pending() == 0
    return [(f.name, days(f)) for f in await room.news() if f.name in TOLD]


def days(fact: Said) -> int:
    found: int = fact.data["days_left" if fact.name == "reminder-due" else "days_late"]
    return found


async def planned(room: DeskRoom) -> list[tuple[int, str]]:
    """(offset, day) of what is planned, in the order of time."""
    rows = await room.rows(
        "SELECT offset_days, due_at FROM reminder WHERE state = 'planned' ORDER BY due_at"
    )
    return [(offset, ward_day(at).isoformat()[5:]) for offset, at in rows]


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


async def test_another_planner_takes_over_and_says_nothing_twice(room: DeskRoom) -> None:
    """The leader is ended in the middle of its work; the one that waited goes on."""
    codes = [f"truong-{n:02}" for n in range(20)]
    await one_school(room, *codes)
    room.clock.time = moment("2025-12-02 07:30")
    engines = [connect(room.engine.url.render_as_string(hide_password=False)) for _ in range(2)]
    runners = [
        RoutineRunner(another_planner(room, engine), engine, _has_read) for engine in engines
    ]
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    try:
        await _until(room, at_least=4)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        room.clock.time = moment("2025-12-08 07:30")
        await _until(room, at_least=2 * len(codes))
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


async def _has_read(_: Sequence[str]) -> bool:
    return True


def another_planner(room: DeskRoom, engine: Any) -> Any:
    """Of another process, over the same database."""
    return routines.planner(Works(engine, "intake", room.clock, room.works.system))


async def _until(room: DeskRoom, *, at_least: int) -> None:
    """Until so many reminders have been said."""
    async with asyncio.timeout(20):
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


# --- any story ---


@dataclass
class Known:
    """What the facts have said of one duty so far."""

    due: datetime
    asked: bool = True
    met: bool = False
    sent: bool = False
    told: list[tuple[str, str, int]] = field(default_factory=list)
    slots: set[datetime] = field(default_factory=set)


acts = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("outage"), st.integers(1, 900)),
    st.tuples(st.just("move"), st.integers(1, 40)),
    st.tuples(st.just("waive"), st.just(0)),
    st.tuples(st.just("excuse"), st.just(0)),
    st.tuples(st.just("reopen"), st.integers(1, 40)),
    st.tuples(st.just("report"), st.just(0)),
    st.tuples(st.just("off"), st.integers(0, 20)),
    st.tuples(st.just("working"), st.integers(0, 20)),
    st.tuples(st.just("standstill"), st.integers(1, 400)),
    st.tuples(st.just("at-once"), st.integers(1, 100)),
)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(acts, min_size=3, max_size=12))
@example(story=[("excuse", 0), ("report", 0), ("reopen", 10)])
@example(story=[("standstill", 960), ("off", 20)])
@example(story=[("move", 41), ("standstill", 1009), ("working", 0)])
async def test_in_any_story_reminders_are_true_and_none_is_lost(
    desk: DeskRoom, story: list[tuple[str, int]]
) -> None:
    await desk.begin_anew()
    await one_school(desk)
    desk.clock.time = moment("2025-11-01 08:00")
    known = Known(moment("2025-12-09 23:59:59"))
    for act, number in story:
        async for _ in _played(desk, act, number):
            _check(known, await desk.news(), desk.clock.time)
    desk.clock.time = max(desk.clock.time, known.due) + timedelta(days=60)
    await _turn(desk)
    _check(known, await desk.news(), desk.clock.time)
    if known.asked and not known.met:
        assert ("obligation-overdue", known.due.isoformat()) in {t[:2] for t in known.told}
        assert ("obligation-escalated", known.due.isoformat()) in {t[:2] for t in known.told}


async def _turn(desk: DeskRoom) -> None:
    while await desk.planner.turn():
        pass


async def _played(desk: DeskRoom, act: str, number: int) -> AsyncIterator[None]:
    """Something happens; stops wherever the facts of one moment are complete."""
    day = (ward_day(desk.clock.time) + timedelta(days=number)).isoformat()
    path = f"/obligations/{await duty_of(desk)}/orders"
    if act in {"wait", "outage"}:
        steps = number if act == "wait" else 1
        for _ in range(min(steps, 6)):
            desk.clock.time += timedelta(hours=number / min(steps, 6))
            await _turn(desk)
            yield
    elif act == "report":
        await desk.post(OFFICER, "/reports", report("thcs-1"))
    elif act in {"off", "working"}:
        await desk.post(OFFICER, "/calendar/days", {"day": day, "kind": act, "note": "Đổi lịch"})
    elif act == "standstill":
        desk.clock.time += timedelta(hours=number)
    elif act == "at-once":
        desk.clock.time += timedelta(hours=number)
        body = {"command": "move", "last_day": day, **STORM}
        sent = desk.post(OFFICER, "/reports", report("thcs-1"))
        await asyncio.gather(_turn(desk), desk.post(OFFICER, path, body), sent)
    else:
        more = {"last_day": day} if act in {"move", "reopen"} else {}
        await desk.post(OFFICER, path, {"command": act, **more, **STORM})
    yield


def _check(known: Known, facts: Sequence[Said], now: datetime) -> None:
    """No reminder of what is met or not asked, past its date, by another date, or twice; and
    nothing is asked again that was sent.
    """
    for fact in facts:
        if fact.name == "report-received":
            known.sent = True
        elif fact.name == "obligation-met":
            known.met = True
        elif fact.name == "obligation-withdrawn":
            known.asked = False
        elif fact.name in {"obligation-moved", "obligation-opened"}:
            assert not known.sent
            known.due, known.asked = datetime.fromisoformat(fact.data["due"]), True
        elif fact.name in TOLD:
            _check_told(known, fact, now)


def _check_told(known: Known, fact: Said, now: datetime) -> None:
    assert known.asked
    assert not known.met
    assert datetime.fromisoformat(fact.data["due"]) == known.due
    assert (fact.name == "reminder-due") != lateness(known.due, now).late
    left = (ward_day(known.due) - ward_day(now)).days
    assert days(fact) == (left if fact.name == "reminder-due" else -left)
    line = (fact.name, known.due.isoformat(), fact.data.get("offset_days", 0))
    assert line not in known.told
    known.told.append(line)
    if fact.name in TO_THE_PARTICIPANT:
        assert now not in known.slots
        known.slots.add(now)


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
