"""The page shell: one layout, one stylesheet, Vietnamese dates and numbers."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from shared.calendar import vietnamese_date, vietnamese_time

_SHARED = Path(__file__).parent / "templates"


def vietnamese_number(value: Decimal | int) -> str:
    """1.234,5: a comma before the decimals, no needless zeros."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    return whole.replace(",", ".") + (f",{decimals}" if decimals else "")


class Pages:
    """Renders a service's templates inside the common shell."""

    def __init__(self, service: str, templates: Path) -> None:
        self._service = service
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(_SHARED)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["date"] = vietnamese_date
        self._environment.filters["time"] = vietnamese_time
        self._environment.filters["number"] = vietnamese_number

    def render(self, request: Request, name: str, values: Mapping[str, Any]) -> HTMLResponse:
        """A page; `values` must hold all that the template names."""
        template = self._environment.get_template(name)
        person = getattr(request.state, "person", None)
        html = template.render({"service": self._service, "person": person, **values})
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})
