"""The board's query: it says what the domain says, in the Vietnamese order, by indexes."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.year import Cell, Wanted, cell_state
from services.intake.store import board
from services.intake.store.draft_tables import reopening
from services.intake.store.tables import judgement, obligation, participant, period, plan, report
from shared.calendar import ward_day
from shared.contracts.intake import Manner
from shared.folding import fold, folded, in_order
from shared.web.catalogue import vietnamese_order
from shared.web.identity import Person
from tests.component.intake_desk import DeskRoom, moment

pytestmark = pytest.mark.component

NOW = moment("2025-12-12 10:00")


MANNERS: tuple[Manner, ...] = get_args(Manner)
DUE = moment("2025-12-09 23:59:59")
ON_TIME, LATE = DUE + timedelta(milliseconds=500), DUE + timedelta(seconds=1)
OUTCOMES: tuple[Any, ...] = (None, "returned", "accepted", "withdrawn", "reopened")


def cases() -> list[tuple[Manner, str | None, bool | None, Any]]:
    """(manner, why withdrawn or "" or None for no duty, plan, report)."""
    whys = (None, "", "waived", "excused", "rule-changed", "left")
    reports = ("none", *OUTCOMES)
    return list(product(MANNERS, whys, (None, True, False), reports))


async def _enter(connection: AsyncConnection, code: str, case: Any) -> None:
    manner, why, on_time, outcome = case
    common = {"ward": "thu", "participant": code, "period": "ky"}
    person = {
        "name": code,
        "kind": "school",
        "collective": manner != "proposed",
        "group_code": "a",
        "block": "b",
        "manner": manner,
        "proposed_by": "ai" if manner == "proposed" else None,
        "reporter": "r",
        "registered_at": DUE,
    }
    row = {key: value for key, value in common.items() if key != "period"}
    await connection.execute(sa.insert(participant).values(row | person))
    if why is not None:
        duty = {
            "id": sa.func.gen_random_uuid(),
            "kind": "annual-report",
            "manner": manner,
            "due": DUE,
            "due_text": "",
            "opened_at": DUE,
            "withdrawn_why": why,
            "withdrawn_at": DUE if why else None,
        }
        await connection.execute(sa.insert(obligation).values(common | duty))
    if on_time is not None:
        told = {"number": "1", "issued_on": ward_day(DUE), "on_time": on_time}
        by = {"recorded_at": DUE, "recorded_by": "r"}
        await connection.execute(sa.insert(plan).values(common | told | by))
    if outcome != "none":
        await _enter_report(connection, common, outcome)


async def _enter_report(connection: AsyncConnection, common: Any, outcome: Any) -> None:
    version = {
        "revision": 1,
        "report_id": sa.func.gen_random_uuid(),
        "body": {},
        "digest": "",
        "received_at": DUE,
        "late": False,
        "days_late": 0,
        "door": "http",
        "submitted_by": "r",
        "movement": "m",
        "movement_version": 1,
    }
    await connection.execute(sa.insert(report).values(common | version))
    of = common | {"revision": 1}
    if outcome is not None:
        judged = "accepted" if outcome == "reopened" else outcome
        fields: dict[str, Any] = {
            "outcome": judged,
            "reasons": [],
            "judged_at": DUE,
            "judged_by": "o",
        }
        until = {"correct_by": DUE if judged == "returned" else None}
        await connection.execute(sa.insert(judgement).values(of | fields | until))
    if outcome == "reopened":
        fields = {"reasons": [], "correct_by": DUE, "reopened_at": DUE, "reopened_by": "o"}
        await connection.execute(sa.insert(reopening).values(of | fields))


def expected(case: Any, now: datetime) -> str:
    manner, why, on_time, outcome = case
    sent = outcome != "none"
    return cell_state(
        Cell(
            manner,
            None if why is None else DUE,
            why or "",
            on_time,
            1 if sent else None,
            outcome if outcome in {"returned", "accepted", "withdrawn"} else None,
            reopened=outcome == "reopened",
        ),
        now,
    )


async def test_the_database_says_what_the_domain_says(desk: DeskRoom) -> None:
    everybody = Person("x", "", frozenset({"officer"}), "", "thu")
    told = {f"c-{number}": case for number, case in enumerate(cases())}
    async with desk.engine.connect() as connection:
        first = {"ward": "thu", "period": "ky", "movement": "m", "kind": "annual-report"}
        more = {"title": "K", "year": 2025, "due": DUE, "due_text": "", "opened_at": DUE}
        await connection.execute(sa.insert(period).values(first | more))
        for code, case in told.items():
            await _enter(connection, code, case)
        for now in (DUE, ON_TIME, LATE):
            found = await board.rows(connection, everybody, Wanted(2025), now, ward_day(now))
            wrong = [
                (told[row.participant], row.state, expected(told[row.participant], now))
                for row in found
                if row.state != expected(told[row.participant], now)
            ]
            assert wrong == []
            assert len(found) == len(told)
        await connection.rollback()


async def test_heads_were_told_of_what_is_still_open_in_ones_own_scope(desk: DeskRoom) -> None:
    """Of a date that does not hold any more, of what is done or waived, nothing waits."""
    async with desk.engine.connect() as connection:
        first = {"ward": "thu", "period": "ky", "movement": "m", "kind": "annual-report"}
        more = {"title": "K", "year": 2025, "due": DUE, "due_text": "", "opened_at": DUE}
        await connection.execute(sa.insert(period).values(first | more))
        for code in ("mo", "xong", "mien", "doi"):
            await _enter(
                connection, code, ("owes", "waived" if code == "mien" else "", None, "none")
            )
        await connection.exec_driver_sql(
            "INSERT INTO reminder (obligation, deadline, offset_days, due_at, state)"
            " SELECT id, due, n, due, 'sent' FROM obligation, unnest(ARRAY[-1, -2]) n;"
        )
        for change in ("met_at = now(), on_time = true", "due = due + interval '1 day'"):
            code = "doi" if "interval" in change else "xong"
            await connection.exec_driver_sql(
                f"UPDATE obligation SET {change} WHERE participant = '{code}'"
            )
        found = {}
        for unit in ("", "mo", "xong", "doi"):
            role = "reporter" if unit else "officer"
            person = Person("x", "", frozenset({role}), unit, "thu")
            found[unit] = await board.escalated(connection, person, 2025)
            wanted = Wanted(2025, state="escalated")
            rows = await board.rows(connection, person, wanted, NOW, NOW.date())
            assert [row.participant for row in rows] == ["mo"] * found[unit]
        other = Person("x", "", frozenset({"officer"}), "", "khac")
        assert await board.escalated(connection, other, 2025) == 0
        assert await board.escalated(connection, person, 2026) == 0
        await connection.rollback()
    assert found == {"": 1, "mo": 1, "xong": 0, "doi": 0}


NAMES = ["Ấp Bắc", "An Hải", "Ăn Mày", "Đào tạo", "Dân vận", "Ủy ban", "Uông Bí", "y tế", "Ôn", "O"]


async def test_names_are_folded_and_ordered_as_vietnamese_does(desk: DeskRoom) -> None:
    text = sa.func.unnest(sa.literal(NAMES, sa.ARRAY(sa.Text))).table_valued("name")
    query = sa.select(text.c.name, folded(text.c.name).label("plain")).order_by(
        in_order(text.c.name)
    )
    async with desk.engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    assert [row.name for row in rows] == sorted(NAMES, key=vietnamese_order)
    assert {row.name: row.plain for row in rows} == {name: fold(name) for name in NAMES}
    assert fold("Trường Đào tạo ỨNG DỤNG") == "truong dao tao ung dung"


# --- one ward among many ---

_MANY = """
INSERT INTO participant (ward, participant, name, kind, collective, group_code, block, manner,
 reporter, registered_at)
