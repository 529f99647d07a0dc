"""What a report's way in costs the database: statements, counted, whatever comes with it."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from services.intake.commands.issuing import LOOK_SECONDS, OwnKeys
from services.intake.doors import Submission, take_submissions
from services.intake.store import counter, desk
from services.intake.store.sign_in_tables import signing_key
from shared.contracts.inbound import ReportSubmitted
from tests.component.intake_desk import (
    OFFICER,
    PARTICIPANTS,
    PERIOD,
    PLANS,
    SCHOOL,
    WARD,
    DeskRoom,
    judgement,
    moment,
    one_intake,
    open_the_year,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component

LOCK, READ = "SELECT pg_advisory_xact_lock", "SELECT given"
REPORT, OUTBOX = "WITH met", "INSERT INTO outbox"
ANSWER, FIND_ANSWER = "INSERT INTO answer", "SELECT answer"
_HEAD = re.compile(r"^(INSERT INTO \w+|SELECT pg_\w+|WITH \w+|\w+ \w+)")


@pytest.fixture(scope="module")
async def desk_room(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("costs")) as opened:
        yield opened


@pytest.fixture
async def room(desk_room: DeskRoom) -> DeskRoom:
    await desk_room.begin_anew()
    await open_the_year(desk_room)
    desk_room.clock.time = moment("2025-12-01 09:00")
    return desk_room


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """How the statements begin that are executed meanwhile; a look at ended access is left out.

    That one is made once a second, whatever comes.
    """
    heads: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "ended_access" not in statement:
            found = _HEAD.match(statement)
            heads.append(found[0] if found else statement)

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield heads
    finally:
        sa.event.remove(engine.sync_engine, "before_cursor_execute", note)


async def post(room: DeskRoom, body: dict[str, Any], **headers: str) -> tuple[int, list[str]]:
    with statements(room.engine) as heads:
        answer = await room.client.post(
            "/intake/reports",
            json=body,
            headers={"Authorization": f"Bearer {token(SCHOOL)}", **headers},
        )
    return answer.status_code, heads


def writes(heads: list[str]) -> list[str]:
    """Without the first two, which are always there."""
    assert heads[:2] == [LOCK, READ]
    return heads[2:]


async def test_a_first_report_is_a_lock_a_read_and_two_writes(room: DeskRoom) -> None:
    status, heads = await post(room, report("tieu-hoc-1"))
    assert (status, writes(heads)) == (201, [REPORT, OUTBOX])


async def test_a_second_version_meets_nothing_more(room: DeskRoom) -> None:
    await post(room, report("tieu-hoc-1"))
    status, heads = await post(room, report("tieu-hoc-1", revision=2))
    assert (status, writes(heads)) == (201, [REPORT, OUTBOX])


async def test_what_is_known_or_refused_is_only_read(room: DeskRoom) -> None:
    await post(room, report("tieu-hoc-1"))
    for body, expected in (
        (report("tieu-hoc-1"), 201),
        (report("tieu-hoc-1", report_id="5f0d3c2e-7a44-4b0e-9a6f-2f6d0a1c7e11"), 409),
        (report("tieu-hoc-1", revision=2, criterion="a9"), 422),
        (report("thcs-1"), 422),
    ):
        status, heads = await post(room, body)
        assert (status, writes(heads)) == (expected, [])


async def test_an_idempotency_key_is_two_statements_more(room: DeskRoom) -> None:
    for revision in (1, 2):
        key = {"Idempotency-Key": f"0190a5c2-7d34-7b51-9a53-{revision:012}"}
        status, heads = await post(room, report("tieu-hoc-1", revision=revision), **key)
        assert status == 201
    assert heads == [LOCK, FIND_ANSWER, READ, REPORT, ANSWER, OUTBOX]


async def test_a_batch_is_read_and_written_in_as_many_statements_as_one(room: DeskRoom) -> None:
    counts = []
    for codes in (["tieu-hoc-1"], ["thcs-1", "phong-vhxh", "cong-ty-1"]):
        sent = [
            Submission(
                ReportSubmitted.model_validate(report(code, criterion=criterion)),
                room.clock.now(),
                "http",
                None,
                OFFICER,
            )
            for code, criterion in zip(codes, ("a1", "a1", "c1"), strict=False)
        ]
        with statements(room.engine) as heads:
            async with room.works.begin(*(f"{WARD}/{code}" for code in codes)) as work:
                await take_submissions(work, sent)
        counts.append(heads)
    assert counts[0] == counts[1]
    assert len(counts[0]) == 4


KEYS = [
    *((entry["code"], PERIOD) for entry in PARTICIPANTS),
    ("tieu-hoc-1", PLANS),
    ("nobody", PERIOD),
    ("thcs-1", "no-such-period"),
    ("nobody", "no-such-period"),
]


async def test_one_statement_says_what_five_said(room: DeskRoom) -> None:
    """Received, returned, corrected, accepted, not sent, not asked; of no one and of no period."""
    for code in ("tieu-hoc-1", "thcs-1", "phong-vhxh"):
        await room.must(OFFICER, "/reports", report(code))
    await room.must("van-phong.substitute", "/reports/returns", returning("tieu-hoc-1"))
    await room.must("van-phong.substitute", "/reports/returns", returning("thcs-1"))
    await room.must(OFFICER, "/reports", report("thcs-1", revision=2))
    await room.must("van-phong.substitute", "/reports/acceptances", judgement("phong-vhxh"))
    async with room.works.read() as connection:
        known = await counter.known_about(connection, WARD, KEYS)
        codes = {code for code, _ in KEYS}
        people = await desk.participants(connection, WARD, codes)
        periods = await desk.periods(connection, WARD)
        reports = await desk.report_states(connection, WARD, KEYS)
        owed = await desk.open_obligations(connection, WARD, KEYS, "annual-report")
        owed |= await desk.open_obligations(connection, WARD, KEYS, "unit-plan")
        movements = await desk.movements(connection, WARD)
    assert _as_dicts(known.participants) == _as_dicts(people)
    assert _as_dicts(known.periods) == _as_dicts(periods)
    assert _as_dicts(known.owed) == _as_dicts(owed)
    assert {k: asdict(v) for k, v in known.reports.items()} == {
        k: asdict(v) for k, v in reports.items()
    }
    assert set(known.reports) == {(code, PERIOD) for code in ("tieu-hoc-1", "thcs-1", "phong-vhxh")}
    assert known.movements == movements


async def test_of_one_report_is_known_what_is_known_of_it_among_others(room: DeskRoom) -> None:
    """One key is asked for by another statement than many."""
    await room.must(OFFICER, "/reports", report("tieu-hoc-1"))
    await room.must("van-phong.substitute", "/reports/returns", returning("tieu-hoc-1"))
    await room.must(OFFICER, "/reports", report("thcs-1"))
    async with room.works.read() as connection:
        known = await counter.known_about(connection, WARD, KEYS)
        alone = [await counter.known_about(connection, WARD, [key]) for key in KEYS]
    for part in ("participants", "periods", "owed"):
        found = [_as_dicts(getattr(one, part)) for one in alone]
        assert {key: row for one in found for key, row in one.items()} == _as_dicts(
            getattr(known, part)
        )
    for part in ("reports", "movements", "dues"):
        ones = [getattr(one, part) for one in alone]
        assert {key: row for one in ones for key, row in one.items()} == getattr(known, part)
    assert len(known.reports) == 2


def _as_dicts(rows: dict[Any, Any]) -> dict[Any, dict[str, Any]]:
    """Rows of SQLAlchemy's, or things with the same names."""
    return {
        key: dict(row._mapping) if hasattr(row, "_mapping") else vars(row)
        for key, row in rows.items()
    }


