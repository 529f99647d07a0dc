"""The header leads only to what the services' tables of routes open."""

from importlib import import_module

import pytest

from shared.roles import ROLES
from shared.web.access import COMMON, EVERYBODY, Route
from shared.web.identity import Person
from shared.web.navigation import PLACES, Place, places_for

pytestmark = pytest.mark.contract


def routes_of(service: str) -> dict[tuple[str, str], Route]:
    table = import_module(f"services.{service}.access").ROUTES
    return {(route.method, route.path): route for route in (*table, *COMMON)}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.href)
def test_a_place_is_open_to_exactly_those_to_whom_it_is_shown(place: Place) -> None:
    route = routes_of(place.service)[("GET", place.path)]
    assert (route.who == EVERYBODY) == (place.who == EVERYBODY)
    for role in ROLES:
        person = Person("somebody", "", frozenset({role}), "", "tu-minh")
        assert place.open_to(person) == route.admits(person), role


@pytest.mark.parametrize("path", ["/me", "/session", "/sign-in"])
def test_what_the_persons_menu_leads_to_is_open_to_everybody_signed_in(path: str) -> None:
    assert isinstance(routes_of("intake")[("GET", path)].who, str)


def test_signing_out_is_always_open() -> None:
    assert routes_of("intake")[("POST", "/sign-out")].who == EVERYBODY


def test_a_visitor_is_shown_what_is_public_alone() -> None:
    assert [place.href for place in places_for(None)] == ["/awards/", "/notify/honours"]
