"""What the stack's two own pages share: templates in the house's page shell, and a server."""

from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shared.web.assets import asset, serve
from shared.web.entrance import SIGN_IN
from shared.web.navigation import places_for
from shared.web.pages import environment
from shared.web.problems import Problem

_TEMPLATES = environment(Path(__file__).with_name("templates"))


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A Vietnamese page; nothing of it is kept by a cache."""
    shell = {
        "service": "",
        "person": None,
        "places": places_for(None),
        "path": "/",
        "here": "%2F",
        "sign_in": SIGN_IN,
        "asset": partial(asset, ""),
    }
    html = _TEMPLATES.get_template(template).render({**shell, **values})
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


async def _static(request: Request) -> Response:
    try:
        return serve(request.path_params["name"], request.query_params.get("v", ""))
    except Problem as problem:
        return page("problem.html", 404, title=problem.title, detail=problem.detail)


STATIC = Route("/static/{name:path}", _static)
"""Stylesheet and fonts of the origin's own pages."""


def no_cookies() -> CookieJar:
    """For an httpx client that serves many people: it keeps nobody's cookies for the next one."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def address(text: str) -> tuple[str, int]:
    """`host:port` in two parts. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def server(app: Starlette, listen: str, certificate: Path | None = None) -> uvicorn.Server:
    """A server for one of the stack's own pages; ends on SIGTERM and SIGINT.

    With a certificate (PEM, with its key) it speaks HTTPS and nothing else.
    """
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
            date_header=False,
            ssl_certfile=certificate,
        )
    )
