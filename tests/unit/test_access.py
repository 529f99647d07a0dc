"""What the table of routes does not name is refused, and who it names is let in."""

from collections.abc import Sequence

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from shared.roles import ROLES, Role
from shared.web.access import COMMON, EVERYBODY, SIGNED_IN, Gate, Route
from shared.web.identity import Person, SignedIn, Visitor
from shared.web.problems import answer_with_problems

pytestmark = pytest.mark.unit

router = APIRouter()


@router.get("/open")
async def show_open(person: Visitor) -> str:
    return person.id if person else "nobody"


@router.get("/things/{code}")
async def show_thing(code: str, person: SignedIn) -> str:
    return f"{code} for {person.id}"


@router.post("/things")
async def make_thing(person: SignedIn) -> str:
    return person.id


ROUTES = (
    Route("GET", "/open", EVERYBODY),
    Route("GET", "/things/{code}", SIGNED_IN, scope="things:read"),
    Route("POST", "/things", ("officer", "clerk")),
)


class Tokens:
    """Whoever the bearer says: `<id>|<role>,…|<scope>`."""

    async def read(self, token: str) -> Person:
        name, roles, scopes = token.split("|")
        return Person(
            name,
            "",
            frozenset(roles.split(",")) - {""},
            "",
            "w",
            scopes=frozenset(scopes.split()),
        )


def make_app(routes: Sequence[Route] = ROUTES) -> FastAPI:
    gate = Gate("svc", routes)
    app = FastAPI(
        openapi_url="/svc/openapi.json",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(gate)],
    )
    app.state.tokens, app.state.token_cookie = Tokens(), "thidua_token"
    answer_with_problems(app)
    app.include_router(router, prefix="/svc")
    return app


async def ask(
    method: str, path: str, token: str = "", routes: Sequence[Route] = ROUTES
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app=make_app(routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://svc") as client:
        return await client.request(method, path, headers=headers)


async def test_everybody_may_call_what_is_open() -> None:
    assert (await ask("GET", "/svc/open")).json() == "nobody"
    assert (await ask("GET", "/svc/open", "p|reporter|")).json() == "p"


async def test_what_is_for_those_signed_in_needs_a_person() -> None:
    refused = await ask("GET", "/svc/things/a")
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:thidua:problem:unauthenticated"
    assert (await ask("GET", "/svc/things/a", "p||")).json() == "a for p"


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_let_in_when_the_table_names_it(role: Role) -> None:
    answer = await ask("POST", "/svc/things", f"p|{role}|")
    assert answer.status_code == (200 if role in {"officer", "clerk"} else 403)


async def test_one_of_several_roles_is_enough() -> None:
    assert (await ask("POST", "/svc/things", "p|reporter,clerk|")).status_code == 200


async def test_a_machine_is_let_in_by_its_scope_alone() -> None:
    assert (await ask("GET", "/svc/things/a", "machine:m||things:read")).status_code == 200
    assert (await ask("GET", "/svc/things/a", "machine:m||other:read")).status_code == 403
    assert (await ask("POST", "/svc/things", "machine:m||things:read")).status_code == 403
    assert (await ask("GET", "/svc/things/a", "machine:m||")).status_code == 403


async def test_a_route_that_the_table_does_not_name_is_refused_to_all() -> None:
    for role in ROLES:
        answer = await ask("POST", "/svc/things", f"p|{role}|", routes=ROUTES[:2])
        assert answer.status_code == 403


def test_the_app_does_not_start_with_a_route_that_is_not_named() -> None:
    app = make_app()
    with pytest.raises(ValueError, match=r"not served"):
        Gate("svc", ROUTES).check(app)
    with pytest.raises(ValueError, match=r"does not name.*'/things'"):
        Gate("svc", ROUTES[:2]).check(app)
    with pytest.raises(ValueError, match=r"twice"):
        Gate("svc", (*ROUTES, ROUTES[0]))


def test_common_routes_that_are_open_say_nothing_or_are_kept_inside() -> None:
    everybody = {route.path for route in COMMON if route.who == EVERYBODY}
    inside = {route.path for route in COMMON if "trong cụm" in route.condition}
    assert inside == {"/livez", "/readyz", "/flow", "/metrics"}
    assert {path.split("/")[1] for path in everybody - inside} == {
        "asyncapi.json",
        "openapi.json",
        "static",
    }
