"""The register of publishers: which systems may send reports, and for whom."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _ended() -> tuple[sa.Column[Any], ...]:
    return (
        _moment("ended_at", nullable=True),
        sa.Column("ended_by", sa.Text),
        _text("ended_why", server_default=""),
    )


def upgrade() -> None:
    op.create_table(
        "publisher",
        _text("name"),
        _text("ce_source"),
        _text("ward"),
        _text("document"),
        _text("registered_by"),
        _moment("registered_at"),
        *_ended(),
        sa.PrimaryKeyConstraint("name", name="pk_publisher"),
        sa.UniqueConstraint("ce_source", name="uq_publisher_ce_source"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name="ck_publisher_ended_by_somebody"
        ),
    )
    op.create_table(
        "publisher_grant",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        _text("publisher"),
        _text("ward"),
        sa.Column("participants", ARRAY(sa.Text)),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date),
        _text("document"),
        _text("granted_by"),
        _moment("granted_at"),
        *_ended(),
        sa.PrimaryKeyConstraint("id", name="pk_publisher_grant"),
        sa.ForeignKeyConstraint(
            ["publisher"], ["publisher.name"], name="fk_publisher_grant_publisher_publisher"
        ),
        sa.CheckConstraint(
            "cardinality(participants) > 0", name="ck_publisher_grant_is_for_somebody"
        ),
        sa.CheckConstraint("until >= since", name="ck_publisher_grant_begins_before_it_ends"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name="ck_publisher_grant_ended_by_somebody"
        ),
    )
    op.create_index("ix_publisher_grant_publisher", "publisher_grant", ["publisher"])


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
