"""Another place on the roll asks for other duties: shown beforehand, done so or refused; and
whoever left comes back under the same code."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest

from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    DeskRoom,
    judgement,
    moment,
    participant,
    plan,
    proposed,
    report,
    token,
)
from tests.component.movement_room import (
    ANNUAL,
    BASE,
    LITERACY,
    PLAN,
    RULED,
    duties,
    name_of,
    with_rules,
)

pytestmark = pytest.mark.component

WHY = {"reason": "Theo quyết định của phường.", "document": "12/QĐ-UBND"}
OFFICES = {"group": "a", "block": "van-phong"}
FRONT = {"group": "b", "block": "mat-tran"}
LATE = {**ANNUAL, "code": "front-report", "suffix": "front", "groups": ["b"], "title": "Mặt trận"}
RULES = [PLAN, {**ANNUAL, "groups": ["a"]}, LITERACY, {**LATE, "due": {"month": 12, "day": 20}}]


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    """2025 is opened, and it is 01/10: plans were due, reports and digital literacy are ahead."""
    await with_rules(desk, {**RULED, "rules": RULES})
    await desk.must(OFFICER, f"{BASE}/years", {"year": 2025})
    await desk.news()
    desk.clock.time = moment("2025-10-01 09:00")
    return desk


async def shown(room: DeskRoom, code: str, **where: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in where.items())
    answer = await room.get(OFFICER, f"/roster/{code}/change?{query}")
    assert answer.status_code == HTTPStatus.OK, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def move(room: DeskRoom, code: str, preview: str | None, **where: str) -> httpx.Response:
    entry = await room.get(OFFICER, f"/roster/{code}")
    names = ("name", "group", "block", "kind", "reporter")
    body = {name: entry.json()[name] for name in names} | WHY | where | {"preview": preview}
    headers = {"Authorization": f"Bearer {token(OFFICER)}", "If-Match": entry.headers["etag"]}
    return await room.client.put(f"/intake/roster/{code}", json=body, headers=headers)


async def owed(room: DeskRoom, code: str) -> set[tuple[str, str]]:
    """(period, last day) of what a participant is asked for."""
    return {(period, day) for who, period, _, day in await duties(room) if who == code}


async def planned(room: DeskRoom, code: str) -> set[str]:
    """Periods of which somebody is to be reminded."""
    rows = await room.rows(
        "SELECT DISTINCT period FROM reminder JOIN obligation ON id = obligation"
        f" WHERE participant = '{code}' AND state = 'planned'"
    )
    return {row[0] for row in rows}


AS_A_SCHOOL = {("2025-annual", "2025-12-09"), ("2025-literacy", "2025-11-30")}


async def test_another_group_is_asked_for_what_its_rules_say(room: DeskRoom) -> None:
    """What is newly asked ahead is laid, what is not asked any more withdrawn; the past stays."""
    past = ("2025-plan", "2025-08-31")
    assert await owed(room, "thcs-1") == {past, *AS_A_SCHOOL}
    found = await shown(room, "thcs-1", **FRONT, kind="front")
    assert [one["period"] for one in found["new"]] == ["2025-front"]
    assert {one["period"] for one in found["withdrawn"]} == {"2025-annual", "2025-literacy"}
    done = await move(room, "thcs-1", found["digest"], **FRONT, kind="front")
    assert done.status_code == HTTPStatus.OK, done.text
    assert await owed(room, "thcs-1") == {past, ("2025-front", "2025-12-20")}
    assert await planned(room, "thcs-1") == {"2025-plan", "2025-front"}
    told = [(fact.name, fact.data.get("period", "")) for fact in await room.news()]
    assert told == [
        ("participant-registered", ""),
        ("obligation-opened", "2025-front"),
        ("obligation-withdrawn", "2025-annual"),
        ("obligation-withdrawn", "2025-literacy"),
    ]


async def test_there_and_back_asks_for_the_same_as_before(room: DeskRoom) -> None:
    before = await owed(room, "thcs-1")
    home = {"group": "a", "block": "truong-hoc", "kind": "school"}
    for where in ({**FRONT, "kind": "front"}, home):
        found = await shown(room, "thcs-1", **where)
        assert (await move(room, "thcs-1", found["digest"], **where)).status_code == HTTPStatus.OK
    assert await owed(room, "thcs-1") == before
    rows = await room.rows(
        "SELECT command, done_by FROM obligation_change WHERE participant = 'thcs-1' ORDER BY id"
    )
    assert rows == [("withdraw", "")] * 2 + [("withdraw", "")] + [("reopen", "")] * 2


async def test_nothing_is_done_that_was_not_shown(room: DeskRoom) -> None:
    before = await owed(room, "thcs-1")
    unseen = await move(room, "thcs-1", None, **FRONT)
    assert name_of(unseen) == (409, "preview-needed")
    found = await shown(room, "thcs-1", **FRONT)
    await room.must(SCHOOL.replace("tieu-hoc-1", "thcs-1"), "/plans", plan("thcs-1"))
    other = await move(room, "thcs-1", found["digest"], **FRONT, kind="front")
    assert name_of(other) == (409, "picture-changed")
    assert await owed(room, "thcs-1") == before - {("2025-plan", "2025-08-31")}
    assert (await room.get(OFFICER, "/roster/thcs-1")).json()["changes"] == []


async def test_what_is_met_or_dated_by_hand_stays(room: DeskRoom) -> None:
    [(literacy,)] = await room.rows(
        "SELECT id FROM obligation WHERE participant = 'thcs-1' AND period = '2025-literacy'"
    )
    moved = {"command": "move", "last_day": "2025-12-15", **WHY}
    await room.must(OFFICER, f"/obligations/{literacy}/orders", moved)
    [(annual,)] = await room.rows(
        "SELECT id FROM obligation WHERE participant = 'thcs-1' AND period = '2025-annual'"
    )
    await room.must(OFFICER, f"/obligations/{annual}/orders", {"command": "excuse", **WHY})
    await room.news()
    where = {"group": "a", "block": "van-phong"}
    found = await shown(room, "thcs-1", **where)
    assert [found[name] for name in ("new", "moved", "withdrawn")] == [[], [], []]
    assert [one["period"] for one in found["kept"]] == ["2025-literacy"]
    assert (await move(room, "thcs-1", None, **where)).status_code == HTTPStatus.OK
    assert [fact.name for fact in await room.news()] == ["participant-registered"]
    assert ("2025-literacy", "2025-12-15") in await owed(room, "thcs-1")


async def test_a_move_and_another_version_of_the_rules_plan_alike(room: DeskRoom) -> None:
    """After a move, adopting the same rules again changes nothing."""
    where = {**FRONT, "kind": "front"}
    found = await shown(room, "thcs-1", **where)
    await move(room, "thcs-1", found["digest"], **where)
    body = {name: value for name, value in RULED.items() if name != "adoption"}
    await room.must(OFFICER, "/movements", {**body, "version": 2, "rules": RULES})
    preview = await room.get(OFFICER, f"{BASE}/versions/2/adoption")
    told = preview.json()
    assert [told[name] for name in ("new", "moved", "withdrawn")] == [[], [], []]


@pytest.mark.parametrize(
    ("where", "pointer"), [({"group": "b"}, "/block"), ({"group": "x"}, "/group")]
)
async def test_a_place_that_there_is_not_is_not_shown(
    room: DeskRoom, where: dict[str, str], pointer: str
) -> None:
    query = "&".join(f"{name}={value}" for name, value in where.items())
    answer = await room.get(OFFICER, f"/roster/thcs-1/change?{query}")
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_the_officer_confirms_on_a_page_what_a_move_changes(room: DeskRoom) -> None:
    page = (await room.page(OFFICER, "/roster/thcs-1")).text
    seen = page.split('name="seen" value="')[1].split('"')[0].replace("&#34;", '"')
    typed = {"name": "Đơn vị thcs-1", **FRONT, "kind": "front", **WHY, "seen": seen}
    typed |= {"reporter": "thcs-1.reporter"}
    asked = await room.fill(OFFICER, "/roster/thcs-1/change", typed)
    assert "Việc không còn giao" in asked.text
    assert "2025-front" in asked.text
    assert await owed(room, "thcs-1") > AS_A_SCHOOL
    digest = asked.text.split('name="preview" value="')[1].split('"')[0]
    stale = await room.fill(OFFICER, "/roster/thcs-1/change", {**typed, "preview": "0" * 32})
    assert stale.status_code == HTTPStatus.CONFLICT
    assert "Tình hình đã đổi sau khi xem trước" in stale.text
    done = await room.fill(OFFICER, "/roster/thcs-1/change", {**typed, "preview": digest})
    assert done.headers["location"] == "/intake/roster/thcs-1?done=changed"


# --- back under the same code ---


async def depart(room: DeskRoom, code: str, **more: str) -> None:
    await room.must(OFFICER, f"/roster/{code}/departure", {**WHY, **more})


async def readmit(room: DeskRoom, code: str, **more: str) -> httpx.Response:
    return await room.post(OFFICER, f"/roster/{code}/readmission", {**WHY, **more})


async def test_whoever_comes_back_owes_what_is_still_to_come(room: DeskRoom) -> None:
    await depart(room, "thcs-1", into="tieu-hoc-1")
    [left] = await room.news("participant-left")
    assert (left.data["why"], left.data["into"], left.data["left_on"]) == (
        "merged-into",
        "tieu-hoc-1",
        "2025-10-01",
    )
    room.clock.time = moment("2025-12-02 09:00")
    back = await readmit(room, "thcs-1")
    assert back.json() == {"participant": "thcs-1", "laid": 2}
    own_days = ("2025-plan", "2026-01-01")
    assert await owed(room, "thcs-1") == {("2025-annual", "2025-12-09"), own_days}
    assert await planned(room, "thcs-1") == {"2025-annual", "2025-plan"}
    names = [fact.name for fact in await room.news()]
    assert names == ["participant-registered", *["obligation-opened"] * 2]
    entry = (await room.get(OFFICER, "/roster/thcs-1")).json()
    assert (entry["left_on"], entry["left_into"]) == (None, None)
    assert [one["what"] for one in entry["changes"]] == ["left", "readmitted"]
    rows = await room.rows(
        "SELECT registered_at::date::text, rejoined_at::date::text FROM participant"
        " WHERE participant = 'thcs-1'"
    )
    assert rows == [("2025-08-01", "2025-12-02")]
    again = await readmit(room, "thcs-1")
    assert name_of(again) == (422, "still-here")


async def test_whoever_comes_back_after_a_plan_was_due_has_days_of_their_own(
    room: DeskRoom,
) -> None:
    await depart(room, "thcs-1")
    room.clock.time = moment("2025-12-20 09:00")
    assert (await readmit(room, "thcs-1")).json()["laid"] == 1
    assert await owed(room, "thcs-1") == {("2025-plan", "2026-01-19")}


async def test_what_was_met_before_is_not_asked_again(room: DeskRoom) -> None:
    await room.must("thcs-1.reporter", "/plans", plan("thcs-1"))
    await depart(room, "thcs-1")
    assert (await readmit(room, "thcs-1")).json()["laid"] == 2
    assert await owed(room, "thcs-1") == AS_A_SCHOOL


async def test_nobody_registers_anew_under_a_code_that_left(room: DeskRoom) -> None:
    one = proposed("giao-vien-2", by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    await depart(room, "thcs-1", into="tieu-hoc-1")
    await depart(room, "giao-vien-2")
    refused = await room.post(OFFICER, "/participants", {"participants": [one]})
    assert name_of(refused) == (409, "participant-left")
    other = await room.post(
        OFFICER, "/participants", {"participants": [proposed("giao-vien-3", by="thcs-1")]}
    )
    assert other.json()["errors"][0]["pointer"] == "/participants/0/proposed_by"


async def test_an_individual_comes_back_to_a_unit_that_is_there(room: DeskRoom) -> None:
    one = proposed("giao-vien-2", by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    await depart(room, "giao-vien-2")
    await depart(room, "thcs-1")
    refused = await readmit(room, "giao-vien-2")
    assert refused.json()["errors"][0]["pointer"] == "/proposed_by"
    await room.news()
    back = await readmit(room, "giao-vien-2", proposed_by="tieu-hoc-1")
    assert back.status_code == HTTPStatus.CREATED, back.text
    [told] = await room.news("participant-registered")
    assert told.data["proposed_by"] == "tieu-hoc-1"
    unit = await readmit(room, "thcs-1", proposed_by="tieu-hoc-1")
    assert name_of(unit) == (422, "proposal-incomplete")


async def test_a_person_goes_over_to_another_unit_between_periods(room: DeskRoom) -> None:
    """Not while what they reported in the unit that proposes them is open."""
    one = proposed("giao-vien-2", by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    there = await move(room, "giao-vien-2", None, proposed_by="tieu-hoc-1")
    assert there.json()["proposed_by"] == "tieu-hoc-1"
    assert (await move(room, "giao-vien-2", None, proposed_by="thcs-1")).is_success
    await room.must("thcs-1.reporter", "/reports", report("giao-vien-2", criterion="d1"))
    reported = await move(room, "giao-vien-2", None, proposed_by="tieu-hoc-1")
    assert name_of(reported) == (422, "one-unit-a-period")
    await room.must(OFFICER, "/reports/acceptances", judgement("giao-vien-2"))
    before = await move(room, "giao-vien-2", None, proposed_by="tieu-hoc-1")
    assert name_of(before) == (422, "one-unit-a-period")
    room.clock.time = moment("2025-12-11 09:00")
    assert (await move(room, "giao-vien-2", None, proposed_by="tieu-hoc-1")).is_success
    for code, name in (("giao-vien-2", "unknown-unit"), ("thcs-1", "proposal-incomplete")):
        refused = await move(room, code, None, proposed_by="khong-co")
        assert name_of(refused) == (422, name)


@pytest.mark.parametrize("how", ["moved", "merged", "back"])
async def test_whoever_answered_for_them_as_the_units_reporter_is_the_new_units(
    room: DeskRoom, how: str
) -> None:
    one = proposed("giao-vien-2", by="thcs-1")
    one["reporter"] = participant("thcs-1")["reporter"]
    await room.must(OFFICER, "/participants", {"participants": [one]})
    if how == "moved":
        await move(room, "giao-vien-2", None, proposed_by="tieu-hoc-1")
    elif how == "merged":
        await depart(room, "thcs-1", into="tieu-hoc-1")
    else:
        await depart(room, "giao-vien-2")
        await readmit(room, "giao-vien-2", proposed_by="tieu-hoc-1")
    entry = (await room.get(OFFICER, "/roster/giao-vien-2")).json()
    assert (entry["proposed_by"], entry["reporter"]) == ("tieu-hoc-1", SCHOOL)
    assert (await room.get(SCHOOL, "/roster/giao-vien-2")).status_code == HTTPStatus.OK
    assert (await room.get("thcs-1.reporter", "/roster/giao-vien-2")).status_code == 404


async def test_whose_unit_was_merged_comes_back_to_the_one_it_went_into(room: DeskRoom) -> None:
    """A merger is no change of units, also while a report is open."""
    one = proposed("giao-vien-2", by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    await room.must("thcs-1.reporter", "/reports", report("giao-vien-2", criterion="d1"))
    await depart(room, "giao-vien-2")
    await depart(room, "thcs-1", into="tieu-hoc-1")
    elsewhere = await readmit(room, "giao-vien-2", proposed_by="phong-vhxh")
    assert name_of(elsewhere) == (422, "one-unit-a-period")
    back = await readmit(room, "giao-vien-2", proposed_by="tieu-hoc-1")
    assert back.status_code == HTTPStatus.CREATED, back.text


async def test_the_officer_lets_a_unit_come_back_on_its_page(room: DeskRoom) -> None:
    await depart(room, "thcs-1")
    assert "Ghi tham gia lại" in (await room.page(OFFICER, "/roster/thcs-1")).text
    assert "Ghi tham gia lại" not in (await room.page("auditor", "/roster/thcs-1")).text
    done = await room.fill(OFFICER, "/roster/thcs-1/readmission", WHY)
    assert done.headers["location"] == "/intake/roster/thcs-1?done=readmitted"
    again = await room.fill(OFFICER, "/roster/thcs-1/readmission", WHY)
    assert "đang tham gia" in again.text
