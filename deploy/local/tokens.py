"""Keys and sample tokens of the embedded stack, for trying the pages out as each role.

The private key stays in the state folder's `secrets/`; services only ever get the public one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from deploy.local.state import ROOT, write_atomically
from deploy.wards.loader import load_ward

WARD = ROOT / "deploy" / "wards" / "tu-minh"
VALID = timedelta(days=30)
REPORTER = "reporter"


@dataclass(frozen=True)
class Person:
    """A sample person: an office, never somebody's name. `unit` is a participant's code or ""."""

    person: str
    name: str
    roles: tuple[str, ...]
    unit: str
    email: str


@dataclass(frozen=True)
class Keys:
    """PEM files of one Ed25519 pair."""

    private: Path
    public: Path

    @classmethod
    def kept_in(cls, folder: Path) -> "Keys":
        """The pair in a folder, made when it is not there."""
        keys = cls(folder / "token-private.pem", folder / "token-public.pem")
        if not (keys.private.exists() and keys.public.exists()):
            key = Ed25519PrivateKey.generate()
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            write_atomically(keys.private, private.decode())
            write_atomically(keys.public, public.decode(), mode=0o644)
        return keys


@dataclass(frozen=True)
class Mint:
    """Signs tokens as the ward's issuer would."""

    keys: Keys
    ward: str

    def mint(self, person: Person, valid: timedelta = VALID) -> str:
        """A signed token (EdDSA JWT) that says who the person is, from now on."""
        now = datetime.now(UTC)
        claims = {
            "sub": person.person,
            "name": person.name,
            "roles": list(person.roles),
            "unit": person.unit,
            "heads": [person.unit] if "head" in person.roles else [],
            "ward": self.ward,
            "iat": now,
            "exp": now + valid,
        }
        return jwt.encode(claims, self.keys.private.read_text(), algorithm="EdDSA")


def sample_people(ward: Path = WARD) -> list[Person]:
    """The ward's acting staff, then each participant's reporter."""
    loaded = load_ward(ward)
    staff = [Person(one.person, one.name, one.roles, one.unit, one.email) for one in loaded.people]
    reporters = [
        Person(one.reporter.person, one.reporter.name, (REPORTER,), one.code, one.reporter.email)
        for one in loaded.participants
    ]
    known = {one.person for one in staff}
    return staff + [one for one in reporters if one.person not in known]


def tokens_by_person(mint: Mint, people: Iterable[Person]) -> dict[str, Any]:
    """What `tokens.json` holds: person -> {ward, name, roles, unit, email, token}."""
    return {
        one.person: {
            "ward": mint.ward,
            "name": one.name,
            "roles": list(one.roles),
            "unit": one.unit,
            "email": one.email,
            "token": mint.mint(one),
        }
        for one in people
    }
