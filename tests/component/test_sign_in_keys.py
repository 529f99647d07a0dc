"""Keys, machines, and services that verify by themselves while the issuer is away."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from services.intake import sign_in_routines
from services.intake.commands.issuing import OwnKeys, Vault, rotate_keys, sign
from shared.clock import SystemClock
from shared.web.identity import TokenReader
from shared.web.keys import PublishedKeys
from shared.web.problems import Problem
from tests.component.sign_in_office import (
    ORIGIN,
    TOKEN,
    WARD,
    Browser,
    Office,
    claims_of,
    one_office,
)

pytestmark = pytest.mark.component

JWKS = "/intake/.well-known/jwks.json"
OPERATOR = "operator"


@pytest.fixture(scope="module")
async def house(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    async with one_office(infrastructure, tmp_path_factory.mktemp("keys")) as office:
        yield office


@pytest.fixture
async def office(house: Office) -> Office:
    await house.begin_anew()
    await house.register(OPERATOR, roles=("operator",))
    return house


@pytest.fixture
async def operator(office: Office) -> Browser:
    browser = office.browser()
    await browser.sign_in(f"{OPERATOR}@tu-minh.example")
    return browser


async def published(office: Office) -> list[dict[str, Any]]:
    answer = await office.browser().get(JWKS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    return list(answer.json()["keys"])


async def rotate(office: Office) -> int:
    async with office.works.begin() as work:
        return await rotate_keys(work, office.settings.issuer)


def kid_of(token: str | None) -> str:
    return str(jwt.get_unverified_header(token or "")["kid"])


async def test_only_public_parts_are_published_and_private_ones_are_wrapped(
    office: Office, operator: Browser
) -> None:
    [key] = await published(office)
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    [row] = await office.rows("SELECT private FROM signing_key")
    assert office.settings.issuer.vault.unwrap(bytes(row.private))
    with pytest.raises(InvalidToken):
        Vault(Fernet.generate_key().decode()).unwrap(bytes(row.private))


async def test_a_key_is_published_before_it_signs_and_until_its_last_token_is_gone(
    office: Office, operator: Browser
) -> None:
    old = kid_of(operator.cookie(TOKEN))
    assert await rotate(office) == 0
    await _pass(office, timedelta(days=7) - timedelta(minutes=59))
    assert await rotate(office) == 1
    [_, new] = [key["kid"] for key in await published(office)]
    await operator.renew()
    assert kid_of(operator.cookie(TOKEN)) == old
    await _pass(office, timedelta(hours=1))
    await operator.renew()
    assert kid_of(operator.cookie(TOKEN)) == new
    last = operator.cookie(TOKEN)
    assert await rotate(office) == 0
    assert {key["kid"] for key in await published(office)} == {old, new}
    await _pass(office, timedelta(minutes=12))
    assert await rotate(office) == 1
    assert [key["kid"] for key in await published(office)] == [new]
    assert (await office.read_token(last or "")).id == OPERATOR


async def _pass(office: Office, time: timedelta) -> None:
    """Time passes for the keys."""
    seconds = time.total_seconds()
    await office.run(f"UPDATE signing_key SET signs_from = signs_from - interval '{seconds} s'")


async def test_the_clock_makes_the_next_key_and_tidies_up(office: Office) -> None:
    await office.browser().ask()
    await office.run("UPDATE sign_in_link SET asked_at = asked_at - interval '2 days'")
    await office.run("UPDATE attempt SET at = at - interval '2 days'")
    upkeep = sign_in_routines.upkeep(office.works, office.settings.issuer)
    assert await upkeep.turn() == 1
    assert len(await published(office)) == 1
    assert await office.rows("SELECT 1 FROM sign_in_link UNION ALL SELECT 1 FROM attempt") == []
    assert await upkeep.turn() == 0


async def test_a_service_goes_on_verifying_while_the_issuer_is_away_also_after_a_restart(
    office: Office, operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = operator.cookie(TOKEN) or ""
    address = f"{ORIGIN}{JWKS}"
    asked: list[str] = []

    def service(engine: AsyncEngine, *, away: bool) -> TokenReader:
        """A service's reader as it is after a start."""
        keys = PublishedKeys(address, engine)

        async def fetch() -> dict[str, Any]:
            asked.append("away" if away else "there")
            if away:
                raise httpx.ConnectError("the issuer is away")
            return {"keys": await published(office)}

        monkeypatch.setattr(keys, "_fetch", fetch)
        return TokenReader(keys, ORIGIN)

    running = service(office.engine, away=False)
    assert (await running.read(token)).id == OPERATOR
    restarted = service(office.engine, away=True)
    assert (await restarted.read(token)).id == OPERATOR
    assert asked == ["there", "away"]


async def test_a_token_of_a_key_that_was_never_published_is_refused(
    office: Office, operator: Browser
) -> None:
    own = Ed25519PrivateKey.generate()
    claims = claims_of(operator.cookie(TOKEN))
    for headers in ({"kid": kid_of(operator.cookie(TOKEN))}, {"kid": "another"}, {}):
        forged = jwt.encode(claims, own, algorithm="EdDSA", headers=headers)
        with pytest.raises(Problem):
            await office.read_token(forged)
    none = jwt.encode(claims, "", algorithm="none", headers={"kid": "another"})
    with pytest.raises(Problem):
        await office.read_token(none)


async def test_a_service_whose_clock_is_behind_believes_a_new_token(office: Office) -> None:
    async with office.works.begin() as work:
        ahead = replace(work, system=_Ahead())
        token = await sign(ahead, office.settings.issuer, {"sub": "p", "ward": WARD, "roles": []})
    assert (await office.read_token(token)).id == "p"


