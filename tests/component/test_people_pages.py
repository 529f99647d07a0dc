"""The directory's pages: forms say what is wrong beside the field, and nothing typed is lost."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.component.directory_room import AUDITOR, OFFICER, Directory
from tests.component.intake_desk import WARD, DeskRoom

pytestmark = pytest.mark.component

PAGE = {"Accept": "text/html"}


@pytest.fixture
async def room(desk: DeskRoom) -> Directory:
    """Lan is in the directory and holds a role; nobody is on the roll."""
    await desk.begin_anew()
    room = Directory(desk)
    await room.admit("lan", "Lan & Cúc")
    return room


async def page(room: Directory, path: str, who: str = OFFICER, **claims: Any) -> httpx.Response:
    answer = await room.ask(who, "GET", path, headers=PAGE, **claims)
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    return answer


async def fill(
    room: Directory, path: str, form: Mapping[str, Any], who: str = OFFICER, **claims: Any
) -> httpx.Response:
    return await room.fill(who, path, form, **claims)


async def test_the_list_shows_everybody_and_a_form_to_who_may_add(room: Directory) -> None:
    shown = await page(room, "/people")
    assert shown.status_code == 200
    assert 'href="/intake/people/lan"' in shown.text
    assert "Lan &amp; Cúc" in shown.text
    assert 'action="/intake/people"' in shown.text
    assert 'action="/intake/people"' not in (await page(room, "/people", AUDITOR)).text
    assert "Lan" not in (await page(room, "/people?q=khong-co-ai")).text
    exported = await page_bytes(room, "/people?format=csv")
    assert "lan@ward.example" in exported.decode("utf-8-sig")


async def page_bytes(room: Directory, path: str) -> bytes:
    return (await room.ask(OFFICER, "GET", path, headers=PAGE)).content


async def test_somebody_is_added_by_the_form_and_a_mistake_is_said_at_its_field(
    room: Directory,
) -> None:
    wrong = await fill(room, "/people", {"person": "Bo Bo", "name": "Bo", "email": "b@x.example"})
    assert wrong.status_code == 422
    assert 'href="#o-person"' in wrong.text
    assert 'value="Bo Bo"' in wrong.text
    taken = {"person": "lan", "name": "Khác", "email": "k@x.example", "unit": ""}
    assert (await fill(room, "/people", taken)).status_code == 409
    done = await fill(room, "/people", taken | {"person": "bo"})
    assert (done.status_code, done.headers["location"]) == (
        303,
        "/intake/people/bo?done=admitted",
    )
    assert "Khác" in (await page(room, "/people/bo?done=admitted")).text


async def test_a_role_is_granted_and_ended_and_the_page_tells_the_story(room: Directory) -> None:
    form = {"role": "clerk", "since": "01/08/2025", "until": "31/12/2025", "document": "7/QĐ"}
    bad = await fill(room, "/people/lan/roles", form | {"since": "32/08/2025"})
    assert bad.status_code == 422
    assert "ngày/tháng/năm" in bad.text
    assert 'value="32/08/2025"' in bad.text
    assert (await fill(room, "/people/lan/roles", {"role": "chairman"})).status_code == 422
    assert (await fill(room, "/people/lan/roles", form)).status_code == 303
    told = (await page(room, "/people/lan")).text
    assert "Văn thư" in told
    assert "31/12/2025" in told
    assert "Theo 7/QĐ" in told
    [(number,)] = await room.room.rows("SELECT id FROM role_held WHERE person = 'lan'")
    end = f"/people/lan/roles/{number}/end"
    assert "Văn thư" in (await page(room, end)).text
    unsure = await fill(room, end, {"reason": "Nghỉ <hưu>"})
    assert unsure.status_code == 422
    assert "Nghỉ &lt;hưu&gt;" in unsure.text
    assert (await fill(room, end, {"reason": "Nghỉ", "confirmed": "yes"})).status_code == 303
    told = (await page(room, "/people/lan")).text
    assert "Đã thôi" in told
    assert "thôi vai trò Văn thư: Nghỉ" in told


async def test_a_change_by_the_form_does_not_write_over_another(room: Directory) -> None:
    shown = (await page(room, "/people/lan/contact")).text
    assert 'name="seen" value="1"' in shown
    form = {"name": "Lan", "email": "lan@ward.example", "unit": "", "seen": "1"}
    assert (await fill(room, "/people/lan/contact", form)).status_code == 303
    stale = await fill(room, "/people/lan/contact", form | {"name": "Cúc"})
    assert stale.status_code == 422
    assert "Có người đã sửa trước" in stale.text
    assert await room.room.rows("SELECT name FROM contact WHERE person = 'lan'") == [("Lan",)]


async def test_a_delegation_is_entered_and_ended_by_whoever_gives_it(room: Directory) -> None:
    await room.admit("bo")
    await room.grant("lan", "clerk")
    own = {"roles": ["clerk"]}
    form = {
        "principal": "lan",
        "delegate": "bo",
        "roles": ["clerk"],
        "until": "31/12/2025",
        "document": "2/GUQ",
    }
    assert 'value="lan"' in (await page(room, "/delegations", "lan", **own)).text
    none = await fill(room, "/delegations", form | {"roles": []}, "lan", **own)
    assert none.status_code == 422
    done = await fill(room, "/delegations", form, "lan", **own)
    assert (done.status_code, done.headers["location"]) == (303, "/intake/session?done=lent")
    [(number,)] = await room.room.rows("SELECT id FROM delegation")
    end = f"/delegations/{number}/end"
    assert (await page(room, end, "stranger")).status_code == 404
    mine = (await page(room, "/session?done=lent", "lan", **own)).text
    assert f'href="/intake{end}"' in mine
    assert '<p role="status">Đã ghi ủy quyền.</p>' in mine
    assert "2/GUQ" not in (await page(room, "/session", "bo")).text
    assert "2/GUQ" in (await page(room, "/people/lan")).text
    given = {"reason": "Xong", "confirmed": "yes"}
    assert (await fill(room, end, given, "lan", **own)).status_code == 303
    assert await room.room.rows("SELECT ended_by FROM delegation") == [("lan",)]
    assert "2/GUQ" not in (await page(room, "/session", "lan", **own)).text


async def test_erasing_and_signing_out_ask_once_more(room: Directory) -> None:
    for path, form in (
        ("/people/lan/access/end", {"reason": "Mất máy", "roles": "true"}),
        ("/people/lan/erasure", {"document": "8/YC"}),
    ):
        assert "không hoàn tác" in (await page(room, path)).text
        await room.room.news()
        assert (await fill(room, path, form)).status_code == 422
        assert await room.room.news() == []
        assert (await fill(room, path, form | {"confirmed": "yes"})).status_code == 303
        assert await room.room.news(), path
    told = (await page(room, "/people/lan")).text
    assert "Đã xóa thông tin" in told
    assert "Lan &amp; Cúc" not in told
    assert "Giao vai trò" not in told


async def test_a_correction_goes_from_the_form_to_the_officer_and_back(room: Directory) -> None:
    assert "Thông tin của tôi" in (await page(room, "/me", "lan")).text
    assert 'name="text"' in (await page(room, "/me/correction", "lan")).text
    assert (await fill(room, "/me/corrections", {"text": " "}, "lan")).status_code == 422
    asked = await fill(room, "/me/corrections", {"text": "Sai <tên>"}, "lan")
    assert asked.headers["location"] == "/intake/me?done=asked"
    assert "Đã gửi đề nghị." in (await page(room, "/me?done=asked", "lan")).text
    assert "Sai &lt;tên&gt;" in (await page(room, "/corrections")).text
    assert "/answer" not in (await page(room, "/corrections", AUDITOR)).text
    [(number,)] = await room.room.rows("SELECT id FROM correction_request")
    path = f"/corrections/{number}/answer"
    assert "Sai &lt;tên&gt;" in (await page(room, path)).text
    assert (await fill(room, path, {"outcome": "refused", "reason": ""})).status_code == 422
    given = {"outcome": "refused", "reason": "Đúng như giấy tờ"}
    assert (await fill(room, path, given)).status_code == 303
    assert (await page(room, path)).status_code == 404
    assert "Đúng như giấy tờ" in (await page(room, "/me", "lan")).text


async def test_somebody_of_another_ward_finds_no_page(room: Directory) -> None:
    elsewhere = Directory(room.room, "le-thanh-nghi")
    assert room.ward == WARD
    for path in ("", "/contact", "/roles", "/access/end", "/erasure"):
        assert (await page(elsewhere, f"/people/lan{path}")).status_code == 404
        assert "Lan" not in (await page(elsewhere, f"/people/lan{path}")).text, path
