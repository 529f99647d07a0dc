"""Any story of one duty: reminders are true, and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from services.intake.domain.deadline import lateness
from services.intake.store.planning import planning_of
from shared.calendar import last_moment_of, morning_of, ward_day
from tests.component.intake_desk import OFFICER, WARD, DeskRoom, Said, moment, report
from tests.component.planning_room import (
    STORM,
    TO_THE_PARTICIPANT,
    TOLD,
    another_planner,
    days,
    duty_of,
    one_school,
)

pytestmark = pytest.mark.component

LAST = date(2025, 12, 9)
"""The last day on time."""


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
    st.tuples(st.just("off"), st.integers(0, 2)),
    st.tuples(st.just("working"), st.integers(0, 20)),
    st.tuples(st.just("standstill"), st.integers(1, 400)),
    st.tuples(st.just("at-once"), st.integers(1, 100)),
    st.tuples(st.just("two-writers"), st.integers(1, 100)),
)
ORDERS = {"move", "waive", "excuse", "reopen", "at-once"}


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
@example(story=[("wait", 721), ("off", 1), ("wait", 24)])
@example(story=[("wait", 889), ("off", 1), ("outage", 24)])
@example(story=[("outage", 820), ("two-writers", 72)])
@example(story=[("outage", 930)])
async def test_in_any_story_reminders_are_true_and_none_is_lost(
    desk: DeskRoom, story: list[tuple[str, int]]
) -> None:
    await desk.begin_anew()
    await one_school(desk)
    desk.clock.time = moment("2025-11-01 08:00")
    known, orders = Known(moment("2025-12-09 23:59:59")), False
    for act, number in story:
        async for _ in _played(desk, act, number):
            _check(known, await desk.news(), desk.clock.time)
        orders = orders or act in ORDERS
        if not orders and not known.met:
            await _check_none_is_lost(desk)
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
    elif act == "two-writers":
        desk.clock.time += timedelta(hours=number)
        other, by_post = another_planner(desk, desk.engine), desk.record(report("thcs-1"))
        by_page = desk.post(OFFICER, "/reports", report("thcs-1"))
        await asyncio.gather(_turn(desk), by_page, other.turn(), desk.apply(by_post), _turn(desk))
    elif act == "at-once":
        desk.clock.time += timedelta(hours=number)
        body = {"command": "move", "last_day": day, **STORM}
        sent = desk.post(OFFICER, "/reports", report("thcs-1"))
        await asyncio.gather(_turn(desk), desk.post(OFFICER, path, body), sent)
    else:
        more = {"last_day": day} if act in {"move", "reopen"} else {}
        await desk.post(OFFICER, path, {"command": act, **more, **STORM})
    yield


async def _check_none_is_lost(desk: DeskRoom) -> None:
    """Whatever the ward's days and however long nobody looked: of each morning something is to be
    said yet, or was, by itself or by a later one; until the date has passed.
    """
    rows = await desk.rows("SELECT offset_days, due_at, state FROM reminder WHERE offset_days >= 0")
    async with desk.engine.connect() as connection:
        calendar = (await planning_of(connection, WARD)).calendar
    said = [at for _, at, state in rows if state == "sent"]
    gone = lateness(last_moment_of(LAST), desk.clock.time).late
    answered = {at for _, at, state in rows if state in {"sent", "planned"}}
    answered |= {at for _, at, state in rows if gone or any(at <= later for later in said)}
    for offset, _, _ in rows:
        assert morning_of(calendar.on_or_before(LAST - timedelta(days=offset))) in answered


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
