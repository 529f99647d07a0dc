"""The issuer's keys are fetched, remembered over a restart, and not asked for all the time."""

import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.access import SNAPSHOT_SECONDS, EndedAccess, end_access
from shared.clock import SystemClock
from shared.database import connect
from shared.messaging.tables import kernel
from shared.tokens import ALGORITHM, AUDIENCE, TOKEN_LIFE
from shared.web import keys as keys_module
from shared.web.identity import TokenReader
from shared.web.keys import PublishedKeys
from shared.web.problems import Problem

pytestmark = pytest.mark.component

ORIGIN = "https://thidua.example"


class Issuer:
    """Publishes keys at an address; `asked` counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": [issuer.jwk(kid) for kid in issuer.keys]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/keys"

    def jwk(self, kid: str) -> dict[str, Any]:
        public = OKPAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
        return {**public, "kid": kid, "alg": ALGORITHM, "use": "sig"}

    def publish(self, kid: str) -> None:
        self.keys[kid] = Ed25519PrivateKey.generate()

    def token(self, kid: str, **other: Any) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": ORIGIN,
            "aud": AUDIENCE,
            "sub": "p-1",
            "ward": "tu-minh",
            "roles": ["officer"],
            "sid": "s-1",
            "iat": now.timestamp(),
            "exp": now + timedelta(minutes=10),
            **other,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.keys[kid], ALGORITHM, {"kid": kid})

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    one = Issuer()
    one.publish("k-1")
    yield one
    one.close()


@pytest.fixture
async def engine(make_database: Callable[[str], str]) -> AsyncIterator[AsyncEngine]:
    engine = connect(make_database("keys"))
    async with engine.begin() as connection:
        await connection.run_sync(kernel.create_all)
    yield engine
    await engine.dispose()


def reader(issuer: Issuer, engine: AsyncEngine) -> TokenReader:
    """As a process has it that has just started."""
    ended = EndedAccess(engine, SystemClock())
    return TokenReader(PublishedKeys(issuer.address, engine), ORIGIN, ended=ended)


async def refused(reader: TokenReader, token: str) -> bool:
    try:
        await reader.read(token)
    except Problem as problem:
        return problem.status == HTTPStatus.UNAUTHORIZED
    return False


async def test_a_token_is_verified_by_the_published_key_without_asking_again(
    issuer: Issuer, engine: AsyncEngine
) -> None:
    one = reader(issuer, engine)
    for _ in range(5):
        assert (await one.read(issuer.token("k-1"))).id == "p-1"
    assert issuer.asked == 1


async def test_a_new_key_is_believed_once_it_is_published(
    issuer: Issuer, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "PATIENCE_SECONDS", 0.0)
    one = reader(issuer, engine)
    await one.read(issuer.token("k-1"))
    issuer.publish("k-2")
    await one.read(issuer.token("k-2"))
    assert issuer.asked == 2


async def test_a_withdrawn_key_is_no_good_after_the_keys_are_fetched_again(
    issuer: Issuer, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, old = reader(issuer, engine), issuer.token("k-1")
    await one.read(old)
    issuer.publish("k-2")
    del issuer.keys["k-1"]
    monkeypatch.setattr(keys_module, "PATIENCE_SECONDS", 0.0)
    await one.read(issuer.token("k-2"))
    assert await refused(one, old)
    assert await refused(reader(issuer, engine), old), "nor after a restart"


async def test_unknown_keys_do_not_make_a_service_hammer_the_issuer(
    issuer: Issuer, engine: AsyncEngine
) -> None:
    one = reader(issuer, engine)
    stranger = Issuer()
    try:
        for number in range(20):
            stranger.publish(f"x-{number}")
            assert await refused(one, stranger.token(f"x-{number}"))
    finally:
        stranger.close()
    assert issuer.asked == 1


async def test_a_restart_while_the_issuer_is_away_goes_on_with_the_keys_last_seen(
    issuer: Issuer, engine: AsyncEngine
) -> None:
    token = issuer.token("k-1")
    await reader(issuer, engine).read(token)
    issuer.server.server_close()
    issuer.server.shutdown()
    restarted = reader(issuer, engine)
    assert (await restarted.read(token)).id == "p-1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.example"},
        {"aud": "another-product"},
        {"iss": None},
        {"aud": None},
        {"iat": None},
        {"exp": 1},
        {"ward": None},
        {"roles": 3},
    ],
    ids=str,
)
async def test_a_token_for_somebody_else_or_incomplete_is_refused(
    issuer: Issuer, engine: AsyncEngine, wrong: dict[str, Any]
) -> None:
    assert await refused(reader(issuer, engine), issuer.token("k-1", **wrong))


async def test_a_token_that_names_no_key_is_refused_where_none_is_pinned(
    issuer: Issuer, engine: AsyncEngine
) -> None:
    claims = {"sub": "p", "exp": 9e9, "ward": "w", "roles": []}
    nameless = jwt.encode(claims, issuer.keys["k-1"], ALGORITHM)
    assert await refused(reader(issuer, engine), nameless)


# --- access that has ended ---


@pytest.mark.parametrize("session", ["s-1", ""], ids=["this session", "everywhere"])
async def test_ended_access_refuses_older_tokens_and_no_newer_or_other(
    issuer: Issuer, engine: AsyncEngine, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.access.SNAPSHOT_SECONDS", 0.0)
    now = datetime.now(UTC)
    before, after = (now - timedelta(seconds=1)).timestamp(), now.timestamp() + 0.001
    one = reader(issuer, engine)
    assert not await refused(one, issuer.token("k-1", iat=before))
    async with engine.begin() as connection:
        await end_access(connection, {("tu-minh", "p-1", session): now}, now)
    assert await refused(one, issuer.token("k-1", iat=before))
    assert not await refused(one, issuer.token("k-1", iat=after))
    assert not await refused(one, issuer.token("k-1", iat=before, sub="p-2"))
    assert not await refused(one, issuer.token("k-1", iat=before, ward="other"))
    other_session = issuer.token("k-1", iat=before, sid="s-2")
    assert await refused(one, other_session) == (session == "")


async def test_an_older_end_does_not_take_a_newer_one_back(engine: AsyncEngine) -> None:
    now, key = datetime.now(UTC), ("tu-minh", "p-1", "")
    async with engine.begin() as connection:
        await end_access(connection, {key: now}, now)
        await end_access(connection, {key: now - timedelta(minutes=1)}, now)
    ended = EndedAccess(engine, SystemClock())
    assert await ended.has_ended("tu-minh", "p-1", "s", now - timedelta(seconds=1))


async def test_what_no_token_can_still_show_is_forgotten(engine: AsyncEngine) -> None:
    now = datetime.now(UTC)
    long_ago = now - TOKEN_LIFE - timedelta(minutes=10)
    async with engine.begin() as connection:
        await end_access(connection, {("w", "a", ""): long_ago}, long_ago)
        assert len((await connection.execute(kernel.tables["ended_access"].select())).all()) == 1
        await end_access(connection, {("w", "b", ""): now, ("w", "c", ""): long_ago}, now)
        rows = (await connection.execute(kernel.tables["ended_access"].select())).all()
    assert [row.person for row in rows] == ["b"]


def test_revocation_is_known_well_within_five_seconds() -> None:
    assert SNAPSHOT_SECONDS <= 1.0
    assert timedelta(minutes=10) >= TOKEN_LIFE
