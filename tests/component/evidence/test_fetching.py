"""Files of evidence go out: whole and in parts, listed, on pages, to whom the report is shown."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from tests.component.evidence.room import (
    GOOD,
    LIST,
    LONG,
    MACHINE,
    ORIGIN,
    Files,
    on_a_folder,
    words,
)
from tests.component.intake_desk import CHAIRMAN, OFFICER, PERIOD, SCHOOL, moment, token

pytestmark = pytest.mark.component


async def test_a_file_comes_back_as_it_was_brought(files: Files) -> None:
    for kind in GOOD:
        await comes_back(files, kind)
    assert await files.standing() == await files.rows()
    assert len(await files.rows()) == len(GOOD)


async def comes_back(files: Files, kind: str) -> None:
    told = await files.brought(
        content=GOOD[kind], name=f"../Minh chứng\u202e.{kind}", criterion="a1"
    )
    digest = sha256(GOOD[kind]).hexdigest()
    assert (told["kind"], told["size"], told["sha256"]) == (kind, len(GOOD[kind]), digest)
    assert told["criterion"] == "a1"
    assert told["url"] == f"{ORIGIN}/intake/evidence/{told['id']}"
    answer = await files.fetch(told["id"])
    assert answer.status_code == 200
    assert answer.content == GOOD[kind]
    headers = answer.headers
    assert headers["etag"] == f'"{digest}"'
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-length"] == str(len(GOOD[kind]))
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, no-cache"
    assert headers["content-disposition"].startswith('attachment; filename="Minh chung.')


@on_a_folder
async def test_what_was_brought_is_listed_in_its_order(files: Files) -> None:
    told = []
    for at, kind in enumerate(("pdf", "png", "docx")):
        files.room.clock.time = moment(f"2025-12-01 10:0{at}")
        told.append(await files.brought(content=GOOD[kind], name=f"{at}"))
    first = (await files.room.get(SCHOOL, f"{LIST}?limit=2")).json()
    rest = (await files.room.get(SCHOOL, f"{LIST}?limit=2&cursor={first['next']}")).json()
    assert first["items"] + rest["items"] == told
    assert rest["next"] is None


PARTS = {
    "bytes=0-0": slice(0, 1),
    "bytes=1-1048576": slice(1, 1048577),
    "bytes=1048575-1048576": slice(1048575, 1048577),
    "bytes=-3": slice(-3, None),
    "bytes=2000000-": slice(2000000, None),
    "bytes=0-99999999": slice(0, None),
}


async def test_a_long_file_is_fetched_in_parts(files: Files) -> None:
    told = await files.brought(content=LONG)
    whole = await files.fetch(told["id"])
    assert whole.content == LONG
    for header, part in PARTS.items():
        answer = await files.fetch(told["id"], range=header)
        assert (answer.status_code, answer.content) == (206, LONG[part]), header
        start, end, _ = part.indices(len(LONG))
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(LONG)}"
        assert answer.headers["content-length"] == str(end - start)


@on_a_folder
async def test_a_part_is_given_only_of_the_same_file_and_where_there_is_one(files: Files) -> None:
    told = await files.brought()
    tag, identity = f'"{told["sha256"]}"', told["id"]
    same = await files.fetch(identity, range="bytes=0-4", if_range=tag)
    assert (same.status_code, same.content) == (206, b"%PDF-")
    for other in ('"another"', "Mon, 01 Dec 2025 00:00:00 GMT", f"W/{tag}"):
        answer = await files.fetch(identity, range="bytes=0-4", if_range=other)
        assert (answer.status_code, answer.content) == (200, GOOD["pdf"])
    behind = await files.fetch(identity, range=f"bytes={len(GOOD['pdf'])}-")
    assert behind.status_code == 416
    assert behind.headers["content-range"] == f"bytes */{len(GOOD['pdf'])}"
    assert behind.json()["type"].endswith(":range-not-satisfiable")
    several = await files.fetch(identity, range="bytes=0-1,3-4")
    assert (several.status_code, several.content) == (200, GOOD["pdf"])
    known = await files.fetch(identity, if_none_match=f'"x", W/{tag}')
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == tag


@on_a_folder
async def test_whoever_does_not_see_the_report_does_not_see_its_files(files: Files) -> None:
    told = await files.brought(name="bí mật.pdf")
    one = f"/evidence/{told['id']}"
    asked: list[tuple[str, dict[str, Any], int]] = [
        (SCHOOL, {}, 200),
        ("tieu-hoc-1.head", {}, 200),
        (OFFICER, {}, 200),
        (CHAIRMAN, {}, 200),
        ("inspector", {}, 200),
        ("auditor", {}, 200),
        ("thcs-1.reporter", {}, 404),
        ("phong-vhxh.reporter", {}, 404),
        (SCHOOL, {"ward": "an-hai"}, 404),
        (OFFICER, {"ward": "an-hai"}, 404),
        ("assessor", {}, 403),
        ("clerk", {}, 403),
        ("operator", {}, 403),
        ("machine:x", {**MACHINE, "scope": "board:read"}, 200),
        ("machine:x", {**MACHINE, "scope": "board:read", "ward": "an-hai"}, 404),
        ("machine:x", {**MACHINE, "scope": "reports:write"}, 403),
        ("machine:x", MACHINE, 403),
    ]
    for person, claims, status in asked:
        headers = {"Authorization": f"Bearer {token(person, **claims)}"}
        for path in (one, LIST):
            answer = await files.room.client.get(f"/intake{path}", headers=headers)
            assert answer.status_code == status, (person, claims, path)
            if status != 200:
                assert "bí mật" not in answer.text
                assert told["sha256"] not in answer.text
    missing = await files.room.get(SCHOOL, f"/evidence/{uuid4()}")
    foreign = await files.room.get("thcs-1.reporter", one)
    assert missing.json()["detail"] == foreign.json()["detail"]
    nobody = await files.room.client.get(f"/intake{one}")
    assert nobody.status_code == 401


@on_a_folder
async def test_the_page_of_the_duty_shows_the_files_and_takes_more(files: Files) -> None:
    await files.brought(name="ảnh.png", content=GOOD["png"])
    page = words(await files.room.page(SCHOOL, f"/files/tieu-hoc-1/{PERIOD}"))
    assert "ảnh.png" in page
    assert f'action="/intake{LIST}"' in page
    read = words(await files.room.page(CHAIRMAN, f"/files/tieu-hoc-1/{PERIOD}"))
    assert "ảnh.png" in read
    assert f'action="/intake{LIST}"' not in read


async def test_an_answer_without_its_bytes_is_no_half_file(files: Files) -> None:
    told = await files.brought()
    async for one in files.shelf.everything():
        await files.shelf.remove(one.name)
    answer = await files.fetch(told["id"])
    assert answer.status_code == 503
    assert answer.json()["type"].startswith("urn:thidua:problem:")


@on_a_folder
async def test_a_page_offers_no_form_to_whoever_only_reads(files: Files) -> None:
    await files.brought()
    page = await files.room.page(CHAIRMAN, LIST)
    assert "báo cáo.pdf" in words(page)
    assert "<form" not in page.text.partition("<main")[2].partition("</main>")[0]
    assert "Gỡ tệp" not in words(page)
    assert (await files.room.page("thcs-1.reporter", LIST)).status_code == 404


@on_a_folder
async def test_whoever_brought_a_file_sees_that_it_is_held(files: Files) -> None:
    await files.room.must(
        OFFICER,
        "/people",
        {
            "person": "nguoi-moi",
            "name": "Người mới",
            "email": "moi@tu-minh.example",
            "unit": "",
        },
    )
    await files.brought(person="nguoi-moi", claims={"roles": ["reporter"], "unit": "tieu-hoc-1"})
    held = (await files.room.get("nguoi-moi", "/me")).json()["held"]
    assert ("Tải minh chứng lên", "tieu-hoc-1") in {(one["what"], one["text"]) for one in held}
