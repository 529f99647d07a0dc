"""Who sees what of awards: lists, details, pages, counts and files show the same rows."""

import re
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.awards.store.tables import ballot, voter
from shared.messaging.tables import answer as kept
from shared.messaging.tables import outbox
from tests.component.awards_world import (
    COUNCIL,
    PERSON,
    Story,
    Ward,
    World,
    ballot_body,
    dossiers_of,
)

pytestmark = pytest.mark.component
EVERYBODY = {"phong-a", "truong-1", PERSON}
REASON = "Dẫn đầu khối."
SESSION = "phien-1"


async def get(
    world: World, ward: Ward, path: str, *roles: str, page: bool = False, **more: Any
) -> httpx.Response:
    headers = world.token(ward, more.pop("sub", "the.person"), roles, more.pop("unit", ""), **more)
    headers |= {"Accept": "text/html"} if page else {}
    return await world.client.get(f"/awards{path}", headers=headers)


def main(page: httpx.Response) -> str:
    return page.text.partition("<main")[2]


@pytest.mark.parametrize(
    ("roles", "who", "seen", "in_full"),
    [
        (("officer",), {}, EVERYBODY, True),
        (("auditor",), {}, EVERYBODY, True),
        (("clerk",), {}, EVERYBODY, True),
        (("council",), {}, EVERYBODY, True),
        (("council",), {"sessions": [SESSION]}, EVERYBODY, True),
        (("council",), {"sessions": ["phien-2"]}, set[str](), True),
        (("council-secretary",), {"sessions": ["phien-2"]}, set[str](), True),
        (("council", "head"), {"sessions": ["phien-2"], "units": ["phong-a"]}, {"phong-a"}, False),
        (("reporter",), {"unit": "phong-a"}, {"phong-a"}, False),
        (("head",), {"units": ["phong-b"]}, {PERSON}, False),
        (("reporter",), {"unit": PERSON}, {PERSON}, False),
        (("reporter",), {"act_for": "x", "act_unit": "truong-1"}, {"truong-1"}, False),
        (("reporter",), {"unit": "phong-x"}, set[str](), False),
    ],
)
async def test_list_detail_page_and_file_show_the_same_dossiers(
    story: Story, roles: tuple[str, ...], who: dict[str, Any], seen: set[str], in_full: bool
) -> None:
    world, ward = story.world, story.ward
    await story.decided({"truong-1": "no"})
    await world.print_all()
    rows = (await get(world, ward, "/dossiers", *roles, **who)).json()["items"]
    assert {row["participant"] for row in rows} == seen
    assert {row["reason"] for row in rows} <= ({REASON} if in_full else {None})
    assert all((row["tally"] is not None) == in_full for row in rows)
    exported = await get(world, ward, "/?format=csv", *roles, page=True, **who)
    for name, dossier in zip(story.chosen, dossiers_of(*story.chosen), strict=True):
        may = name in seen
        for page in (False, True):
            answer = await get(world, ward, f"/dossiers/{dossier}", *roles, page=page, **who)
            assert answer.status_code == (200 if may else 404), (name, page)
            assert (REASON in answer.text) == (may and in_full)
            counted = re.search(r"không đồng ý \d", main(answer)) is not None
            assert counted == (may and in_full and page)
        listed = await get(world, ward, "/", *roles, page=True, **who)
        assert (f"/awards/dossiers/{dossier}" in listed.text) == may
        is_file = exported.headers["content-type"].startswith("text/csv")
        assert (is_file and f"Đơn vị {name};" in exported.text) == may
        certificate = await get(world, ward, f"/documents/{dossier}", *roles, **who)
        assert (certificate.status_code == 200) == (may and name != "truong-1")


