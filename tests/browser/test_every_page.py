"""Every page of every role, in real Chromium, after the played year."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import get_args

import pytest

from deploy.cycle.story import CHAIRMAN
from services.intake.pages.role_words import ROLE_WORDS
from shared.roles import Role
from shared.web.access import EVERYBODY
from shared.web.page_route import PageRoute
from tests.browser.conftest import Visitor
from tests.browser.walk import ONLY_IN_THE_YEAR, Page, Table, Walk, sign_in
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
    """Role -> the pages that its first holder reaches, rather of a unit that proposes somebody."""
    leave_something_to_answer(ward)
    proposers = {one.proposed_by for one in ward.player.stage.year.ward.participants}
    people = json.loads((ward.stack.state.secrets / "tokens.json").read_text("utf-8"))
    origin = ward.addresses["http"]["origin"]
    walked = {VISITOR: Walked({}, Walk(origin).pages())}
    for role in ROLES[1:]:
        held = {name: one for name, one in people.items() if role in one["roles"]}
        name = min(
            held, key=lambda one: (len(held[one]["roles"]), held[one]["unit"] not in proposers)
        )
        cookies = sign_in(origin, f"{held[name]['ward']}/{name}")
        walked[role] = Walked(cookies, Walk(origin, cookies).pages())
    return walked


def leave_something_to_answer(ward: Played) -> None:
    """What the story does not do: ask for a correction, and lend a role."""
    text = {"text": "Địa chỉ thư của trường sắp đổi."}
    ward.doors.post("tieu-hoc-1.head", "/intake/me/corrections", text)
    lent = {
        "principal": CHAIRMAN,
        "delegate": "vice-chairman",
        "roles": ["chairman"],
        "since": "2026-01-05",
        "until": "2026-01-31",
        "document": "01/GUQ-UBND",
    }
    ward.doors.post(CHAIRMAN, "/intake/delegations", lent)


def test_the_sample_has_somebody_in_every_role(
    walks: Mapping[str, Walked], visit: Visitor, ward: Played
) -> None:
    assert set(walks) == set(ROLES)
    page = visit(ward.addresses["http"]["origin"]).go("/intake/sign-in")
    offered = page.locator("form:has([name=who]) label").all_inner_texts()
    assert set(offered) == set(ROLE_WORDS.values())


@pytest.mark.parametrize("role", ROLES)
def test_no_page_leads_to_a_refusal(walks: Mapping[str, Walked], role: str) -> None:
    assert [page for page in walks[role].pages if page.status >= 400] == []


def test_every_page_is_walked_by_somebody(walks: Mapping[str, Walked]) -> None:
    """A page that nobody can reach by links, or one that this rig does not know."""
    seen = {page.route for walked in walks.values() for page in walked.pages}
    assert html_routes() - seen == {*ONLY_IN_THE_YEAR, *NOT_WALKED}


NOT_WALKED: Mapping[str, str] = {
    "/intake/evidence/{file}/removal": "the story brings no file; evidence/test_bringing does",
    "/intake/drafts/{participant}/{period}/submission": "once a draft is saved; test_reports",
    "/intake/reports/{participant}/{period}/{revision}/differences": "of two; test_reports",
    "/intake/reports/{participant}/{period}/{revision}/withdrawal": "while it waits; test_reports",
}


def html_routes() -> set[str]:
    """Routes that answer with a page of their own to GET."""
    table = Table()
    found: set[str] = set()
    for service in ("notify", "intake", "scoring", "awards"):
        made = import_module(f"services.{service}.app").service
        for router in made.routers:
            for route in router.routes:
                kind = str(getattr(route, "response_class", ""))
                page = isinstance(route, PageRoute) or "HTMLResponse" in kind
                path = f"/{service}{route.path}"
                if page and "GET" in route.methods and path in table.routes:
                    found.add(path)
    return found


@pytest.fixture(scope="session")
def examined() -> set[str]:
    """What was in pages that were looked at; the header is looked at on each role's first."""
    return set()


@pytest.mark.parametrize("role", ROLES)
def test_axe_finds_nothing_and_nothing_is_lost_at_any_width(
    walks: Mapping[str, Walked], ward: Played, visit: Visitor, role: str, examined: set[str]
) -> None:
    """WCAG 2.2 AA; 200 % zoom of a desk's screen; 360 px; a title and one heading; and no request
    leaves the origin. What was shown to another role just so is not examined again.
    """
    one = visit(ward.addresses["http"]["origin"], cookies=walks[role].cookies)
    faults: list[str] = []
    for number, page in enumerate(walks[role].pages):
        shown = one.go(page.path, page.status).locator("main").inner_html()
        if number == 0 or shown not in examined:
            faults += one.every_fault()
        examined.add(shown)
    assert faults == []


@pytest.mark.parametrize("role", [VISITOR, "officer"])
def test_every_page_says_the_same_without_script(
    walks: Mapping[str, Walked], ward: Played, visit: Visitor, role: str
) -> None:
    """Nothing of a page is script but a file beside it, and without that file it does the same."""
    one = visit(ward.addresses["http"]["origin"], cookies=walks[role].cookies, javascript=False)
    for page in walks[role].pages:
        one.go(page.path, page.status)
        assert one.page.locator("h1").count() == 1, page.path
        inside = "script:not([src]), [style], style, [onclick]"
        assert one.page.locator(inside).count() == 0, page.path


def test_the_public_pages_are_all_that_a_visitor_sees(walks: Mapping[str, Walked]) -> None:
    table = Table()
    for page in walks[VISITOR].pages:
        assert table.routes[page.route].who == EVERYBODY, page
