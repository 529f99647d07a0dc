"""The roll over time: renamed, merged, left; what it said before stays."""

import asyncio
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from shared.messaging.unit_of_work import key_hash
from tests.component.intake_desk import (
    ANNUAL,
    OFFICER,
    PERIOD,
    SCHOOL,
    WARD,
    DeskRoom,
    moment,
    open_the_year,
    participant,
    proposed,
    report,
    token,
)

pytestmark = pytest.mark.component

WHY = {"reason": "Theo quyết định của phường.", "document": "12/QĐ-UBND"}


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    return desk


async def entry(room: DeskRoom, code: str) -> httpx.Response:
    return await room.get(OFFICER, f"/roster/{code}")


async def change(room: DeskRoom, code: str, person: str = OFFICER, **fields: str) -> httpx.Response:
    """Change some fields of what was shown a moment ago."""
    shown = await entry(room, code)
    names = ("name", "group", "block", "reporter")
    body = {name: shown.json()[name] for name in names} | WHY | fields
    headers = {"Authorization": f"Bearer {token(person)}", "If-Match": shown.headers["etag"]}
    return await room.client.put(f"/intake/roster/{code}", json=body, headers=headers)


async def leave(room: DeskRoom, code: str, **more: Any) -> httpx.Response:
    return await room.post(OFFICER, f"/roster/{code}/departure", {**WHY, **more})


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).removeprefix("urn:thidua:problem:")


async def test_a_renamed_unit_keeps_its_code_and_what_it_was_called(room: DeskRoom) -> None:
    before = (await entry(room, "thcs-1")).json()
    room.clock.time = moment("2025-10-06 09:00")
    after = await change(room, "thcs-1", name="Trường THCS Tứ Minh")
    assert after.status_code == HTTPStatus.OK, after.text
    [said] = after.json()["changes"]
    assert (said["was"], said["now"]) == (
        {"name": before["name"]},
        {"name": "Trường THCS Tứ Minh"},
    )
    assert (said["since"], said["done_by"]) == ("2025-10-06", OFFICER)
    told = await room.news("participant-registered")
    assert [(f.data["participant"], f.data["name"]) for f in told] == [
        ("thcs-1", "Trường THCS Tứ Minh")
    ]


