"""Every route of every service, as every role of two wards: what the tables say, and no more.

The ward has a whole year behind it, so that there is something to leak; the other ward has
nothing, and people with the same roles.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import jwt
import pytest

from deploy.local.stack import SERVICES
from deploy.roles import routes_of
from shared.roles import ROLES
from shared.web.access import EVERYBODY, SIGNED_IN, Route
from tests.played import Played

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

OTHER_WARD = "an-hai"
OFFICE = "Phòng Văn hóa - Xã hội"
"""Every ward has one by that name, and every page says to ask it."""
REFUSED_BY_ROLE = "Vai trò của bạn không được làm việc này."
SCOPES = sorted({route.scope for name in SERVICES for route in routes_of(name)} - {""})
_NO_ID = "00000000-0000-7000-8000-000000000000"
NOWHERE = {"number": "999999", "obligation": _NO_ID, "file": _NO_ID}


class Callers:
    """People of either ward as tokens; nobody has their own unit's files in the other ward."""

    def __init__(self, ward: Played) -> None:
        self._key = (ward.stack.state.secrets / "token-private.pem").read_text()

    def token(self, ward: str, role: str, unit: str = "", scope: str = "") -> str:
        now = datetime.now(UTC)
        claims = {
            "sub": f"machine:{scope}" if scope else f"{ward}.{role}",
            "name": "Người thử quyền",
            "roles": [role] if role else [],
            "unit": unit,
            "heads": [unit] if role == "head" and unit else [],
            "ward": ward,
            "scope": scope,
            "iat": now.timestamp(),
            "exp": now + timedelta(minutes=10),
        }
        return jwt.encode(claims, self._key, "EdDSA")


@pytest.fixture(scope="module")
def callers(ward: Played) -> Callers:
    return Callers(ward)


@pytest.fixture(scope="module")
def ids(ward: Played) -> dict[str, str]:
    """Things that are really there, by the name of the place in a path that they fill."""
    opened = [f.data for f in ward.facts("thidua.awards.v1") if f.name == "dossier-opened"]
    owed = [f.data for f in ward.facts("thidua.intake.v1") if f.name == "obligation-opened"]
    received = [f.data for f in ward.facts("thidua.intake.v1") if f.name == "report-received"]
    assert opened[0]
    assert owed[0]
    assert received[0]
    return {
        "dossier": opened[0]["dossier"],
        "period": "2025-annual",
        "participant": received[0]["participant"],
        "revision": str(received[0]["revision"]),
        "obligation": owed[0]["obligation"],
        "person": "phong-vhxh.officer",
        "session": "phien-1",
        "publisher": "e-office",
        "number": "1",
        "movement": "cds-2025-2030",
        "version": "1",
        "rule": "annual-report",
    }


@pytest.fixture(scope="module", params=SERVICES)
def door(request: pytest.FixtureRequest, ward: Played) -> Iterator[tuple[str, httpx.Client]]:
    name: str = request.param
    base = f"{ward.addresses['http'][name]}/{name}"
    headers = {"accept": "application/json"}
    with httpx.Client(base_url=base, timeout=30, trust_env=False, headers=headers) as client:
        yield name, client


def ask(
    client: httpx.Client, route: Route, token: str | None, ids: dict[str, str]
) -> httpx.Response:
    """GETs ask for what is there; acts name what is not, so that they change nothing.

    As a program asks; where there is nothing for programs, as a browser does.
    """
    known = ids if route.method == "GET" else NOWHERE
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: known.get(m[1], "khong-co"), route.path)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body: dict[str, Any] = {} if route.method == "GET" else {"json": {}}
    answer = client.request(route.method, path, headers=headers, **body)
    if answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        as_browser = {**headers, "accept": "text/html"}
        return client.request(route.method, path, headers=as_browser, **body)
    return answer


def refused_by_the_table(answer: httpx.Response) -> bool:
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return True
    if answer.status_code == HTTPStatus.SEE_OTHER:
        return answer.headers["location"].startswith("/intake/sign-in")
    return answer.status_code == HTTPStatus.FORBIDDEN and REFUSED_BY_ROLE in answer.text


def is_open_to(route: Route, role: str) -> bool:
    return route.who in {EVERYBODY, SIGNED_IN} or role in route.who


def open_itself(route: Route) -> bool:
    """What is public, and what the browser's session is asked for, which these callers have not."""
    return route.who == EVERYBODY or route.path.startswith("/session")


@pytest.mark.parametrize("where", ["own", "other"])
def test_every_route_as_every_role(
    door: tuple[str, httpx.Client],
    callers: Callers,
    ids: dict[str, str],
    where: str,
    ward: Played,
) -> None:
    name, client = door
    town = ward.stack.ward.name if where == "own" else OTHER_WARD
    wrong = []
    for role in ROLES:
        token = callers.token(town, role)
        for route in routes_of(name):
            if open_itself(route):
                continue
            answer = ask(client, route, token, ids)
            if refused_by_the_table(answer) == is_open_to(route, role):
                wrong.append((role, route.method, route.path, answer.status_code))
            if answer.is_server_error:
                wrong.append((role, route.method, route.path, answer.status_code))
    assert wrong == []


def test_nobody_gets_in_without_signing_in(
    door: tuple[str, httpx.Client], ids: dict[str, str]
) -> None:
    name, client = door
    answers = {
        (route.method, route.path): ask(client, route, None, ids)
        for route in routes_of(name)
        if not open_itself(route)
    }
    let_in = {where: a.status_code for where, a in answers.items() if not refused_by_the_table(a)}
    assert let_in == {}


def test_a_page_sends_whoever_is_signed_out_to_sign_in(
    door: tuple[str, httpx.Client], ids: dict[str, str]
) -> None:
    name, client = door
    answer = client.get("/me", headers={"accept": "text/html"})
    del ids
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer.headers["location"] == f"/intake/sign-in?next=/{name}/me"


@pytest.mark.parametrize("scope", ["", *SCOPES, "unknown:scope"])
def test_a_machine_gets_where_its_scope_says(
    door: tuple[str, httpx.Client], callers: Callers, ids: dict[str, str], scope: str, ward: Played
) -> None:
    name, client = door
    token = callers.token(ward.stack.ward.name, "", scope=scope or " ")
    for route in routes_of(name):
        if open_itself(route):
            continue
        refused = refused_by_the_table(ask(client, route, token, ids))
        assert refused == (not scope or route.scope != scope), (route, scope)


def test_the_other_ward_sees_nothing_of_this_one(
    door: tuple[str, httpx.Client], callers: Callers, ids: dict[str, str], ward: Played
) -> None:
    """Not in bodies, counts, searches or error texts; what is public is public in its own ward."""
    name, client = door
    registered = [
        f.data for f in ward.facts("thidua.intake.v1") if f.name == "participant-registered"
    ]
    names = {str(data["name"]) for data in registered if data} - {OFFICE}
    leaks = []
    for role in ROLES:
        token = callers.token(OTHER_WARD, role, unit=ids["participant"])
        for route in routes_of(name):
            if open_itself(route) or route.method != "GET":
                continue
            answer = ask(client, route, token, ids)
            told = [one for one in names if one in answer.text]
            if told or ".example" in answer.text:
                leaks.append((role, route.path, told[:2]))
    assert leaks == []
