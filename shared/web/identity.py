"""Who asks: access tokens that every service verifies by itself with the issuer's keys."""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, Request
from jwt.utils import base64url_decode

from shared.access import EndedAccess
from shared.roles import Role
from shared.tokens import ALGORITHM, AUDIENCE, MACHINE
from shared.web.keys import Keys
from shared.web.problems import Problem, unauthenticated

SEES_ALL: tuple[Role, ...] = (
    "officer",
    "substitute-officer",
    "inspector",
    "council",
    "council-secretary",
    "chairman",
    "auditor",
)
"""Roles that see every unit's results (architecture: who sees which result)."""

MOST_TOKENS = 10_000
"""Whose signature a process remembers to have checked."""
_STALE = "Phiên đăng nhập không hợp lệ hoặc đã hết hạn."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in, or a machine.

    `unit` is the participant they belong to, or ""; `units` those for which they hold a role;
    `sessions` the council's sessions that a role of theirs is limited to (none: no limit);
    `heads` the units as whose head they act.
    `acting_for` is the person in whose place they act, of `acting_for_unit`; `acting_for_units`
    are all units of that person, by whatever role, lent or not.
    """

    id: str
    name: str
    roles: frozenset[str]
    unit: str
    ward: str
    units: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    acting_for: str = ""
    acting_for_unit: str = ""
    session: str = ""
    scopes: frozenset[str] = frozenset()
    heads: frozenset[str] = frozenset()
    acting_for_units: frozenset[str] = frozenset()

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    @property
    def sees_all(self) -> bool:
        return self.has(*SEES_ALL)

    @property
    def is_machine(self) -> bool:
        """Machines hold no roles; their token's scopes say what they may call."""
        return self.id.startswith(MACHINE)

    @property
    def all_units(self) -> frozenset[str]:
        """Every unit that is theirs in some way, so that they may see what concerns it."""
        return (self.units | {self.unit, self.acting_for_unit}) - {""}

    @property
    def stakes(self) -> frozenset[str]:
        """Units of which they judge no file (law 10): all of theirs, and all of those in whose
        place they act, though they may not see what these see.
        """
        return self.all_units | self.acting_for_units

    @property
    def actor(self) -> str:
        """What the log of acts says: who did it, and for whom."""
        return f"{self.id} for {self.acting_for}" if self.acting_for else self.id


class _Verified(NamedTuple):
    """What a token said that `key` has signed; `good_until` in seconds since 1970."""

    key: Any
    good_until: int
    person: Person
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class TokenReader:
    """Verifies tokens.

    `keys` are the issuer's published ones, `issuer` its origin. `pinned` is a PEM whose tokens
    name no key and are believed as they are: for trying out, never in production.
    """

    keys: Keys | None
    issuer: str = ""
    pinned: str = ""
    ended: EndedAccess | None = None
    _verified: OrderedDict[bytes, _Verified] = field(default_factory=OrderedDict, compare=False)

    async def read(self, token: str) -> Person:
        """Raises Problem (401) when the token cannot be verified or its access has ended."""
        try:
            found = await self._verify(token)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise unauthenticated(_STALE) from None
        person, issued_at = found.person, found.issued_at
        if self.ended is not None and await self.ended.has_ended(
            person.ward, person.id, person.session, issued_at
        ):
            raise unauthenticated(_STALE)
        return person

    async def _verify(self, token: str) -> _Verified:
        """A signature is checked once for as long as the key stays published and the same."""
        key = await self._key_of(token)
        digest = sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known.key is key and known.good_until > time.time():
            return known
        claims = self._claims(token, key)
        issued_at = datetime.fromtimestamp(float(claims.get("iat", 0)), UTC)
        found = _Verified(key, int(claims["exp"]), _person(claims), issued_at)
        self._verified[digest] = found
        while len(self._verified) > MOST_TOKENS:
            self._verified.popitem(last=False)
        return found

    async def _key_of(self, token: str) -> Any:
        """The issuer's key that the token names, or the pinned one."""
        kid = _kid_of(token.partition(".")[0])
        if kid is None and self.pinned:
            return _read_pem(self.pinned)
        key = await self.keys.find(str(kid)) if self.keys is not None and kid else None
        if key is None:
            raise jwt.InvalidTokenError(f"no key {kid}")
        return key

    def _claims(self, token: str, key: Any) -> dict[str, Any]:
        required = ["sub", "exp", "ward", "roles"]
        if isinstance(key, jwt.PyJWK):
            return dict(
                jwt.decode(
                    token,
                    key.key,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    issuer=self.issuer,
                    options={"require": [*required, "iat", "iss", "aud"], "verify_iat": False},
                )
            )
        pinned: Any = {"require": required, "verify_aud": False}
        return dict(jwt.decode(token, key, algorithms=[ALGORITHM], options=pinned))


@lru_cache(maxsize=64)
def _kid_of(header: str) -> Any:
    """What a token's header, the same for all that one key has signed, calls the key.

    Raises ValueError on what is no header; the rest is judged when the token is verified.
    """
    return dict(json.loads(base64url_decode(header))).get("kid")


@lru_cache(maxsize=8)
def _read_pem(pem: str) -> Any:
    """Raises ValueError on what is no public key."""
    return load_pem_public_key(pem.encode())


def _person(claims: dict[str, Any]) -> Person:
    return Person(
        claims["sub"],
        claims.get("name", ""),
        frozenset(claims["roles"]),
        claims.get("unit", ""),
        claims["ward"],
        frozenset(claims.get("units", ())),
        frozenset(claims.get("sessions", ())),
        claims.get("act_for", ""),
        claims.get("act_unit", ""),
        claims.get("sid", ""),
        frozenset(claims.get("scope", "").split()),
        frozenset(claims.get("heads", ())),
        frozenset(claims.get("act_units", ())),
    )


def token_cookie(origin: str) -> str:
    """The name of the cookie that carries the access token, the same on all paths."""
    return "__Host-thidua_token" if origin.startswith("https:") else "thidua_token"


def bearer_of(request: Request) -> str | None:
    """The token in the Authorization header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


async def identify(request: Request) -> Person | None:
    """Whoever asks, or None when nobody is signed in; found once a request.

    A bad bearer token is an error of its sender (401); a cookie that is no good any more is a
    visitor who has to sign in again.
    """
    if not hasattr(request.state, "person"):
        request.state.person = await _identify(request)
    person: Person | None = request.state.person
    return person


async def _identify(request: Request) -> Person | None:
    reader: TokenReader = request.app.state.tokens
    bearer = bearer_of(request)
    if bearer is not None:
        return await reader.read(bearer)
    token = request.cookies.get(request.app.state.token_cookie)
    if token is None:
        return None
    try:
        return await reader.read(token)
    except Problem:
        return None


async def signed_in(person: Annotated[Person | None, Depends(identify)]) -> Person:
    """The person signed in. Raises Problem (401)."""
    if person is None:
        raise unauthenticated("Cần đăng nhập để xem hoặc thực hiện việc này.")
    return person


Visitor = Annotated[Person | None, Depends(identify)]
SignedIn = Annotated[Person, Depends(signed_in)]
