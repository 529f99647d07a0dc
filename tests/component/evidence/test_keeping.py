"""Files of evidence stay while something names them, and are swept after; stores that are away."""

import asyncio
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.intake.app import IntakeSettings, wait_for_shelf
from services.intake.commands import evidence as commands
from services.intake.evidence_routines import sweep
from services.intake.shelf import NotThere, ShelfAway, shelf_at
from shared.messaging.errors import is_transient
from shared.waiting import DependencyMissing
from tests.component.evidence.room import (
    GOOD,
    LIST,
    MOST_BYTES,
    ORIGIN,
    PERSON,
    Files,
    enter_draft,
    enter_paper,
    naming,
    on_a_folder,
    removed,
    words,
)
from tests.component.intake_desk import OFFICER, PERIOD, SCHOOL, WARD, moment
from tests.evidence_files import pdf
from tests.s3.server import KEY_ID, KEY_SECRET, Bucket

pytestmark = pytest.mark.component


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


async def delivered(files: Files, content: bytes) -> commands.Delivery:
    """Bytes on the shelf whose row is still to come."""
    file = io.BytesIO(content)
    looked = await commands.look_at(file, "a.pdf", "", MOST_BYTES)
    key = ("tieu-hoc-1", PERIOD)
    return await commands.deliver(files.shelf, file, looked, key, WARD)


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
