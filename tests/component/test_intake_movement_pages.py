"""Versions beside each other, documents by kind, the pages, and versions from before."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from alembic import command

from services.intake import app
from shared import migrations
from shared.database import connect
from tests.component.intake_desk import OFFICER, SCHOOL, DeskRoom, moment, plan
from tests.component.movement_room import (
    ANNUAL,
    BASE,
    LITERACY,
    PLAN,
    adopt,
    draft,
    duties,
    name_of,
    preview,
    state_of,
    with_a_year,
    with_rules,
)

pytestmark = pytest.mark.component


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    return await with_rules(desk)


@pytest.fixture
async def year(desk: DeskRoom) -> DeskRoom:
    return await with_a_year(desk)


async def test_what_changed_between_two_versions(room: DeskRoom) -> None:
    await room.must(OFFICER, "/movements", draft(2, rules=[ANNUAL], title="Tên mới"))
    path = f"{BASE}/versions/2/differences"
    found = (await room.get(SCHOOL, path)).json()
    assert (found["older"], found["newer"]) == (1, 2)
    assert [(one["section"], one["what"], one["after"]) for one in found["changes"]] == [
        ("version", "changed", "Tên mới"),
        ("rules", "removed", ""),
    ]
    assert name_of(await room.get(SCHOOL, f"{BASE}/versions/1/differences"))[0] == 404


async def test_a_document_of_another_kind_is_recorded_like_a_plan(year: DeskRoom) -> None:
    await year.must(OFFICER, "/movements", draft(2, rules=[PLAN, ANNUAL, LITERACY]))
    await adopt(year, 2, (await preview(year, 2))["digest"])
    body = plan("tieu-hoc-1", period="2025-literacy", issued_on="2025-09-30")
    assert (await year.must(SCHOOL, "/plans", body))["on_time"] is True
    [met] = await year.news("obligation-met")
    assert (met.data["kind"], met.data["on_time"]) == ("digital-literacy-plan", True)
    page = await year.page(SCHOOL, f"/duties/{met.data['obligation']}")
    assert page.status_code == 200
    assert "mục VI.1.b" in page.text


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


async def test_the_officers_way_through_the_pages(year: DeskRoom) -> None:
    """Copy the version, move the rule's day, look at what changes, adopt, see the list."""
    here = f"{BASE}/versions"
    listed = await year.page(OFFICER, "/movements")
    assert "Đang có hiệu lực" in listed.text
    copied = await year.fill(OFFICER, f"{here}/1/copies", {})
    assert copied.headers["location"] == f"/intake{here}/2?done=copied"
    form = await year.page(OFFICER, f"{here}/2/rules/annual-report")
    typed: Mapping[str, str] = {
        "seen": hidden(form, "seen"),
        "title": "Năm",
        "due": "05/12",
        "before": "yes",
        "due_text": "trước ngày 05/12",
        "offsets": "20, 10",
        "newcomer_days": "",
    }
    wrong = await year.fill(OFFICER, f"{here}/2/rules/annual-report", {**typed, "due": "31/02"})
    assert wrong.status_code == 422
    assert "Hạn" in wrong.text
    stale = await year.fill(OFFICER, f"{here}/2/rules/annual-report", {**typed, "seen": "x"})
    assert "Có người đã sửa trước" in stale.text
    saved = await year.fill(OFFICER, f"{here}/2/rules/annual-report", typed)
    assert saved.headers["location"].endswith("?done=saved")
    changes = await year.page(SCHOOL, f"{here}/2/differences")
    assert "trước ngày 05/12 hằng năm" in changes.text
    asked = await year.page(OFFICER, f"{here}/2/adoption")
    assert "2025-annual: trước ngày 05/12/2025" in asked.text
    body = {"number": "50/KH-UBND", "decided_on": "01/10/2025", "preview": hidden(asked, "preview")}
    unsure = await year.fill(OFFICER, f"{here}/2/adoption", body)
    assert unsure.status_code == 422
    sure = await year.fill(OFFICER, f"{here}/2/adoption", {**body, "confirmed": "yes"})
    assert (sure.status_code, sure.headers.get("location")) == (
        303,
        f"/intake{here}/2?done=adopted",
    )
    assert ("thcs-1", "2025-annual", "owes", "2025-12-04") in await duties(year)
    offsets = await year.rows(
        "SELECT DISTINCT offset_days FROM reminder JOIN obligation ON id = obligation"
        " WHERE period = '2025-annual' AND state = 'planned' AND offset_days >= 0 ORDER BY 1"
    )
    assert offsets == [(10,), (20,)]
    assert (await year.page(OFFICER, f"{here}/2/drop")).status_code == 409
    await year.fill(OFFICER, f"{here}/2/copies", {})
    assert "Bỏ bản nháp" in (await year.page(OFFICER, f"{here}/3/drop")).text
    gone = await year.fill(OFFICER, f"{here}/3/drop", {"confirmed": "yes"})
    assert gone.headers["location"] == "/intake/movements?done=dropped"
    assert await state_of(year, 3) == "none"
    opened = await year.fill(OFFICER, f"{BASE}/years", {"year": "2026"})
    assert opened.headers["location"] == "/intake/movements?done=year"
    refused = await year.fill(OFFICER, f"{BASE}/years", {"year": "2050"})
    assert refused.status_code == 422


async def test_versions_from_before_are_adopted_and_superseded(
    make_database: Callable[[str], str],
) -> None:
    """Of a movement that was launched twice before there were states, the newest is in force."""
    engine = connect(make_database("versions"))
    folder = app.service.migrations
    insert = sa.text(
        "INSERT INTO movement (ward, movement, version, data, launched_at)"
        " VALUES ('w', :movement, :version, '{}', :at)"
    )
    moments = [moment("2025-08-01 08:00"), moment("2026-02-01 08:00")]
    async with engine.begin() as connection:
        await connection.run_sync(_to_0006, folder)
        for movement, version, at in (("m", 1, 0), ("m", 3, 1), ("n", 1, 0)):
            values = {"movement": movement, "version": version, "at": moments[at]}
            await connection.execute(insert, values)
    await migrations.migrate(engine.url.render_as_string(hide_password=False), folder)
    query = sa.text("SELECT movement, version, state, superseded_at FROM movement ORDER BY 1, 2")
    async with engine.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(query)]
    assert rows == [
        ("m", 1, "superseded", moments[1]),
        ("m", 3, "adopted", None),
        ("n", 1, "adopted", None),
    ]
    await engine.dispose()


def _to_0006(connection: sa.Connection, folder: Path) -> None:
    config = migrations._config(folder)
    config.attributes["connection"] = connection
    command.upgrade(config, "0006")
