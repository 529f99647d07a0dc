"""Only a token that the issuer signed, for this moment and by its own algorithm, lets anyone in."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Request
from jwt.algorithms import OKPAlgorithm

from shared.tokens import AUDIENCE
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
    assert (await READER.read(token(heads=["thcs-1"]))).heads == {"thcs-1"}
    assert (await READER.read(token(roles=["head"]))).heads == frozenset(), "not told: of none"
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
    assert person.all_units == person.stakes == {"a", "b", "c"}
    lent = replace(person, acting_for_units=frozenset({"c", "d"}))
    assert lent.all_units == {"a", "b", "c"}
    assert lent.stakes == {"a", "b", "c", "d"}
    assert person.actor == "p for q"
    assert Person("p", "", frozenset(), "", "w").all_units == frozenset()


@dataclass
class Published:
    """The issuer's keys, as they are now."""

    by_name: dict[str, jwt.PyJWK]

    async def find(self, kid: str) -> jwt.PyJWK | None:
        return self.by_name.get(kid)


def jwk(key: Ed25519PrivateKey) -> jwt.PyJWK:
    return jwt.PyJWK(OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), algorithm="EdDSA")


def named(kid: str, key: Ed25519PrivateKey = KEY, **other: Any) -> str:
    who = {"iss": "https://issuer.example", "aud": AUDIENCE, "iat": time.time()}
    return jwt.encode(claims(**who, **other), key, algorithm="EdDSA", headers={"kid": kid})


def reader_of(**keys: Ed25519PrivateKey) -> tuple[TokenReader, Published]:
    published = Published({name: jwk(key) for name, key in keys.items()})
    return TokenReader(published, "https://issuer.example"), published


async def test_a_signature_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    decode = jwt.decode

    def counting(sent: str, *arguments: Any, **options: Any) -> Any:
        checked.append(sent)
        return decode(sent, *arguments, **options)

    monkeypatch.setattr(jwt, "decode", counting)
    reader, _ = reader_of(one=KEY)
    sent = named("one")
    first = await reader.read(sent)
    assert await reader.read(sent) == first
    assert checked == [sent]
    for _try in range(2):
        with pytest.raises(Problem):
            await reader.read(sent[:-4] + "AAAA")
    assert len(checked) == 3


async def test_a_token_that_was_verified_ends_with_its_time() -> None:
    reader, _ = reader_of(one=KEY)
    end = int(time.time()) + 3
    sent = named("one", exp=end)
    await reader.read(sent)
    while time.time() <= end:
        await asyncio.sleep(0.1)
    with pytest.raises(Problem):
        await reader.read(sent)


async def test_a_token_that_was_verified_ends_with_its_key() -> None:
    other = Ed25519PrivateKey.generate()
    reader, published = reader_of(one=KEY, two=other)
    sent = named("one")
    await reader.read(sent)
    published.by_name["one"] = jwk(other)
    with pytest.raises(Problem):
        await reader.read(sent)
    published.by_name["one"] = jwk(KEY)
    assert (await reader.read(sent)).id == "p-1"
    del published.by_name["one"]
    with pytest.raises(Problem):
        await reader.read(sent)


async def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.web.identity.MOST_TOKENS", 3)
    reader, _ = reader_of(one=KEY)
    for number in range(9):
        await reader.read(named("one", sub=f"p-{number}"))
    assert len(reader._verified) == 3


@pytest.mark.parametrize("header", ["W10", "NQ", "bnVsbA", "e30", "", "%%%", "eyJraWQiOjF9", "é"])
async def test_what_is_no_header_names_no_key(header: str) -> None:
    reader, _ = reader_of(one=KEY)
    with pytest.raises(Problem):
        await reader.read(f"{header}.{named('one').partition('.')[2]}")
