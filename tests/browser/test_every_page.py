"""Every page of every role, in real Chromium, after the played year."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import get_args

import pytest

from shared.roles import Role
from shared.web.access import EVERYBODY
from tests.browser.conftest import Visitor
from tests.browser.visit import ZOOMED
from tests.browser.walk import Page, Table, Walk, sign_in
from tests.played import Played

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

VISITOR = ""
ROLES: tuple[str, ...] = (VISITOR, *get_args(Role))


@dataclass(frozen=True)
class Walked:
    cookies: Mapping[str, str]
    pages: list[Page]


@pytest.fixture(scope="session")
def walks(ward: Played) -> Mapping[str, Walked]:
    """Role -> the pages that its first holder reaches."""
    people = json.loads((ward.stack.state.secrets / "tokens.json").read_text("utf-8"))
    origin = ward.addresses["http"]["origin"]
    walked = {VISITOR: Walked({}, Walk(origin).pages())}
    for role in ROLES[1:]:
        held = {name: one for name, one in people.items() if role in one["roles"]}
        if held:
            name = min(held, key=lambda one: len(held[one]["roles"]))
            cookies = sign_in(origin, f"{held[name]['ward']}/{name}")
            pages = Walk(origin, cookies).pages()
            walked[role] = Walked(cookies, pages)
    return walked


def test_the_sample_has_somebody_in_every_role(walks: Mapping[str, Walked]) -> None:
    assert set(walks) >= set(ROLES) - {"head", "inspector"}


@pytest.mark.parametrize("role", ROLES)
def test_no_page_leads_to_a_refusal(walks: Mapping[str, Walked], role: str) -> None:
    if role in walks:
        dead = [page for page in walks[role].pages if page.status >= 400]
        assert dead == []


def test_every_page_is_walked_by_somebody(walks: Mapping[str, Walked]) -> None:
    """A page that nobody can reach by links, or one that this rig does not know."""
    seen = {page.route for walked in walks.values() for page in walked.pages}
    missing = {path for path in html_routes() if path not in seen}
    assert missing <= NOT_WALKED, missing - NOT_WALKED


NOT_WALKED = {
    "/awards/sessions/{session}/approval",
    "/awards/sessions/{session}/decision",
    "/intake/files/{participant}/{period}",
    "/intake/reports/{participant}/{period}/{revision}",
    "/intake/sign-in/{secret}",
    "/intake/sign-in/oidc/back",
    "/intake/reports/{participant}/{period}/{revision}/acceptance",
    "/intake/reports/{participant}/{period}/{revision}/return",
}
"""Walked by a link of a mail (test_sign_in), and by a city's provider; after the played year no
report waits to be judged (test_desk).
"""


def html_routes() -> set[str]:
    table = Table()
    found: set[str] = set()
    for service in ("notify", "intake", "scoring", "awards"):
        made = import_module(f"services.{service}.app").service
        for router in made.routers:
            for route in router.routes:
                kind = str(getattr(route, "response_class", ""))
                path = f"/{service}{route.path}"
                if "HTMLResponse" in kind and path in table.routes:
                    found.add(path)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_axe_finds_nothing_and_nothing_is_lost_at_any_width(
    walks: Mapping[str, Walked], ward: Played, visit: Visitor, role: str
) -> None:
    """WCAG 2.2 AA; 200 % zoom of a desk's screen; 360 px; a title and one heading; and no request
    leaves the origin.
    """
    if role not in walks:
        pytest.skip(f"nobody in the sample is {role}")
    one = visit(ward.addresses["http"]["origin"], cookies=walks[role].cookies)
    faults: list[str] = []
    for page in walks[role].pages:
        one.page.set_viewport_size({"width": 1280, "height": 900})
        shown = one.go(page.path, page.status)
        faults += one.faults()
        if shown.title().startswith("·") or shown.locator("h1").count() != 1:
            faults.append(f"{page.path}: title {shown.title()!r}")
        for width in (ZOOMED, 360):
            one.page.set_viewport_size({"width": width, "height": 900})
            if one.overflow() > 0 or one.cut_off():
                faults.append(f"{page.path} at {width} px: {one.overflow()} {one.cut_off()}")
    assert faults == []


@pytest.mark.parametrize("role", [VISITOR, "officer"])
def test_every_page_says_the_same_without_script(
    walks: Mapping[str, Walked], ward: Played, visit: Visitor, role: str
) -> None:
    """There is no script at all, and so no page can need it."""
    one = visit(ward.addresses["http"]["origin"], cookies=walks[role].cookies, javascript=False)
    for page in walks[role].pages:
        one.go(page.path, page.status)
        assert one.page.locator("h1").count() == 1, page.path
        assert one.page.locator("script, [style], style, [onclick]").count() == 0, page.path


def test_the_public_pages_are_all_that_a_visitor_sees(walks: Mapping[str, Walked]) -> None:
    table = Table()
    for page in walks[VISITOR].pages:
        assert table.routes[page.route].who == EVERYBODY, page