async def test_a_version_of_the_movement_is_fetched_once_and_never_believed_too_long(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = [("tieu-hoc-1", PERIOD)]
    async with room.works.read() as connection:
        [first] = (await counter.known_about(connection, WARD, key)).movements
        before = await counter.known_about(connection, WARD, key)
        again = await counter.known_about(connection, WARD, key)
    assert again.movements[first] is before.movements[first]
    async with room.engine.begin() as connection:
        await connection.execute(
            sa.text("UPDATE movement SET data = jsonb_set(data, '{title}', '\"Tên mới\"')")
        )
    async with room.works.read() as connection:
        changed = await counter.known_about(connection, WARD, key)
    assert changed.movements[first]["title"] == "Tên mới"
    assert before.movements[first]["title"] != "Tên mới"


def test_versions_of_many_wards_are_not_kept_for_ever() -> None:
    kept = counter.Versions(most=3)
    for number in range(5):
        kept.keep((f"ward-{number}", "2025-annual"), "1", {"version": number})
    found = [kept.find((f"ward-{number}", "2025-annual")) for number in range(5)]
    assert found == [None, None, *(("1", {"version": number}) for number in (2, 3, 4))]


def test_of_many_wards_plans_only_what_differs_is_kept() -> None:
    """What reports are decided by, without the prose; the same for all wards is there once."""
    kept = counter.Versions(most=10, kept_of=counter.WithoutProse())
    plans: list[dict[str, Any]] = [
        {
            "place": f"Phường {number}",
            "corrections": "by-the-deadline",
            "groups": [{"code": "a", "title": "T", "criteria": [{"code": "a1", "text": "T"}]}],
        }
        for number in range(2)
    ]
    first, second = (kept.keep((f"w-{n}", "k"), "1", plan) for n, plan in enumerate(plans))
    assert first == {
        "corrections": "by-the-deadline",
        "groups": [{"code": "a", "criteria": [{"code": "a1"}]}],
    }
    assert first["groups"] is second["groups"]
    assert plans[0]["groups"][0]["title"] == "T"


JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "use": "sig",
    "alg": "EdDSA",
}


async def test_the_issuer_looks_for_its_keys_once_a_second_and_at_once_for_a_new_one(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LOOK_SECONDS <= 1.0
    monkeypatch.setattr("services.intake.commands.issuing.LOOK_SECONDS", 60.0)
    keys = OwnKeys(room.engine)
    await _publish(room, "first")
    with statements(room.engine) as heads:
        for _ in range(5):
            assert await keys.find("first")
        assert len(heads) == 1
        await _publish(room, "second")
        heads.clear()
        assert await keys.find("second")
        assert await keys.find("first")
        assert len(heads) == 1
        assert await keys.find("unknown") is None
        assert len(heads) == 2


async def test_a_key_that_is_taken_away_is_no_longer_believed(
    room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = OwnKeys(room.engine)
    await _publish(room, "first")
    assert await keys.find("first")
    async with room.engine.begin() as connection:
        await connection.execute(sa.delete(signing_key))
    monkeypatch.setattr("services.intake.commands.issuing.LOOK_SECONDS", 0.0)
    assert await keys.find("first") is None


async def _publish(room: DeskRoom, kid: str) -> None:
    now = room.works.system.now()
    row = {"kid": kid, "private": b"", "jwk": {**JWK, "kid": kid}, "made_at": now}
    async with room.engine.begin() as connection:
        await connection.execute(sa.insert(signing_key).values(**row, signs_from=now))
