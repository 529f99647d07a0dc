"""Sessions: renewed, ended here and everywhere, lent to act for somebody."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.infrastructure import Provided
from services.intake.commands.sessions import end_all_access
from shared.web.problems import Problem
from tests.component.sign_in_office import (
    HERE,
    LEADER,
    OFFICER,
    ORIGIN,
    SESSION,
    TOKEN,
    WARD,
    Browser,
    Office,
    claims_of,
    one_office,
)

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
async def house(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    async with one_office(infrastructure, tmp_path_factory.mktemp("sessions")) as office:
        yield office


@pytest.fixture
async def office(house: Office) -> Office:
    await house.begin_anew()
    return house


@pytest.fixture
async def browser(office: Office) -> Browser:
    browser = office.browser()
    await browser.sign_in()
    return browser


def forget_token(browser: Browser) -> None:
    """As ten minutes later: browsers drop a cookie when its time is over."""
    browser.client.cookies.delete(TOKEN)


async def is_good(office: Office, token: str | None) -> bool:
    try:
        await office.read_token(token or "")
    except Problem:
        return False
    return True


async def said(office: Office) -> list[tuple[str, dict[str, Any]]]:
    rows = await office.rows("SELECT topic, key, body FROM outbox ORDER BY seq")
    assert {row.topic for row in rows} <= {"thidua.intake.access.v1"}
    return [(row.key, json.loads(row.body)) for row in rows]


async def test_who_has_a_session_only_fetches_a_new_token_and_goes_on(browser: Browser) -> None:
    before = browser.cookie(TOKEN)
    forget_token(browser)
    sent = await browser.get("/intake/")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/intake/session/renew?next=/intake/"
    page = await browser.get("/intake/", follow_redirects=True)
    assert page.status_code == 200
    assert [answer.status_code for answer in page.history] == [303, 303]
    assert browser.cookie(TOKEN) not in {None, before}


async def test_a_form_sent_with_an_old_token_is_sent_again_with_all_that_was_typed(
    office: Office, browser: Browser
) -> None:
    await office.lend(LEADER, OFFICER, ["head"])
    forget_token(browser)
    answer = await browser.post(
        "/intake/session/acting", {"principal": LEADER}, follow_redirects=True
    )
    assert [one.status_code for one in answer.history][:2] == [307, 307]
    assert (await office.read_token(browser.cookie(TOKEN) or "")).acting_for == LEADER


async def test_without_a_session_renewing_leads_to_the_sign_in_page(office: Office) -> None:
    stranger = office.browser()
    stranger.put(HERE, "1")
    stranger.put(SESSION, "x" * 43, "/intake/")
    answer = await stranger.renew("/awards/?a=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/intake/sign-in?next=/awards/%3Fa%3D1"
    assert stranger.cookie(HERE) is None
    assert stranger.cookie(SESSION) is None


async def test_a_form_that_cannot_be_sent_again_leads_back_to_its_page(office: Office) -> None:
    for referer, back in (
        (f"{ORIGIN}/intake/duties/1?a=b", "/intake/duties/1%3Fa%3Db"),
        ("https://evil.example/page", "/notify/"),
        ("", "/notify/"),
    ):
        answer = await office.browser().post(
            "/intake/session/renew?next=/intake/reports", headers={"Referer": referer}
        )
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/intake/sign-in?next={back}"


@pytest.mark.parametrize(
    ("moved", "lives"),
    [
        ("seen_at = seen_at - interval '7 h 59 min'", True),
        ("seen_at = seen_at - interval '8 h'", False),
        ("begun_at = begun_at - interval '6 days 23 h'", True),
        ("begun_at = begun_at - interval '7 days'", False),
    ],
)
async def test_a_session_has_an_idle_and_an_absolute_limit(
    office: Office, browser: Browser, moved: str, lives: bool
) -> None:
    await office.run(f"UPDATE sign_in_session SET {moved}")
    answer = await browser.renew()
    assert (answer.headers["location"] == "/intake/") is lives


async def test_being_there_moves_the_idle_limit_and_not_the_absolute_one(
    office: Office, browser: Browser
) -> None:
    await office.run(
        "UPDATE sign_in_session SET seen_at = seen_at - interval '7 h',"
        " begun_at = begun_at - interval '8 h'"
    )
    await browser.renew()
    [row] = await office.rows(
        "SELECT now() - seen_at AS seen, now() - begun_at AS old FROM sign_in_session"
    )
    assert row.seen.total_seconds() < 60
    assert row.old.total_seconds() > 7 * 3600


async def test_signing_out_ends_this_session_alone(office: Office, browser: Browser) -> None:
    other = office.browser()
    await other.sign_in()
    token, session = browser.cookie(TOKEN), claims_of(browser.cookie(TOKEN))["sid"]
    secret = browser.cookie(SESSION) or ""
    answer = await browser.post("/intake/sign-out")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/intake/sign-in?left=true"
    assert [browser.cookie(name) for name in (SESSION, TOKEN, HERE)] == [None, None, None]
    assert not await is_good(office, token)
    assert await is_good(office, other.cookie(TOKEN))
    [(key, event)] = await said(office)
    assert key == f"{WARD}/{OFFICER}"
    assert event["session"] == session
    browser.put(SESSION, secret, "/intake/")
    assert "sign-in" in (await browser.renew()).headers["location"]
    assert (await other.renew()).headers["location"] == "/intake/"


async def test_signing_out_needs_no_token_and_no_session(office: Office, browser: Browser) -> None:
    forget_token(browser)
    assert (await browser.post("/intake/sign-out")).status_code == 303
    [row] = await office.rows("SELECT ended_at FROM sign_in_session")
    assert row.ended_at is not None
    assert (await office.browser().post("/intake/sign-out")).status_code == 303


async def test_signing_out_everywhere_ends_all_sessions_and_lets_the_person_in_again(
    office: Office, browser: Browser
) -> None:
    other, colleague = office.browser(), office.browser()
    await other.sign_in()
    await colleague.sign_in(f"{LEADER}@tu-minh.example")
    old = [browser.cookie(TOKEN), other.cookie(TOKEN)]
    await other.post("/intake/sign-out-everywhere")
    assert [await is_good(office, token) for token in old] == [False, False]
    assert await is_good(office, colleague.cookie(TOKEN))
    assert "sign-in" in (await browser.renew()).headers["location"]
    [(_, event)] = await said(office)
    assert event["session"] is None
    await browser.sign_in()
    assert await is_good(office, browser.cookie(TOKEN))


async def test_no_token_outlives_the_end_of_all_access_however_they_race(
    office: Office, browser: Browser
) -> None:
    async def renewed() -> str | None:
        answer = await browser.client.get("/intake/session/renew?next=/intake/")
        cookies = answer.headers.get_list("set-cookie")
        found = [one.split(";")[0].split("=", 1)[1] for one in cookies if one.startswith(TOKEN)]
        return found[0] if found and found[0].strip('"') else None

    async def end() -> None:
        async with office.works.begin() as work:
            await end_all_access(work, WARD, OFFICER)

    tokens, *_ = await asyncio.gather(asyncio.gather(*(renewed() for _ in range(8))), end())
    given = [token for token in tokens if token is not None]
    assert [token for token in given if await is_good(office, token)] == []


async def test_a_role_that_ends_is_not_in_the_next_token(office: Office, browser: Browser) -> None:
    await office.run(f"UPDATE role_held SET until = '2025-06-01' WHERE person = '{OFFICER}'")
    await browser.renew()
    assert (await office.read_token(browser.cookie(TOKEN) or "")).roles == frozenset()


async def test_who_left_the_directory_is_signed_out_with_the_next_token(
    office: Office, browser: Browser
) -> None:
    token = browser.cookie(TOKEN)
    await office.run(
        "UPDATE contact SET erased_on = '2026-01-01', name = '', email = '', unit = ''"
        f" WHERE person = '{OFFICER}'"
    )
    assert "sign-in" in (await browser.renew()).headers["location"]
    assert not await is_good(office, token)
    [row] = await office.rows("SELECT ended_at FROM sign_in_session")
    assert row.ended_at is not None


async def test_who_acts_for_somebody_has_their_roles_and_none_of_their_own(
    office: Office, browser: Browser
) -> None:
    await office.register("van-phong.substitute", unit="van-phong", roles=("substitute-officer",))
    await office.lend("van-phong.substitute", OFFICER, ["substitute-officer"])
    own = browser.cookie(TOKEN)
    page = (await browser.get("/intake/session")).text
    assert "Làm thay Người giữ việc van-phong.substitute" in page
    answer = await browser.post("/intake/session/acting", {"principal": "van-phong.substitute"})
    assert answer.status_code == 303
    person = await office.read_token(browser.cookie(TOKEN) or "")
    assert person.roles == {"substitute-officer"}
    assert person.actor == f"{OFFICER} for van-phong.substitute"
    assert (person.unit, person.acting_for_unit) == ("phong-vhxh", "van-phong")
    assert {"phong-vhxh", "van-phong"} <= person.all_units
    assert not await is_good(office, own)
    await browser.renew()
    assert (await office.read_token(browser.cookie(TOKEN) or "")).acting_for != ""
    await browser.post("/intake/session/acting", {"principal": ""})
    person = await office.read_token(browser.cookie(TOKEN) or "")
    assert person.roles == {"officer"}
    assert person.acting_for == ""


async def test_nobody_acts_for_somebody_without_a_delegation(
    office: Office, browser: Browser
) -> None:
    token = browser.cookie(TOKEN)
    answer = await browser.post("/intake/session/acting", {"principal": LEADER})
    assert answer.status_code == 422
    assert await is_good(office, token)
    await browser.renew()
    assert (await office.read_token(browser.cookie(TOKEN) or "")).acting_for == ""


async def test_acting_ends_with_the_delegation(office: Office, browser: Browser) -> None:
    await office.lend(LEADER, OFFICER, ["head"])
    await browser.post("/intake/session/acting", {"principal": LEADER})
    assert (await office.read_token(browser.cookie(TOKEN) or "")).heads == {"phong-vhxh"}
    await office.run("UPDATE delegation SET until = '2025-06-01'")
    await browser.renew()
    person = await office.read_token(browser.cookie(TOKEN) or "")
    assert person.roles == {"officer"}
    assert person.acting_for == ""
    [row] = await office.rows("SELECT acting_for FROM sign_in_session WHERE ended_at IS NULL")
    assert row.acting_for == ""


async def test_acting_is_a_new_session_that_lasts_no_longer(
    office: Office, browser: Browser
) -> None:
    await office.lend(LEADER, OFFICER, ["head"])
    secret = browser.cookie(SESSION) or ""
    await browser.post("/intake/session/acting", {"principal": LEADER})
    assert browser.cookie(SESSION) not in {None, secret}
    query = "SELECT begun_at, ended_at FROM sign_in_session ORDER BY ended_at NULLS LAST"
    former, now = await office.rows(query)
    assert (former.ended_at is None, now.ended_at is None) == (False, True)
    assert now.begun_at == former.begun_at
    browser.put(SESSION, secret, "/intake/")
    assert "sign-in" in (await browser.renew()).headers["location"]


async def test_a_database_put_back_learns_from_our_own_topic_what_has_ended(
    office: Office, browser: Browser
) -> None:
    other, colleague = office.browser(), office.browser()
    await colleague.sign_in(f"{LEADER}@tu-minh.example")
    await other.sign_in()
    await other.post("/intake/sign-out")
    await browser.post("/intake/sign-out-everywhere")
    await browser.sign_in()
    alive = {row.id for row in await office.rows(ALIVE)}
    await office.run("UPDATE sign_in_session SET ended_at = NULL")
    await office.run("TRUNCATE ended_access")
    await office.read_back()
    assert {row.id for row in await office.rows(ALIVE)} == alive
    assert len(alive) == 2
    assert await office.rows("SELECT 1 FROM ended_access") != []


ALIVE = "SELECT id FROM sign_in_session WHERE ended_at IS NULL"


async def test_a_form_of_another_site_signs_nobody_out_and_lets_nobody_act(
    office: Office, browser: Browser
) -> None:
    for path in ("/intake/sign-out", "/intake/sign-out-everywhere", "/intake/session/acting"):
        answer = await browser.post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
    assert (await browser.renew()).headers["location"] == "/intake/"
