"""Tables of the issuer. Of a secret they hold its hash, of a private key its wrapped form."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.intake.store.tables import MOMENT, tables


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _hash(name: str = "secret_hash", *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


sign_in_session = sa.Table(
    "sign_in_session",
    tables,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    _hash(),
    _text("ward"),
    _text("person"),
    _text("method"),
    _text("acting_for"),
    sa.Column("begun_at", MOMENT, nullable=False),
    sa.Column("seen_at", MOMENT, nullable=False),
    sa.Column("ended_at", MOMENT),
    sa.UniqueConstraint("secret_hash"),
    sa.Index("ix_sign_in_session_person", "ward", "person"),
)
sign_in_link = sa.Table(
    "sign_in_link",
    tables,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    _text("state"),
    _text("method"),
    _hash("browser_hash"),
    _hash(nullable=True),
    _text("address"),
    _hash("address_hash"),
    _text("next"),
    sa.Column("people", JSONB, nullable=False),
    sa.Column("known_as", JSONB),
    sa.Column("asked_at", MOMENT, nullable=False),
    sa.Column("mail_at", MOMENT, nullable=False),
    sa.UniqueConstraint("secret_hash"),
    sa.Index("ix_sign_in_link_asked", "mail_at", postgresql_where=sa.text("state = 'asked'")),
)
"""`address` until the mail is out, then ""; `people`: [ward, person] of whom it is on file;
`known_as`: [issuer, subject] of a sign-in by OpenID Connect that still has to be tied to one.
"""

signing_key = sa.Table(
    "signing_key",
    tables,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("private", sa.LargeBinary, nullable=False),
    sa.Column("jwk", JSONB, nullable=False),
    sa.Column("made_at", MOMENT, nullable=False),
    sa.Column("signs_from", MOMENT, nullable=False),
)
machine = sa.Table(
    "machine",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    _hash(),
    _text("ward"),
    _text("title"),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    _text("made_by"),
    sa.Column("made_at", MOMENT, nullable=False),
    sa.Column("ended_at", MOMENT),
)
attempt = sa.Table(
    "attempt",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _hash("whose"),
    sa.Column("at", MOMENT, nullable=False),
    sa.Index("ix_attempt_whose", "whose", "at"),
)
"""What is counted for the limits; `whose` is a keyed hash of an address or a source."""

oidc_round = sa.Table(
    "oidc_round",
    tables,
    sa.Column("browser_hash", sa.LargeBinary, primary_key=True),
    sa.Column("data", JSONB, nullable=False),
    _text("next"),
    sa.Column("begun_at", MOMENT, nullable=False),
)
"""What a browser that was sent to the provider must bring back: state, nonce, PKCE's verifier."""

oidc_subject = sa.Table(
    "oidc_subject",
    tables,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    _text("ward"),
    _text("person"),
    sa.Column("bound_at", MOMENT, nullable=False),
)
"""Who a subject of the provider is here; said once, by a verified address on file."""
