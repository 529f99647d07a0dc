"""Real Chromium, Debian's own, on the gallery and on the real stack after its played year."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.gallery import gallery as serve_gallery
from tests.browser.visit import Visit
from tests.played import Played, playing

CHROMIUM = os.environ.get("THIDUA_CHROMIUM") or shutil.which("chromium") or ""

Visitor = Callable[..., Visit]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.fail("no Chromium: install Debian's package chromium, or name it in THIDUA_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--lang=vi-VN"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def gallery() -> Iterator[str]:
    with serve_gallery() as origin:
        yield origin


@pytest.fixture(scope="session")
def year() -> Iterator[Played]:
    """The sample ward before its 2025 cycle; tests play on to their day, in the story's order."""
    with playing() as ahead:
        yield ahead


@pytest.fixture(scope="session")
def ward(year: Played) -> Played:
    """The sample ward after its 2025 cycle."""
    year.to_the_end()
    return year


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visitor]:
    """Opens a browser of one person's at an origin; at the end nothing of it may have gone wrong.

    `visit(origin, cookies=…, width=1280, javascript=True)`.
    """
    with ExitStack() as stack:
        visits: list[Visit] = []

        def begin(origin: str, **wanted: object) -> Visit:
            one = stack.enter_context(Visit.begin(chromium, origin, **wanted))  # type: ignore[arg-type]
            visits.append(one)
            return one

        yield begin
        wrong = [line for one in visits for line in one.wrong]
        assert wrong == []


@pytest.fixture
def page(visit: Visitor, gallery: str) -> Page:
    """A page on the gallery, at a desk's width."""
    return visit(gallery).page
