"""Roles held for one unit do nothing for another, and nobody is the office of their own unit."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from deploy.local.infrastructure import Provided
from tests.component.draft_room import enter_scans, scan_of
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    report,
    token,
)

pytestmark = pytest.mark.component

HEAD = "tieu-hoc-1.head"
UNIT, ELSEWHERE = "tieu-hoc-1", "thcs-1"
DRAFT = f"/drafts/{UNIT}/{PERIOD}"
FIELDS = {"situation": "Đã họp.", "items.a1.self_score": "38,5", "items.a1.narrative": "Đã làm"}
PAPER = {
    "number": "15/BC-TH",
    "dated": "2025-12-03",
    "received_on": "2025-12-04",
    "scan": scan_of(UNIT),
}

HEAD_ELSEWHERE: dict[str, Any] = {
    "roles": ["head", "reporter"],
    "units": sorted((UNIT, ELSEWHERE)),
    "heads": [ELSEWHERE],
}
"""Head of one unit, reporter of the other."""
FOR_A_HEAD: dict[str, Any] = {**HEAD_ELSEWHERE, "roles": ["head"], "act_for": "thcs-1.head"}
"""The other's reporter in the place of a head."""
FOR_AN_OFFICER: dict[str, Any] = {
    "roles": ["officer"],
    "units": [UNIT],
    "act_for": OFFICER,
    "act_unit": "phong-vhxh",
}
"""A unit's reporter in the place of an officer."""


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("own")) as opened:
        yield opened


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    """With a unit whose head approves what is sent."""
    await desk.begin_anew()
    await open_the_year(desk)
    desk.clock.time = moment("2025-12-01 09:00")
    rule = await desk.post(HEAD, f"/participants/{UNIT}/approval", {"head_approves": True})
    assert rule.status_code == 200, rule.text
    return desk


async def send(
    room: DeskRoom,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    person: str = SCHOOL,
    tag: str = "",
    **claims: Any,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    headers |= {"If-Match": tag} if tag else {}
    return await room.client.request(method, f"/intake{path}", json=body, headers=headers)


async def write(room: DeskRoom, method: str, path: str, body: Any, **who: Any) -> httpx.Response:
    """Something done with the draft as it is now."""
    shown = await send(room, "GET", DRAFT, **who)
    assert shown.status_code == 200, shown.text
    return await send(room, method, path, body, tag=shown.headers["etag"], **who)


def name_of(answer: httpx.Response) -> str:
    return str(answer.json().get("type", answer.status_code)).rpartition(":")[2]


class TestHeadOfAnother:
    @pytest.mark.parametrize("who", [HEAD_ELSEWHERE, FOR_A_HEAD], ids=["both", "acting"])
    async def test_approves_and_sends_nothing_of_this_one(
        self, room: DeskRoom, who: dict[str, Any]
    ) -> None:
        saved = await write(room, "PUT", DRAFT, {"fields": FIELDS}, **who)
        assert saved.status_code == 200, saved.text
        sending = await write(room, "POST", f"{DRAFT}/submission", {"commitment": True}, **who)
        assert name_of(sending) == "approval-needed"
        assert name_of(await send(room, "POST", "/reports", report(UNIT), **who)) == (
            "approval-needed"
        )
        asked = await write(room, "POST", f"{DRAFT}/acts", {"act": "ask"}, **who)
        assert asked.json()["state"] == "awaiting-head"
        approving = await write(room, "POST", f"{DRAFT}/acts", {"act": "approve"}, **who)
        assert name_of(approving) == "not-yours-to-do"
        allowed = await write(room, "POST", f"{DRAFT}/acts", {"act": "approve"}, person=HEAD)
        assert allowed.json()["state"] == "approved"

    @pytest.mark.parametrize(
        ("who", "status"), [(HEAD_ELSEWHERE, 404), (FOR_A_HEAD, 404), (FOR_AN_OFFICER, 422)]
    )
    async def test_sets_no_rule_of_this_one(
        self, room: DeskRoom, who: dict[str, Any], status: int
    ) -> None:
        rule = {"head_approves": False}
        answer = await send(room, "POST", f"/participants/{UNIT}/approval", rule, **who)
        assert answer.status_code == status
        kept = await room.rows("SELECT participant FROM participant WHERE head_approves")
        assert kept == [(UNIT,)]
        by_office = await room.post(OFFICER, f"/participants/{UNIT}/approval", rule)
        assert by_office.status_code == 200

    async def test_of_a_token_that_names_no_unit_nothing_is_approved(self, room: DeskRoom) -> None:
        await write(room, "PUT", DRAFT, {"fields": FIELDS})
        await write(room, "POST", f"{DRAFT}/acts", {"act": "ask"})
        old: dict[str, Any] = {"person": HEAD, "heads": []}
        approving = await write(room, "POST", f"{DRAFT}/acts", {"act": "approve"}, **old)
        assert name_of(approving) == "not-yours-to-do"


class TestOfficeOfOnesOwn:
    async def test_in_an_officer_s_place_the_approval_is_needed_all_the_same(
        self, room: DeskRoom
    ) -> None:
        sent = await send(room, "POST", "/reports", report(UNIT), **FOR_AN_OFFICER)
        assert name_of(sent) == "approval-needed"
        assert (await room.post(OFFICER, "/reports", report(UNIT))).status_code == 201

    @pytest.mark.parametrize(
        "who",
        [
            FOR_AN_OFFICER,
            {"person": OFFICER, "unit": UNIT},
            {"person": SUBSTITUTE, "act_for": SCHOOL, "roles": ["substitute-officer"]},
            {"person": SUBSTITUTE, "act_for": "x", "act_unit": "y", "act_units": [UNIT, "y"]},
        ],
        ids=["acting", "own unit", "in the reporter's place", "for whom another role is of it"],
    )
    async def test_nobody_dates_the_report_of_their_own_unit(
        self, room: DeskRoom, who: dict[str, Any]
    ) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await enter_scans(room, UNIT)
        await write(room, "PUT", DRAFT, {"fields": FIELDS}, **who)
        paper = {"commitment": True, "paper": PAPER}
        dated = await write(room, "POST", f"{DRAFT}/submission", paper, **who)
        assert (dated.status_code, name_of(dated)) == (422, "own-unit")
        assert await room.rows("SELECT count(*) FROM report") == [(0,)]
        taken = await write(room, "POST", f"{DRAFT}/submission", paper, person=SUBSTITUTE)
        assert taken.status_code == 201, taken.text


async def test_a_version_of_thousands_of_digits_is_no_version(room: DeskRoom) -> None:
    typed = {"situation": "Đã họp.", "version": "9" * 5000}
    answer = await room.fill(SCHOOL, DRAFT, typed)
    assert answer.status_code == 303
