"""The movement with rules in a room of intake: bodies, calls, what stands."""

from collections.abc import Mapping
from typing import Any, Literal

import httpx

from tests.component.intake_desk import MOVEMENT, OFFICER, PARTICIPANTS, DeskRoom, moment, token

CODE = "cds-2025-2030"
BASE = f"/movements/{CODE}"
ANNUAL: dict[str, Any] = {
    "code": "annual-report",
    "kind": "annual-report",
    "title": "Năm",
    "suffix": "annual",
    "due": {"month": 12, "day": 10, "before": True},
    "due_text": "trước ngày 10/12",
}
PLAN: dict[str, Any] = {
    "code": "unit-plan",
    "kind": "unit-plan",
    "title": "Kế hoạch của đơn vị",
    "suffix": "plan",
    "due": {"month": 8, "day": 31},
    "due_text": "trong tháng 8 năm 2025",
    "years": [2025],
    "newcomer_days": 30,
}
LITERACY: dict[str, Any] = {
    "code": "literacy",
    "kind": "digital-literacy-plan",
    "title": "Kế hoạch Bình dân học vụ số",
    "suffix": "literacy",
    "due": {"on": "2025-11-30"},
    "due_text": "đến hết ngày 30/11/2025",
    "kinds": ["school"],
}
PHASES = [
    {"number": 1, "title": "Giai đoạn 1", "first_year": 2025, "last_year": 2027},
    {"number": 2, "title": "Giai đoạn 2", "first_year": 2027, "last_year": 2030},
]
RULED = {**MOVEMENT, "phases": PHASES, "rules": [PLAN, ANNUAL]}
DOCUMENT = {"number": "40/KH-UBND", "decided_on": "2025-08-01"}


def draft(version: int, **changes: Any) -> dict[str, Any]:
    body = {name: value for name, value in RULED.items() if name != "adoption"}
    return {**body, "version": version, **changes}


Method = Literal["GET", "POST", "PUT", "DELETE"]


async def call(
    room: DeskRoom,
    method: Method,
    path: str,
    person: str = OFFICER,
    tag: str = "",
    body: Any = None,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(person)}"}
    if tag:
        headers["If-Match"] = tag
    return await room.client.request(method, f"/intake{path}", json=body, headers=headers)


def name_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).removeprefix("urn:thidua:problem:")


async def tag_of(room: DeskRoom, version: int) -> str:
    return str((await room.get(OFFICER, f"{BASE}/versions/{version}")).headers["etag"])


async def preview(room: DeskRoom, version: int) -> dict[str, Any]:
    answer = await room.get(OFFICER, f"{BASE}/versions/{version}/adoption")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def adopt(room: DeskRoom, version: int, digest: str) -> httpx.Response:
    body = {**DOCUMENT, "preview": digest}
    return await room.post(OFFICER, f"{BASE}/versions/{version}/adoption", body)


async def duties(room: DeskRoom) -> set[tuple[str, str, str, str]]:
    """Open duties: participant, period, manner, last day."""
    rows = await room.rows(
        "SELECT participant, period, manner, to_char(due AT TIME ZONE 'Asia/Ho_Chi_Minh',"
        " 'YYYY-MM-DD') FROM obligation WHERE met_at IS NULL AND withdrawn_at IS NULL"
    )
    return {(row[0], row[1], row[2], row[3]) for row in rows}


async def state_of(room: DeskRoom, version: int) -> str:
    rows = await room.rows(f"SELECT state FROM movement WHERE version = {version}")
    return str(rows[0][0]) if rows else "none"


async def with_rules(desk: DeskRoom, movement: Mapping[str, Any] = RULED) -> DeskRoom:
    """The movement with its rules, the roll, nobody owes anything yet."""
    await desk.begin_anew()
    await desk.must(OFFICER, "/movements", movement)
    await desk.must(OFFICER, "/participants", {"participants": PARTICIPANTS})
    await desk.news()
    return desk


async def with_a_year(desk: DeskRoom) -> DeskRoom:
    """2025 is opened, and it is 01/10."""
    await with_rules(desk)
    await desk.must(OFFICER, f"{BASE}/years", {"year": 2025})
    await desk.news()
    desk.clock.time = moment("2025-10-01 09:00")
    return desk
