"""Files of evidence come in by a program and by a page: each once, by whom, and what is refused."""

import asyncio
from typing import Any

import pytest

from services.intake import uploading
from services.intake.uploading import BODY_LIMIT
from tests.component.evidence.room import (
    GOOD,
    LIST,
    MACHINE,
    MOST_BYTES,
    MOST_FILES,
    Files,
    on_a_folder,
    on_page,
    words,
)
from tests.component.intake_desk import CHAIRMAN, OFFICER, PERIOD, SCHOOL, WARD, token
from tests.evidence_files import archive, huge_picture, office, pdf

pytestmark = pytest.mark.component


@on_a_folder
async def test_the_same_file_is_kept_once(files: Files) -> None:
    first = await files.brought()
    again = await files.brought(name="khác.pdf", criterion="a1")
    other = await files.brought(person=OFFICER, to=f"/files/thcs-1/{PERIOD}/evidence")
    assert first == again
    assert first["id"] != other["id"]
    assert await files.standing() == {first["id"], other["id"]} == await files.rows()


async def test_a_file_that_several_bring_at_once_is_kept_once(files: Files) -> None:
    people = [(f"reporter-{n}", {"roles": ["reporter"], "unit": "tieu-hoc-1"}) for n in range(6)]
    told = await asyncio.gather(*(files.brought(person=p, claims=c) for p, c in people))
    assert len({one["id"] for one in told}) == 1
    assert await files.standing() == {told[0]["id"]} == await files.rows()


