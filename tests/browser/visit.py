"""One browser of one person: what it asks for, what it complains about, what axe finds."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ZOOMED = 640
"""CSS pixels that are left of 1280 at 200 % zoom."""


@dataclass
class Visit:
    """`wrong` gathers refused content, script errors and requests that leave the origin."""

    origin: str
    page: Page
    wrong: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def begin(
        cls,
        browser: Browser,
        origin: str,
        cookies: Mapping[str, str] = MappingProxyType({}),
        width: int = 1280,
        *,
        javascript: bool = True,
    ) -> Iterator["Visit"]:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            java_script_enabled=javascript,
        )
        context.add_cookies(
            [{"name": name, "value": value, "url": origin} for name, value in cookies.items()]
        )
        visit = cls(origin, context.new_page())
        visit.page.on("console", visit._heard)
        visit.page.on("pageerror", lambda error: visit.wrong.append(f"script: {error}"))
        context.on("request", visit._asked)
        try:
            yield visit
        finally:
            context.close()

    def go(self, path: str, status: int = 200) -> Page:
        answer = self.page.goto(self.origin + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        return self.page

    def faults(self) -> list[str]:
        """What axe holds against the page as it stands: rule, and the first places."""
        found: dict[str, Any] = Axe().run(self.page, options={"runOnly": WCAG}).response
        return [
            f"{self.page.url} {fault['id']}: "
            + "; ".join(node["html"][:160] for node in fault["nodes"][:3])
            for fault in found["violations"]
        ]

    def every_fault(self) -> list[str]:
        """Of the page as it stands: what axe finds, a title or heading that is missing, and what is
        lost at 200 % zoom of a desk's screen and on a telephone.
        """
        found = self.faults()
        if self.page.title().startswith("·") or self.page.locator("h1").count() != 1:
            found.append(f"{self.page.url}: title {self.page.title()!r}")
        before = self.page.viewport_size
        for width in (ZOOMED, 360):
            self.page.set_viewport_size({"width": width, "height": 900})
            if self.overflow() > 0 or self.cut_off():
                found.append(f"{self.page.url} at {width} px: {self.overflow()} {self.cut_off()}")
        if before is not None:
            self.page.set_viewport_size(before)
        return found

    def overflow(self) -> int:
        """CSS pixels by which the page is wider than the window; 0: it never scrolls sideways."""
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(wider))

    def cut_off(self) -> list[str]:
        """Texts and controls that lie outside the window and in no box that scrolls."""
        return json.loads(self.page.evaluate(_CUT_OFF))  # type: ignore[no-any-return]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            asked, own = urlsplit(request.url), urlsplit(self.origin)
            if (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
                self.wrong.append(f"left the origin: {request.url}")


_CUT_OFF = """() => JSON.stringify([...document.querySelectorAll("main *, header *")].filter(e => {
  if (e.closest(".scroll, .drawing, .hidden, .skip, svg, details:not([open]) > :not(summary)")) {
    return false;
  }
  const box = e.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
}).map(e => e.outerHTML.slice(0, 120)))"""
