"""Files that were brought are chosen in a draft, named by the report, and shown with it."""

import re
from html import unescape
from typing import Any

import pytest

from tests.component.draft_room import DRAFT, FIELDS, UNIT, act, save, send, submit, tag_of, wrong
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    SCHOOL,
    DeskRoom,
    returning,
    token,
)
from tests.evidence_files import pdf

pytestmark = pytest.mark.component

REPORT = f"/reports/{UNIT}/{PERIOD}/1"


async def bring(room: DeskRoom, name: str, criterion: str = "", unit: str = UNIT) -> dict[str, Any]:
    answer = await room.client.post(
        f"/intake/files/{unit}/{PERIOD}/evidence",
        files={"file": (name, pdf(name.encode()))},
        data={"criterion": criterion} if criterion else {},
        headers={"Authorization": f"Bearer {token(f'{unit}.reporter')}"},
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def chosen(file: dict[str, Any], part: str = "items.a1") -> dict[str, str]:
    return {"file": file["id"], "part": part}


async def page(room: DeskRoom, person: str, path: str) -> str:
    answer = await room.page(person, path)
    assert answer.status_code == 200, answer.text
    return unescape(" ".join(answer.text.split()))


class TestByHttp:
    async def test_is_named_without_its_address_being_typed(self, room: DeskRoom) -> None:
        one, other = await bring(room, "ảnh.pdf"), await bring(room, "số liệu.pdf")
        body = {"fields": FIELDS, "attach": [chosen(one), chosen(other), chosen(one)]}
        saved = await send(room, "PUT", SCHOOL, DRAFT, body, await tag_of(room))
        fields = saved.json()["fields"]
        at = "items.a1.evidence"
        assert [fields[f"{at}.{row}.title"] for row in (0, 1)] == ["ảnh.pdf", "số liệu.pdf"]
        assert [fields[f"{at}.{row}.url"] for row in (0, 1)] == [one["url"], other["url"]]
        assert f"{at}.2.url" not in fields
        assert (await submit(room)).status_code == 201
        [(body,)] = await room.rows("SELECT body FROM report")
        named = [item["url"] for item in body["items"][0]["evidence"]]
        assert named == [one["url"], other["url"]]

    async def test_only_what_is_there_and_where_it_may_stand(self, room: DeskRoom) -> None:
        theirs = await bring(room, "của trường khác.pdf", unit="thcs-1")
        mine = await bring(room, "của mình.pdf")
        parts = [chosen(theirs), chosen(mine, "situation"), chosen(mine, "items.b1"), chosen(mine)]
        body = {"fields": FIELDS, "attach": parts}
        answer = await send(room, "PUT", SCHOOL, DRAFT, body, await tag_of(room))
        assert answer.status_code == 422
        assert wrong(answer) == {"/attach/0/file", "/attach/1/part", "/attach/2/part"}
        assert await room.rows("SELECT count(*) FROM draft") == [(0,)]

    async def test_not_in_what_stays_as_it_was_sent(self, room: DeskRoom) -> None:
        fields = {"items.a2.self_score": "10", "items.a2.narrative": "Đã làm"}
        await save(room, FIELDS | fields)
        assert (await submit(room)).status_code == 201
        await room.must(OFFICER, "/reports/returns", returning(UNIT))
        mine = await bring(room, "của mình.pdf")
        body = {"fields": {}, "attach": [chosen(mine), chosen(mine, "items.a2")]}
        answer = await send(room, "PUT", SCHOOL, DRAFT, body, await tag_of(room))
        assert wrong(answer) == {"/attach/1/part"}
        body = {"fields": {}, "attach": [chosen(mine)]}
        assert (await send(room, "PUT", SCHOOL, DRAFT, body, await tag_of(room))).is_success


class TestOnThePage:
    async def test_is_offered_for_its_criterion_saved_and_listed(self, room: DeskRoom) -> None:
        fit, other = await bring(room, "cho a1.pdf", "a1"), await bring(room, "chung.pdf")
        shown = await page(room, SCHOOL, DRAFT)
        box = f'name="attach.items.a1.{fit["id"]}" value="yes" checked'
        assert box in shown
        assert f'name="attach.items.a2.{fit["id"]}"' not in shown
        picks = re.findall(r'<select id="o-(pick\.[^"]*)"', shown)
        assert {"pick.items.a1", "pick.items.a2"} <= set(picks)
        typed = {**FIELDS, "version": "0", "revision": "0"}
        typed |= {f"attach.items.a1.{fit['id']}": "yes", "pick.items.a1": other["id"]}
        saved = await room.fill(SCHOOL, DRAFT, typed | {"pick.items.a2": ""})
        assert saved.status_code == 303, saved.text
        fields = (await send(room, "GET", SCHOOL, DRAFT)).json()["fields"]
        urls = {text for name, text in fields.items() if name.endswith(".url")}
        assert urls == {fit["url"], other["url"]}
        assert box.removesuffix(" checked") not in await page(room, SCHOOL, DRAFT)
        await submit(room)
        for person in (SCHOOL, OFFICER, "inspector"):
            report = await page(room, person, REPORT)
            assert "<h2>Tệp của báo cáo này</h2>" in report
            for file in (fit, other):
                line = f'<a href="/intake/evidence/{file["id"]}">{file["name"]}</a>'
                assert f'{line} <span class="muted">PDF, ' in report
            fetched = await room.get(person, f"/evidence/{fit['id']}")
            assert fetched.content == pdf(b"cho a1.pdf")
        assert (await room.get("thcs-1.reporter", f"/evidence/{fit['id']}")).status_code == 404

    async def test_is_not_ticked_once_the_criterion_has_evidence(self, room: DeskRoom) -> None:
        await save(room, {"items.a1.evidence.0.title": "Trang web"})
        fit = await bring(room, "cho a1.pdf", "a1")
        shown = await page(room, SCHOOL, DRAFT)
        assert f'name="attach.items.a1.{fit["id"]}" value="yes">' in shown

    async def test_what_is_chosen_by_hand_and_is_not_there_is_told(self, room: DeskRoom) -> None:
        theirs = await bring(room, "của trường khác.pdf", unit="thcs-1")
        typed = {**FIELDS, "version": "0", "revision": "0", "pick.items.a1": theirs["id"]}
        answer = await room.fill(SCHOOL, DRAFT, typed)
        assert answer.status_code == 422
        assert "Không có tệp minh chứng này" in unescape(answer.text)
        assert ">Đã triển khai.</textarea>" in unescape(answer.text)

    async def test_nothing_is_offered_where_nothing_was_brought_or_can_be_typed(
        self, room: DeskRoom
    ) -> None:
        async with room.engine.begin() as connection:
            await connection.exec_driver_sql("TRUNCATE evidence")
        assert "pick.items" not in await page(room, SCHOOL, DRAFT)
        await bring(room, "chung.pdf")
        head = f"{UNIT}.head"
        await room.post(head, f"/participants/{UNIT}/approval", {"head_approves": True})
        await save(room, FIELDS)
        await act(room, SCHOOL, "ask")
        assert "pick.items" not in await page(room, SCHOOL, DRAFT)
