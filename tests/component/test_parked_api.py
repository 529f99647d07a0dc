"""Parked events by HTTP: operators only, their own ward only, refusals in Vietnamese."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Depends, FastAPI

from shared.messaging.errors import Permanent
from shared.roles import Role
from shared.web.access import Gate
from shared.web.identity import TokenReader
from shared.web.parked import parked_router
from shared.web.problems import answer_with_problems
from tests.component.kernel_bench import Bench
from tests.component.test_parked import ALL, Fragile, listen, story
from tests.kernel import Counted, record_of

pytestmark = pytest.mark.component

KEY = Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@dataclass
class Office:
    """Whoever asks."""

    client: httpx.AsyncClient
    bench: Bench
    fragile: Fragile

    async def ask(
        self, method: str, path: str, *roles: str, ward: str = "tu-minh", **other: Any
    ) -> httpx.Response:
        claims = {"sub": "op-1", "roles": roles or ("operator",), "ward": ward}
        token = jwt.encode({**claims, "exp": time.time() + 60}, KEY, algorithm="EdDSA")
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.request(method, f"/parked{path}", headers=headers, **other)

    async def listed(self, **params: str) -> list[dict[str, Any]]:
        answer = await self.ask("GET", "", params=params)
        assert answer.status_code == 200, answer.text
        events: list[dict[str, Any]] = answer.json()["events"]
        return events


@pytest.fixture
async def office(bench: Bench) -> AsyncIterator[Office]:
    """Key a: 2 of 1..3 fails; and one of another ward, and one that names no ward."""
    fragile = listen(bench, Fragile(2, error=Permanent))
    other = Counted(ward="other", thing="a", number=2)
    nameless = replace(record_of(other, 60), key=b"\xff", headers=())
    await bench.apply(*story("a", 1, 3), record_of(other, 50), nameless)
    app = FastAPI(dependencies=[Depends(Gate("", ()))])
    app.state.tokens = TokenReader(None, pinned=PEM.decode())
    app.state.token_cookie = "thidua_token"
    answer_with_problems(app)
    app.include_router(parked_router(bench.parking))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield Office(client, bench, fragile)


async def test_a_list_shows_what_waits_and_why(office: Office) -> None:
    first, second = await office.listed()
    assert (first["key"], first["error"], first["attempts"]) == ("tu-minh/a", "Permanent", 1)
    assert (second["error"], second["attempts"]) == ("WaitsBehind", 0)
    assert await office.listed(key="tu-minh/b") == []
    assert len(await office.listed(type=Counted.TYPE, since="2020-01-01T00:00:00Z")) == 2
    assert await office.listed(since="2100-01-01T00:00:00Z") == []
    assert await office.listed(state="discarded") == []
    assert len(await office.listed(limit="1")) == 1


async def test_one_event_is_shown_whole(office: Office) -> None:
    number = (await office.listed())[0]["id"]
    shown = (await office.ask("GET", f"/{number}")).json()
    assert '"number":2' in shown["body"]
    assert ["ce_id", "a-2"] in shown["headers"]
    assert "raise self.error" in shown["trace"]


async def test_a_retry_and_a_discard(office: Office) -> None:
    number = (await office.listed())[0]["id"]
    answer = (await office.ask("POST", "/retries", json={})).json()
    assert answer["applied"] == 0
    assert [event["id"] for event in answer["stopped_at"]] == [number]
    form = {"id": number, "reason": "  Đã ghi nhận bằng văn bản  "}
    answer = await office.ask("POST", "/discards", json=form)
    assert answer.json() == {"applied": 1, "stopped_at": []}
    assert await office.bench.story("a") == [1, 3]
    (gone,) = await office.listed(state="discarded")
    assert (gone["reason"], gone["discarded_by"]) == ("Đã ghi nhận bằng văn bản", "op-1")
    assert (await office.ask("POST", "/discards", json=form)).status_code == 200
    other = await office.ask("POST", "/discards", json={**form, "reason": "Khác"})
    assert other.status_code == 409
    assert other.json()["type"] == "urn:thidua:problem:already-discarded"
    assert "loại bỏ trước đó" in other.json()["detail"]


async def test_another_wards_events_are_not_there(office: Office) -> None:
    (foreign,) = [e for e in await office.bench.parking.find(ALL) if e.key == "other/a"]
    office.fragile.bad.clear()
    assert (await office.ask("GET", f"/{foreign.id}")).status_code == 404
    form = {"id": foreign.id, "reason": "x"}
    answer = await office.ask("POST", "/discards", json=form)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "Không có sự kiện này trong số các sự kiện để riêng."
    retried = await office.ask("POST", "/retries", json={"ids": [foreign.id]})
    assert retried.json() == {"applied": 0, "stopped_at": []}
    mine = await office.ask("GET", f"/{foreign.id}", ward="other")
    assert mine.json()["key"] == "other/a"


@pytest.mark.parametrize("role", sorted(set(get_args(Role)) - {"operator"}))
async def test_only_operators(office: Office, role: str) -> None:
    asked = [
        await office.ask("GET", "", role),
        await office.ask("GET", "/1", role),
        await office.ask("POST", "/retries", role, json={}),
        await office.ask("POST", "/discards", role, json={"id": 1, "reason": "x"}),
    ]
    assert {answer.status_code for answer in asked} == {403}
    assert (await office.client.get("/parked")).status_code == 401


@pytest.mark.parametrize(
    ("path", "form", "pointer"),
    [
        ("/discards", {"id": 1}, "/reason"),
        ("/discards", {"id": 1, "reason": " "}, "/reason"),
        ("/discards", {"id": 0, "reason": "x"}, "/id"),
        ("/retries", {"ids": []}, "/ids"),
        ("/retries", {"since": "2026-11-20T08:00:00"}, "/since"),
        ("/retries", {"body": "{}"}, "/body"),
    ],
)
async def test_a_wrong_form_is_told_field_by_field(
    office: Office, path: str, form: dict[str, Any], pointer: str
) -> None:
    answer = await office.ask("POST", path, json=form)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
