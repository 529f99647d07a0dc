"""Who sees what of scoring: lists, details, counts, searches and files show the same rows."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from deploy.local.infrastructure import Provided
from shared.contracts.scoring import ResultFrozen, ScoreComputed
from tests.component.scoring_world import ALL_MARKS, PERIOD, Ward, World, open_world

pytestmark = pytest.mark.component

FULL = {"a1": "38", "a2": "24", "a3": "14", "a4": "18"}
REASON = "Minh chứng thiếu chữ ký số"
"""Stands beside a mark of th-1 alone, and in the marks' own table."""
PEOPLE = {"pb-1": "phong-ban", "pb-2": "phong-ban", "th-1": "truong-hoc"}
EVERYBODY = {*PEOPLE, "cb-1", "cb-2"}
OWN = {"pb-1", "cb-1"}
"""What the unit pb-1 sees: itself, and the individual whom it proposed."""


@pytest.fixture(scope="module")
async def world(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url = infrastructure.create_database("scoring_sight")
    async with open_world(url, tmp_path_factory.mktemp("scoring")) as opened:
        yield opened
    infrastructure.drop_database("scoring_sight")


async def marked_ward(world: World, *, frozen: bool = False) -> Ward:
    """Three units and two individuals; all marked, those of th-1 corrected with a reason."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    await world.tell(
        *(ward.participant(code, block) for code, block in PEOPLE.items()),
        ward.participant("cb-1", "ca-nhan", proposed_by="pb-1"),
        ward.participant("cb-2", "ca-nhan", proposed_by="pb-2"),
    )
    await world.adopt(ward)
    await world.tell(
        *(ward.report(code, FULL) for code in PEOPLE),
        *(ward.report(code, {"d1": "88"}) for code in ("cb-1", "cb-2")),
    )
    await world.tell(*(ward.accepted(code) for code in EVERYBODY))
    for code in EVERYBODY:
        marks = ALL_MARKS if code in PEOPLE else {"d1": "80"}
        assert (await world.mark(ward, code, marks)).is_success
    corrected = await world.mark(ward, "th-1", {"a1": "31.25"}, reason=REASON)
    assert corrected.is_success, corrected.text
    if frozen:
        assert (await world.freeze(ward)).is_success
    return ward


async def get(
    world: World,
    ward: Ward,
    path: str,
    *roles: str,
    unit: str = "",
    page: bool = False,
    **more: Any,
) -> httpx.Response:
    headers = world.token(ward, *roles, unit=unit, **more)
    headers |= {"Accept": "text/html"} if page else {}
    return await world.client.get(f"/scoring{path}", headers=headers)


def listed(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {row["participant"] for row in answer.json()["items"]}


@pytest.mark.parametrize(
    ("roles", "who", "seen"),
    [
        (("reporter",), {"unit": "pb-1"}, OWN),
        (("head",), {"units": ["pb-1"]}, OWN),
        (("reporter",), {"unit": "pb-1", "units": ["th-1"]}, OWN | {"th-1"}),
        (("reporter",), {"act_for": "pb-1.reporter", "act_unit": "pb-1"}, OWN),
        (("assessor",), {"unit": "pb-1"}, OWN),
        (("clerk",), {}, set[str]()),
        (("operator",), {}, set[str]()),
        (("communications-officer",), {}, set[str]()),
        (("inspector",), {"unit": "pb-1"}, EVERYBODY),
        (("auditor",), {}, EVERYBODY),
        (("chairman",), {}, EVERYBODY),
    ],
)
async def test_list_detail_page_search_and_file_show_the_same_rows(
    world: World, roles: tuple[str, ...], who: dict[str, Any], seen: set[str]
) -> None:
    ward = await marked_ward(world, frozen=True)
    assert listed(await get(world, ward, f"/results?period={PERIOD}", *roles, **who)) == seen
    hidden = EVERYBODY - seen
    for code in EVERYBODY:
        answer = await get(world, ward, f"/results/{PERIOD}/{code}", *roles, **who)
        assert (answer.status_code == 200) == (code in seen), code
        asked = await get(world, ward, f"/?participant={code}", *roles, page=True, **who)
        names = {other for other in hidden if f"Đơn vị {other}" in asked.text}
        assert names == set(), code
    for query in ("", "?q=th-1", "?khoi=Khối+trường+học", "?sort=-diem", "?format=csv"):
        answer = await get(world, ward, f"/{query}", *roles, page=True, **who)
        assert {code for code in hidden if f"Đơn vị {code}" in answer.text} == set(), query
    files = await get(world, ward, "/?format=csv&q=th-1", *roles, page=True, **who)
    is_file = files.headers["content-type"].startswith("text/csv")
    assert is_file == (seen == EVERYBODY)
    assert not is_file or files.text.count("Đơn vị") == 2, "the heading's and th-1's"


async def test_what_may_not_be_seen_is_answered_like_what_is_not_there(world: World) -> None:
    ward = await marked_ward(world)
    hidden = await get(world, ward, f"/results/{PERIOD}/th-1", "reporter", unit="pb-1")
    missing = await get(world, ward, f"/results/{PERIOD}/khong-co", "reporter", unit="pb-1")
    no_period = await get(world, ward, "/results/2031-annual/pb-1", "reporter", unit="pb-1")
    told = [(a.status_code, without_instance(a)) for a in (hidden, missing, no_period)]
    assert told[0] == told[1] == told[2]
    assert told[0][0] == 403
    own = await get(world, ward, f"/assessments/{PERIOD}/pb-1", "assessor", unit="pb-1")
    none = await get(world, ward, f"/assessments/{PERIOD}/khong-co", "assessor", unit="pb-1")
    assert (own.status_code, without_instance(own)) == (404, without_instance(none))


def without_instance(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "instance"}


async def test_an_assessor_sees_no_marks_in_the_making_of_their_own_unit(world: World) -> None:
    ward = await marked_ward(world)
    path = f"/assessments?period={PERIOD}&stage=council"
    assert listed(await get(world, ward, path, "assessor", unit="pb-1")) == EVERYBODY - OWN
    lent: dict[str, Any] = {"unit": "th-1", "act_for": "pb-1.assessor", "act_unit": "pb-1"}
    assert listed(await get(world, ward, path, "assessor", **lent)) == EVERYBODY - OWN - {"th-1"}
    page = await get(
        world, ward, f"/assessments?period={PERIOD}", "assessor", unit="pb-1", page=True
    )
    assert "Đơn vị pb-2" in page.text
    assert "Đơn vị pb-1" not in page.text
    assert "Đơn vị cb-1" not in page.text


async def test_nobody_marks_a_unit_of_whom_they_act_for_or_hold_a_role_for(world: World) -> None:
    """Law 10 asks all units: one's own, those of one's roles, and the one of whom one acts for."""
    ward = await marked_ward(world)
    body = {"period": PERIOD, "participant": "th-1", "revision": 1, "stage": "council", "marks": []}
    for more in (
        {"units": ["th-1"]},
        {"act_for": "x", "act_unit": "th-1"},
        {"act_for": "x", "act_units": ["th-1"]},
        {"unit": "th-1"},
    ):
        headers = world.token(ward, "council", **more)
        answer = await world.client.post("/scoring/marks", json=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"].endswith("own-unit")
    headers = world.token(ward, "council", units=["pb-1"], act_for="x", act_unit="pb-2")
    answer = await world.client.post("/scoring/marks", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_marks_and_reasons_stay_inside(world: World) -> None:
    """Before freezing no unit sees a mark; never does anybody see who gave one."""
    ward = await marked_ward(world)
    giver = "other-unit.assessor"
    paths = [
        f"/results?period={PERIOD}",
        f"/results/{PERIOD}/th-1",
        f"/assessments?period={PERIOD}",
    ]
    paths += [f"/assessments?period={PERIOD}&stage=council", f"/assessments/{PERIOD}/th-1", "/"]
    for path in paths:
        for role in ("council", "auditor", "inspector"):
            for page in (False, True):
                answer = await get(world, ward, path, role, page=page)
                assert giver not in answer.text, (path, role)
    for path in (f"/results/{PERIOD}/th-1", "/"):
        answer = await get(world, ward, path, "reporter", unit="th-1")
        assert answer.status_code == 200
        for secret in ("31.25", "31,25", REASON, giver):
            assert secret not in answer.text, (path, secret)
    told = [*await world.said(ward, ScoreComputed), *await world.said(ward, ResultFrozen)]
    assert told
    assert all(secret not in str(told) for secret in ("31.25", REASON, giver))


async def test_a_list_comes_in_pages_that_hold_each_row_once(world: World) -> None:
    ward = await marked_ward(world, frozen=True)
    whole = (await get(world, ward, f"/results?period={PERIOD}", "council")).json()["items"]
    found, cursor = [], ""
    for _ in range(10):
        path = f"/results?period={PERIOD}&limit=2{cursor}"
        page = (await get(world, ward, path, "council")).json()
        found += page["items"]
        assert len(page["items"]) <= 2
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == whole
    assert [row["rank"] for row in whole if row["block"] == "phong-ban"] == [1, 1]


async def test_a_derivation_that_has_not_changed_is_not_sent_again(world: World) -> None:
    ward = await marked_ward(world)
    path = f"/scoring/results/{PERIOD}/th-1"
    headers = world.token(ward, "council")
    first = await world.client.get(path, headers=headers)
    again = await world.client.get(
        path, headers={**headers, "If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    await world.mark(ward, "th-1", {"a1": "30"}, stage="council", reason="Hội đồng chấm lại")
    later = await world.client.get(
        path, headers={**headers, "If-None-Match": first.headers["etag"]}
    )
    assert later.status_code == 200
    assert later.headers["etag"] != first.headers["etag"]


async def test_another_ward_is_another_world(world: World) -> None:
    ward, other = await marked_ward(world), world.ward()
    for path in (f"/results?period={PERIOD}", f"/assessments?period={PERIOD}"):
        assert (await get(world, other, path, "council")).status_code == 404
    assert (await get(world, other, f"/results/{PERIOD}/th-1", "auditor")).status_code == 404
    mine = await get(world, other, "/", "reporter", unit="th-1", page=True)
    assert "Đơn vị th-1" not in mine.text
    assert (await get(world, ward, "/", "reporter", unit="th-1", page=True)).text.count(
        "Đơn vị th-1"
    )
