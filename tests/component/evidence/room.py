"""Intake and where its files stand, for tests: a file brought, fetched, named and taken away."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from services.intake.shelf import Shelf
from services.intake.store.draft_tables import draft, paper
from shared.web.identity import Person
from tests.component.intake_desk import PERIOD, SCHOOL, START, WARD, DeskRoom, report, token
from tests.evidence_files import good_files, pdf

GOOD = good_files()
LIST = f"/files/tieu-hoc-1/{PERIOD}/evidence"
ORIGIN = "http://127.0.0.1:8080"
MOST_BYTES, MOST_FILES = 3 << 20, 6
LONG = pdf(b" " * 2_500_000)
"""Longer than a body may be elsewhere, and than what is read at a time."""
MACHINE = {"roles": [], "unit": ""}
PERSON = Person(SCHOOL, "Đầu mối", frozenset({"reporter"}), "tieu-hoc-1", WARD)


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


on_a_folder = pytest.mark.parametrize("opened", ["in_a_folder"], indirect=True)
"""What is the same wherever the bytes stand."""


def naming(told: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A report whose evidence is that file."""
    one = {"title": "Kế hoạch", "url": told["url"], "sha256": told["sha256"], **changes}
    body = report("tieu-hoc-1")
    body["items"][0]["evidence"] = [one]
    return body


async def removed(files: Files, file: str, person: str = SCHOOL) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {token(person)}"}
    return await files.room.client.delete(f"/intake/evidence/{file}", headers=bearer)


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


def words(answer: httpx.Response) -> str:
    return unescape(" ".join(answer.text.split()))


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
