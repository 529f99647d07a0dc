"""The way in: where somebody who has to sign in is sent, and how they come back."""

import time
from urllib.parse import quote

import jwt
from fastapi import Request
from fastapi.responses import RedirectResponse

HERE = "thidua_here"
"""A cookie that says only that this browser has a session, so that renewing is worth a try."""
JUST_NOW_SECONDS = 5.0
SIGN_IN = "/intake/sign-in"
RENEW = "/intake/session/renew"
_SAFE = frozenset({"GET", "HEAD"})


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page, not a program for data."""
    return "text/html" in request.headers.get("accept", "")


def _just_came(request: Request) -> bool:
    """Whether the browser holds a token that is new, and yet is refused.

    Fetching another would not help: that is a fault of ours, and must not go round in circles.
    """
    token = request.cookies.get(getattr(request.app.state, "token_cookie", ""), "")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return abs(time.time() - float(claims["iat"])) < JUST_NOW_SECONDS
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return False


def way_in(request: Request) -> RedirectResponse | None:
    """Where a browser that is not signed in goes on; None for programs.

    With a session it only fetches a new token, and 307 makes it send a form again, so that
    nothing typed is lost.
    """
    if not wants_page(request) or "authorization" in request.headers or _just_came(request):
        return None
    safe = request.method in _SAFE
    here = request.url.path
    if safe and request.url.query:
        here += f"?{request.url.query}"
    back = f"?next={quote(here, safe='/')}"
    if HERE in request.cookies:
        return RedirectResponse(RENEW + back, 303 if safe else 307)
    return RedirectResponse(SIGN_IN + (back if safe else ""), 303)
