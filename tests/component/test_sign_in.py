"""Signing in by a link, against a real database and a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.infrastructure import Provided
from services.intake import sign_in_routines
from shared.post import Relay
from tests.component.sign_in_office import (
    ADDRESS,
    BROWSER,
    HERE,
    LEADER,
    OFFICER,
    ORIGIN,
    OTHER_WARD,
    SESSION,
    TOKEN,
    WARD,
    Office,
    claims_of,
    one_office,
    path_in,
)

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
async def house(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    async with one_office(infrastructure, tmp_path_factory.mktemp("sign-in")) as office:
        yield office


@pytest.fixture
async def office(house: Office) -> Office:
    await house.begin_anew()
    return house


async def test_a_link_signs_in_and_leads_to_where_the_person_wanted_to_go(office: Office) -> None:
    browser = office.browser()
    link = await browser.link(to="/scoring/?period=2025")
    page = await browser.get(link)
    assert page.status_code == 200
    assert f"Người giữ việc {OFFICER}" in page.text
    answer = await browser.post(link)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/scoring/?period=2025"
    person = await office.read_token(browser.cookie(TOKEN) or "")
    assert (person.id, person.ward, person.unit) == (OFFICER, WARD, "phong-vhxh")
    assert person.roles == {"officer"}
    assert (await browser.get("/intake/session")).status_code == 200


async def test_a_token_says_what_the_architecture_says_and_lasts_ten_minutes(
    office: Office,
) -> None:
    browser = office.browser()
    await browser.sign_in(f"{LEADER}@tu-minh.example")
    claims = claims_of(browser.cookie(TOKEN))
    assert claims["iss"] == ORIGIN
    assert claims["aud"] == "thidua"
    assert claims["exp"] - claims["iat"] == pytest.approx(600)
    assert claims["roles"] == ["head"]
    assert claims["units"] == ["phong-vhxh"]
    [row] = await office.rows("SELECT id FROM sign_in_session")
    assert claims["sid"] == str(row.id)


async def test_cookies_are_as_narrow_as_they_can_be(office: Office) -> None:
    browser = office.browser()
    asked = await browser.ask()
    assert _set(asked.headers.get_list("set-cookie"), BROWSER) == {
        "path=/intake/sign-in",
        "max-age=600",
        "httponly",
        "samesite=lax",
        "secure",
    }
    [mail] = await office.post_out()
    cookies = (await browser.post(path_in(mail))).headers.get_list("set-cookie")
    always = {"httponly", "samesite=lax", "secure"}
    assert _set(cookies, SESSION) == always | {"path=/intake/", "max-age=604800"}
    assert _set(cookies, TOKEN) == always | {"path=/", "max-age=600"}
    assert _set(cookies, HERE) == always | {"path=/", "max-age=604800"}


def _set(cookies: list[str], name: str) -> set[str]:
    [found] = [cookie for cookie in cookies if cookie.startswith(f"{name}=")]
    return {part.strip().lower() for part in found.split(";")[1:]}


async def test_opening_a_link_uses_nothing_up(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    scanner = office.browser()
    for visitor in (scanner, browser, scanner, browser):
        await visitor.get(link)
    assert (await browser.post(link)).status_code == 303


async def test_a_forwarded_link_says_that_it_is_anothers_and_tells_nothing_more(
    office: Office,
) -> None:
    owner, stranger = office.browser(), office.browser()
    link = await owner.link()
    await stranger.ask("somebody@else.example")
    for answer in (await stranger.get(link), await stranger.post(link)):
        assert answer.status_code == 403
        assert "trình duyệt khác" in answer.text
        assert OFFICER not in answer.text
        assert 'name="email"' in answer.text
    assert stranger.cookie(SESSION) is None
    assert (await owner.post(link)).status_code == 303


async def test_a_link_is_used_once(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    bound = browser.cookie(BROWSER)
    await browser.post(link)
    assert browser.cookie(BROWSER) is None
    browser.put(BROWSER, bound or "", "/intake/sign-in")
    for answer in (await browser.get(link), await browser.post(link)):
        assert answer.status_code == 410
        assert "Liên kết đã dùng" in answer.text
    assert len(await office.rows("SELECT 1 FROM sign_in_session")) == 1


async def test_two_clicks_at_one_moment_make_one_session(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    answers = await asyncio.gather(*(browser.client.post(link) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410]
    assert len(await office.rows("SELECT 1 FROM sign_in_session")) == 1


async def test_a_link_is_good_for_ten_minutes(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    await office.run("UPDATE sign_in_link SET asked_at = asked_at - interval '9 min 50 s'")
    assert (await browser.get(link)).status_code == 200
    await office.run("UPDATE sign_in_link SET asked_at = asked_at - interval '10 s'")
    answer = await browser.post(link)
    assert answer.status_code == 410
    assert "hết hạn" in answer.text
    assert browser.cookie(SESSION) is None


async def test_a_made_up_link_is_unknown(office: Office) -> None:
    assert (await office.browser().get(f"/intake/sign-in/{'x' * 43}")).status_code == 404
    assert (await office.browser().post(f"/intake/sign-in/{'x' * 43}")).status_code == 404


async def test_who_asks_twice_can_use_the_first_mail_too(office: Office) -> None:
    browser = office.browser()
    first = await browser.link()
    second = await browser.link()
    assert first != second
    assert (await browser.get(second)).status_code == 200
    assert (await browser.post(first)).status_code == 303


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    known, unknown = office.browser(), office.browser()
    answers = [await known.ask(), await unknown.ask("nobody@tu-minh.example")]
    one, other = (_told(answer) for answer in answers)
    assert one == other
    work = "SELECT state, length(browser_hash), people::text, secret_hash FROM sign_in_link"
    before = await office.rows(work)
    assert before[0] == before[1]
    [mail] = await office.post_out()
    assert mail["To"].addresses[0].addr_spec == ADDRESS
    left = await office.rows("SELECT state, address FROM sign_in_link ORDER BY state")
    assert [tuple(row) for row in left] == [("dropped", ""), ("mailed", "")]
    assert not any("nobody@" in record.getMessage() for record in caplog.records)
    assert not any(ADDRESS in record.getMessage() for record in caplog.records)


def _told(answer: httpx.Response) -> tuple[object, ...]:
    """All that an answer tells, apart from its random parts."""
    random = {"set-cookie", "x-request-id", "traceparent"}
    headers = {k: v for k, v in answer.headers.items() if k not in random}
    cookies = [cookie.split("=")[0] for cookie in answer.headers.get_list("set-cookie")]
    return answer.status_code, headers, cookies, answer.text


async def test_what_is_no_address_is_said_beside_the_field(office: Office) -> None:
    for wrong in ("", "ten", "ten@co quan", "a@b\r\nBcc: c@d.example"):
        answer = await office.browser().ask(wrong)
        assert answer.status_code == 422
        assert "o-email-wrong" in answer.text
    assert await office.rows("SELECT 1 FROM sign_in_link") == []


async def test_a_link_starts_with_the_configured_origin_whatever_the_host_says(
    office: Office,
) -> None:
    browser = office.browser()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    await browser.post("/intake/sign-in", {"email": ADDRESS}, headers=headers)
    [mail] = await office.post_out()
    assert "evil" not in mail.as_string()
    assert path_in(mail).startswith("/intake/sign-in/")


async def test_a_mail_is_automatic_and_keeps_its_secret_out_of_the_headers(
    office: Office,
) -> None:
    browser = office.browser()
    await browser.ask()
    [mail] = await office.post_out()
    secret = path_in(mail).rpartition("/")[2]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Liên kết đăng nhập hệ thống thi đua"
    assert not any(secret in value for value in mail.values())
    html = mail.get_body(("html",))
    assert html is not None
    assert f'href="{ORIGIN}/intake/sign-in/{secret}"' in html.get_content()


async def test_nothing_that_lets_in_is_stored_as_it_is(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    secret, bound = link.rpartition("/")[2], browser.cookie(BROWSER)
    await browser.post(link)
    secrets = [secret, bound or "", browser.cookie(SESSION) or "", browser.cookie(TOKEN) or ""]
    dump = str(
        [
            await office.rows(f"SELECT * FROM {table}")
            for table in ("sign_in_link", "sign_in_session", "signing_key", "attempt", "outbox")
        ]
    )
    assert all(secret[:12] not in dump for secret in secrets[:3])
    assert secrets[3] not in dump
    assert ADDRESS not in dump


async def test_a_planted_session_is_never_the_one_that_signs_in(office: Office) -> None:
    attacker, victim = office.browser(), office.browser()
    await attacker.sign_in(f"{LEADER}@tu-minh.example")
    planted = attacker.cookie(SESSION) or ""
    victim.put(SESSION, planted, "/intake/")
    await victim.sign_in()
    fresh = [one.value for one in victim.client.cookies.jar if one.name == SESSION]
    assert planted not in fresh
    assert (await attacker.renew()).headers["location"].startswith("/intake/sign-in")


async def test_a_mailed_link_of_somebody_who_left_lets_nobody_in(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    await office.run(
        f"UPDATE contact SET erased_on = '2026-01-01', name = '', email = '', unit = ''"
        f" WHERE person = '{OFFICER}'"
    )
    answer = await browser.post(link)
    assert answer.status_code == 422
    assert browser.cookie(SESSION) is None


async def test_a_link_of_an_address_that_changed_hands_lets_nobody_in(office: Office) -> None:
    browser = office.browser()
    link = await browser.link()
    await office.run(f"UPDATE contact SET email = 'moi@tu-minh.example' WHERE person = '{OFFICER}'")
    for answer in (await browser.get(link), await browser.post(link)):
        assert answer.status_code == 422
        assert "không còn trong danh bạ" in answer.text
        assert "<button>Đăng nhập</button>" not in answer.text


async def test_who_shares_an_address_chooses_among_those_alone(office: Office) -> None:
    shared = "chung@tu-minh.example"
    await office.register("mot", ward=WARD, email=shared)
    await office.register("hai", ward=OTHER_WARD, email=shared.upper())
    browser = office.browser()
    link = await browser.link(shared)
    page = (await browser.get(link)).text
    assert f'value="{WARD}/mot"' in page
    assert f'value="{OTHER_WARD}/hai"' in page
    assert OFFICER not in page
    assert (await browser.post(link)).status_code == 422
    assert (await browser.post(link, {"who": f"{WARD}/{OFFICER}"})).status_code == 422
    answer = await browser.post(link, {"who": f"{OTHER_WARD}/hai"})
    assert answer.status_code == 303
    person = await office.read_token(browser.cookie(TOKEN) or "")
    assert (person.ward, person.id) == (OTHER_WARD, "hai")


async def test_an_address_asks_five_times_an_hour_known_or_not(office: Office) -> None:
    for address in (ADDRESS, "nobody@tu-minh.example"):
        statuses = [(await _from(office, address)) for _ in range(6)]
        assert [status for status, _ in statuses] == [200] * 5 + [429]
        assert 3500 < int(statuses[-1][1]) <= 3600
    await office.run("UPDATE attempt SET at = at - interval '1 hour'")
    assert (await _from(office, ADDRESS))[0] == 200


async def _from(office: Office, address: str) -> tuple[int, str]:
    answer = await office.browser().ask(address)
    return answer.status_code, answer.headers.get("retry-after", "0")


async def test_a_source_asks_thirty_times_an_hour(office: Office) -> None:
    for number in range(30):
        assert (await _from(office, f"a{number}@tu-minh.example"))[0] == 200
    assert (await _from(office, "b@tu-minh.example"))[0] == 429


async def test_a_mail_that_the_relay_puts_off_goes_out_later_with_a_new_secret(
    office: Office,
) -> None:
    browser = office.browser()
    await browser.ask()
    await office.browser().ask(f"{LEADER}@tu-minh.example")
    away = Relay("127.0.0.1", 1, timeout=2.0)
    settings = office.settings
    refused = sign_in_routines.link_mail(office.works, settings.issuer, away, settings.sender)
    assert await refused.turn() == 2
    assert await refused.pending() == 0
    rows = await office.rows("SELECT state, secret_hash FROM sign_in_link")
    assert [tuple(row) for row in rows] == [("asked", None)] * 2
    await office.run("UPDATE sign_in_link SET mail_at = mail_at - interval '1 min'")
    assert await office.mail.pending() == 2
    [mail] = [mail for mail in await office.post_out() if ADDRESS in mail["To"]]
    assert (await browser.post(path_in(mail))).status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
async def test_no_link_leads_out_of_the_house(office: Office, wanted: str) -> None:
    browser = office.browser()
    answer = await browser.sign_in(to=wanted)
    assert answer.headers["location"] == "/notify/"
    renewed = await browser.renew(wanted)
    assert renewed.headers["location"] == "/notify/"


async def test_the_form_keeps_where_somebody_wanted_to_go(office: Office) -> None:
    page = await office.browser().get("/intake/sign-in?next=/awards/%3Fa%3D1")
    assert 'name="next" value="/awards/?a=1"' in page.text
    assert urlsplit(str(page.url)).path == "/intake/sign-in"


async def test_no_sample_person_where_the_settings_do_not_allow_it(office: Office) -> None:
    browser = office.browser()
    assert "sample" not in (await browser.get("/intake/sign-in")).text
    answer = await browser.post("/intake/sign-in/sample", {"who": f"{WARD}/{OFFICER}"})
    assert answer.status_code == 404
    assert browser.cookie(SESSION) is None


async def test_a_sample_person_signs_in_without_proof_where_they_do(
    infrastructure: Provided, tmp_path: Path
) -> None:
    async with one_office(infrastructure, tmp_path, sample_sign_in=True) as office:
        browser = office.browser()
        page = (await browser.get("/intake/sign-in")).text
        assert "Chạy thử" in page
        assert f'value="{WARD}/{OFFICER}"' in page
        answer = await browser.post("/intake/sign-in/sample", {"who": f"{WARD}/{OFFICER}"})
        assert answer.status_code == 303
        assert (await office.read_token(browser.cookie(TOKEN) or "")).id == OFFICER
        for nobody in (f"{WARD}/nobody", "", "\0/\0"):
            answer = await browser.post("/intake/sign-in/sample", {"who": nobody})
            assert answer.status_code == 422
