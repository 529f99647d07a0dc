"""Signing in through a provider: npm's oidc-provider, certified by the OpenID Foundation."""

import asyncio
import hashlib
import json
import os
import re
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deploy.local.infrastructure import Provided
from tests.component.sign_in_office import (
    ADDRESS,
    BROWSER,
    OFFICER,
    ORIGIN,
    OTHER_WARD,
    SESSION,
    TOKEN,
    WARD,
    Browser,
    Office,
    one_office,
)

pytestmark = pytest.mark.component

SCRIPTS = Path(__file__).parent.parent / "oidc"
BACK = f"{ORIGIN}/intake/sign-in/oidc/back"
ACCOUNTS = {
    "officer": {"email": ADDRESS.upper(), "email_verified": True},
    "unverified": {"email": ADDRESS, "email_verified": False},
    "stranger": {"email": "stranger@tu-minh.example", "email_verified": True},
    "neighbour": {"email": f"x@{OTHER_WARD}.example", "email_verified": True},
}


async def installed() -> Path:
    """The provider in a folder of its own, as its lock file says."""
    for tool in ("node", "npm"):
        assert shutil.which(tool), f"{tool} is missing: the provider cannot be tested against"
    lock = hashlib.sha256((SCRIPTS / "package-lock.json").read_bytes()).hexdigest()[:16]
    base = os.environ.get("THIDUA_CACHE") or Path.home() / ".cache" / "thidua"
    folder = Path(base) / f"oidc-{lock}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copyfile(SCRIPTS / name, folder / name)
    if not (folder / "installed").exists():
        install = await asyncio.create_subprocess_exec(
            "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder
        )
        assert await install.wait() == 0, "npm ci failed"
        (folder / "installed").touch()
    return folder


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[tuple[str, Process]]:
    process = await asyncio.create_subprocess_exec(
        "node", "provider.mjs", BACK, json.dumps(ACCOUNTS), cwd=await installed(), stdout=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        issuer = (await process.stdout.readline()).decode().strip()
    assert issuer.startswith("http://127.0.0.1:")
    yield issuer, process
    process.terminate()
    await process.wait()


@pytest.fixture(scope="module")
async def house(
    infrastructure: Provided,
    tmp_path_factory: pytest.TempPathFactory,
    provider: tuple[str, Process],
) -> AsyncIterator[Office]:
    settings = {
        "oidc_issuer": provider[0],
        "oidc_client_id": "thidua",
        "oidc_client_secret": "a-secret-of-the-test",
        "oidc_ward": WARD,
    }
    folder = tmp_path_factory.mktemp("oidc")
    async with one_office(infrastructure, folder, **settings) as office:
        yield office


@pytest.fixture
async def office(house: Office) -> Office:
    await house.begin_anew()
    return house


async def set_out(browser: Browser, to: str = "/scoring/") -> str:
    answer = await browser.get("/intake/sign-in/oidc", params={"next": to})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def at_provider(address: str, login: str) -> str:
    """What a person does there: signs in, agrees. Returns where they are sent back to."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(address)
        for _ in range(12):
            if answer.status_code == 200:
                action = re.search(r'action="([^"]+)"', answer.text)
                prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
                assert action is not None, answer.text
                assert prompt is not None, answer.text
                fields = {"prompt": prompt[1], "login": login, "password": "any"}
                answer = await client.post(action[1], data=fields)
                continue
            location = str(answer.url.join(answer.headers["location"]))
            if location.startswith(ORIGIN):
                return location
            answer = await client.get(location)
    raise AssertionError("the provider never sent the browser back")


async def round_trip(browser: Browser, login: str, to: str = "/scoring/") -> httpx.Response:
    back = await at_provider(await set_out(browser, to), login)
    return await browser.get(back)


async def test_the_way_out_carries_state_nonce_and_a_hashed_verifier(office: Office) -> None:
    asked = {k: v[0] for k, v in parse_qs(urlsplit(await set_out(office.browser())).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == BACK
    assert asked["scope"] == "openid email"
    [row] = await office.rows("SELECT data FROM oidc_round")
    assert row.data["code_verifier"] != asked["code_challenge"]
    assert (row.data["state"], row.data["nonce"]) == (asked["state"], asked["nonce"])


async def test_a_verified_address_on_file_is_tied_once_and_then_enough(office: Office) -> None:
    browser = office.browser()
    first = await round_trip(browser, "officer")
    assert first.status_code == 303
    confirm = first.headers["location"]
    assert f"Người giữ việc {OFFICER}" in (await browser.get(confirm)).text
    assert await office.rows("SELECT 1 FROM oidc_subject") == []
    entered = await browser.post(confirm)
    assert entered.headers["location"] == "/scoring/"
    assert (await office.read_token(browser.cookie(TOKEN) or "")).id == OFFICER
    await office.run(f"UPDATE contact SET email = 'moi@x.example' WHERE person = '{OFFICER}'")
    again = office.browser()
    answer = await round_trip(again, "officer", "/awards/")
    assert answer.headers["location"] == "/awards/"
    assert (await office.read_token(again.cookie(TOKEN) or "")).id == OFFICER
    assert {row.method for row in await office.rows("SELECT method FROM sign_in_session")} == {
        "oidc"
    }


@pytest.mark.parametrize("login", ["stranger", "unverified", "neighbour"])
async def test_nobody_is_let_in_who_is_not_on_file_in_the_ward(office: Office, login: str) -> None:
    await office.register("x", ward=OTHER_WARD)
    browser = office.browser()
    answer = await round_trip(browser, login)
    assert answer.status_code == 403
    assert "danh bạ" in answer.text
    assert browser.cookie(SESSION) is None
    assert await office.rows("SELECT 1 FROM sign_in_link") == []


async def test_another_browser_cannot_come_back_with_a_code(office: Office) -> None:
    attacker, victim = office.browser(), office.browser()
    back = await at_provider(await set_out(attacker), "officer")
    await set_out(victim)
    assert (await victim.get(back)).status_code == 502
    assert (await office.browser().get(back)).status_code == 502
    assert victim.cookie(SESSION) is None


async def test_a_code_comes_back_once(office: Office) -> None:
    browser = office.browser()
    back = await at_provider(await set_out(browser), "officer")
    assert (await browser.get(back)).status_code == 303
    assert await office.rows("SELECT 1 FROM oidc_round") == []
    assert (await browser.get(back)).status_code == 502


async def test_another_state_another_nonce_and_an_old_round_are_refused(office: Office) -> None:
    for change in (
        "data = jsonb_set(data, '{state}', '\"another\"')",
        "data = jsonb_set(data, '{nonce}', '\"another\"')",
        "data = jsonb_set(data, '{code_verifier}', '\"" + "v" * 48 + "\"')",
        "begun_at = begun_at - interval '10 min'",
    ):
        browser = office.browser()
        back = await at_provider(await set_out(browser), "officer")
        await office.run(f"UPDATE oidc_round SET {change}")
        assert (await browser.get(back)).status_code == 502, change
        assert await office.rows("SELECT 1 FROM sign_in_link") == []


async def test_who_says_no_at_the_provider_sees_the_form_again(office: Office) -> None:
    browser = office.browser()
    asked = parse_qs(urlsplit(await set_out(browser)).query)
    query = {"state": asked["state"][0], "error": "access_denied"}
    answer = await browser.get("/intake/sign-in/oidc/back", params=query)
    assert answer.status_code == 502
    assert 'name="email"' in answer.text


async def test_a_provider_that_is_away_is_said_on_the_page(
    infrastructure: Provided, tmp_path: Path
) -> None:
    settings = {
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_id": "thidua",
        "oidc_client_secret": "x",
        "oidc_ward": WARD,
    }
    async with one_office(infrastructure, tmp_path, **settings) as office:
        browser = office.browser()
        assert "/intake/sign-in/oidc" in (await browser.get("/intake/sign-in")).text
        answer = await browser.get("/intake/sign-in/oidc")
        assert answer.status_code == 502
        assert "thành phố" in answer.text
        assert browser.cookie(BROWSER) is None