@on_a_folder
async def test_a_request_that_is_sent_again_is_answered_again(files: Files) -> None:
    key = {"Idempotency-Key": "0190a5c2-7d34-7b51"}
    first = await files.bring(headers=key)
    again = await files.bring(headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await files.bring(content=GOOD["png"], headers=key)
    assert other.json()["type"].endswith(":idempotency-key-reused")
    assert await files.standing() == {first.json()["id"]} == await files.rows()


HOSTILE = {
    "a program by the name of a PDF": (b"MZ" + bytes(100), "unknown-file-type"),
    "nothing": (b"", "file-empty"),
    "a PDF that runs something": (pdf(b"<< /S /JavaScript >>"), "file-active"),
    "macros": (office("docm"), "file-with-macros"),
    "a bomb": (office("docx", {"word/a.bin": bytes(20 << 20)}), "archive-bomb"),
    "an archive": (archive({"x": b"x"}), "unknown-file-type"),
    "a picture too large": (huge_picture(90_000, 90_000), "picture-too-large"),
    "more than may be": (pdf(b" " * MOST_BYTES), "file-too-large"),
}


@on_a_folder
async def test_what_is_not_taken_leaves_nothing_behind(files: Files) -> None:
    for what, (content, why) in HOSTILE.items():
        answer = await files.bring(content=content)
        assert answer.status_code == 422, what
        told = answer.json()
        assert told["type"].rpartition(":")[2] == why, what
        assert told["errors"] == [{"pointer": "/file", "detail": told["detail"]}]
    assert await files.standing() == set() == await files.rows()


@on_a_folder
async def test_what_is_no_form_with_one_file_is_refused(files: Files) -> None:
    client, bearer = files.room.client, {"Authorization": f"Bearer {token(SCHOOL)}"}
    address = f"/intake{LIST}"
    one = ("a.pdf", GOOD["pdf"])
    cases: list[tuple[int, dict[str, Any]]] = [
        (415, {"json": {}}),
        (415, {"content": GOOD["pdf"]}),
        (422, {"files": {"another": one}}),
        (422, {"files": {"file": ("", GOOD["pdf"])}}),
        (422, {"files": {"file": one}, "data": {"criterion": "../a"}}),
        (400, {"files": [("file", one), ("file", one)]}),
        (400, {"files": {"file": one}, "data": {"a": "1", "b": "2", "c": "3", "d": "4"}}),
        (400, {"files": {"file": one}, "data": {"criterion": "a" * 5000}}),
        (400, {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}),
    ]
    for status, sent in cases:
        headers = bearer | sent.pop("headers", {})
        answer = await client.post(address, headers=headers, **sent)
        assert answer.status_code == status, (sent, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await files.standing() == set()


@on_a_folder
async def test_only_these_routes_take_a_large_body_and_not_any(files: Files) -> None:
    too_large = await files.bring(content=bytes(BODY_LIMIT))
    assert too_large.status_code == 413
    assert too_large.json()["type"].endswith(":content-too-large")
    elsewhere = await files.room.post(OFFICER, "/plans", {"number": "1" * (1 << 20)})
    assert elsewhere.status_code == 413


@on_a_folder
async def test_a_second_file_of_the_same_person_comes_back_later(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "_bringing", {(WARD, SCHOOL)})
    refused, page = await files.bring(), await on_page(files, GOOD["pdf"], "a.pdf")
    assert refused.json()["type"].endswith(":one-file-at-a-time")
    assert "Mỗi lần chỉ tải lên một tệp" in words(page)
    for answer in (refused, page):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert (await files.bring("tieu-hoc-1.head")).status_code == 201


@on_a_folder
async def test_there_is_room_for_so_many_files(files: Files) -> None:
    for number in range(MOST_FILES):
        await files.brought(content=pdf(b"%d" % number))
    full = await files.bring(content=pdf(b"one more"))
    assert full.json()["type"].endswith(":too-many-files")
    assert len(await files.standing()) == MOST_FILES
    known = await files.bring(content=pdf(b"0"))
    assert known.status_code == 201


@on_a_folder
async def test_who_may_bring_files_for_whom(files: Files) -> None:
    his_teacher = f"/files/giao-vien-1/{PERIOD}/evidence"
    writes = {**MACHINE, "scope": "reports:write"}
    asked: list[tuple[str, str, dict[str, Any], int, str]] = [
        (SCHOOL, LIST, {}, 201, ""),
        ("tieu-hoc-1.head", LIST, {}, 201, ""),
        (SCHOOL, his_teacher, {}, 201, ""),
        (OFFICER, LIST, {}, 201, ""),
        ("machine:x", LIST, writes, 201, ""),
        ("thcs-1.reporter", LIST, {}, 422, "not-your-unit"),
        ("thcs-1.reporter", f"/files/khong-co/{PERIOD}/evidence", {}, 422, "not-your-unit"),
        (OFFICER, f"/files/khong-co/{PERIOD}/evidence", {}, 404, "not-found"),
        (SCHOOL, "/files/tieu-hoc-1/1999-annual/evidence", {}, 404, "not-found"),
        (OFFICER, LIST, {"ward": "an-hai"}, 404, "not-found"),
        ("machine:x", LIST, {**writes, "ward": "an-hai"}, 404, "not-found"),
        ("machine:x", LIST, {**MACHINE, "scope": "board:read"}, 403, "forbidden"),
        (CHAIRMAN, LIST, {}, 403, "forbidden"),
        ("assessor", LIST, {}, 403, "forbidden"),
        ("auditor", LIST, {}, 403, "forbidden"),
    ]
    for at, (person, to, claims, status, why) in enumerate(asked):
        answer = await files.bring(person, pdf(b"%d" % at), to=to, claims=claims)
        assert answer.status_code == status, (person, to, answer.text)
        assert not why or answer.json()["type"].endswith(f":{why}"), (person, to)
    assert len(await files.standing()) == len(await files.rows()) == 5


@on_a_folder
async def test_a_person_brings_and_takes_away_files_on_a_page(files: Files) -> None:
    room = files.room
    empty = await room.page(SCHOOL, LIST)
    assert "Chưa có tệp nào." in words(empty)
    assert 'enctype="multipart/form-data"' in empty.text
    sent = await on_page(files, GOOD["docx"], "Kế hoạch.docx")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/intake{LIST}?done=brought")
    shown = words(await room.page(SCHOOL, f"{LIST}?done=brought"))
    for part in ("Đã nhận tệp.", "Kế hoạch.docx", "DOCX, ", "tiêu chí a1", "Gỡ tệp"):
        assert part in shown, part
    [identity] = await files.rows()
    removal = f"/evidence/{identity}/removal"
    assert "Kế hoạch.docx" in words(await room.page(SCHOOL, removal))
    assert (await room.fill(SCHOOL, removal, {})).status_code == 422
    assert (await room.page("thcs-1.reporter", removal)).status_code == 404
    assert (await room.fill("thcs-1.reporter", removal, {"confirmed": "yes"})).status_code == 404
    done = await room.fill(SCHOOL, removal, {"confirmed": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, f"/intake{LIST}?done=removed")
    assert await files.rows() == set() == await files.standing()


@on_a_folder
async def test_a_page_says_beside_the_field_why_a_file_is_not_taken(files: Files) -> None:
    refused = await on_page(files, office("xlsm"), "sổ.xlsx")
    assert refused.status_code == 422
    assert "Tệp: Tệp có macro; hãy lưu lại dạng không có macro hoặc PDF." in words(refused)
    assert 'id="o-file-wrong"' in refused.text
    unchosen = await on_page(files, b"", "")
    assert "Hãy chọn một tệp." in words(unchosen)
    foreign = await on_page(files, GOOD["pdf"], "a.pdf", "thcs-1.reporter")
    assert foreign.status_code == 422
    assert await files.standing() == set()
