"""Real Chromium, Debian's own, on the gallery and on the real stack after its played year."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from deploy.local.infrastructure import Provided
from tests.browser.desk import Desk, ServedDesk, served_desk
from tests.browser.from_mails import launched_wards
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


@pytest.fixture(scope="session")
def launched() -> Iterator[Callable[[datetime], Played]]:
    """The sample ward on the day its movement begins or later, but not after a moment."""
    with launched_wards() as not_after:
        yield not_after


@pytest.fixture(scope="session")
def intake(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedDesk]:
    """Intake alone; `desk` begins anew on it."""
    with served_desk(infrastructure, tmp_path_factory.mktemp("intake")) as served:
        yield served


@pytest.fixture
def desk(intake: ServedDesk) -> Desk:
    """Intake alone, on a day of December 2025 with something to do."""
    return intake.begin_anew()


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
