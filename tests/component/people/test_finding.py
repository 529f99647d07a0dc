"""The directory of people: lists, searches, what is held about oneself, corrections."""

import pytest

from tests.component.directory_room import OFFICER, Directory, refusal

pytestmark = pytest.mark.component


async def test_lists_follow_the_vietnamese_alphabet_page_by_page(room: Directory) -> None:
    names = ["Ân", "An", "Ánh", "Đào", "Dung", "Êm", "Em", "Ơn", "Ong", "Ông"]
    for number, name in enumerate(names):
        await room.admit(f"p-{number}", name)
    seen: list[str] = []
    path = "/people?limit=3"
    while path:
        page = (await room.get(OFFICER, path)).json()
        seen += [row["name"] for row in page["items"]]
        path = f"/people?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == ["An", "Ánh", "Ân", "Dung", "Đào", "Em", "Êm", "Ong", "Ông", "Ơn"]


async def test_a_search_without_marks_finds_words_with_them(room: Directory) -> None:
    await room.admit("a", "Trưởng phòng Đỗ", email="vp_1@ward.example")
    await room.admit("b", "Trương Đình", email="b@ward.example")

    async def found(q: str) -> list[str]:
        answer = await room.ask(OFFICER, "GET", f"/people?q={q}")
        return [row["person"] for row in answer.json()["items"]]

    assert await found("truong") == ["b", "a"]
    assert await found("trưởng") == ["a"]
    assert await found("TRƯƠNG") == ["b"]
    assert await found("do") == ["a"]
    assert await found("vp_1@") == ["a"]
    assert await found("vp%25") == await found("vp_2") == []
    assert (await room.ask(OFFICER, "GET", "/people?q=%00")).status_code == 400
    assert (await room.ask(OFFICER, "GET", "/people?role=clerk")).json()["items"] == []


async def test_everybody_sees_what_is_held_about_them_and_nobody_elses(room: Directory) -> None:
    await room.admit("lan", "Lan", unit="phong-vhxh")
    await room.admit("bo", "Bo")
    await room.grant("lan", "assessor", until="2025-12-31")
    me = (await room.get("lan", "/me", roles=["assessor"])).json()
    texts = [(row["what"], row["text"]) for row in me["held"]]
    assert ("Tên", "Lan") in texts
    assert ("Địa chỉ thư", "lan@ward.example") in texts
    assert any("assessor" in text and "31/12/2025" in text for _, text in texts)
    assert me["elsewhere"] == ["/scoring/me", "/awards/me", "/notify/me"]
    assert "bo@ward.example" not in str(me)
    page = await room.ask("lan", "GET", "/me", headers={"Accept": "text/html"}, roles=["assessor"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "lan@ward.example" in page.text
    assert (await room.get("nobody", "/me")).json()["held"] == []
    assert (await room.room.client.get("/intake/me")).status_code == 401


async def test_a_correction_is_asked_shown_and_answered_once(room: Directory) -> None:
    await room.admit("lan")
    asked = await room.post("lan", "/me/corrections", {"text": "Tên tôi là Lán"})
    number = asked.json()["id"]
    assert (await room.post("nobody", "/me/corrections", {"text": "x"})).status_code == 404
    [waiting] = (await room.get(OFFICER, "/corrections")).json()
    assert (waiting["person"], waiting["text"]) == ("lan", "Tên tôi là Lán")
    elsewhere = Directory(room.room, "le-thanh-nghi")
    assert (await elsewhere.get(OFFICER, "/corrections")).json() == []
    answer = {"outcome": "refused", "reason": "Giấy tờ ghi Lan"}
    path = f"/corrections/{number}/answer"
    assert (await elsewhere.post(OFFICER, path, answer)).status_code == 404
    assert (await room.post("lan", path, answer, roles=["officer"])).status_code == 422
    assert (await room.post(OFFICER, path, answer)).status_code == 201
    assert (await room.post(OFFICER, path, answer)).status_code == 201
    other = answer | {"outcome": "corrected"}
    assert refusal(await room.post(OFFICER, path, other)) == (409, "answered-already")
    assert (await room.get(OFFICER, "/corrections")).json() == []
    assert "Giấy tờ ghi Lan" in (await room.get("lan", "/me")).text