async def test_whom_a_unit_proposes_is_told_again_under_its_new_name(room: DeskRoom) -> None:
    one = proposed("giao-vien-2", by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    await room.news()
    await change(room, "thcs-1", name="Trường THCS Tứ Minh")
    told = {f.data["participant"]: f.data for f in await room.news("participant-registered")}
    assert told["giao-vien-2"]["proposed_by_name"] == "Trường THCS Tứ Minh"


async def test_nothing_new_is_no_news_and_a_lost_race_is_refused(room: DeskRoom) -> None:
    assert (await change(room, "thcs-1")).json()["changes"] == []
    assert await room.news() == []
    shown = (await entry(room, "thcs-1")).headers["etag"]
    await change(room, "thcs-1", name="Tên thứ hai")
    body = {"name": "Tên thứ ba", "group": "a", "block": "truong-hoc", "reporter": "x", **WHY}
    headers = {"Authorization": f"Bearer {token(OFFICER)}", "If-Match": shown}
    lost = await room.client.put("/intake/roster/thcs-1", json=body, headers=headers)
    assert lost.status_code == HTTPStatus.PRECONDITION_FAILED


async def test_another_reporter_answers_from_today_on(room: DeskRoom) -> None:
    admitted = {"person": "thcs-1.new", "name": "Đầu mối mới", "email": "moi@thcs.example"}
    await room.must(OFFICER, "/people", {**admitted, "unit": "thcs-1"})
    unknown = await change(room, "thcs-1", reporter="khong-ai")
    assert unknown.json()["errors"][0]["pointer"] == "/reporter"
    await room.news()
    assert (await change(room, "thcs-1", reporter="thcs-1.new")).status_code == HTTPStatus.OK
    [told] = await room.news("participant-registered")
    assert told.data["reporter"] == "thcs-1.new"
    rows = await room.rows(
        "SELECT person, ended_on IS NULL FROM role_held"
        " WHERE role = 'reporter' AND scope_of = 'thcs-1' ORDER BY 1"
    )
    assert rows == [("thcs-1.new", True), ("thcs-1.reporter", False)]


async def test_nobody_makes_themselves_or_an_auditor_a_reporter(room: DeskRoom) -> None:
    """What the directory would refuse is not granted by way of the roll."""
    for person in (OFFICER, "van-phong.substitute", "kiem-tra"):
        admitted = {"person": person, "name": "Người giữ việc", "email": f"{person}@x.example"}
        await room.must(OFFICER, "/people", admitted)
    await room.must("operator", "/people/kiem-tra/roles", {"role": "auditor"})
    own = await change(room, "thcs-1", reporter=OFFICER)
    assert (own.status_code, problem(own)) == (422, "own-role")
    auditor = await change(room, "thcs-1", reporter="kiem-tra")
    assert (auditor.status_code, problem(auditor)) == (422, "roles-exclude")
    assert auditor.json()["errors"][0]["pointer"] == "/reporter"
    assert (await entry(room, "thcs-1")).json()["reporter"] == "thcs-1.reporter"
    other = await change(room, "thcs-1", reporter="van-phong.substitute")
    assert other.status_code == HTTPStatus.OK, other.text
    acts = await room.rows(
        "SELECT subject, actor FROM act WHERE name = 'role-granted' AND subject LIKE '%substitute'"
    )
    assert acts == [("tu-minh/van-phong.substitute", OFFICER)]


async def test_registering_makes_nobody_a_reporter_whom_the_directory_would_not(
    room: DeskRoom,
) -> None:
    for person, role in (("kiem-tra", {"role": "auditor"}), ("thay", None), (OFFICER, None)):
        admitted = {"person": person, "name": "Người giữ việc", "email": f"{person}@x.example"}
        await room.must(OFFICER, "/people", admitted)
        if role is not None:
            await room.must("operator", f"/people/{person}/roles", role)
    substitute = {"role": "substitute-officer", "unit": "thcs-1"}
    await room.must("operator", "/people/thay/roles", substitute)
    ward = len(await room.rows("SELECT 1 FROM participant"))
    for person, name in (("kiem-tra", "roles-exclude"), (OFFICER, "own-role"), ("thay", "")):
        reporter = {"person": person, "name": "Người giữ việc", "email": f"{person}@x.example"}
        two = [participant("thcs-8"), {**participant("thcs-9"), "reporter": reporter}]
        answer = await room.post(OFFICER, "/participants", {"participants": two})
        if name:
            assert (answer.status_code, problem(answer)) == (422, name)
            assert answer.json()["errors"][0]["pointer"] == "/participants/1/reporter/person"
            assert len(await room.rows("SELECT 1 FROM participant")) == ward
        else:
            assert answer.status_code == HTTPStatus.CREATED, answer.text
    held = await room.rows("SELECT scope_of FROM role_held WHERE person = 'thay' ORDER BY id")
    assert held == [("thcs-1",), ("thcs-9",)]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [({"group": "khong-co"}, "/group"), ({"group": "b"}, "/block"), ({"block": "x"}, "/block")],
)
async def test_a_khoi_is_one_of_its_group(
    room: DeskRoom, fields: dict[str, str], pointer: str
) -> None:
    answer = await change(room, "thcs-1", **fields)
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_who_leaves_owes_nothing_more_and_is_asked_nothing_new(room: DeskRoom) -> None:
    await room.must(OFFICER, "/reports", report("thcs-1"))
    await room.news()
    left = await leave(room, "thcs-1")
    assert left.json() == {"participant": "thcs-1", "withdrawn": 1, "handed_over": 0}
    facts = await room.news()
    [gone] = [f for f in facts if f.name == "obligation-withdrawn"]
    assert (gone.data["period"], gone.data["why"]) == ("2025-plan", "left")
    rows = await room.rows(
        "SELECT count(*) FROM reminder JOIN obligation ON id = obligation"
        " WHERE participant = 'thcs-1' AND state = 'planned'"
    )
    assert rows == [(0,)]
    year = {**ANNUAL, "period": "2026-annual", "year": 2026, "due": "2026-12-09T23:59:59+07:00"}
    await room.must(OFFICER, "/periods", year)
    asked = {f.data["participant"] for f in await room.news("obligation-opened")}
    assert asked
    assert "thcs-1" not in asked
    assert problem(await leave(room, "thcs-1")) == "left-already"
    assert problem(await change(room, "thcs-1", name="Tên khác")) == "left-already"
    kept = await room.rows(f"SELECT count(*) FROM report WHERE period = '{PERIOD}'")
    assert kept == [(1,)]


