"""Who is in the directory at first: by a file, by the roll, by an older database."""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from services.intake.admission import ADMIT
from services.intake.app import service
from services.intake.store import people as store
from shared import migrations
from shared.database import connect
from shared.migrations import migrate
from tests.component.directory_room import OFFICER, Directory
from tests.component.intake_desk import MOVEMENT, WARD, open_the_year, participant
from tests.component.intake_desk import OFFICER as DESK
from tests.component.people.book import TODAY, acts, held

pytestmark = pytest.mark.component


async def test_registering_makes_the_reporter_a_reporter_of_the_unit(room: Directory) -> None:
    await open_the_year(room.room)
    found = await held(room, "tieu-hoc-1.reporter")
    assert (found.unit, set(found.roles), set(found.units)) == (
        "tieu-hoc-1",
        {"reporter"},
        {"tieu-hoc-1"},
    )
    before = await room.room.rows("SELECT count(*) FROM role_held")
    await open_the_year(room.room)
    assert await room.room.rows("SELECT count(*) FROM role_held") == before


async def test_who_is_proposed_by_a_unit_with_the_same_reporter_needs_no_role(
    room: Directory,
) -> None:
    unit = participant("tieu-hoc-1")
    teacher = participant(
        "giao-vien-1",
        group="d",
        block="ca-nhan",
        kind="individual-official",
        manner="proposed",
        proposed_by="tieu-hoc-1",
    ) | {"reporter": unit["reporter"]}
    await room.room.must(DESK, "/movements", MOVEMENT)
    await room.room.must(DESK, "/participants", {"participants": [teacher, unit]})
    found = await held(room, "tieu-hoc-1.reporter")
    assert (found.unit, set(found.units)) == ("tieu-hoc-1", {"tieu-hoc-1"})


FILE = """
people:
  - {person: officer, name: Công chức, roles: [officer], unit: phong-vhxh, email: o@ward.example}
  - person: sub
    name: Người thay
    roles: [substitute-officer, assessor]
    unit: van-phong
    email: s@ward.example
    substitute_for: phong-vhxh
  - {person: chairman, name: Chủ tịch, roles: [chairman, council], email: c@ward.example}
"""


async def admit(room: Directory, file: Path, *more: str) -> int:
    parser = argparse.ArgumentParser()
    ADMIT.arguments(parser)
    told = parser.parse_args([str(file), "--ward", WARD, *more])
    parts: Any = SimpleNamespace(works=room.room.works)
    return await ADMIT.run(parts, told)


async def test_a_ward_begins_with_a_file_and_may_be_begun_again(
    room: Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(FILE, "utf-8")
    assert await admit(room, file) == 4
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("refused")] == [
        line for line in lines if "document-missing" in line
    ]
    assert len([line for line in lines if line.startswith("refused: chairman")]) == 2
    assert await admit(room, file, "--document", "12/QĐ-UBND") == 0
    assert capsys.readouterr().out.splitlines() == [
        "known: officer",
        "known: officer officer",
        "known: sub",
        "known: sub substitute-officer of phong-vhxh",
        "known: sub assessor",
        "known: chairman",
        "done: chairman chairman",
        "done: chairman council",
    ]
    assert set((await held(room, "chairman")).roles) == {"chairman", "council"}
    assert (await held(room, "sub")).unit == "van-phong"
    before = await acts(room)
    assert await admit(room, file, "--document", "12/QĐ-UBND", "--since", "2025-07-01") == 0
    assert await acts(room) == before
    assert {actor for *_, actor in before} == {"cli:admit"}


async def test_a_file_that_is_wrong_changes_nothing(
    room: Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.yaml"
    for text, said in (
        ("people: []", "/people"),
        (FILE.replace("[officer]", "[chief]"), "/people/0/roles/0"),
        (FILE.replace("email: c@ward.example", "address: x"), "/people/2/address"),
        ("people: [", "cannot be read"),
    ):
        file.write_text(text, "utf-8")
        assert await admit(room, file) == 4
        assert said in capsys.readouterr().err
    assert await admit(room, tmp_path / "missing.yaml") == 4
    assert (await room.get(OFFICER, "/people")).json()["items"] == []
    with pytest.raises(SystemExit):
        await admit(room, file, "--ward", "Tứ Minh")


async def test_an_older_database_makes_its_reporters_reporters(
    make_database: Callable[[str], str],
) -> None:
    url = make_database("older")
    engine = connect(url)
    one = participant("thcs-1")["reporter"]["person"]
    rows = [
        ("thcs-1", None, "owes", True, one),
        ("giao-vien-1", "thcs-1", "proposed", False, one),
        ("giao-vien-2", "thcs-1", "proposed", False, "gv-2"),
    ]
    async with engine.begin() as connection:
        await connection.run_sync(_to_0003)
        for code, proposer, manner, collective, reporter in rows:
            await connection.execute(
                sa.text(
                    "INSERT INTO participant VALUES ('w', :code, 'n', 'school', :collective, 'a',"
                    " 'b', :manner, :proposer, :reporter, '2025-08-01T18:00:00Z')"
                ),
                {
                    "code": code,
                    "proposer": proposer,
                    "manner": manner,
                    "collective": collective,
                    "reporter": reporter,
                },
            )
        for person in (one, "gv-2", "nobody"):
            await connection.execute(
                sa.text("INSERT INTO contact VALUES ('w', :person, 'n', 'a@x.example')"),
                {"person": person},
            )
    await migrate(url, service.migrations)
    async with engine.connect() as connection:
        found = {
            p: await store.holdings(connection, "w", p, date(2025, 8, 2)) for p in (one, "gv-2")
        }
        day_before = await store.holdings(connection, "w", one, TODAY)
        nobody = await store.holdings(connection, "w", "nobody", date(2025, 8, 2))
    assert {p: (h.unit, sorted(h.units)) for p, h in found.items()} == {
        one: ("thcs-1", ["thcs-1"]),
        "gv-2": ("giao-vien-2", ["giao-vien-2"]),
    }
    assert not day_before.roles, "registered on 02/08 by the ward's clock"
    assert (nobody.unit, set(nobody.roles)) == ("", set())
    await engine.dispose()


def _to_0003(connection: sa.Connection) -> None:
    config = migrations._config(service.migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, "0003")
