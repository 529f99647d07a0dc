"""Who asks: access tokens (EdDSA) that every service verifies by itself, with the public key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import jwt
from fastapi import Depends, Request

from shared.web.problems import Problem, forbidden, unauthenticated

COOKIE = "thidua_token"
_ALGORITHMS = ["EdDSA"]

Role = Literal[
    "reporter",
    "officer",
    "substitute-officer",
    "assessor",
    "council",
    "council-secretary",
    "chairman",
    "clerk",
    "communications-officer",
    "operator",
    "auditor",
]
SEES_ALL: frozenset[Role] = frozenset(
    {"officer", "substitute-officer", "council", "council-secretary", "chairman", "auditor"}
)
"""Roles that see every unit's results (architecture: who sees which result)."""


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person. `unit` is the participant they belong to, or "" for none."""

    id: str
    name: str
    roles: frozenset[str]
    unit: str
    ward: str

    def has(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    @property
    def sees_all(self) -> bool:
        return self.has(*SEES_ALL)


@dataclass(frozen=True, slots=True)
class TokenReader:
    """Verifies tokens; `public_key` is PEM."""

    public_key: str

    def read(self, token: str) -> Person:
        """Raises Problem (401) when the token cannot be verified."""
        try:
            claims = jwt.decode(
                token,
                self.public_key,
                algorithms=_ALGORITHMS,
                options={"require": ["sub", "exp", "ward", "roles"]},
            )
        except jwt.InvalidTokenError:
            raise unauthenticated("Phiên đăng nhập không hợp lệ hoặc đã hết hạn.") from None
        return Person(
            claims["sub"],
            claims.get("name", ""),
            frozenset(claims["roles"]),
            claims.get("unit", ""),
            claims["ward"],
        )


def bearer_of(request: Request) -> str | None:
    """The token in the Authorization header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None


async def visitor(request: Request) -> Person | None:
    """Whoever asks, or None when nobody is signed in.

    A bad bearer token is an error of its sender (401); a cookie that is no good any more is a
    visitor who has to sign in again.
    """
    reader: TokenReader = request.app.state.tokens
    bearer = bearer_of(request)
    if bearer is not None:
        person: Person | None = reader.read(bearer)
    else:
        person = _read_cookie(reader, request.cookies.get(COOKIE))
    request.state.person = person
    return person


def _read_cookie(reader: TokenReader, token: str | None) -> Person | None:
    if token is None:
        return None
    try:
        return reader.read(token)
    except Problem:
        return None


async def signed_in(person: Annotated[Person | None, Depends(visitor)]) -> Person:
    if person is None:
        raise unauthenticated("Cần đăng nhập để xem hoặc thực hiện việc này.")
    return person


def one_of(*roles: Role) -> Callable[..., Awaitable[Person]]:
    """A dependency that lets in whoever has one of the roles."""

    async def check(person: Annotated[Person, Depends(signed_in)]) -> Person:
        if not person.has(*roles):
            raise forbidden("Vai trò của bạn không được làm việc này.")
        return person

    return check
