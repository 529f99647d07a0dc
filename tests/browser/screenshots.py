"""A picture of every page of every role, at a desk's and a telephone's width, to be looked at.

`python -m tests.browser.screenshots [--folder .screenshots] [--running .thidua]`
Plays the year on a stack of its own, unless `--running` names the state folder of one that is up.
"""

import argparse
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.gallery import ERRORS, gallery
from tests.browser.visit import Visit
from tests.browser.walk import Walk, sign_in
from tests.played import played

WIDTHS = (1280, 360)


@contextmanager
def stack(running: Path | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The origin, and the sample people with their tokens."""
    if running is not None:
        origin = json.loads((running / "stack.json").read_text("utf-8"))["http"]["origin"]
        yield origin, json.loads((running / "secrets" / "tokens.json").read_text("utf-8"))
        return
    with played() as ward:
        text = (ward.stack.state.secrets / "tokens.json").read_text("utf-8")
        yield ward.addresses["http"]["origin"], json.loads(text)


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
        with stack(chosen.running) as (origin, people):
            by_role: dict[str, tuple[str, dict[str, Any]]] = {}
            for name, person in people.items():
                for role in person["roles"]:
                    by_role.setdefault(role, (name, person))
            shown = [page.path for page in Walk(origin).pages()]
            taken += take(browser, origin, {}, shown, chosen.folder / "visitor")
            for role, (name, person) in by_role.items():
                if chosen.role and role not in chosen.role:
                    continue
                cookies = sign_in(origin, f"{person['ward']}/{name}")
                walk = Walk(origin, cookies)
                shown = [page.path for page in walk.pages()]
                taken += take(browser, origin, cookies, shown, chosen.folder / role)
        browser.close()
    print(f"{taken} pictures in {chosen.folder}")  # noqa: T201


if __name__ == "__main__":
    main()
