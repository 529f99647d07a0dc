"""The issuer's keys and tokens: which key signs, when the next is made, what a token holds."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import jwt
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt import PyJWK
from jwt.algorithms import OKPAlgorithm
from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake.domain.session import Limits
from services.intake.domain.token_key import (
    KeyTimes,
    Rotation,
    next_key_signs_from,
    signer,
    withdrawn,
)
from services.intake.store import issuing as store
from shared.messaging import UnitOfWork
from shared.tokens import ALGORITHM, AUDIENCE, TOKEN_LIFE
from shared.web.keys import read_keys

KEYS_LOCK = "signing-keys"
LOOK_SECONDS = 1.0
"""How long a key that was taken away is still believed here."""


class Vault:
    """Wraps private keys at rest, and hashes what is counted, by a secret of this installation.

    `secret` is one Fernet key, or several with commas: the first wraps, all unwrap. Raises
    ValueError on anything else.
    """

    def __init__(self, secret: str) -> None:
        keys = [key.strip() for key in secret.split(",") if key.strip()]
        if not keys:
            raise ValueError("no Fernet key")
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._first = keys[0].encode()

    def wrap(self, private: bytes) -> bytes:
        return self._fernet.encrypt(private)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Raises InvalidToken when it was wrapped by another secret."""
        return self._fernet.decrypt(wrapped)

    def seal(self, purpose: str, value: str) -> bytes:
        """A keyed hash: equal values are known again, and nobody else can try values out."""
        return hmac.digest(self._first, f"{purpose}\0{value}".encode(), "sha256")


@dataclass(frozen=True, slots=True)
class Issuer:
    """What tokens and sessions are made by. `origin` is the `iss` of every token."""

    origin: str
    vault: Vault
    limits: Limits = field(default_factory=Limits)
    rotation: Rotation = field(default_factory=Rotation)


def new_secret() -> str:
    """256 random bits, fit for a cookie or a link."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so a plain hash gives nothing away."""
    return hashlib.sha256(secret.encode()).digest()


async def rotate_keys(work: UnitOfWork, issuer: Issuer) -> int:
    """Make the next key when it is due, withdraw those of no use; returns how many changed."""
    await work.lock(KEYS_LOCK)
    now = work.system.now()
    keys = await store.key_times(work.connection)
    gone = withdrawn(keys, now)
    await store.withdraw_keys(work.connection, gone)
    signs_from = next_key_signs_from(keys, now, issuer.rotation)
    if signs_from is None:
        return len(gone)
    private, kid = Ed25519PrivateKey.generate(), secrets.token_urlsafe(12)
    public = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    wrapped = issuer.vault.wrap(
        private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    )
    values = {
        "kid": kid,
        "private": wrapped,
        "jwk": {**public, "kid": kid, "use": "sig", "alg": ALGORITHM},
        "made_at": now,
        "signs_from": signs_from,
    }
    await store.add_key(work.connection, values)
    return len(gone) + 1


async def sign(work: UnitOfWork, issuer: Issuer, claims: Mapping[str, Any]) -> str:
    """An access token. Its `iat` has fractions: access that ended is told from access begun anew.

    Raises InvalidToken when the signing key was wrapped by another secret.
    """
    key = await _signer(work)
    if key is None:
        await rotate_keys(work, issuer)
        key = await _signer(work)
    if key is None:
        raise RuntimeError("there is no key to sign with")
    now = work.system.now()
    wrapped = await store.private_key(work.connection, key.kid)
    private = load_der_private_key(issuer.vault.unwrap(wrapped), None)
    payload = {
        "iss": issuer.origin,
        "aud": AUDIENCE,
        **claims,
        "iat": now.timestamp(),
        "exp": (now + TOKEN_LIFE).timestamp(),
        "jti": str(uuid4()),
    }
    assert isinstance(private, Ed25519PrivateKey)  # noqa: S101  (no other kind is ever wrapped)
    return jwt.encode(payload, private, algorithm=ALGORITHM, headers={"kid": key.kid})


async def _signer(work: UnitOfWork) -> KeyTimes | None:
    return signer(await store.key_times(work.connection), work.system.now())


@dataclass(slots=True)
class OwnKeys:
    """Where the issuer itself finds the keys that it has published.

    It looks again after `LOOK_SECONDS`, and at once for a key that it does not know: the first of
    all signs as soon as it is made.
    """

    engine: AsyncEngine
    _known: Mapping[str, PyJWK] = field(default_factory=dict)
    _published: list[dict[str, Any]] = field(default_factory=list)
    _looked: float = float("-inf")
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, kid: str) -> PyJWK | None:
        asked = time.monotonic()
        if kid not in self._known or asked - self._looked > LOOK_SECONDS:
            async with self._turn:
                if self._looked <= asked:
                    await self._look()
        return self._known.get(kid)

    async def _look(self) -> None:
        looked = time.monotonic()
        async with self.engine.connect() as connection:
            published = await store.published_keys(connection)
        if published != self._published:
            self._known = read_keys({"keys": published}) if published else {}
            self._published = published
        self._looked = looked
