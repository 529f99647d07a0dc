"""The page shell: one layout, one stylesheet, Vietnamese dates and numbers."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache, partial
from gettext import NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from shared.calendar import vietnamese_date, vietnamese_time
from shared.web.assets import asset
from shared.web.catalogue import LANGUAGE, translations
from shared.web.entrance import SIGN_IN
from shared.web.listing import Column
from shared.web.navigation import places_for

if TYPE_CHECKING:
    from shared.web.problems import Problem

TEMPLATES = Path(__file__).parent / "templates"
ROWS_KEPT = 2048
"""Rows of tables that a process keeps drawn: most lists are asked for again as they were."""
_CELL = re.compile(r"<t([dh])\b")


def vietnamese_number(value: Decimal | int) -> str:
    """1.234,5: a comma before the decimals, no needless zeros."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    return whole.replace(",", ".") + (f",{decimals}" if decimals else "")


def under(cells: Markup, columns: Sequence[Column[Any]]) -> Markup:
    """Cells of a row, each carrying its column's title, which narrow screens show beside it."""
    return _under(str(cells), tuple(column.title for column in columns))


@lru_cache(maxsize=ROWS_KEPT)
def _under(cells: str, titles: Sequence[str]) -> Markup:
    marks = iter(_marks(titles))

    def mark(cell: re.Match[str]) -> str:
        return next(marks, _UNTITLED)[cell[1]]

    return Markup(_CELL.sub(mark, cells))  # noqa: S704


@lru_cache(maxsize=512)
def _marks(titles: Sequence[str]) -> Sequence[Mapping[str, str]]:
    return [
        {
            "h": f'<th role="rowheader" data-th="{escape(title)}"',
            "d": f'<td role="cell" data-th="{escape(title)}"',
        }
        for title in titles
    ]


[_UNTITLED] = _marks(("",))


def _speaking(words: NullTranslations) -> Callable[..., Markup]:
    """Jinja2's new-style `gettext`, which looks a label up and escapes it once, not every time."""

    @lru_cache(maxsize=8192)
    def look_up(text: str) -> Markup:
        return Markup(words.gettext(text))  # noqa: S704

    @lru_cache(maxsize=8192)
    def look_up_whole(text: str) -> Markup:
        return look_up(text) % {}

    def gettext(text: str, /, **variables: Any) -> Markup:
        return look_up(text) % variables if variables else look_up_whole(text)

    return gettext


def environment(*folders: Path) -> Environment:
    """Templates of these folders inside the common shell; a value that is missing is an error."""
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in (*folders, TEMPLATES)]),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = translations()
    made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["_"] = made.globals["gettext"] = _speaking(words)
    made.globals["language"] = LANGUAGE
    made.filters["date"] = vietnamese_date
    made.filters["time"] = vietnamese_time
    made.filters["under"] = under
    made.filters["number"] = vietnamese_number
    return made


def shell(request: Request, service: str) -> dict[str, Any]:
    """What the layout asks for, of any page."""
    person = getattr(request.state, "person", None)
    return {
        "service": service,
        "person": person,
        "places": places_for(person),
        "path": request.url.path,
        "here": quote(_path_and_query(str(request.url)), safe=""),
        "sign_in": SIGN_IN,
        "asset": partial(asset, service),
    }


class Pages:
    """Renders a service's templates inside the common shell."""

    def __init__(self, service: str, templates: Path) -> None:
        self._service = service
        self._environment = environment(templates)

    def render(
        self, request: Request, name: str, values: Mapping[str, Any], status: int = 200
    ) -> HTMLResponse:
        """A page; `values` must hold all that the template names."""
        template = self._environment.get_template(name)
        html = template.render({**shell(request, self._service), **values})
        return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})

    def rows(
        self, name: str, about: str, columns: Sequence[Column[Any]]
    ) -> Callable[[Iterable[Hashable]], Markup]:
        """Draws rows of a table: a template of each row's cells, and keeps what it drew.

        The template must depend on nothing but the row, which is called `about` there.
        """
        template = self._environment.get_template(name)

        @lru_cache(maxsize=ROWS_KEPT)
        def draw(row: Hashable) -> str:
            cells = Markup(template.render({about: row}))  # noqa: S704
            return f'<tr role="row">{under(cells, columns)}</tr>'

        return lambda rows: Markup("\n".join(map(draw, rows)))  # noqa: S704


def error_page(request: Request, problem: "Problem") -> HTMLResponse:
    """A refusal as a page: what went wrong, what to do next, the number to name when asking."""
    service = request.url.path.split("/")[1]
    known = service if hasattr(request.app.state, "parts") else ""
    values = {
        **shell(request, known),
        "problem": problem,
        "status": int(problem.status),
        "request_id": getattr(request.state, "request_id", ""),
        "back": _came_from(request),
    }
    html = _common().get_template("error.html").render(values)
    return HTMLResponse(html, int(problem.status), headers={"Cache-Control": "no-store"})


@cache
def _common() -> Environment:
    return environment()


def _came_from(request: Request) -> str:
    """The page of ours that led here, or "": for the way back."""
    referer = request.headers.get("referer", "")
    ours = urlsplit(referer).netloc == request.headers.get("host", "")
    path = _path_and_query(referer) if ours else ""
    return path if path.startswith("/") and not path.startswith("//") else ""


def _path_and_query(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
