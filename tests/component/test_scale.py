"""Among a hundred wards nothing hot goes through a large table, and a batch of many wards' reports
costs as many statements as one ward's."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench import night, plans
from bench.country import DUE, LAST_MORNING, Country, kind_of
from bench.plans import Sent, Shown
from deploy.local.infrastructure import Provided
from services.intake.handlers import consumer

pytestmark = pytest.mark.component

WARDS, EACH, FEW = 120, 40, 5
LATE = DUE + timedelta(days=12)
"""Everybody who owes a report is overdue, and heads are to be told."""
A_CRITERION = b'"criterion": "a1"'
END_GRANT = sa.text(
    "UPDATE publisher_grant SET ended_at = now(), ended_by = 'x' WHERE ward = 'phuong-2'"
)


@dataclass(frozen=True)
class Room:
    intake: AsyncEngine
    notify: AsyncEngine


@pytest.fixture(scope="module")
async def room(infrastructure: Provided) -> AsyncIterator[Room]:
    names = "scale_test_intake", "scale_test_notify"
    urls = [infrastructure.create_database(name) for name in names]
    await Country(infrastructure.admin_url, urls[0], urls[1], WARDS, EACH).make()
    engines = [create_async_engine(url) for url in urls]
    yield Room(*engines)
    for engine, name in zip(engines, names, strict=True):
        await engine.dispose()
        infrastructure.drop_database(name)


async def of_reports(room: Room, count: int, wards: int = WARDS) -> tuple[list[Sent], list[Sent]]:
    coming = night.reports(wards, EACH, random.Random(3))
    return await plans.of_night(room.intake, room.notify, night.records([*islice(coming, count)]))


def through_tables(shown: list[Shown]) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.statement, one.scanned) for one in shown if not one.seeks]


async def test_the_board_of_one_ward_is_found_by_indexes(room: Room) -> None:
    sent = await plans.of_board(room.intake, "phuong-7", LAST_MORNING)
    shown = await plans.explain(room.intake, "board", sent)
    assert len(shown) == 5
    assert through_tables(shown) == []


@pytest.mark.parametrize(
    ("now", "statements"), [(LAST_MORNING, 8), (LATE, 10)], ids=["reminding", "telling heads"]
)
async def test_a_turn_of_the_planner_reads_what_is_due_and_nothing_else(
    room: Room, now: datetime, statements: int
) -> None:
    sent = await plans.of_planner(room.intake, now, FEW)
    shown = await plans.explain(room.intake, "planner", sent)
    assert [one.rows for one in shown[:2]] in ([FEW, FEW], [FEW, 3 * FEW])
    assert len(shown) == statements
    assert through_tables(shown) == []
    heads = [one.indexes for one in shown if "role_held" in one.statement]
    assert heads == [("ix_role_held_heads", "pk_contact")] * (now == LATE)


async def test_a_report_is_taken_answered_and_noted_by_indexes(room: Room) -> None:
    intake, notify = await of_reports(room, FEW)
    shown = await plans.explain(room.intake, "intake", intake)
    shown += await plans.explain(room.notify, "notify", notify)
    written = {one.statement.split("(")[0] for one in shown if "INSERT INTO" in one.statement}
    assert {"INSERT INTO outbox ", "INSERT INTO notice ", "INSERT INTO mail "} <= written
    assert through_tables(shown) == []


async def test_reports_of_many_wards_cost_as_many_statements_as_those_of_one(room: Room) -> None:
    one, many = await of_reports(room, EACH, wards=1), await of_reports(room, EACH)
    assert [len(sent) for sent in one] == [len(sent) for sent in many]


async def test_reports_of_several_wards_are_answered_in_their_order_each_by_its_own_ward(
    room: Room,
) -> None:
    """Of two that stand side by side in the register only one ward has let the publisher in."""
    coming = [*islice(night.reports(3, EACH, random.Random(3)), 20)]
    of_unknown = [number for number, one in enumerate(coming) if A_CRITERION in one.value][2]
    wrong = coming[of_unknown].value.replace(A_CRITERION, b'"criterion": "z9"')
    coming[of_unknown] = replace(coming[of_unknown], value=wrong)
    async with plans.undone(room.intake) as connection:
        await connection.execute(END_GRANT)
        said = await plans.through(connection, consumer, night.records(coming))
    answers = [row for row in said if row.topic.startswith("thidua.outbound.")]
    assert [row.key for row in answers] == [one.key.decode() for one in coming]
    for number, row in enumerate(answers):
        refused = number == of_unknown or row.key.startswith("phuong-2/")
        assert row.envelope.type.endswith("report-rejected.v1") is refused, row.key
    taken = {row.key for row in said if row.envelope.type.endswith("intake.report-received.v1")}
    assert taken == {
        one.key.decode()
        for number, one in enumerate(coming)
        if number != of_unknown and not one.key.startswith(b"phuong-2/")
    }


def test_a_wards_roll_has_all_kinds() -> None:
    manners = [kind_of(number)[2] for number in range(300)]
    assert {manner: manners.count(manner) for manner in manners} == {
        "owes": 240,
        "invited": 21,
        "voluntary": 39,
    }
