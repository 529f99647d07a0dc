"""Files of evidence over HTTP, on a folder and on an S3-compatible server."""

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from services.intake import uploading
from services.intake.app import IntakeSettings, wait_for_shelf
from services.intake.commands import evidence as commands
from services.intake.evidence_routines import sweep
from services.intake.shelf import NotThere, Shelf, ShelfAway, shelf_at
from services.intake.store.draft_tables import draft, paper
from services.intake.uploading import BODY_LIMIT
from shared.messaging.errors import is_transient
from shared.waiting import DependencyMissing
from shared.web.identity import Person
from tests.component.intake_desk import (
    CHAIRMAN,
    OFFICER,
    PERIOD,
    SCHOOL,
    START,
    WARD,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    report,
    token,
)
from tests.evidence_files import archive, good_files, huge_picture, office, pdf
from tests.s3.server import KEY_ID, KEY_SECRET, Bucket, running

pytestmark = pytest.mark.component

GOOD = good_files()
LIST = f"/files/tieu-hoc-1/{PERIOD}/evidence"
ORIGIN = "http://127.0.0.1:8080"
MOST_BYTES, MOST_FILES = 3 << 20, 6
LONG = pdf(b" " * 2_500_000)
"""Longer than a body may be elsewhere, and than what is read at a time."""


