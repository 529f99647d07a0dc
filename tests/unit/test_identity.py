"""Only a token that the issuer signed, for this moment and by its own algorithm, lets anyone in."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request

from shared.web.identity import Person, TokenReader, bearer_of, identify, signed_in
from shared.web.problems import Problem

pytestmark = pytest.mark.unit

KEY = Ed25519PrivateKey.generate()
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
READER = TokenReader(None, pinned=PUBLIC)


def claims(**other: Any) -> dict[str, Any]:
    return {
        "sub": "p-1",
        "name": "Cán bộ tổng hợp",
        "roles": ["officer"],
        "unit": "phong-vhxh",
        "ward": "tu-minh",
        "exp": int(time.time()) + 300,
        **other,
    }


def token(key: Ed25519PrivateKey = KEY, **other: Any) -> str:
    return jwt.encode(claims(**other), key, algorithm="EdDSA")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def request(headers: dict[str, str]) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    state = type("State", (), {"tokens": READER, "token_cookie": "thidua_token"})
    app = type("App", (), {"state": state})
    return Request({"type": "http", "headers": raw, "app": app, "state": {}})


async def test_a_good_token_tells_who_it_is() -> None:
    person = await READER.read(token())
    assert person == Person(
        "p-1", "Cán bộ tổng hợp", frozenset({"officer"}), "phong-vhxh", "tu-minh"
    )
    assert person.sees_all
    assert not (await READER.read(token(roles=["reporter"]))).sees_all


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(token(exp=int(time.time()) - 1), id="expired"),
        pytest.param(token(Ed25519PrivateKey.generate()), id="signed by somebody else"),
        pytest.param(f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.", id="alg none"),
        pytest.param(
            jwt.encode(claims(), "a secret of at least thirty-two bytes", algorithm="HS256"),
            id="another algorithm",
        ),
        pytest.param("not.a.token", id="rubbish"),
        pytest.param("", id="nothing"),
        pytest.param(f"{token().rsplit('.', 1)[0]}.", id="signature cut off"),
        *(
            pytest.param(
                jwt.encode({k: v for k, v in claims().items() if k != name}, KEY, "EdDSA"),
                id=f"without {name}",
            )
            for name in ("sub", "exp", "ward", "roles")
        ),
    ],
)
async def test_any_other_token_is_refused(bad: str) -> None:
    with pytest.raises(Problem) as caught:
        await READER.read(bad)
    assert caught.value.status == 401


async def test_the_public_key_as_a_shared_secret_opens_nothing() -> None:
    import hashlib
    import hmac

    head = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    mac = hmac.new(PUBLIC.encode(), head.encode(), hashlib.sha256).digest()
    with pytest.raises(Problem):
        await READER.read(f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_a_bearer_token_is_found_in_its_header() -> None:
    assert bearer_of(request({"authorization": "Bearer abc"})) == "abc"
    assert bearer_of(request({"authorization": "bearer abc"})) == "abc"
    assert bearer_of(request({"authorization": "Basic abc"})) is None
    assert bearer_of(request({"authorization": "Bearer "})) is None
    assert bearer_of(request({})) is None


@pytest.mark.parametrize("how", ["header", "cookie", "both"])
async def test_whoever_is_signed_in_is_known_to_pages(how: str) -> None:
    good = {"authorization": f"Bearer {token()}"}
    cookie = {"cookie": f"thidua_token={token()}"}
    other = {"cookie": f"thidua_token={token(sub='p-2')}"}
    asked = request({"header": good, "cookie": cookie, "both": good | other}[how])
    person = await identify(asked)
    assert person is not None
    assert person.id == "p-1", "the header goes before the cookie"
    assert asked.state.person == person


async def test_a_stale_cookie_is_a_visitor_and_a_stale_bearer_token_an_error() -> None:
    stale = token(exp=int(time.time()) - 1)
    assert await identify(request({"cookie": f"thidua_token={stale}"})) is None
    assert await identify(request({})) is None
    with pytest.raises(Problem):
        await identify(request({"authorization": f"Bearer {stale}"}))


async def test_nobody_signed_in_is_401() -> None:
    with pytest.raises(Problem) as nobody:
        await signed_in(None)
    assert nobody.value.status == 401


def test_every_unit_of_a_person_counts_when_they_would_judge() -> None:
    person = Person(
        "p", "", frozenset(), "a", "w", frozenset({"b"}), acting_for="q", acting_for_unit="c"
    )
    assert person.all_units == {"a", "b", "c"}
    assert person.actor == "p for q"
    assert Person("p", "", frozenset(), "", "w").all_units == frozenset()
