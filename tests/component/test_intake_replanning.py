"""Duties that are planned again: nothing is asked that is in already, and no word is lost."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from deploy.local.infrastructure import Provided
from services.intake import app
from shared import migrations
from shared.database import connect
from tests.component.intake_desk import (
    ANNUAL,
    MOVEMENT,
    OFFICER,
    PERIOD,
    DeskRoom,
    moment,
    open_the_year,
    participant,
    plan,
    report,
)
from tests.component.planning_room import STORM, duty_of, one_school, order, planned, told_at

pytestmark = pytest.mark.component

OFF = {"day": "2025-12-30", "kind": "off", "note": "Mất điện"}
WORKED = {"day": "2025-12-13", "kind": "working", "note": "Làm bù"}


async def refusal(room: DeskRoom, which: str, **more: str) -> str:
    """The name of what refuses to open a duty again."""
    body = {"command": "reopen", **more, **STORM}
    answer = await room.post(OFFICER, f"/obligations/{which}/orders", body)
    return str(answer.json().get("type", "")).removeprefix("urn:thidua:problem:")


async def offered(room: DeskRoom, which: str) -> set[str]:
    """What the page of a duty lets the office order."""
    shown = (await room.page(OFFICER, f"/obligations/{which}")).text
    return set(re.findall(r'<option value="([a-z]+)"', shown))


@pytest.mark.parametrize("more", [{}, {"last_day": "2025-12-31"}])
async def test_what_was_reported_meanwhile_is_not_asked_again(
    room: DeskRoom, more: dict[str, str]
) -> None:
    """Until the unit takes its report back."""
    await one_school(room)
    await order(room, "excuse")
    assert await offered(room, await duty_of(room)) == {"waive", "reopen"}
    await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
    await room.news()
    assert await refusal(room, await duty_of(room), **more) == "sent-already"
    assert await offered(room, await duty_of(room)) == {"waive"}
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
    assert await offered(room, which) == set()


async def test_whoever_has_left_is_asked_for_nothing_again(room: DeskRoom) -> None:
    await one_school(room)
    await order(room, "waive")
    await room.must(OFFICER, "/roster/thcs-1/departure", STORM)
    assert await refusal(room, await duty_of(room)) == "left-already"
    assert await offered(room, await duty_of(room)) == set()


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


TOMORROW = {"day": "2025-12-02", "kind": "off", "note": "Mất điện"}
"""The seventh day before the deadline."""


async def test_a_day_off_from_tomorrow_on_loses_no_word(room: DeskRoom) -> None:
    """The morning on which the word would have gone out instead has passed already."""
    await one_school(room)
    assert await told_at(room, "2025-12-01 08:00") == [("reminder-due", 8)]
    room.clock.time = moment("2025-12-01 09:00")
    await room.must(OFFICER, "/calendar/days", TOMORROW)
    assert await told_at(room, "2025-12-01 09:10") == [("reminder-due", 8)]
    assert await told_at(room, "2025-12-02 09:10") == []
    assert await told_at(room, "2025-12-05 07:30") == [("reminder-due", 4)]


async def test_a_morning_of_which_something_was_said_gets_no_second_word(room: DeskRoom) -> None:
    await one_school(room)
    assert await told_at(room, "2025-12-08 08:00") == [("reminder-due", 1)]
    room.clock.time = moment("2025-12-08 09:00")
    await room.must(OFFICER, "/calendar/days", {**TOMORROW, "day": "2025-12-09"})
    assert await told_at(room, "2025-12-08 09:10") == []
    assert await told_at(room, "2025-12-10 07:30") == [("obligation-overdue", 1)]


@pytest.mark.parametrize("then", ["report", "usual"])
async def test_what_is_to_go_out_at_once_follows_what_comes_next(room: DeskRoom, then: str) -> None:
    """Before the planner looks: the report comes in, or the day is worked after all."""
    await one_school(room)
    await told_at(room, "2025-12-01 08:00")
    room.clock.time = moment("2025-12-01 09:00")
    await room.must(OFFICER, "/calendar/days", TOMORROW)
    if then == "report":
        await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
        assert await told_at(room, "2025-12-01 09:10") == []
    else:
        await room.must(OFFICER, "/calendar/days", {**TOMORROW, "kind": "usual"})
        assert await told_at(room, "2025-12-01 09:10") == []
        assert await told_at(room, "2025-12-02 07:30") == [("reminder-due", 7)]


async def test_duties_from_before_heads_were_told_are_planned_as_the_database_grows(
    infrastructure: Provided,
) -> None:
    """By the ward's days and the usual grace; a ward that has set its own has planned already."""
    folder = app.service.migrations
    url = infrastructure.create_database("intake_before_heads")
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(_to_0014, folder)
        await connection.exec_driver_sql(
            "INSERT INTO obligation (id, ward, participant, kind, period, manner, due, due_text,"
            " opened_at, met_at, on_time) SELECT gen_random_uuid(), ward, 'thcs-1',"
            " 'annual-report', '2025', 'owes', '2025-12-09 23:59:59+07', '', '2025-08-01',"
            " met::timestamptz, timely FROM (VALUES ('an', NULL, NULL), ('binh', NULL, NULL),"
            " ('chi', NULL, NULL), ('dinh', '2025-12-01', true)) AS t(ward, met, timely)"
        )
        await connection.exec_driver_sql(
            "INSERT INTO calendar_day (ward, day, kind, note, document, set_at, set_by) VALUES"
            " ('binh', '2025-12-11', 'off', '', '', now(), ''),"
            " ('binh', '2025-12-12', 'off', '', '', now(), ''),"
            " ('binh', '2025-12-12', 'usual', '', '', now(), '')"
        )
        await connection.exec_driver_sql(
            "INSERT INTO escalation_rule (ward, grace, document, set_at, set_by)"
            " VALUES ('chi', NULL, '', now(), '')"
        )
    await migrations.migrate(url, folder)
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT ward, offset_days, (due_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::text, state"
            " FROM reminder JOIN obligation ON id = obligation ORDER BY ward"
        )
        assert [tuple(row) for row in rows] == [
            ("an", -2, "2025-12-15 07:30:00", "planned"),
            ("binh", -2, "2025-12-16 07:30:00", "planned"),
        ]
    await engine.dispose()
    infrastructure.drop_database("intake_before_heads")


def _to_0014(connection: sa.Connection, folder: Path) -> None:
    config = migrations._config(folder)
    config.attributes["connection"] = connection
    command.upgrade(config, "0014")
