"""What people may do and see by HTTP, and what they are told when they may not."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Any, get_args

import httpx
import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from services.scoring.store.tables import mark, sheet
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.roles import Role
from shared.web.identity import SEES_ALL
from tests.component.scoring_world import (
    ADOPTION,
    ALL_MARKS,
    PERIOD,
    SHEET,
    Ward,
    World,
    open_world,
)

pytestmark = pytest.mark.component

FULL = {"a1": "38", "a2": "24", "a3": "14", "a4": "18"}
ROLES = get_args(Role)


@pytest.fixture(scope="module")
async def world(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url = infrastructure.create_database("scoring_api")
    async with open_world(url, tmp_path_factory.mktemp("scoring")) as opened:
        yield opened
    infrastructure.drop_database("scoring_api")


async def a_ward(world: World, *, adopted: bool = True, accepted: bool = True) -> Ward:
    """A unit, an individual whom it proposed, and a school; reports received and accepted."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    await world.tell(
        ward.participant("pb-1"),
        ward.participant("cb-1", "ca-nhan", proposed_by="pb-1"),
        ward.participant("th-1", "truong-hoc"),
    )
    if adopted:
        await world.adopt(ward)
    await world.tell(
        ward.report("pb-1", FULL), ward.report("cb-1", {"d1": "88"}), ward.report("th-1", FULL)
    )
    if accepted:
        await world.tell(*(ward.accepted(code) for code in ("pb-1", "cb-1", "th-1")))
    return ward


async def mark_all(world: World, ward: Ward) -> None:
    for code, marks in (("pb-1", ALL_MARKS), ("th-1", ALL_MARKS), ("cb-1", {"d1": "80"})):
        answer = await world.mark(ward, code, marks)
        assert answer.status_code == 200, answer.text


