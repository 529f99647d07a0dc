"""Whoever has to sign in is sent the right way, comes back, and never goes round in circles."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request

from shared.web.entrance import HERE, JUST_NOW_SECONDS, way_in

pytestmark = pytest.mark.unit

KEY = Ed25519PrivateKey.generate()


def token(age: float) -> str:
    return jwt.encode({"iat": time.time() - age}, KEY, "EdDSA")


def sent(
    method: str = "GET",
    path: str = "/scoring/",
    query: str = "",
    accept: str = "text/html",
    **other: str,
) -> str | None:
    """Status and place that a request is sent to, or None."""
    headers = {"accept": accept, **other}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    state = type("State", (), {"token_cookie": "thidua_token"})
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": raw,
        "server": ("thidua.example", 443),
        "scheme": "https",
        "app": type("App", (), {"state": state}),
    }
    way = way_in(Request(scope))
    return None if way is None else f"{way.status_code} {way.headers['location']}"


def test_a_visitor_is_asked_to_sign_in_and_comes_back_to_the_whole_address() -> None:
    assert sent(query="period=2025-annual") == (
        "303 /intake/sign-in?next=/scoring/%3Fperiod%3D2025-annual"
    )


def test_who_has_a_session_only_fetches_a_token() -> None:
    assert sent(cookie=f"{HERE}=1") == "303 /intake/session/renew?next=/scoring/"


def test_a_form_is_sent_again_with_all_that_was_typed() -> None:
    path = "/intake/files/a/b/plan"
    assert sent("POST", path, cookie=f"{HERE}=1") == f"307 /intake/session/renew?next={path}"
    assert sent("POST", path) == "303 /intake/sign-in"


def test_programs_are_sent_nowhere() -> None:
    assert sent(accept="application/json") is None
    assert sent(authorization="Bearer x") is None


def test_a_new_token_that_is_refused_is_not_exchanged_for_another() -> None:
    new = f"thidua_token={token(JUST_NOW_SECONDS / 2)}; {HERE}=1"
    old = f"thidua_token={token(JUST_NOW_SECONDS * 2)}; {HERE}=1"
    assert sent(cookie=new) is None
    assert sent(cookie=old) is not None
    assert sent(cookie=f"thidua_token=rubbish; {HERE}=1") is not None
