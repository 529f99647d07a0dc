"""A picture of every page of every role, at a desk's and a telephone's width, to be looked at.

`python -m tests.browser.screenshots [--folder .screenshots] [--running .thidua]`
Plays the year on a stack of its own, unless `--running` names the state folder of one that is up.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from deploy.cycle.story import CHAIRMAN, CLERK, OFFICER, SESSION
from tests.browser.conftest import CHROMIUM
from tests.browser.gallery import ERRORS, gallery
from tests.browser.visit import Visit
from tests.browser.walk import ONLY_IN_THE_YEAR, Walk, sign_in
from tests.played import Played, playing

WIDTHS = (1280, 360)
BUSY_DAYS = (("accept", OFFICER), ("decision", CHAIRMAN), ("decision", CLERK))
"""Before which step of the year who is looked over the shoulder of."""


@contextmanager
def stack(
    running: Path | None, on_the_way: Callable[[Played], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The origin, and the sample people with their tokens."""
    if running is not None:
        origin = json.loads((running / "stack.json").read_text("utf-8"))["http"]["origin"]
        yield origin, json.loads((running / "secrets" / "tokens.json").read_text("utf-8"))
        return
    with playing() as ward:
        on_the_way(ward)
        ward.to_the_end()
        text = (ward.stack.state.secrets / "tokens.json").read_text("utf-8")
        yield ward.addresses["http"]["origin"], json.loads(text)


def take_busy_days(browser: Browser, ward: Played, folder: Path) -> int:
    """Pictures of the pages that are there only before what they ask for is done."""
    origin, taken = ward.addresses["http"]["origin"], 0
    for step, person in BUSY_DAYS:
        ward.until(step)
        if person == CLERK:
            ward.doors.post(CHAIRMAN, f"/awards/sessions/{SESSION}/approval", {})
        cookies = sign_in(origin, f"{ward.doors.ward}/{person}")
        pages = Walk(origin, cookies).pages()
        shown = [page.path for page in pages if page.route in ONLY_IN_THE_YEAR]
        taken += take(browser, origin, cookies, shown, folder / f"{step}-{person}")
    return taken


def one_of_each_role(people: dict[str, Any]) -> dict[str, str]:
    """Role -> `<ward>/<person>`."""
    found: dict[str, str] = {}
    for name, person in people.items():
        for role in person["roles"]:
            found.setdefault(role, f"{person['ward']}/{name}")
    return found


def take(
    browser: Browser, origin: str, cookies: dict[str, str], paths: list[str], folder: Path
) -> int:
    """Pictures of these pages as one person; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        with Visit.begin(browser, origin, cookies, width) as visit:
            for path in paths:
                name = re.sub(r"\W+", "-", path).strip("-") or "index"
                visit.page.goto(origin + path)
                visit.page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    return len(paths) * len(WIDTHS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("--folder", type=Path, default=Path(".screenshots"))
    parser.add_argument("--running", type=Path, help="state folder of a stack that is up")
    parser.add_argument("--role", action="append", default=[], help="only these roles")
    chosen = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with gallery() as origin:
            shown = ["/gallery/", *(f"/gallery/errors/{status}" for status in ERRORS)]
            taken = take(browser, origin, {}, shown, chosen.folder / "gallery")

        def on_the_way(ward: Played) -> None:
            nonlocal taken
            taken += take_busy_days(browser, ward, chosen.folder)

        with stack(chosen.running, on_the_way) as (origin, people):
            shown = [page.path for page in Walk(origin).pages()]
            taken += take(browser, origin, {}, shown, chosen.folder / "visitor")
            for role, who in one_of_each_role(people).items():
                if not chosen.role or role in chosen.role:
                    cookies = sign_in(origin, who)
                    shown = [page.path for page in Walk(origin, cookies).pages()]
                    taken += take(browser, origin, cookies, shown, chosen.folder / role)
        browser.close()
    print(f"{taken} pictures in {chosen.folder}")  # noqa: T201


if __name__ == "__main__":
    main()