async def test_a_merged_unit_hands_over_whom_it_proposes(room: DeskRoom) -> None:
    one = proposed("giao-vien-2", by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    assert (await leave(room, "thcs-1")).json()["errors"][0]["pointer"] == "/into"
    for into in ("thcs-1", "khong-co", "giao-vien-2"):
        refused = await leave(room, "thcs-1", into=into)
        assert refused.json()["errors"][0]["pointer"] == "/into", into
    await room.news()
    merged = await leave(room, "thcs-1", into="tieu-hoc-1")
    assert merged.json()["handed_over"] == 1
    shown = (await entry(room, "thcs-1")).json()
    assert (shown["left_on"], shown["left_into"]) == ("2025-08-01", "tieu-hoc-1")
    teacher = (await entry(room, "giao-vien-2")).json()
    assert teacher["proposed_by"] == "tieu-hoc-1"
    assert teacher["changes"][0]["was"] == {"proposed_by": "thcs-1"}
    told = {f.data["participant"]: f.data for f in await room.news("participant-registered")}
    assert told["giao-vien-2"]["proposed_by"] == "tieu-hoc-1"


@pytest.mark.parametrize("act", ["rename", "leave"])
async def test_a_batch_of_the_post_and_the_roll_take_their_locks_in_one_order(
    room: DeskRoom, act: str
) -> None:
    """The batch has whom the unit proposes and waits for the unit, which the roll waits for too."""
    lower = next(
        code
        for code in (f"giao-vien-{number}" for number in range(2, 200))
        if key_hash(f"{WARD}/{code}") < key_hash(f"{WARD}/thcs-1")
    )
    one = proposed(lower, by="thcs-1")
    await room.must(OFFICER, "/participants", {"participants": [one]})
    post = [room.record(report("thcs-1")), room.record(report(lower, criterion="d1"))]
    async with room.works.begin(f"{WARD}/thcs-1"):
        changing = asyncio.ensure_future(
            change(room, "thcs-1", name="Trường THCS Tứ Minh")
            if act == "rename"
            else leave(room, "thcs-1", into="tieu-hoc-1")
        )
        await waiting(room, 1)
        taking = asyncio.ensure_future(room.apply(*post))
        await waiting(room, 2)
    changed = await changing
    assert changed.is_success, changed.text
    assert (await taking).handled == len(post)


async def waiting(room: DeskRoom, at_least: int) -> None:
    """Until so many transactions wait for a key's lock."""
    async with asyncio.timeout(20):
        while [(at_least,)] > await room.rows(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ):
            await asyncio.sleep(0.01)


async def test_a_unit_sees_its_own_entry_and_changes_nothing(room: DeskRoom) -> None:
    assert (await room.get(SCHOOL, "/roster/tieu-hoc-1")).status_code == HTTPStatus.OK
    assert (await room.get(SCHOOL, "/roster/thcs-1")).status_code == HTTPStatus.NOT_FOUND
    listed = (await room.get(SCHOOL, "/roster")).json()
    assert [row["participant"] for row in listed["items"]] == ["giao-vien-1", "tieu-hoc-1"]
    assert (await change(room, "tieu-hoc-1", person=SCHOOL)).status_code == HTTPStatus.FORBIDDEN


async def test_the_officer_keeps_the_roll_on_pages(room: DeskRoom) -> None:
    assert "thcs-1" in (await room.page(OFFICER, "/roster")).text
    shown = (await room.page(OFFICER, "/roster/thcs-1")).text
    seen = shown.split('name="seen" value="')[1].split('"')[0].replace("&#34;", '"')
    typed = {"name": "Trường THCS Tứ Minh", "group": "a", "block": "truong-hoc", **WHY}
    typed |= {"reporter": "thcs-1.reporter", "seen": seen}
    done = await room.fill(OFFICER, "/roster/thcs-1/change", typed)
    assert done.headers["location"] == "/intake/roster/thcs-1?done=changed"
    stale = await room.fill(OFFICER, "/roster/thcs-1/change", {**typed, "name": "Tên khác"})
    assert "Có người đã sửa trước" in stale.text
    asked = await room.fill(OFFICER, "/roster/thcs-1/departure", {**WHY, "into": "tieu-hoc-1"})
    assert "không hoàn tác được" in asked.text
    gone = {**WHY, "into": "tieu-hoc-1", "confirmed": "yes"}
    left = await room.fill(OFFICER, "/roster/thcs-1/departure", gone)
    assert left.headers["location"] == "/intake/roster/thcs-1?done=left"
    after = (await room.page(OFFICER, "/roster/thcs-1")).text
    assert "Thôi tham gia" in after
    assert "Lưu" not in after