@dataclass
class Files:
    """Intake and where its files stand."""

    room: DeskRoom
    shelf: Shelf
    folder: Path

    async def bring(
        self,
        person: str = SCHOOL,
        content: bytes = GOOD["pdf"],
        name: str = "báo cáo.pdf",
        *,
        to: str = LIST,
        headers: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
        **fields: str,
    ) -> httpx.Response:
        """Send a file as a program does."""
        bearer = {"Authorization": f"Bearer {token(person, **(claims or {}))}"}
        return await self.room.client.post(
            f"/intake{to}",
            files={"file": (name, content)},
            data=fields,
            headers={**bearer, **(headers or {})},
        )

    async def brought(self, **told: Any) -> dict[str, Any]:
        answer = await self.bring(**told)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def fetch(self, file: str, person: str = SCHOOL, **headers: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {token(person)}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.room.client.get(f"/intake/evidence/{file}", headers=bearer | named)

    async def standing(self) -> set[str]:
        """Ids of the files whose bytes stand there."""
        return {one.name.rpartition("/")[2] async for one in self.shelf.everything()}

    async def rows(self) -> set[str]:
        """Ids of the files that rows say are here."""
        found = await self.room.rows("SELECT id FROM evidence WHERE removed_at IS NULL")
        return {str(row[0]) for row in found}

    def age(self, days: float = 2) -> None:
        """Let all that stands there have stood for so long."""
        then = time.time() - days * 86400
        for path in self.folder.rglob("*"):
            if path.is_file():
                os.utime(path, (then, then))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running(tmp_path_factory.mktemp("s3")) as bucket:
        yield bucket


@pytest.fixture(scope="module", params=["folder", "s3"])
async def opened(
    request: pytest.FixtureRequest,
    infrastructure: Provided,
    s3: Bucket,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Files]:
    folder = tmp_path_factory.mktemp("evidence")
    address = s3.address if request.param == "s3" else f"file://{folder}/a%20folder"
    told = {
        "evidence_store": address,
        "evidence_key_id": KEY_ID,
        "evidence_key_secret": KEY_SECRET,
        "evidence_bytes": MOST_BYTES,
        "evidence_files": MOST_FILES,
    }
    shelf = shelf_at(address, KEY_ID, KEY_SECRET)
    where = s3.folder if request.param == "s3" else folder
    async with one_intake(infrastructure, folder, **told) as room:
        await open_the_year(room)
        yield Files(room, shelf, where)


on_a_folder = pytest.mark.parametrize("opened", ["folder"], indirect=True)
"""What is the same wherever the bytes stand."""


@pytest.fixture
async def files(opened: Files) -> Files:
    async for one in opened.shelf.everything():
        await opened.shelf.remove(one.name)
    async with opened.room.engine.begin() as connection:
        await connection.execute(
            sa.text("TRUNCATE evidence, draft, report, judgement, answer CASCADE")
        )
    await opened.room.news()
    opened.room.clock.time = moment("2025-12-01 09:00")
    return opened


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


MACHINE = {"roles": [], "unit": ""}


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


def naming(told: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A report whose evidence is that file."""
    one = {"title": "Kế hoạch", "url": told["url"], "sha256": told["sha256"], **changes}
    body = report("tieu-hoc-1")
    body["items"][0]["evidence"] = [one]
    return body


async def removed(files: Files, file: str, person: str = SCHOOL) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {token(person)}"}
    return await files.room.client.delete(f"/intake/evidence/{file}", headers=bearer)


async def test_a_file_is_taken_away_until_a_report_names_it(files: Files) -> None:
    first, second = await files.brought(), await files.brought(content=GOOD["png"])
    for person in ("thcs-1.reporter", "phong-vhxh.reporter"):
        assert (await removed(files, first["id"], person)).status_code == 404
    gone = await removed(files, first["id"])
    assert gone.json() == {"id": first["id"], "name": first["name"]}
    assert (await files.fetch(first["id"])).status_code == 404
    assert (await removed(files, first["id"])).status_code == 404
    assert await files.standing() == {second["id"]} == await files.rows()
    await files.room.must(SCHOOL, "/reports", naming(second))
    for person in (SCHOOL, OFFICER):
        kept = await removed(files, second["id"], person)
        assert kept.json()["type"].endswith(":file-in-use")
    assert (await files.fetch(second["id"])).content == GOOD["png"]
    again = await files.brought()
    assert again["id"] != first["id"]


@on_a_folder
async def test_a_file_that_is_named_in_capitals_is_named(files: Files) -> None:
    room = files.room
    sent, drafted, other = [
        await files.brought(content=GOOD[kind]) for kind in ("pdf", "png", "docx")
    ]
    loud = f"{ORIGIN}/INTAKE/Evidence/{sent['id'].upper()}"
    await room.must(SCHOOL, "/reports", naming(sent, url=loud))
    await enter_draft(room, drafted["id"].upper())
    assert (await removed(files, sent["id"])).json()["type"].endswith(":file-in-use")
    listed = (await room.get(SCHOOL, LIST)).json()["items"]
    assert sent["id"] in {one["id"] for one in listed}
    room.clock.time = moment("2026-03-11 08:00")
    assert await commands.sweep_unused(room.works, files.shelf, 90) == 1
    assert await files.rows() == {sent["id"], drafted["id"]} == await files.standing()
    assert other["id"] not in await files.rows()


@on_a_folder
async def test_a_report_that_names_a_file_wrongly_is_refused_at_every_door(files: Files) -> None:
    told = await files.brought()
    other = await files.brought(person=OFFICER, to=f"/files/thcs-1/{PERIOD}/evidence")
    place = "/items/0/evidence/0"
    wrong = {
        f"{place}/sha256": naming(told, sha256="0" * 64),
        f"{place}/url": naming(other),
    }
    for pointer, body in wrong.items():
        answer = await files.room.post(SCHOOL, "/reports", body)
        assert answer.status_code == 422
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
        await files.room.apply(files.room.record(body))
        [rejected] = await files.room.news("report-rejected")
        assert [one["pointer"] for one in rejected.data["reasons"]] == [pointer]
    await files.room.must(SCHOOL, "/reports", naming(told))
    page = words(await files.room.page(SCHOOL, f"/reports/tieu-hoc-1/{PERIOD}/1"))
    assert f'href="/intake/evidence/{told["id"]}"' in page
    assert "tệp đã tải lên" in page


@on_a_folder
async def test_the_page_of_the_duty_shows_the_files_and_takes_more(files: Files) -> None:
    await files.brought(name="ảnh.png", content=GOOD["png"])
    page = words(await files.room.page(SCHOOL, f"/files/tieu-hoc-1/{PERIOD}"))
    assert "ảnh.png" in page
    assert f'action="/intake{LIST}"' in page
    read = words(await files.room.page(CHAIRMAN, f"/files/tieu-hoc-1/{PERIOD}"))
    assert "ảnh.png" in read
    assert f'action="/intake{LIST}"' not in read


async def test_files_that_nothing_names_are_swept_after_the_period(files: Files) -> None:
    named, drafted, scanned, unused = [
        await files.brought(content=GOOD[kind]) for kind in ("pdf", "png", "docx", "xlsx")
    ]
    await files.room.must(SCHOOL, "/reports", naming(named))
    await enter_draft(files.room, drafted["id"])
    await enter_paper(files.room, scanned["id"])
    works, everything = files.room.works, await files.rows()
    for day in ("2025-12-02 09:00", "2026-03-09 08:00"):
        files.room.clock.time = moment(day)
        assert await commands.sweep_unused(works, files.shelf, 90) == 0
        assert await files.standing() == everything
    files.room.clock.time = moment("2026-03-11 08:00")
    both = [commands.sweep_unused(works, files.shelf, 90) for _ in range(2)]
    assert sum(await asyncio.gather(*both)) == 1
    assert await files.standing() == everything - {unused["id"]} == await files.rows()
    assert await files.room.rows("SELECT name FROM evidence WHERE removed_at IS NOT NULL")


async def enter_draft(room: DeskRoom, file: str) -> None:
    fields = {"item.a1.evidence.0.url": f"{ORIGIN}/intake/evidence/{file}"}
    await write(room, draft, side="unit", state="draft", fields=fields, stamps={})


async def enter_paper(room: DeskRoom, file: str) -> None:
    await write(room, paper, revision=1, came_by="paper", scan=UUID(file))


async def write(room: DeskRoom, table: sa.Table, **values: Any) -> None:
    """A row of the school's, with something in every column that asks for it."""
    usual: dict[type, Any] = {str: "x", int: 0, datetime: START, date: START.date()}
    asked = {
        column.name: usual.get(column.type.python_type, uuid4())
        for column in table.columns
        if not column.nullable and column.server_default is None
    }
    whose = {"ward": WARD, "participant": "tieu-hoc-1", "period": PERIOD}
    async with room.engine.begin() as connection:
        await connection.execute(sa.insert(table).values(asked | whose | values))


async def delivered(files: Files, content: bytes) -> commands.Delivery:
    """Bytes on the shelf whose row is still to come."""
    file = io.BytesIO(content)
    looked = await commands.look_at(file, "a.pdf", "", MOST_BYTES)
    key = ("tieu-hoc-1", PERIOD)
    return await commands.deliver(files.shelf, file, looked, key, WARD)


PERSON = Person(SCHOOL, "Đầu mối", frozenset({"reporter"}), "tieu-hoc-1", WARD)


async def entered(files: Files, delivery: commands.Delivery) -> UUID | None:
    """Enter its row; None when the bytes were gone."""
    try:
        async with files.room.works.begin(delivery.lock) as work:
            row = await commands.enter(work, files.shelf, delivery, PERSON, 99)
            found: UUID = row.id
            return found
    except ShelfAway:
        return None


async def test_bytes_without_a_row_are_swept_when_they_are_old(files: Files) -> None:
    told = await files.brought()
    stray = await delivered(files, GOOD["png"])
    await files.shelf.put("backup/of/somebody/else", io.BytesIO(b"x"))
    works, here = files.room.works, {told["id"], "else"}
    assert await commands.sweep_bytes(works, files.shelf) == 0
    assert await files.standing() == here | {str(stray.id)}
    files.age()
    both = [commands.sweep_bytes(works, files.shelf) for _ in range(2)]
    assert max(await asyncio.gather(*both)) == 1
    assert await files.standing() == here
    assert await entered(files, stray) is None
    assert (await files.fetch(told["id"])).content == GOOD["pdf"]


async def test_a_sweep_in_the_middle_of_uploads_never_leaves_a_row_without_bytes(
    files: Files,
) -> None:
    waiting = [await delivered(files, pdf(b"%d" % n)) for n in range(12)]
    files.age()
    sweeps = [commands.sweep_bytes(files.room.works, files.shelf) for _ in range(2)]
    found = await asyncio.gather(*sweeps, *(entered(files, one) for one in waiting))
    rows = {str(one) for one in found[2:] if one is not None}
    assert await files.rows() == rows
    assert await files.standing() == rows


@on_a_folder
async def test_the_routine_sweeps_at_its_start_and_then_by_the_hour(files: Files) -> None:
    stray = await delivered(files, GOOD["pdf"])
    files.age()
    routine = sweep(files.room.works, files.shelf, 90)
    assert await routine.turn() == 1
    again = await delivered(files, GOOD["pdf"])
    files.age()
    assert await routine.turn() == 0
    assert await files.standing() == {str(again.id)}
    assert stray.id != again.id


async def test_an_answer_without_its_bytes_is_no_half_file(files: Files) -> None:
    told = await files.brought()
    async for one in files.shelf.everything():
        await files.shelf.remove(one.name)
    answer = await files.fetch(told["id"])
    assert answer.status_code == 503
    assert answer.json()["type"].startswith("urn:thidua:problem:")


def words(answer: httpx.Response) -> str:
    return unescape(" ".join(answer.text.split()))


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


async def on_page(files: Files, content: bytes, name: str, person: str = SCHOOL) -> httpx.Response:
    headers = {
        "Accept": "text/html",
        "Cookie": f"thidua_token={token(person)}",
        "Sec-Fetch-Site": "same-origin",
    }
    return await files.room.client.post(
        f"/intake{LIST}",
        files={"file": (name, content)},
        data={"criterion": "a1"},
        headers=headers,
    )


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


@pytest.mark.parametrize("address", ["s3", "nowhere", "wrong key", "file"])
async def test_a_store_that_cannot_be_used_stops_the_start(
    s3: Bucket, tmp_path: Path, address: str
) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    told, secret = {
        "s3": (s3.address.replace("evidence", "another"), KEY_SECRET),
        "nowhere": ("s3://evidence?endpoint=http://127.0.0.1:9", KEY_SECRET),
        "wrong key": (s3.address, "another"),
        "file": (f"file://{tmp_path}/taken", KEY_SECRET),
    }[address]
    settings = IntakeSettings.model_construct(
        evidence_store=told, evidence_key_id=KEY_ID, evidence_key_secret=secret, wait_seconds=0.1
    )
    parts: Any = type("Parts", (), {"settings": settings})
    with pytest.raises(DependencyMissing, match="THIDUA_EVIDENCE_STORE"):
        await wait_for_shelf(parts)


async def test_a_store_that_is_away_is_a_fault_that_passes() -> None:
    shelf = shelf_at("s3://evidence?endpoint=http://127.0.0.1:9", KEY_ID, KEY_SECRET)
    with pytest.raises(ShelfAway) as told:
        await shelf.put("a/b/c/d", io.BytesIO(b"x"))
    assert is_transient(told.value)
    with pytest.raises(ShelfAway):
        await shelf.size("a/b/c/d")


async def test_what_stands_nowhere_is_told_from_a_store_that_is_away(files: Files) -> None:
    with pytest.raises(NotThere):
        await files.shelf.size("a/b/c/d")
    await files.shelf.remove("a/b/c/d")
    await files.shelf.check()
    assert await files.standing() == set()
