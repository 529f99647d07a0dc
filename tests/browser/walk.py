"""Finds every page that a person can reach: from the first one, link by link."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import import_module
from urllib.parse import urljoin, urlsplit

import httpx

from deploy.cycle.year import PERIOD
from shared.web.access import Route

SERVICES = ("notify", "intake", "scoring", "awards")
OFTEN = 2
"""How many pages of one route are walked: they are made by one template."""
ONLY_IN_THE_YEAR: Mapping[str, str] = {
    "/intake/reports/{participant}/{period}/{revision}/acceptance": "accept",
    "/intake/reports/{participant}/{period}/{revision}/return": "accept",
    "/awards/sessions/{session}/approval": "decision",
    "/awards/sessions/{session}/decision": "decision",
}
"""Routes of pages to which nothing leads any more once a step of the year is done: by its name."""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attributes if name == "href" and value]


@dataclass(frozen=True)
class Page:
    """A page that was found, by the route that makes it; `came_from` led to it."""

    path: str
    route: str
    status: int
    came_from: str = ""


@dataclass
class Table:
    """All routes of all services that answer GET, as `/<service>/<path>`."""

    routes: Mapping[str, Route] = field(default_factory=lambda: dict(_routes()))

    def __post_init__(self) -> None:
        self._patterns = [(path, re.compile(_pattern(path))) for path in self.routes]
        self._patterns.sort(key=lambda one: one[0].count("{"))

    def find(self, path: str) -> str:
        """The route of a path, or "" for none of ours, such as the mail catcher's."""
        return next((name for name, pattern in self._patterns if pattern.fullmatch(path)), "")


def _routes() -> Iterator[tuple[str, Route]]:
    for service in SERVICES:
        for route in import_module(f"services.{service}.access").ROUTES:
            if route.method == "GET":
                yield f"/{service}{route.path}", route


def _pattern(path: str) -> str:
    parts = re.split(r"\{[^}]*\}", path)
    return "[^/]+".join(map(re.escape, parts))


def _is_later(page: Page) -> bool:
    """The board of the year that was played, and what it leads to, come first: nobody has reported
    for the next one yet.
    """
    board = f"/intake/?period={PERIOD}"
    return not (page.path.startswith(board) or page.came_from.startswith(board))


@dataclass
class Walk:
    """One person's way through the product; without cookies, a visitor who is not signed in."""

    origin: str
    cookies: Mapping[str, str] = field(default_factory=dict)
    table: Table = field(default_factory=Table)

    def pages(self) -> list[Page]:
        """Every page that is shown as one, each reached through links that the person sees."""
        waiting = [Page(path, path, 0) for path in self._beginnings()]
        seen: Counter[str] = Counter()
        known: set[str] = set()
        found: list[Page] = []
        with self._client() as client:
            while waiting:
                page = min(waiting, key=_is_later)
                waiting.remove(page)
                path = page.path.partition("#")[0]
                if path in known or seen[page.route] >= OFTEN:
                    continue
                known.add(path)
                answer = client.get(path)
                if "text/html" not in answer.headers.get("content-type", ""):
                    continue
                seen[page.route] += 1
                found.append(Page(path, page.route, answer.status_code, page.came_from))
                waiting += self._onward(path, answer.text)
        return found

    def _beginnings(self) -> list[str]:
        return ["/notify/", "/intake/sign-in"] if self.cookies else ["/notify/honours"]

    def _onward(self, path: str, html: str) -> Iterator[Page]:
        links = _Links()
        links.feed(html)
        for href in links.found:
            target = urlsplit(urljoin(self.origin + path, href))
            if f"{target.scheme}://{target.netloc}" != self.origin:
                continue
            address = f"{target.path}?{target.query}" if target.query else target.path
            route = self.table.find(target.path)
            if route and "format=" not in target.query and "/static/" not in target.path:
                yield Page(address, route, 0, path)

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.origin,
            headers={"Accept": "text/html"},
            cookies=dict(self.cookies),
            timeout=30,
            trust_env=False,
        )


def sign_in(origin: str, who: str) -> dict[str, str]:
    """The cookies of somebody of the sample (`<ward>/<person>`) after signing in."""
    with httpx.Client(base_url=origin, trust_env=False, timeout=30) as client:
        answer = client.post(
            "/intake/sign-in/sample", data={"who": who}, headers={"Origin": origin}
        )
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text[:500]
        return dict(client.cookies)