async def test_a_hidden_dossier_is_answered_like_one_that_is_not_there(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.opened()
    hidden, missing = f"/dossiers/{dossiers_of('truong-1')[0]}", "/dossiers/khong-co"
    for roles, who in ((("reporter",), {"unit": "phong-a"}), (("council",), {"sessions": ["x"]})):
        told = [await get(world, ward, path, *roles, **who) for path in (hidden, missing)]
        assert [answer.status_code for answer in told] == [404, 404]
        assert without_instance(told[0]) == without_instance(told[1])
    papers = ["/documents/" + path.rpartition("/")[2] for path in (hidden, missing)]
    told = [await get(world, ward, path, "reporter", unit="phong-a") for path in papers]
    assert without_instance(told[0]) == without_instance(told[1])


def without_instance(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "instance"}


@pytest.mark.parametrize(
    ("role", "path", "body"),
    [
        ("council-secretary", f"/sessions/{SESSION}/attendance", {"present": list(COUNCIL)}),
        ("council-secretary", f"/sessions/{SESSION}/closing", {}),
        ("council", f"/sessions/{SESSION}/ballots", ballot_body({})),
    ],
)
async def test_a_role_for_another_session_does_nothing_here(
    story: Story, role: str, path: str, body: dict[str, Any]
) -> None:
    world, ward = story.world, story.ward
    await story.voted()
    for sessions, status in ((["phien-2"], 404), ([SESSION], 200)):
        headers = world.token(ward, "chairman", [role], "", sessions=sessions)
        answer = await world.client.post(f"/awards{path}", json=body, headers=headers)
        assert answer.status_code == status, (sessions, answer.text)
    elsewhere = await get(world, ward, f"/sessions/{SESSION}", role, sessions=["phien-2"])
    missing = await get(world, ward, "/sessions/khong-co", role, sessions=["phien-2"])
    assert without_instance(elsewhere) == without_instance(missing)
    here = await get(world, ward, f"/sessions/{SESSION}", role, sessions=[SESSION])
    assert here.status_code == 200


async def test_law_10_asks_every_unit_of_a_member(story: Story) -> None:
    """A unit of a role, or of whom one acts for, is as much one's own as the one belonged to."""
    world, ward = story.world, story.ward
    await story.attended()
    choices = dict.fromkeys(story.chosen, "yes")
    for more in (
        {"units": ["phong-a"]},
        {"act_for": "x", "act_unit": "phong-a"},
        {"act_for": "x", "act_unit": "phong-b", "act_units": ["phong-a", "phong-b"]},
    ):
        headers = world.token(ward, "chairman", ["council"], "", **more)
        path = f"/awards/sessions/{SESSION}/ballots"
        answer = await world.client.post(path, json=ballot_body(choices), headers=headers)
        assert answer.json()["type"].endswith("own-unit"), answer.text


async def test_ballots_are_nowhere_to_be_seen(story: Story) -> None:
    """Neither in bodies, pages, own data and topics, nor in the answers kept for repetition."""
    world, ward = story.world, story.ward
    await story.attended()
    choices = {"phong-a": "no", "truong-1": "abstain", PERSON: "yes"}
    headers = world.token(ward, "chairman", ["council"], "")
    headers |= {"Idempotency-Key": "ballot-of-the-chairman"}
    path = f"/awards/sessions/{SESSION}/ballots"
    voted = await world.client.post(path, json=ballot_body(choices), headers=headers)
    assert voted.status_code == 200, voted.text
    assert not re.search("abstain|choice", voted.text)
    assert await world.rows(sa.select(kept).where(kept.c.person == "chairman")) == []
    for member, unit in list(COUNCIL.items())[1:]:
        mine = {p for p in story.chosen if unit and unit in {p, "phong-b" if p == PERSON else p}}
        await story.vote(member, {p: "yes" for p in story.chosen if p not in mine})
    during = [f"/sessions/{SESSION}", "/dossiers", "/me", "/"]
    for at in during:
        for role in ("council", "council-secretary", "chairman", "auditor"):
            for page in (False, True):
                answer = await get(world, ward, at, role, page=page, sub="chairman")
                assert not re.search(r'"(yes|no|abstain)"|không đồng ý \d', main_or_all(answer)), at
    await story._do("council-secretary", f"/sessions/{SESSION}/closing")
    sent = await world.rows(sa.select(outbox.c.body).where(outbox.c.key.startswith(ward.code)))
    assert sent
    assert not any(re.search("abstain|choice|chairman|tally", str(row.body)) for row in sent)
    shared = {c.name for c in ballot.c} & {c.name for c in voter.c}
    assert shared == {"ward", "session", "dossier"}


def main_or_all(answer: httpx.Response) -> str:
    return main(answer) or answer.text


async def test_lists_come_in_pages_that_hold_each_row_once(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided()
    for path, role in (("/dossiers", "officer"), ("/awards", "reporter")):
        whole = (await get(world, ward, path, role)).json()
        found, cursor = [], ""
        for _ in story.chosen:
            page = (await get(world, ward, f"{path}?limit=1{cursor}", role)).json()
            found += page["items"]
            cursor = f"&cursor={page['next']}"
        if role == "officer":
            assert found == whole["items"]
            assert page["next"] is None
            assert len(found) == 3


async def test_a_dossier_and_a_session_that_have_not_changed_are_not_sent_again(
    story: Story,
) -> None:
    world, ward = story.world, story.ward
    await story.called()
    headers = world.token(ward, "the.officer", ["officer"], "")
    for path in (f"/awards/dossiers/{dossiers_of('phong-a')[0]}", f"/awards/sessions/{SESSION}"):
        first = await world.client.get(path, headers=headers)
        known = {**headers, "If-None-Match": first.headers["etag"]}
        assert (await world.client.get(path, headers=known)).status_code == 304


async def test_a_roll_is_not_corrected_by_who_has_not_seen_the_last_one(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.attended()
    headers = world.token(ward, "the.secretary", ["council-secretary"], "")
    path, members = f"/awards/sessions/{SESSION}", list(COUNCIL)
    seen = (await world.client.get(path, headers=headers)).headers["etag"]
    for present, status in ((members[:4], 200), (members[1:5], 412)):
        body = {"present": present}
        answer = await world.client.post(
            f"{path}/attendance", json=body, headers={**headers, "If-Match": seen}
        )
        assert answer.status_code == status, answer.text
    roll = (await world.client.get(path, headers=headers)).json()["present"]
    assert roll == sorted(members[:4])


async def test_the_chairman_approves_only_after_a_second_yes(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.closed({"truong-1": "no"})
    path = f"/awards/sessions/{SESSION}/approval"
    headers = {**world.token(ward, "chairman", ["chairman"], ""), "Accept": "text/html"}
    home = await world.client.get("/awards/", headers=headers)
    assert f'href="{path}"' in home.text
    asked = await world.client.get(path, headers=headers)
    assert "Đơn vị phong-a" in asked.text
    assert "Đơn vị truong-1" not in asked.text
    unsure = await world.client.post(path, data={}, headers=headers)
    assert (unsure.status_code, "ô xác nhận" in unsure.text) == (422, True)
    sure = await world.client.post(path, data={"confirmed": "yes"}, headers=headers)
    assert (sure.status_code, sure.headers["location"]) == (303, "/awards/?done=approved")
    told = await world.client.get("/awards/?done=approved", headers=headers)
    assert '<p role="status">Đã duyệt kết quả phiên họp.' in told.text
    rows = (await get(world, ward, "/dossiers", "chairman")).json()["items"]
    assert {row["participant"]: row["state"] for row in rows} == {
        "phong-a": "approved",
        PERSON: "approved",
        "truong-1": "failed",
    }
    secretary = {**world.token(ward, "x", ["council-secretary"], ""), "Accept": "text/html"}
    assert (await world.client.get(path, headers=secretary)).status_code == 403


async def test_the_clerk_enters_number_and_date(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.approved()
    path = f"/awards/sessions/{SESSION}/decision"
    headers = {**world.token(ward, "clerk", ["clerk"], ""), "Accept": "text/html"}
    assert f'href="{path}"' in (await world.client.get("/awards/", headers=headers)).text
    right = {"number": "215/QĐ-UBND", "decided_on": "30/12/2025", "signer": "for-the-chairman"}
    for typed, field, words in (
        ({"number": "QĐ"}, "number", "Phải bắt đầu bằng chữ số"),
        ({"decided_on": "28/12/2025"}, "decided_on", "không được trước ngày"),
        ({"decided_on": ""}, "decided_on", "Ghi ngày theo dạng"),
        ({"decided_on": "31/02/2025"}, "decided_on", "Ghi ngày theo dạng"),
        ({"signer": "nobody"}, "signer", "Hãy chọn người ký"),
    ):
        wrong = await world.client.post(path, data={**right, **typed}, headers=headers)
        assert wrong.status_code == 422, typed
        assert f'id="o-{field}-wrong"' in wrong.text
        assert words in wrong.text
    done = await world.client.post(path, data=right, headers=headers)
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "Số 215/QĐ-UBND ngày 30/12/2025" in (await world.client.get(path, headers=headers)).text
    other = await world.client.post(path, data={**right, "number": "216"}, headers=headers)
    assert other.status_code == 422
    assert "Phiên họp này đã có Quyết định số 215/QĐ-UBND" in other.text


async def test_a_dossiers_page_tells_what_was_done_and_what_comes_next(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.closed()
    path = f"/dossiers/{dossiers_of('phong-a')[0]}"
    chairman = (await get(world, ward, path, "chairman", page=True)).text
    for words in ("Đã làm gì", "Thư ký Hội đồng", "việc của bạn", "Duyệt: Chủ tịch", "01/07/2025"):
        assert words in chairman
    assert f'href="/awards/sessions/{SESSION}/approval"' in chairman
    unit = (await get(world, ward, path, "reporter", unit="phong-a", page=True)).text
    assert "the.officer" not in unit
    assert f'href="/awards/sessions/{SESSION}/approval"' not in unit


async def test_no_link_of_a_page_leads_nowhere(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided()
    await world.print_all()
    for role in ("officer", "chairman", "clerk", "auditor", "reporter"):
        starts = ["/", *(f"/dossiers/{one}" for one in dossiers_of("phong-a"))]
        for start in starts:
            page = await get(world, ward, start, role, page=True, unit="phong-a")
            assert page.status_code == 200
            for link in set(re.findall(r'href="/awards(/[^"#]*)"', page.text)):
                answer = await get(world, ward, link, role, page=True, unit="phong-a")
                assert answer.status_code == 200, (role, start, link)
