"""Duties that are planned again: nothing is asked that is in already, and no word is lost."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from deploy.local.infrastructure import Provided
from tests.component.intake_desk import (
    ANNUAL,
    MOVEMENT,
    OFFICER,
    PERIOD,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    participant,
    plan,
    report,
)
from tests.component.test_intake_planning import (
    STORM,
    another_planner,
    duty_of,
    one_school,
    order,
    planned,
    told_at,
)

pytestmark = pytest.mark.component

OFF = {"day": "2025-12-30", "kind": "off", "note": "Mất điện"}
WORKED = {"day": "2025-12-13", "kind": "working", "note": "Làm bù"}


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("replanning")) as opened:
        yield opened


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    return desk


async def refusal(room: DeskRoom, which: str, **more: str) -> str:
    """The name of what refuses to open a duty again."""
    body = {"command": "reopen", **more, **STORM}
    answer = await room.post(OFFICER, f"/obligations/{which}/orders", body)
    return str(answer.json().get("type", "")).removeprefix("urn:thidua:problem:")


@pytest.mark.parametrize("more", [{}, {"last_day": "2025-12-31"}])
async def test_what_was_reported_meanwhile_is_not_asked_again(
    room: DeskRoom, more: dict[str, str]
) -> None:
    """Until the unit takes its report back."""
    await one_school(room)
    await order(room, "excuse")
    await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
    await room.news()
    assert await refusal(room, await duty_of(room), **more) == "sent-already"
    assert await room.news() == []
    assert await planned(room) == []
    version = {"participant": "thcs-1", "period": PERIOD, "revision": 1}
    await room.must("thcs-1.reporter", "/reports/withdrawals", version)
    assert (await order(room, "reopen", **more))["state"] == "open"


async def test_a_plan_that_was_recorded_meanwhile_is_not_asked_for_again(room: DeskRoom) -> None:
    await open_the_year(room)
    [(which,)] = await room.rows(
        "SELECT id FROM obligation WHERE participant = 'thcs-1' AND kind = 'unit-plan'"
    )
    await room.must(OFFICER, f"/obligations/{which}/orders", {"command": "waive", **STORM})
    await room.must("thcs-1.reporter", "/plans", plan("thcs-1", issued_on="2025-07-31"))
    assert await refusal(room, which) == "sent-already"


async def test_whoever_has_left_is_asked_for_nothing_again(room: DeskRoom) -> None:
    await one_school(room)
    await order(room, "waive")
    await room.must(OFFICER, "/roster/thcs-1/departure", STORM)
    assert await refusal(room, await duty_of(room)) == "left-already"


async def test_what_came_due_while_the_planner_stood_still_survives_another_plan(
    room: DeskRoom,
) -> None:
    await one_school(room)
    room.clock.time = moment("2025-12-05 08:00")
    await room.must(OFFICER, "/calendar/days", OFF)
    assert await told_at(room, "2025-12-05 08:10") == [("reminder-due", 4)]
    await room.must(OFFICER, "/calendar/days", {**OFF, "day": "2025-12-31"})
    assert await told_at(room, "2025-12-05 10:00") == []


async def test_what_came_due_for_the_old_date_is_not_said_after_a_move(room: DeskRoom) -> None:
    await one_school(room)
    room.clock.time = moment("2025-12-05 08:00")
    await order(room, "move", last_day="2025-12-31")
    await room.news()
    assert await told_at(room, "2025-12-05 09:00") == []


@pytest.mark.parametrize("turns", [True, False])
async def test_a_saturday_worked_after_all_takes_no_word_away(
    room: DeskRoom, *, turns: bool
) -> None:
    """The morning on which the unit would have heard has passed when the day is set."""
    await one_school(room)
    await order(room, "move", last_day="2025-12-12")
    await room.news()
    if turns:
        await told_at(room, "2025-12-13 09:00")
    room.clock.time = moment("2025-12-13 09:00")
    await room.must(OFFICER, "/calendar/days", WORKED)
    assert await told_at(room, "2025-12-13 09:10") == [("obligation-overdue", 1)]
    assert await told_at(room, "2025-12-17 07:30") == [("obligation-escalated", 5)]
    await room.must(OFFICER, "/calendar/days", {**WORKED, "day": "2025-12-20"})
    assert await told_at(room, "2026-02-01 08:00") == []


async def test_a_shorter_grace_tells_the_head_at_once_and_once(room: DeskRoom) -> None:
    await one_school(room)
    assert await told_at(room, "2025-12-11 09:00") == [("obligation-overdue", 2)]
    await room.must(OFFICER, "/calendar/grace", {"grace": 0})
    assert await told_at(room, "2025-12-11 09:10") == [("obligation-escalated", 2)]
    await room.must(OFFICER, "/calendar/grace", {"grace": 5})
    assert await told_at(room, "2026-01-11 07:30") == []


async def test_a_ward_that_leaves_the_heads_in_peace_is_heard_before_the_planner(
    room: DeskRoom,
) -> None:
    await one_school(room)
    room.clock.time = moment("2025-12-15 08:00")
    await room.must(OFFICER, "/calendar/grace", {"grace": None})
    assert await told_at(room, "2025-12-15 08:10") == [("obligation-overdue", 6)]


async def test_a_period_opened_after_its_date_makes_nobody_late(room: DeskRoom) -> None:
    await room.must(OFFICER, "/movements", MOVEMENT)
    await room.must(OFFICER, "/participants", {"participants": [participant("thcs-1")]})
    room.clock.time = moment("2026-01-20 08:00")
    await room.must(OFFICER, "/periods", ANNUAL)
    await room.must(OFFICER, "/calendar/days", {**OFF, "day": "2026-01-30"})
    await room.news()
    assert await told_at(room, "2026-02-28 08:00") == []


async def test_duties_from_before_heads_were_told_are_planned_when_a_planner_begins(
    room: DeskRoom,
) -> None:
    await one_school(room, "thcs-1", "tieu-hoc-1", "thcs-2")
    await order(room, "excuse", "tieu-hoc-1")
    await room.must(OFFICER, "/reports", report("thcs-2"))
    assert await told_at(room, "2025-12-10 08:00") == [("obligation-overdue", 1)]
    async with room.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM reminder WHERE offset_days = -2")
    begun = replace(room, planner=another_planner(room, room.engine))
    assert await told_at(begun, "2025-12-10 09:00") == []
    assert await planned(room) == [(-2, "12-15")]
    assert await told_at(begun, "2025-12-15 07:30") == [("obligation-escalated", 6)]
