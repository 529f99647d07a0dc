"""Stylesheet, fonts and scripts: read once, named by what is in them, served by every service."""

import hashlib
import re
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from shared.web.problems import not_found

_FOLDER = Path(__file__).with_name("static")
_LINK = re.compile(rb"url\(([\w./-]+)\)")
_SERVED: Final = {".css", ".js", ".woff2", ".svg"}
FOREVER: Final = "public, max-age=31536000, immutable"


@cache
def content(name: str) -> bytes:
    """The bytes of a file of ours, links to others carrying their version.

    Raises FileNotFoundError for a name that is none of ours.
    """
    if name not in names():
        raise FileNotFoundError(name)
    found = (_FOLDER / name).read_bytes()
    if not name.endswith(".css"):
        return found
    return _LINK.sub(lambda link: b"url(" + _versioned(link[1].decode()).encode() + b")", found)


@cache
def names() -> frozenset[str]:
    """Every file that is served, as a path below `static/`."""
    files = (path for path in _FOLDER.rglob("*") if path.suffix in _SERVED)
    return frozenset(path.relative_to(_FOLDER).as_posix() for path in files)


@cache
def version(name: str) -> str:
    """Sixteen letters that change with the content."""
    return hashlib.sha256(content(name)).hexdigest()[:16]


def _versioned(name: str) -> str:
    return f"{name}?v={version(name)}"


def asset(service: str, name: str) -> str:
    """The address of a file on a service's pages; `service` "" is the origin's own."""
    prefix = f"/{service}" if service else ""
    return f"{prefix}/static/{_versioned(name)}"


def serve(name: str, asked_version: str = "") -> Response:
    """A file; kept by browsers for good when asked for by its version.

    Raises Problem (404).
    """
    try:
        body = content(name)
    except FileNotFoundError:
        raise not_found("tệp này") from None
    kept = FOREVER if asked_version == version(name) else "no-cache"
    kind = guess_type(name)[0] or "application/octet-stream"
    headers = {"Cache-Control": kept, "ETag": f'"{version(name)}"'}
    return Response(body, media_type=kind, headers=headers)


def static_router() -> APIRouter:
    """`/static/…` of one service."""
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name:path}")
    async def static(request: Request, name: str, v: str = "") -> Response:
        answer = serve(name, v)
        if request.headers.get("if-none-match") == answer.headers["ETag"]:
            return Response(status_code=304, headers=dict(answer.headers))
        return answer

    return router