SELECT 'w-' || w, 'p-' || p, 'P ' || p, 'school', true, 'a', 'b', 'owes', 'r', now()
FROM generate_series(1, 120) w, generate_series(1, 40) p;
INSERT INTO period (ward, period, movement, kind, title, year, due, due_text, opened_at)
SELECT 'w-' || w, 'k-' || k, 'm', (ARRAY['unit-plan', 'annual-report'])[1 + k % 2], 'K', 2025,
 now(), '', now() FROM generate_series(1, 120) w, generate_series(1, 4) k;
INSERT INTO obligation (id, ward, participant, kind, period, manner, due, due_text, opened_at)
SELECT gen_random_uuid(), p.ward, p.participant, k.kind, k.period, 'owes', now(), '', now()
FROM participant p JOIN period k USING (ward) WHERE p.ward LIKE 'w-%';
INSERT INTO report (ward, participant, period, revision, report_id, body, digest, received_at,
 late, days_late, door, submitted_by, movement, movement_version)
SELECT o.ward, o.participant, o.period, 1, o.id, '{}', '', now(), false, 0, 'http', 'r', 'm', 1
FROM obligation o WHERE o.ward LIKE 'w-%';
INSERT INTO judgement (ward, participant, period, revision, outcome, reasons, judged_at, judged_by)
SELECT ward, participant, period, 1, 'accepted', '[]', now(), 'o' FROM report
WHERE ward LIKE 'w-%';
INSERT INTO plan (ward, participant, period, number, issued_on, on_time, recorded_at, recorded_by)
SELECT ward, participant, period, '1', now()::date, true, now(), 'r' FROM report
WHERE ward LIKE 'w-%';
INSERT INTO hand_reminder (obligation, day, number, ward, participant, days_left, sent_at,
 reminded_by) SELECT id, now()::date, 1, ward, participant, 0, now(), 'o' FROM obligation
