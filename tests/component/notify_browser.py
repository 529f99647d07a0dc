"""Notify's pages and API on a stage, asked as anybody."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.notify.app import NotifySettings, service
from shared.clock import SystemClock
from shared.messaging.relay import Relay as OutboxRelay
from shared.messaging.running import Runner
from shared.service import Parts, build_app
from tests.component.notify_stage import Stage

KEY = Ed25519PrivateKey.generate()
PAGE = "text/html,application/xhtml+xml"


@dataclass
class Browser:
    """Asks as somebody; without roles nobody is signed in."""

    client: httpx.AsyncClient

    async def get(
        self,
        path: str,
        *roles: str,
        person: str = "somebody",
        unit: str = "",
        ward: str = "tu-minh",
        accept: str = "*/*",
        **claims: Any,
    ) -> httpx.Response:
        given = {
            "sub": person,
            "name": "Cán bộ",
            "roles": list(roles),
            "unit": unit,
            "ward": ward,
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            **claims,
        }
        headers = {"Accept": accept}
        if roles:
            headers["Authorization"] = f"Bearer {jwt.encode(given, KEY, algorithm='EdDSA')}"
        return await self.client.get(path, headers=headers)

    async def page(self, path: str, *roles: str, **asker: Any) -> httpx.Response:
        return await self.get(path, *roles, accept=PAGE, **asker)

    async def items(self, path: str, *roles: str, **asker: Any) -> list[dict[str, Any]]:
        """All items of a list, over all of its pages."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            joint = "&" if "?" in path else "?"
            answer = await self.get(
                f"{path}{joint}cursor={cursor}" if cursor else path, *roles, **asker
            )
            assert answer.status_code == 200, answer.text
            body = answer.json()
            found += body["items"]
            cursor = body["next"]
            if cursor is None:
                return found


@asynccontextmanager
async def browsing(stage: Stage, url: str) -> AsyncIterator[Browser]:
    """Notify's app on the stage's database."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    settings = NotifySettings(
        database_url=url,
        kafka="127.0.0.1:9",
        token_public_key=public.decode(),
        smtp="127.0.0.1:9",
        env="local",
        per_minute=0,
    )
    parts = Parts(settings, stage.engine, stage.works, stage.works.business, SystemClock())
    runner = Runner(service.consumer, stage.applier, stage.engine, settings.kafka, "0")
    app = build_app(
        service, parts, runner, OutboxRelay(stage.engine, settings.kafka, "notify", "0"), ()
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ward.example") as client:
        yield Browser(client)


def words(page: httpx.Response) -> str:
    """What a page says, without its markup and header."""
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2]))
