"""One sign-in for four services, and its end in all of them: over the one origin, by the event."""

import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest

from deploy.cycle.people import SAMPLE_SIGN_IN
from tests.played import Played

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PAGES = ("/intake/board?period=2025-annual", "/scoring/results", "/awards/awards", "/notify/tasks")
PATIENCE_SECONDS = 60.0


@pytest.fixture
def browser(ward: Played) -> Iterator[httpx.Client]:
    """Keeps its cookies, as a browser does."""
    origin = ward.addresses["http"]["origin"]
    headers = {"accept": "application/json", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=origin, trust_env=False, timeout=30, headers=headers) as client:
        who = f"{ward.stack.ward.name}/phong-vhxh.officer"
        answer = client.post(SAMPLE_SIGN_IN, data={"who": who})
        assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
        yield client


def asked(client: httpx.Client, token: str) -> dict[str, int]:
    """What each service says to the token, whatever became of the cookies."""
    headers = {"authorization": f"Bearer {token}"}
    return {page: client.get(page, headers=headers).status_code for page in PAGES}


def token_of(client: httpx.Client) -> str:
    [token] = [value for name, value in client.cookies.items() if name.endswith("thidua_token")]
    return token


def test_one_sign_in_is_good_in_all_four(browser: httpx.Client) -> None:
    assert {browser.get(page).status_code for page in PAGES} == {HTTPStatus.OK}


@pytest.mark.parametrize("way", ["/intake/sign-out", "/intake/sign-out-everywhere"])
def test_a_copied_token_is_worth_nothing_anywhere_soon_after_signing_out(
    browser: httpx.Client, way: str
) -> None:
    token = token_of(browser)
    assert set(asked(browser, token).values()) == {HTTPStatus.OK}
    began = time.monotonic()
    assert browser.post(way).status_code == HTTPStatus.SEE_OTHER
    while set(told := asked(browser, token)) and set(told.values()) != {HTTPStatus.UNAUTHORIZED}:
        assert time.monotonic() - began < PATIENCE_SECONDS, told
        time.sleep(0.05)
    print(f"\n{way}: refused by all four after {time.monotonic() - began:.1f} s")  # noqa: T201


def test_who_signed_out_everywhere_signs_in_again_at_once(
    browser: httpx.Client, ward: Played
) -> None:
    browser.post("/intake/sign-out-everywhere")
    who = f"{ward.stack.ward.name}/phong-vhxh.officer"
    browser.post(SAMPLE_SIGN_IN, data={"who": who})
    assert set(asked(browser, token_of(browser)).values()) == {HTTPStatus.OK}
