"""A page stands open while another door brings a report: nobody sends over what they never saw."""

import re
from html import unescape

import httpx
import pytest

from tests.component.draft_room import DRAFT, FIELDS, full, save, send, submit, tag_of
from tests.component.intake_desk import SCHOOL, DeskRoom

pytestmark = pytest.mark.component


def words(answer: httpx.Response) -> str:
    return unescape(" ".join(answer.text.split()))


async def opened(room: DeskRoom) -> dict[str, str]:
    """What the page's form holds hidden."""
    shown = words(await room.page(SCHOOL, DRAFT))
    return hidden(shown)


def hidden(shown: str) -> dict[str, str]:
    form = shown[shown.index(f'action="/intake{DRAFT}"') :]
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="(\d+)">', form)[:2])


async def autosaved(room: DeskRoom, page: dict[str, str], text: str) -> httpx.Response:
    """As the page's script does it: it looks at the draft, then saves with that tag."""
    tag = await tag_of(room)
    body = {"fields": {"difficulties": text}, "revision": int(page["revision"])}
    return await send(room, "PUT", SCHOOL, DRAFT, body, tag)


async def based_on(room: DeskRoom) -> list[int]:
    return [row[0] for row in await room.rows("SELECT based_on FROM draft")]


@pytest.mark.parametrize("begun", [False, True])
async def test_what_saves_by_itself_does_not_pass_over_another_door(
    room: DeskRoom, begun: bool
) -> None:
    if begun:
        await save(room, FIELDS)
    page = await opened(room)
    assert (await autosaved(room, page, "Thiếu máy")).is_success
    await room.apply(room.record(full()))
    lost = await autosaved(room, page, "Thiếu máy tính")
    assert (lost.status_code, lost.json()["title"]) == (412, "Đã có bản khác được gửi")
    assert "Bản số 1 đã được gửi qua cửa khác" in lost.json()["detail"]
    assert await based_on(room) == [0]
    assert (await submit(room)).status_code == 409
    seen = await opened(room)
    assert seen["revision"] == "1"
    assert (await autosaved(room, seen, "Thiếu máy tính")).is_success
    assert await based_on(room) == [1]


async def test_a_page_that_is_saved_by_hand_shows_that_there_is_another(room: DeskRoom) -> None:
    await save(room, FIELDS)
    page = await opened(room)
    await room.apply(room.record(full()))
    typed = {**FIELDS, "difficulties": "Thiếu máy", **page}
    lost = await room.fill(SCHOOL, DRAFT, typed)
    assert lost.status_code == 412
    assert "Bản số 1 đã được gửi qua cửa khác" in words(lost)
    assert ">Thiếu máy</textarea>" in words(lost)
    assert await based_on(room) == [0]
    again = await room.fill(SCHOOL, DRAFT, typed | hidden(words(lost)))
    assert again.status_code == 303
    assert await based_on(room) == [1]


async def test_what_was_typed_into_a_form_from_before_meets_what_came_in(room: DeskRoom) -> None:
    """Nobody had saved yet. What was left empty is not emptied; what both wrote is shown twice."""
    page = await opened(room)
    assert page == {"version": "0", "revision": "0"}
    await room.apply(room.record(full()))
    typed = {"situation": "Của tôi", "difficulties": "Thiếu máy", "digital_literacy": ""}
    lost = await room.fill(SCHOOL, DRAFT, typed | page)
    assert lost.status_code == 412
    shown = words(lost)
    assert "Đang lưu (bản số 1 đã gửi)" in shown.replace("</h3>", "")
    assert '<div class="sheet">Đã triển khai.</div>' in shown
    assert '<div class="sheet">Của tôi</div>' in shown
    assert '<input type="hidden" name="difficulties" value="Thiếu máy">' in shown
    merged = {"situation": "Đã ghép", "difficulties": "Thiếu máy", **hidden(shown)}
    assert (await room.fill(SCHOOL, DRAFT, merged)).status_code == 303
    fields = (await send(room, "GET", SCHOOL, DRAFT)).json()["fields"]
    kept = [fields[name] for name in ("situation", "difficulties", "digital_literacy")]
    assert kept == ["Đã ghép", "Thiếu máy", "Ba lớp."]
    assert await based_on(room) == [1]


async def test_where_the_two_differ_nowhere_it_is_only_told(room: DeskRoom) -> None:
    page = await opened(room)
    await room.apply(room.record(full()))
    typed = {"difficulties": "Thiếu máy", "situation": "", "digital_literacy": ""}
    lost = await room.fill(SCHOOL, DRAFT, typed | page)
    assert lost.status_code == 412
    shown = words(lost)
    assert ">Ba lớp.</textarea>" in shown
    assert ">Thiếu máy</textarea>" in shown
    assert hidden(shown) == {"version": "0", "revision": "1"}


async def test_what_is_typed_again_after_an_error_does_not_hide_who_saved_since(
    room: DeskRoom,
) -> None:
    await save(room, FIELDS)
    page = await opened(room)
    await save(room, {"situation": "Của người thứ hai"})
    typed = {**FIELDS, "difficulties": "x" * 20_001}
    refused = await room.fill(SCHOOL, DRAFT, typed | page)
    assert refused.status_code == 422
    assert hidden(words(refused)) == page
    mine = {**FIELDS, "situation": "Của người thứ nhất", **hidden(words(refused))}
    assert (await room.fill(SCHOOL, DRAFT, mine)).status_code == 412


async def test_what_is_refused_for_another_reason_still_meets_what_came_in(
    room: DeskRoom,
) -> None:
    """The page that is shown again has seen no more than the first one."""
    page = await opened(room)
    await room.apply(room.record(full()))
    typed = {"situation": "Của tôi", "digital_literacy": "", "difficulties": "x" * 20_001}
    refused = await room.fill(SCHOOL, DRAFT, typed | page)
    assert refused.status_code == 422
    assert hidden(words(refused)) == page
    mended = {**typed, "difficulties": "Thiếu máy", **hidden(words(refused))}
    lost = await room.fill(SCHOOL, DRAFT, mended)
    assert lost.status_code == 412
    assert '<div class="sheet">Của tôi</div>' in words(lost)
