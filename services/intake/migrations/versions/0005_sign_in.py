"""The issuer: sessions, sign-in links, signing keys, machines, counted attempts, OpenID Connect."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def upgrade() -> None:
    _sessions()
    _links()
    _keys_and_machines()
    _attempts()
    _oidc()


def _sessions() -> None:
    op.create_table(
        "sign_in_session",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        _bytes("secret_hash"),
        _text("ward"),
        _text("person"),
        _text("method"),
        _text("acting_for"),
        _moment("begun_at"),
        _moment("seen_at"),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_session"),
        sa.UniqueConstraint("secret_hash", name="uq_sign_in_session_secret_hash"),
        sa.CheckConstraint(
            "method IN ('link', 'oidc', 'sample')", name="ck_sign_in_session_method_known"
        ),
        sa.CheckConstraint(
            "octet_length(secret_hash) = 32", name="ck_sign_in_session_secret_is_hashed"
        ),
    )
    op.create_index("ix_sign_in_session_person", "sign_in_session", ["ward", "person"])


def _links() -> None:
    op.create_table(
        "sign_in_link",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        _text("state"),
        _text("method"),
        _bytes("browser_hash"),
        _bytes("secret_hash", nullable=True),
        _text("address"),
        _bytes("address_hash"),
        _text("next"),
        sa.Column("people", JSONB, nullable=False),
        sa.Column("known_as", JSONB),
        _moment("asked_at"),
        _moment("mail_at"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_link"),
        sa.UniqueConstraint("secret_hash", name="uq_sign_in_link_secret_hash"),
        sa.CheckConstraint(
            "state IN ('asked', 'mailed', 'dropped', 'used')", name="ck_sign_in_link_state_known"
        ),
        sa.CheckConstraint("method IN ('link', 'oidc')", name="ck_sign_in_link_method_known"),
        sa.CheckConstraint(
            "(secret_hash IS NOT NULL) = (state IN ('mailed', 'used'))",
            name="ck_sign_in_link_has_a_secret_once_mailed",
        ),
        sa.CheckConstraint(
            "address = '' OR state IN ('asked', 'mailed')",
            name="ck_sign_in_link_forgets_the_address",
        ),
    )
    op.create_index(
        "ix_sign_in_link_asked",
        "sign_in_link",
        ["mail_at"],
        postgresql_where=sa.text("state = 'asked'"),
    )


def _keys_and_machines() -> None:
    op.create_table(
        "signing_key",
        _text("kid"),
        _bytes("private"),
        sa.Column("jwk", JSONB, nullable=False),
        _moment("made_at"),
        _moment("signs_from"),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
        sa.CheckConstraint("NOT (jwk ? 'd')", name="ck_signing_key_publishes_no_secret"),
    )
    op.create_table(
        "machine",
        _text("id"),
        _bytes("secret_hash"),
        _text("ward"),
        _text("title"),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        _text("made_by"),
        _moment("made_at"),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_machine"),
        sa.CheckConstraint("starts_with(id, ward || '.')", name="ck_machine_is_its_wards"),
        sa.CheckConstraint("cardinality(scopes) > 0", name="ck_machine_may_do_something"),
    )


def _attempts() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        _bytes("whose"),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_whose", "attempt", ["whose", "at"])


def _oidc() -> None:
    op.create_table(
        "oidc_round",
        _bytes("browser_hash"),
        sa.Column("data", JSONB, nullable=False),
        _text("next"),
        _moment("begun_at"),
        sa.PrimaryKeyConstraint("browser_hash", name="pk_oidc_round"),
    )
    op.create_table(
        "oidc_subject",
        _text("issuer"),
        _text("subject"),
        _text("ward"),
        _text("person"),
        _moment("bound_at"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_oidc_subject"),
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