WHERE ward LIKE 'w-%';
INSERT INTO reminder (obligation, deadline, offset_days, due_at, state)
SELECT id, due, n, due, 'sent' FROM obligation, unnest(ARRAY[7, 3, -1]) n WHERE ward LIKE 'w-%';
ANALYZE;
"""
_LARGE = ("obligation", "report", "judgement", "plan", "hand_reminder", "participant", "reminder")


async def plans_of(desk: DeskRoom, wanted: Wanted) -> dict[str, str]:
    """Question -> how the database would go about it."""
    person = Person("x", "", frozenset({"officer"}), "", "w-7")
    told: list[tuple[str, Any]] = []

    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        told.append((statement, parameters))

    async with desk.engine.connect() as connection:
        inner = connection.sync_connection
        assert inner is not None
        sa.event.listen(inner, "before_cursor_execute", keep)
        day = ward_day(NOW)
        await board.rows(connection, person, wanted, NOW, day, limit=51)
        await board.counts(connection, person, wanted, NOW)
        await board.received_by_day(connection, person, "annual-report", 2025)
        await board.escalated(connection, person, 2025)
        sa.event.remove(inner, "before_cursor_execute", keep)
        names = ("rows", "counts", "received", "escalated")
        found = {}
        for name, (statement, parameters) in zip(names, list(told), strict=True):
            shown = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            found[name] = "\n".join(str(line[0]) for line in shown)
    return found


async def test_one_ward_among_many_is_found_by_indexes(desk: DeskRoom) -> None:
    async with desk.engine.begin() as connection:
        for statement in _MANY.strip().rstrip(";").split(";\n"):
            await connection.exec_driver_sql(statement)
    for wanted in (
        Wanted(2025),
        Wanted(2025, state="waiting", sort="due"),
        Wanted(2025, q="p 1", sort="name"),
    ):
        for name, steps in (await plans_of(desk, wanted)).items():
            for table in _LARGE:
                assert f"Seq Scan on {table}" not in steps, (name, wanted, steps)
