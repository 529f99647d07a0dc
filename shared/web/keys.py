"""The issuer's published keys: fetched, remembered, and kept for a restart without the issuer."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Protocol

import httpx
import sqlalchemy as sa
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.tables import issuer_key
from shared.rows import insert_rows

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""How long keys are believed without asking again; a key that is withdrawn is gone after that."""
PATIENCE_SECONDS = 5.0
"""The shortest pause between two questions, however many unknown keys are named."""
TIMEOUT_SECONDS = 3.0
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('issuer_key'))")


class Keys(Protocol):
    """Where a token's key is found."""

    async def find(self, kid: str) -> PyJWK | None:
        """The public key of that name, or None when the issuer has not published it."""
        ...


class PublishedKeys:
    """The key set (JWKS) at an address, with a copy in the service's own database."""

    def __init__(self, address: str, engine: AsyncEngine) -> None:
        self._address, self._engine = address, engine
        self._known: Mapping[str, PyJWK] = {}
        self._fetched = self._asked = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, kid: str) -> PyJWK | None:
        now = time.monotonic()
        stale = kid not in self._known or now - self._fetched > FRESH_SECONDS
        if stale and now - self._asked > PATIENCE_SECONDS:
            async with self._turn:
                if time.monotonic() - self._asked > PATIENCE_SECONDS:
                    await self._refresh()
        return self._known.get(kid)

    async def _refresh(self) -> None:
        try:
            published = await self._fetch()
        except (httpx.HTTPError, ValueError, PyJWTError) as error:
            log.warning("the issuer's keys cannot be fetched: %s", error)
            self._known = self._known or await self._remembered()
        else:
            self._known = read_keys(published)
            self._fetched = time.monotonic()
            await self._remember(published)
        self._asked = time.monotonic()

    async def _fetch(self) -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answer = (await client.get(self._address)).raise_for_status()
        published: dict[str, Any] = answer.json()
        return published

    async def _remember(self, published: Mapping[str, Any]) -> None:
        rows = [{"kid": jwk["kid"], "jwk": jwk} for jwk in published["keys"] if "kid" in jwk]
        async with self._engine.begin() as connection:
            await connection.execute(_LOCK)
            await connection.execute(sa.delete(issuer_key))
            await insert_rows(connection, issuer_key, rows)

    async def _remembered(self) -> Mapping[str, PyJWK]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(sa.select(issuer_key.c.jwk))).scalars().all()
        return read_keys({"keys": rows}) if rows else {}


def read_keys(published: Mapping[str, Any]) -> Mapping[str, PyJWK]:
    """The keys of a JWKS by name. Raises PyJWTError, ValueError."""
    return {key.key_id: key for key in PyJWKSet.from_dict(dict(published)).keys if key.key_id}
