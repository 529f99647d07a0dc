"""What the stack's two own pages share: templates in the house's page shell, and a server."""

from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.responses import HTMLResponse

from deploy.local.state import ROOT

_TEMPLATES = Environment(
    loader=ChoiceLoader(
        [
            FileSystemLoader(Path(__file__).with_name("templates")),
            FileSystemLoader(ROOT / "shared" / "web" / "templates"),
        ]
    ),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A Vietnamese page; nothing of it is kept by a cache."""
    html = _TEMPLATES.get_template(template).render(service="", person=None, **values)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def address(text: str) -> tuple[str, int]:
    """`host:port` in two parts. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def server(app: Starlette, listen: str) -> uvicorn.Server:
    """A server for one of the stack's own pages; ends on SIGTERM and SIGINT."""
    host, port = address(listen)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=3,
            proxy_headers=False,
            server_header=False,
        )
    )
