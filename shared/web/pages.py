"""The page shell: one layout, one stylesheet, Vietnamese dates and numbers."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, partial
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
_CELL = re.compile(r"<t([dh])\b")


def vietnamese_number(value: Decimal | int) -> str:
    """1.234,5: a comma before the decimals, no needless zeros."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    return whole.replace(",", ".") + (f",{decimals}" if decimals else "")


def under(cells: Markup, columns: Sequence[Column[Any]]) -> Markup:
    """Cells of a row, each carrying its column's title, which narrow screens show beside it."""
    titles = iter(columns)

    def mark(cell: re.Match[str]) -> str:
        title = escape(column.title) if (column := next(titles, None)) else ""
        role = "rowheader" if cell[1] == "h" else "cell"
        return f'<t{cell[1]} role="{role}" data-th="{title}"'

    return Markup(_CELL.sub(mark, str(cells)))  # noqa: S704


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
