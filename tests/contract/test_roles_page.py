"""The page of roles is what the services' tables say."""

import pytest

from deploy.local.stack import SERVICES
from deploy.roles import PAGE, page, routes_of
from shared.roles import ROLES
from shared.web.access import EVERYBODY, SIGNED_IN, Route

pytestmark = pytest.mark.contract

ALL = [(service, route) for service in SERVICES for route in routes_of(service)]
_CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
_OWN_AFFAIRS = ("sign", "session", "/me", "delegation")


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m deploy.roles`"


@pytest.mark.parametrize(("service", "route"), ALL, ids=str)
def test_a_row_names_roles_that_exist(service: str, route: Route) -> None:
    del service
    assert route.who in {EVERYBODY, SIGNED_IN} or set(route.who) <= set(ROLES)
    assert route.who, "nobody at all: leave the route away"


def _named(route: Route, role: str) -> bool:
    return not isinstance(route.who, str) and role in route.who


def test_the_auditor_reads_and_changes_nothing() -> None:
    assert [r for _, r in ALL if _named(r, "auditor") and r.method in _CHANGES] == []


def test_nothing_changes_without_somebody_signed_in() -> None:
    """But signing in and out, which the session itself is asked for, and a machine's token."""
    open_acts = {
        (service, route.path)
        for service, route in ALL
        if route.who == EVERYBODY and route.method in _CHANGES
    }
    assert all(service == "intake" for service, _ in open_acts)
    assert all(
        path.startswith(("/sign-", "/session/renew", "/oauth/token")) for _, path in open_acts
    )


def test_whoever_is_merely_signed_in_changes_only_their_own_affairs() -> None:
    acts = {r.path for _, r in ALL if r.who == SIGNED_IN and r.method in _CHANGES}
    assert all(any(word in path for word in _OWN_AFFAIRS) for path in acts), acts


def test_an_operator_decides_nothing_of_the_movement() -> None:
    acts = {
        f"{service}{r.path}" for service, r in ALL if _named(r, "operator") and r.method in _CHANGES
    }
    words = ("parked", "people", "machines", "delegations", "publishers")
    assert all(any(word in act for word in words) for act in acts), acts
