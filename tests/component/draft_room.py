"""A unit's draft, over HTTP."""

import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import sqlalchemy as sa

from services.intake.store.evidence_tables import evidence
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    SCHOOL,
    WARD,
    DeskRoom,
    judgement,
    report,
    token,
)

HEAD = "tieu-hoc-1.head"
OTHER = "thcs-1.reporter"
UNIT = "tieu-hoc-1"
DRAFT = f"/drafts/{UNIT}/{PERIOD}"


def scan_of(unit: str) -> str:
    """The id of the file that `enter_scans` has for a unit."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"scan/{unit}"))


async def enter_scans(room: DeskRoom, *units: str) -> None:
    """Rows of files, as if the scan of each unit's document had been brought."""
    common = {"ward": WARD, "period": PERIOD, "name": "ban-chup.pdf", "kind": "pdf", "size": 900}
    rows = [
        {
            **common,
            "id": uuid.UUID(scan_of(unit)),
            "participant": unit,
            "sha256": "0" * 64,
            "uploaded_at": room.clock.time,
            "uploaded_by": OFFICER,
        }
        for unit in units
    ]
    async with room.engine.begin() as connection:
        await connection.execute(sa.insert(evidence), rows)


def full(revision: int = 1, **more: Any) -> dict[str, Any]:
    """A report by form 2 with something in every section."""
    items = [
        {"criterion": "a1", "self_score": "38.5", "narrative": "Đã làm"},
        {"criterion": "a2", "nothing_arose": True, "reason": "Chưa có thủ tục nào"},
    ]
    usual = {
        "form_version": 2,
        "situation": "Đã triển khai.",
        "digital_literacy": "Ba lớp.",
        "items": items,
        "role_models": [{"name": "Tổ 1", "summary": "Tốt"}],
    }
    return report(UNIT, revision=revision, **{**usual, **more})


def reopening(revision: int = 1, *pointers: str) -> dict[str, Any]:
    reasons = [{"pointer": one, "text": "Số liệu thay đổi."} for one in pointers or ("/items/0",)]
    return {
        **judgement(UNIT, revision),
        "reasons": reasons,
        "correct_by": "2026-01-20T17:00:00+07:00",
    }


def wrong(answer: httpx.Response) -> set[str]:
    return {one["pointer"] for one in answer.json()["errors"]}


async def send(
    room: DeskRoom,
    method: str,
    person: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    tag: str | None = None,
    **claims: Any,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    if tag is not None:
        headers["If-Match"] = tag
    return await room.client.request(method, f"/intake{path}", json=body, headers=headers)


async def tag_of(room: DeskRoom, person: str = SCHOOL) -> str:
    answer = await send(room, "GET", person, DRAFT)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


async def save(room: DeskRoom, fields: Mapping[str, str], person: str = SCHOOL) -> dict[str, Any]:
    tag = await tag_of(room, person)
    answer = await send(room, "PUT", person, DRAFT, {"fields": fields}, tag)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def act(room: DeskRoom, person: str, what: str, said: str = "") -> httpx.Response:
    tag = await tag_of(room, person)
    return await send(room, "POST", person, f"{DRAFT}/acts", {"act": what, "said": said}, tag)


async def submit(room: DeskRoom, person: str = SCHOOL, **more: Any) -> httpx.Response:
    tag = await tag_of(room, person)
    body = {"commitment": True, **more}
    return await send(room, "POST", person, f"{DRAFT}/submission", body, tag)


FIELDS = {
    "situation": "Đã triển khai.",
    "items.a1.self_score": "38,5",
    "items.a1.narrative": "Đã làm",
}
