"""Intake's directory for tests: who asks, and what they ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt

from tests.component.intake_desk import _KEY, WARD, DeskRoom

OFFICER, SECOND, OPERATOR, AUDITOR = "an.officer", "bo.officer", "op", "audit"
ROLES: dict[str, tuple[str, ...]] = {
    OFFICER: ("officer",),
    SECOND: ("officer",),
    OPERATOR: ("operator",),
    AUDITOR: ("auditor",),
}


@dataclass(frozen=True)
class Directory:
    """The directory of a ward, asked by somebody with a token that says what they are."""

    room: DeskRoom
    ward: str = WARD

    async def ask(
        self,
        who: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> httpx.Response:
        """`body` goes as JSON, `form` as a browser's form; `claims` change the token's."""
        now = datetime.now(UTC)
        told = {
            "sub": who,
            "name": who,
            "roles": list(ROLES.get(who, ())),
            "unit": "",
            "ward": self.ward,
            "iat": now.timestamp(),
            "exp": now + timedelta(minutes=5),
        } | claims
        token = jwt.encode(told, _KEY, algorithm="EdDSA")
        return await self.room.client.request(
            method,
            f"/intake{path}",
            json=body,
            data=form,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
        )

    async def post(
        self, who: str, path: str, body: Mapping[str, Any], **claims: Any
    ) -> httpx.Response:
        return await self.ask(who, "POST", path, body, **claims)

    async def fill(
        self, who: str, path: str, form: Mapping[str, Any], **claims: Any
    ) -> httpx.Response:
        """Send a page's form."""
        return await self.ask(
            who, "POST", path, form=form, headers={"Accept": "text/html"}, **claims
        )

    async def get(self, who: str, path: str, **claims: Any) -> httpx.Response:
        return await self.ask(who, "GET", path, **claims)

    async def must(self, who: str, path: str, body: Mapping[str, Any]) -> Any:
        """Post what must be taken."""
        answer = await self.post(who, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def admit(self, person: str, name: str = "", unit: str = "", email: str = "") -> None:
        body = {
            "person": person,
            "name": name or f"Người {person}",
            "email": email or f"{person}@ward.example",
            "unit": unit,
        }
        await self.must(OFFICER, "/people", body)

    async def grant(self, person: str, role: str, **more: Any) -> int:
        given = await self.must(OFFICER, f"/people/{person}/roles", {"role": role, **more})
        return int(given["id"])


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status, and the last part of the problem's type."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]
