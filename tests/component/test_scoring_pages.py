"""The pages of scoring: marks are given and results frozen by forms, as by HTTP."""

import re
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from services.scoring.store.tables import mark
from tests.component.scoring_world import ALL_MARKS, PERIOD, Ward, World, open_world

pytestmark = pytest.mark.component

FULL = {"a1": "38", "a2": "24", "a3": "14", "a4": "18"}
FORM = f"/assessments/{PERIOD}/pb-1"
TYPED = {
    "revision": "1",
    "stage": "verified",
    "points-a1": "35,5",
    "reason-a1": "",
    "points-a2": "20",
    "points-a3": "12",
    "points-a4": "18",
    "bonus": "",
    "bonus_reason": "",
}


@pytest.fixture(scope="module")
async def world(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url = infrastructure.create_database("scoring_pages")
    async with open_world(url, tmp_path_factory.mktemp("scoring")) as opened:
        yield opened
    infrastructure.drop_database("scoring_pages")


@pytest.fixture
async def ward(world: World) -> Ward:
    """Two units whose reports are accepted."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    await world.tell(ward.participant("pb-1"), ward.participant("th-1", "truong-hoc"))
    await world.adopt(ward)
    await world.tell(ward.report("pb-1", FULL), ward.report("th-1", FULL))
    await world.tell(ward.accepted("pb-1"), ward.accepted("th-1"))
    return ward


async def show(world: World, ward: Ward, path: str, *roles: str, unit: str = "") -> httpx.Response:
    headers = {**world.token(ward, *roles, unit=unit), "Accept": "text/html"}
    return await world.client.get(f"/scoring{path}", headers=headers)


async def send(
    world: World, ward: Ward, path: str, typed: Mapping[str, str], *roles: str, unit: str = ""
) -> httpx.Response:
    """As a browser sends a form."""
    headers = {**world.token(ward, *roles, unit=unit), "Accept": "text/html"}
    return await world.client.post(f"/scoring{path}", data=dict(typed), headers=headers)


async def test_an_assessor_finds_what_awaits_them_and_marks_it(world: World, ward: Ward) -> None:
    listed = await show(world, ward, f"/assessments?period={PERIOD}", "assessor", unit="vp")
    assert "Có 2 báo cáo chờ bạn chấm" in listed.text
    assert f'href="/scoring{FORM}"' in listed.text
    form = await show(world, ward, FORM, "assessor", unit="vp")
    assert 'name="points-a1"' in form.text
    assert "Kết quả a1" in form.text
    sent = await send(world, ward, FORM, TYPED, "assessor", unit="vp")
    assert sent.status_code == 303, sent.text
    after = await show(world, ward, sent.headers["location"].removeprefix("/scoring"), "assessor")
    assert "Đã ghi điểm." in after.text
    assert "Có 1 báo cáo chờ bạn chấm" in after.text
    again = await show(world, ward, FORM, "assessor", unit="vp")
    assert 'value="35,50"' in again.text
    result = await world.get(f"/results/{PERIOD}/pb-1", ward, "council")
    assert result.json()["total"] == "85.50"


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"points-a2": "25,5"}, "points-a2", "không được lớn hơn 25"),
        ({"points-a3": "nhiều"}, "points-a3", "Phải là số thập phân"),
        ({"points-a4": ""}, "", "Còn thiếu điểm của tiêu chí: a4"),
        ({"bonus": "2"}, "bonus_reason", "Phải ghi lý do vì có điểm cộng"),
        ({"revision": "2"}, "", "Bản báo cáo được tiếp nhận là bản 1"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    world: World, ward: Ward, typed: dict[str, str], field: str, words: str
) -> None:
    sent = await send(world, ward, FORM, {**TYPED, **typed}, "assessor", unit="vp")
    assert sent.status_code == 422
    assert words in sent.text
    assert 'role="alert"' in sent.text
    assert (f'href="#o-{field}"' in sent.text) == bool(field)
    assert (f'id="o-{field}-wrong"' in sent.text) == bool(field)
    assert 'value="35,5"' in sent.text
    assert await world.rows(sa.select(mark).where(mark.c.ward == ward.code)) == []


async def test_the_council_must_say_why_it_differs(world: World, ward: Ward) -> None:
    assert (await world.mark(ward, "pb-1", ALL_MARKS)).is_success
    form = await show(world, ward, FORM, "council")
    assert "Điểm khác điểm thẩm định thì phải ghi lý do" in form.text
    council = {**TYPED, "stage": "council", "points-a1": "30"}
    silent = await send(world, ward, FORM, council, "council")
    assert silent.status_code == 422
    assert 'id="o-reason-a1-wrong"' in silent.text
    told = await send(world, ward, FORM, {**council, "reason-a1": "Thiếu số liệu"}, "council")
    assert told.status_code == 303, told.text


async def test_no_form_for_ones_own_unit_and_none_for_those_who_only_read(
    world: World, ward: Ward
) -> None:
    own = await show(world, ward, FORM, "council", unit="pb-1")
    assert "Đây là đơn vị của bạn" in own.text
    for role in ("officer", "inspector", "chairman", "auditor"):
        page = await show(world, ward, FORM, role)
        assert page.status_code == 200
        assert "<button" not in page.text.partition("<main")[2], role
        assert (await send(world, ward, FORM, TYPED, role)).status_code == 403
    hidden = await show(world, ward, FORM, "assessor", unit="pb-1")
    assert hidden.status_code == 404
    sent = await send(world, ward, FORM, TYPED, "assessor", unit="pb-1")
    assert sent.status_code == 404
    assert await world.rows(sa.select(mark).where(mark.c.ward == ward.code)) == []


async def test_results_are_frozen_only_after_a_second_yes(world: World, ward: Ward) -> None:
    path = f"/periods/{PERIOD}/freeze"
    early = await show(world, ward, path, "council-secretary")
    assert "Còn báo cáo chưa được thẩm định" in early.text
    assert "<form" not in early.text.partition("<main")[2]
    refused = await send(world, ward, path, {"confirmed": "yes"}, "council-secretary")
    assert refused.status_code == 422
    for code in ("pb-1", "th-1"):
        assert (await world.mark(ward, code, ALL_MARKS)).is_success
    asked = await show(world, ward, path, "council-secretary")
    assert "Việc này không hoàn tác được" in asked.text
    unsure = await send(world, ward, path, {}, "council-secretary")
    assert unsure.status_code == 422
    assert "Hãy đánh dấu vào ô xác nhận" in unsure.text
    assert (await world.get("/results", ward, "council")).json()["frozen_at"] is None
    sure = await send(world, ward, path, {"confirmed": "yes"}, "council-secretary")
    onward = f"/scoring/?period={PERIOD}&done=frozen"
    assert (sure.status_code, sure.headers["location"]) == (303, onward)
    told = await show(world, ward, onward.removeprefix("/scoring"), "council-secretary")
    assert '<p role="status">Đã chốt kết quả.' in told.text
    assert (await world.get("/results", ward, "council")).json()["frozen_at"]
    assert (await show(world, ward, path, "officer")).status_code == 403


async def test_no_link_of_a_page_leads_nowhere(world: World, ward: Ward) -> None:
    for role in ("council-secretary", "assessor", "auditor", "reporter"):
        for start in ("/", f"/assessments?period={PERIOD}", FORM, f"/periods/{PERIOD}/freeze"):
            page = await show(world, ward, start, role, unit="vp")
            if page.status_code != 200:
                assert page.status_code == 403
                continue
            links = set(re.findall(r'href="(/scoring/[^"#]*)"', page.text.replace("&amp;", "&")))
            for link in links:
                answer = await show(world, ward, link.removeprefix("/scoring"), role, unit="vp")
                assert answer.status_code == 200, (role, start, link)