class _Ahead:
    """The issuer's clock as one sees it whose own is a minute behind."""

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(minutes=1)


async def test_a_token_for_another_audience_or_of_another_issuer_is_refused(
    office: Office, operator: Browser
) -> None:
    token = operator.cookie(TOKEN) or ""
    reader = TokenReader(OwnKeys(office.engine), "https://another.example")
    with pytest.raises(Problem):
        await reader.read(token)


def basic(which: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{which}:{secret}".encode()).decode()}


GRANT = {"grant_type": "client_credentials"}


async def machine(operator: Browser, **changes: Any) -> tuple[str, str]:
    body = {"name": "e-office", "title": "Hệ thống văn bản", "scopes": ["reports:write"]}
    made = await operator.client.post("/intake/machines", json={**body, **changes})
    assert made.status_code == 201, made.text
    return made.json()["client_id"], made.json()["client_secret"]


async def ask_token(
    office: Office, fields: dict[str, str], headers: dict[str, str] | None = None
) -> httpx.Response:
    client = office.browser().client
    return await client.post("/intake/oauth/token", data=fields, headers=headers or {})


async def test_a_machine_gets_a_token_for_its_secret_by_either_way(
    office: Office, operator: Browser
) -> None:
    which, secret = await machine(operator, scopes=["reports:write", "board:read"])
    assert which == f"{WARD}.e-office"
    by_header = await ask_token(office, GRANT, basic(which, secret))
    in_form = await ask_token(
        office, {**GRANT, "client_id": which, "client_secret": secret, "scope": "board:read"}
    )
    for answer, scope in ((by_header, "board:read reports:write"), (in_form, "board:read")):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, scope)
        person = await office.read_token(body["access_token"])
        assert (person.id, person.ward) == (f"machine:{which}", WARD)
        assert person.scopes == set(scope.split())
        assert person.roles == frozenset()


async def test_a_machine_may_only_what_its_scope_says(office: Office, operator: Browser) -> None:
    which, secret = await machine(operator, scopes=["board:read"])
    token = (await ask_token(office, GRANT, basic(which, secret))).json()["access_token"]
    client = office.browser(Accept="application/json", Authorization=f"Bearer {token}").client
    assert (await client.get("/intake/board?period=none")).status_code == 404
    assert (await client.get("/intake/machines")).status_code == 403
    assert (await client.get("/intake/session")).status_code == 403


async def test_the_token_endpoint_refuses_in_the_words_of_rfc_6749(
    office: Office, operator: Browser
) -> None:
    which, secret = await machine(operator)
    good = basic(which, secret)
    in_form = {"client_id": which, "client_secret": secret}
    wrong: list[tuple[dict[str, str], dict[str, str], int, str]] = [
        (GRANT, basic(which, "wrong"), 401, "invalid_client"),
        (GRANT, basic("le-loi.e-office", secret), 401, "invalid_client"),
        (GRANT, {}, 401, "invalid_client"),
        (GRANT | {"client_id": "\0", "client_secret": "x"}, {}, 401, "invalid_client"),
        (GRANT, {"Authorization": "Basic %%%"}, 401, "invalid_client"),
        (GRANT | in_form, good, 400, "invalid_request"),
        ({}, good, 400, "invalid_request"),
        ({"grant_type": "password"}, good, 400, "unsupported_grant_type"),
        (GRANT | {"scope": "board:read"}, good, 400, "invalid_scope"),
    ]
    for fields, headers, status, error in wrong:
        answer = await ask_token(office, fields, headers)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) is (status == 401)
    client = office.browser().client
    twice = await client.post(
        "/intake/oauth/token",
        content="grant_type=client_credentials&grant_type=client_credentials",
        headers=good | {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


async def test_a_machine_that_was_ended_gets_no_token_and_its_last_one_is_worth_nothing(
    office: Office, operator: Browser
) -> None:
    which, secret = await machine(operator)
    token = (await ask_token(office, GRANT, basic(which, secret))).json()["access_token"]
    assert (await operator.client.delete("/intake/machines/e-office")).status_code == 204
    assert (await ask_token(office, GRANT, basic(which, secret))).status_code == 401
    with pytest.raises(Problem):
        await office.read_token(token)
    [row] = await office.rows("SELECT key FROM outbox")
    assert row.key == f"{WARD}/machine:{which}"
    assert (await operator.client.delete("/intake/machines/e-office")).status_code == 404
    again = {"name": "e-office", "title": "Nữa", "scopes": ["reports:write"]}
    headers = {"Accept": "application/json"}
    answer = await operator.client.post("/intake/machines", json=again, headers=headers)
    assert answer.status_code == 409


async def test_operators_see_their_own_wards_machines_and_no_secret(
    office: Office, operator: Browser
) -> None:
    _, secret = await machine(operator)
    await office.register("vh", roles=("operator",), ward="le-loi")
    neighbour = office.browser()
    await neighbour.sign_in("vh@le-loi.example")
    headers = {"Accept": "application/json"}
    [row] = (await operator.client.get("/intake/machines", headers=headers)).json()
    assert row.keys() == {"id", "title", "scopes", "made_by", "made_at", "ended_at"}
    assert secret not in str(row)
    assert (await neighbour.client.get("/intake/machines", headers=headers)).json() == []
    answer = await neighbour.client.delete("/intake/machines/e-office", headers=headers)
    assert answer.status_code == 404