def refused(answer: httpx.Response, status: int, name: str, pointer: str = "") -> None:
    """A problem document in Vietnamese, with the place at fault."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:thidua:problem:{name}"
    assert body["detail"]
    if pointer:
        assert [error["pointer"] for error in body["errors"]] == [pointer]


MARKS_BODY = {
    "period": PERIOD,
    "participant": "pb-1",
    "revision": 1,
    "stage": "verified",
    "marks": [{"criterion": c, "points": p, "reason": ""} for c, p in ALL_MARKS.items()],
}
COUNCIL_BODY = {**MARKS_BODY, "stage": "council", "marks": []}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        ("/sheets", SHEET, {"officer"}),
        (f"/sheets/{PERIOD}/adoption", ADOPTION, {"council-secretary"}),
        ("/marks", MARKS_BODY, {"assessor"}),
        ("/marks", COUNCIL_BODY, {"council", "council-secretary"}),
        (f"/periods/{PERIOD}/freeze", {}, {"council-secretary"}),
    ],
)
async def test_every_act_and_role(
    world: World, path: str, body: Mapping[str, Any], allowed: set[str], role: str
) -> None:
    """In a ward of which nothing is known: who may act is told that, all others no."""
    answer = await world.post(path, body, world.ward(), role)
    assert (answer.status_code != 403) == (role in allowed), answer.text
    assert (await world.client.post(f"/scoring{path}", json=body)).status_code == 401


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_that_lists_assessments(world: World, role: str) -> None:
    answer = await world.get("/assessments", world.ward(), role)
    assert answer.status_code == (404 if role in {*SEES_ALL, "assessor"} else 403)


async def test_a_stored_sheet_never_changes(world: World) -> None:
    ward = world.ward()
    first = await world.post("/sheets", SHEET, ward, "officer")
    assert first.json() == {"period": PERIOD, "version": 1}
    same = {**SHEET, "bonus_cap": "10.0"}
    assert (await world.post("/sheets", same, ward, "officer")).json() == first.json()
    other = {**SHEET, "bonus_cap": "5"}
    refused(await world.post("/sheets", other, ward, "officer"), 409, "sheet-version-taken")
    assert (await world.post("/sheets", {**other, "version": 2}, ward, "officer")).is_success
    stored = await world.rows(sa.select(sheet.c.version).where(sheet.c.ward == ward.code))
    assert sorted(row.version for row in stored) == [1, 2]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"bonus_cap": 10}, "/bonus_cap"),
        ({"bonus_cap": "-1"}, "/bonus_cap"),
        ({"grades": []}, "/grades"),
        ({"not_applicable": "zero"}, "/not_applicable"),
        ({"weights": "1"}, "/weights"),
        ({"late_deduction": "21"}, "/late_deduction"),
        (
            {"groups": [{"code": "a", "criteria": [{"code": "a1", "max_points": "99"}]}]},
            "/groups/0/criteria",
        ),
    ],
)
async def test_a_bad_sheet_names_the_field(
    world: World, change: Mapping[str, Any], pointer: str
) -> None:
    answer = await world.post("/sheets", {**SHEET, **change}, world.ward(), "officer")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_adoption_needs_a_known_period_and_sheet_and_happens_once(world: World) -> None:
    ward = world.ward()
    path = f"/sheets/{PERIOD}/adoption"
    refused(await world.post(path, ADOPTION, ward, "council-secretary"), 404, "not-found")
    await world.tell(ward.movement(), ward.period())
    refused(await world.post(path, ADOPTION, ward, "council-secretary"), 404, "not-found")
    assert (await world.post("/sheets", SHEET, ward, "officer")).is_success
    tomorrow = {**ADOPTION, "adopted_on": "2025-12-21"}
    answer = await world.post(path, tomorrow, ward, "council-secretary")
    refused(answer, 422, "date-in-the-future", "/adopted_on")
    adopted = await world.post(path, ADOPTION, ward, "council-secretary")
    assert adopted.json() == {"period": PERIOD, **ADOPTION}
    assert (await world.post(path, ADOPTION, ward, "council-secretary")).json() == adopted.json()
    other = {**ADOPTION, "document_number": "13/HĐTĐKT"}
    answer = await world.post(path, other, ward, "council-secretary")
    refused(answer, 409, "sheet-already-adopted")
    assert len(await world.said(ward, SheetAdopted)) == 1
    assert await world.acts(ward) == ["sheet-adopted"]


async def test_a_sheet_that_forgets_a_group_cannot_be_adopted(world: World) -> None:
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    without_d = {**SHEET, "groups": SHEET["groups"][:3]}
    assert (await world.post("/sheets", without_d, ward, "officer")).is_success
    path = f"/sheets/{PERIOD}/adoption"
    answer = await world.post(path, ADOPTION, ward, "council-secretary")
    refused(answer, 422, "sheet-does-not-cover", "/sheet_version")
    assert "d1, d2" in answer.json()["detail"]


async def test_nothing_is_marked_or_scored_before_the_adoption(world: World) -> None:
    ward = await a_ward(world, adopted=False)
    assert await world.said(ward, ScoreComputed) == []
    refused(await world.mark(ward, "pb-1"), 422, "sheet-not-adopted", "/period")
    refused(await world.freeze(ward), 422, "sheet-not-adopted")
    listed = (await world.get(f"/assessments?period={PERIOD}", ward, "assessor")).json()
    assert (listed["sheet"], listed["items"], listed["next"]) == (None, [], None)
    await world.adopt(ward)
    told = await world.said(ward, ScoreComputed)
    assert sorted((event["participant"], event["total"], event["stage"]) for event in told) == [
        ("cb-1", "88.00", "self"),
        ("pb-1", "94.00", "self"),
        ("th-1", "94.00", "self"),
    ]


async def test_marks_that_break_a_rule_are_refused_with_a_pointer(world: World) -> None:
    ward = await a_ward(world)
    above = {**ALL_MARKS, "a2": "25.5"}
    below = {**ALL_MARKS, "a2": "-1"}
    cases = [
        (world.mark(ward, "pb-1", unit="pb-1"), 422, "own-unit", "/participant"),
        (world.mark(ward, "cb-1", {"d1": "80"}, unit="pb-1"), 422, "own-unit", "/participant"),
        (world.mark(ward, "pb-1", above), 422, "points-above-maximum", "/marks/1/points"),
        (world.mark(ward, "pb-1", below), 422, "negative-points", "/marks/1/points"),
        (world.mark(ward, "pb-1", {"a1": "1"}), 422, "missing-criterion", "/marks"),
        (world.mark(ward, "pb-1", revision=2), 422, "revision-not-accepted", "/revision"),
        (
            world.mark(ward, "cb-1", {"d2": "1"}),
            422,
            "criterion-not-on-sheet",
            "/marks/0/criterion",
        ),
        (world.mark(ward, "pb-1", stage="council"), 422, "not-verified", "/participant"),
        (world.mark(ward, "pb-1", bonus="1"), 422, "reason-required", "/bonus_reason"),
        (world.mark(ward, "nobody"), 404, "not-found", ""),
        (world.mark(ward, "pb-1", period="2030-annual"), 404, "not-found", ""),
        (world.mark(ward, "pb-1", role="council"), 403, "forbidden", ""),
        (world.mark(ward, "pb-1", stage="council", role="assessor"), 403, "forbidden", ""),
    ]
    for asked, status, name, pointer in cases:
        refused(await asked, status, name, pointer)
    numbers = {**MARKS_BODY, "marks": [{"criterion": "a1", "points": 38.5, "reason": ""}]}
    answer = await world.post("/marks", numbers, ward, "assessor")
    refused(answer, 422, "invalid-request", "/marks/0/points")
    assert await world.rows(sa.select(mark).where(mark.c.ward == ward.code)) == []


async def test_an_unaccepted_report_cannot_be_marked(world: World) -> None:
    ward = await a_ward(world, accepted=False)
    refused(await world.mark(ward, "pb-1"), 422, "report-not-accepted", "/participant")
    await world.tell(ward.participant("pb-2"))
    refused(await world.mark(ward, "pb-2"), 422, "report-not-received", "/participant")
    refused(await world.freeze(ward), 409, "nothing-to-freeze")


async def test_a_council_mark_that_differs_says_why(world: World) -> None:
    ward = await a_ward(world)
    assert (await world.mark(ward, "pb-1")).json()["total"] == "85.00"
    answer = await world.mark(ward, "pb-1", {"a1": "30"}, stage="council")
    refused(answer, 422, "reason-required", "/marks/0/reason")
    answer = await world.mark(ward, "pb-1", {"a1": "30"}, stage="council", unit="pb-1", reason="x")
    refused(answer, 422, "own-unit", "/participant")
    judged = await world.mark(ward, "pb-1", {"a1": "30"}, stage="council", reason="Thiếu hồ sơ")
    assert (judged.json()["total"], judged.json()["grade"]) == ("80.00", "Tốt")
    answer = await world.mark(ward, "pb-1", {"a1": "36"}, reason="Bổ sung")
    refused(answer, 422, "council-has-marked", "/marks/0")


async def test_marks_only_grow_and_repeated_ones_change_nothing(world: World) -> None:
    ward = await a_ward(world)
    first = await world.mark(ward, "pb-1")
    assert (await world.mark(ward, "pb-1")).json() == first.json()
    assert first.json() == {
        "period": PERIOD,
        "participant": "pb-1",
        "revision": 1,
        "stage": "verified",
        "state": "verified",
        "total": "85.00",
        "grade": "Tốt",
    }
    refused(await world.mark(ward, "pb-1", {"a1": "36"}), 422, "reason-required", "/marks/0/reason")
    corrected = await world.mark(ward, "pb-1", {"a1": "36"}, reason="Bổ sung minh chứng")
    assert corrected.json()["total"] == "86.00"
    rows = await world.rows(
        sa.select(mark.c.id, mark.c.criterion, mark.c.replaces)
        .where(mark.c.ward == ward.code)
        .order_by(mark.c.id)
    )
    assert [row.criterion for row in rows] == ["a1", "a2", "a3", "a4", "a1"]
    assert [row.replaces for row in rows] == [None, None, None, None, rows[0].id]
    told = await world.said(ward, ScoreComputed)
    verified = [event["total"] for event in told if event["stage"] == "verified"]
    assert verified == ["85.00", "86.00"]
    assert all(set(event) & {"marks", "lines", "criterion"} == set() for event in told)
    assert await world.acts(ward) == ["sheet-adopted", "marks-given", "marks-given"]


async def test_freezing_waits_for_every_accepted_report_and_closes_marking(world: World) -> None:
    ward = await a_ward(world)
    assert (await world.mark(ward, "pb-1")).is_success
    answer = await world.freeze(ward)
    refused(answer, 409, "not-verified")
    assert "th-1" in answer.json()["detail"]
    assert "cb-1" in answer.json()["detail"]
    assert "pb-1" not in answer.json()["detail"]
    await mark_all(world, ward)
    frozen = await world.freeze(ward)
    assert frozen.is_success, frozen.text
    assert (await world.mark(ward, "pb-1")).is_success
    answer = await world.mark(ward, "pb-1", {"a1": "36"}, reason="Muộn")
    refused(answer, 422, "result-frozen", "/period")
    answer = await world.mark(ward, "pb-1", {"a1": "36"}, stage="council", reason="Muộn")
    refused(answer, 422, "result-frozen", "/period")
    told = await world.said(ward, ResultFrozen)
    assert len(told) == 3
    await world.tell(ward.participant("pb-2"), ward.report("pb-2", FULL), ward.accepted("pb-2"))
    refused(await world.mark(ward, "pb-2"), 422, "result-frozen", "/period")
    assert (await world.freeze(ward)).json() == frozen.json()


async def test_assessments_tell_what_awaits_whom(world: World) -> None:
    ward = await a_ward(world)
    path = f"/assessments?period={PERIOD}"
    mine = (await world.get(path, ward, "assessor", unit="pb-1")).json()["items"]
    assert {one["participant"]: one["may_mark"] for one in mine} == {"th-1": True}
    listed = (await world.get(path, ward, "council", unit="pb-1")).json()["items"]
    assert {one["participant"]: one["may_mark"] for one in listed} == {
        "cb-1": False,
        "pb-1": False,
        "th-1": True,
    }
    person = next(one for one in listed if one["participant"] == "cb-1")
    assert [(i["criterion"], i["max_points"], i["self_score"]) for i in person["items"]] == [
        ("d1", "100", "88")
    ]
    await mark_all(world, ward)
    assert (await world.get(path, ward, "assessor")).json()["items"] == []
    before = (await world.get(f"{path}&stage=council", ward, "council")).json()["items"]
    assert [one["participant"] for one in before] == ["cb-1", "pb-1", "th-1"]
    assert before[1]["items"][0]["verified"] == "35.00"


async def test_a_unit_sees_itself_and_whom_it_proposed(world: World) -> None:
    ward = await a_ward(world)
    await mark_all(world, ward)
    path = f"/results?period={PERIOD}"

    async def seen(*roles: str, unit: str = "") -> dict[str, tuple[str, str]]:
        body = (await world.get(path, ward, *roles, unit=unit)).json()
        return {one["participant"]: (one["basis"], one["total"]) for one in body["items"]}

    own = {"pb-1": ("self", "94.00"), "cb-1": ("self", "88.00")}
    assert await seen("reporter", unit="pb-1") == own
    assert await seen("assessor", unit="pb-1") == own
    assert await seen("reporter", unit="cb-1") == {"cb-1": ("self", "88.00")}
    assert await seen("reporter") == {}
    everything = {
        "pb-1": ("final", "85.00"),
        "cb-1": ("final", "80.00"),
        "th-1": ("final", "85.00"),
    }
    for role in ("officer", "council", "chairman", "auditor"):
        assert await seen(role, unit="pb-1") == everything
    assert (await world.freeze(ward)).is_success
    frozen = await seen("reporter", unit="pb-1")
    assert frozen == {"pb-1": ("final", "85.00"), "cb-1": ("final", "80.00")}


async def test_a_derivation_is_for_the_unit_itself_and_those_who_see_all(world: World) -> None:
    ward = await a_ward(world)
    await mark_all(world, ward)
    path = f"/results/{PERIOD}/pb-1"
    before = (await world.get(path, ward, "reporter", unit="pb-1")).json()
    assert {line["verified"] for line in before["lines"]} == {None}
    assert (await world.freeze(ward)).is_success
    body = (await world.get(path, ward, "reporter", unit="pb-1")).json()
    assert (body["total"], body["rank"], body["ranked"]) == ("85.00", 1, 1)
    assert body["lines"][0] == {
        "kind": "criterion",
        "criterion": "a1",
        "text": "Tiêu chí a1",
        "max": "40.00",
        "self": "38.00",
        "verified": "35.00",
        "council": None,
        "counted": "35.00",
        "note": "",
    }
    assert (await world.get(path, ward, "chairman")).json()["lines"] == body["lines"]
    person = await world.get(f"/results/{PERIOD}/cb-1", ward, "reporter", unit="pb-1")
    assert person.is_success
    for unit in ("th-1", "cb-1", ""):
        refused(await world.get(path, ward, "reporter", unit=unit), 403, "forbidden")
    refused(
        await world.get(f"/results/{PERIOD}/x", ward, "reporter", unit="pb-1"), 403, "forbidden"
    )
    refused(await world.get(f"/results/{PERIOD}/x", ward, "council"), 404, "not-found")
    refused(await world.get(path, world.ward(), "reporter", unit="pb-1"), 403, "forbidden")


async def test_the_period_shown_is_the_latest_frozen_else_the_latest_opened(world: World) -> None:
    ward = await a_ward(world)
    await world.tell(ward.period("2026-annual", date(2026, 1, 5)))
    assert (await world.get("/results", ward, "council")).json()["period"] == "2026-annual"
    await mark_all(world, ward)
    assert (await world.freeze(ward)).is_success
    assert (await world.get("/results", ward, "council")).json()["period"] == PERIOD


async def test_a_stranger_is_sent_to_sign_in_and_told_nothing_else(world: World) -> None:
    ward = await a_ward(world)
    for headers in ({}, {"Cookie": "thidua_token=expired"}):
        answer = await world.client.get("/scoring/", headers={**headers, "Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/intake/sign-in?next=/scoring/"
        assert "pb-1" not in answer.text
        program = await world.client.get("/scoring/", headers=headers)
        refused(program, 401, "unauthenticated")
    assert (await world.get("/", world.ward(), "council")).status_code == 200
    nothing = await world.get("/?period=none", ward, "council")
    assert "Không có kỳ thi đua nào" in nothing.text


async def test_the_page_of_a_unit_shows_its_derivation_and_nobody_elses(world: World) -> None:
    ward = await a_ward(world)
    await world.tell(ward.report("pb-1", {**FULL, "a1": "38.5"}, revision=2))
    await world.tell(ward.accepted("pb-1", revision=2, late=True))
    answer = await world.mark(ward, "pb-1", revision=2, bonus="3.5", bonus_reason="Sáng kiến")
    assert answer.is_success, answer.text
    for code, marks in (("th-1", ALL_MARKS), ("cb-1", {"d1": "80"})):
        assert (await world.mark(ward, code, marks)).is_success
    page = (await world.get("/", ward, "reporter", unit="pb-1")).text
    assert "Điểm tạm tính theo điểm tự chấm" in page
    assert (await world.freeze(ward)).is_success
    page = (await world.get("/", ward, "reporter", unit="pb-1")).text
    for words in (
        "Đơn vị pb-1",
        "86,5",
        "38,5",
        "1/1",
        "Tốt",
        "Trừ điểm do báo cáo nộp muộn",
        "Sáng kiến",
        "số 12/HĐTĐKT ngày 15/12/2025",
        "Đơn vị cb-1",
    ):
        assert words in page
    assert "th-1" not in page
    assert page.index("Đơn vị pb-1") < page.index("Đơn vị cb-1")
    other = (await world.get("/?participant=th-1", ward, "reporter", unit="pb-1")).text
    assert "th-1" not in other


async def test_the_page_of_the_council_shows_every_block(world: World) -> None:
    ward = await a_ward(world)
    await mark_all(world, ward)
    page = (await world.get("/", ward, "council")).text
    assert "tạm tính" in page
    assert (await world.freeze(ward)).is_success
    page = (await world.get("/", ward, "council")).text
    for words in ("Khối phòng, ban", "Khối trường học", "Cá nhân", "1/1", "Đơn vị th-1"):
        assert words in page
    one = (await world.get("/?participant=th-1", ward, "council")).text
    assert "Tiêu chí a1" in one
    assert "pb-1" not in one
