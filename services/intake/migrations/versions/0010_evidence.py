"""Files of evidence: whose they are, what they hold, who brought them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _text(name: str, **options: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        *(_text(name) for name in ("ward", "participant", "period")),
        _text("criterion", server_default=""),
        *(_text(name) for name in ("name", "kind")),
        sa.Column("size", sa.BigInteger, nullable=False),
        _text("sha256"),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        _text("uploaded_by"),
        _text("acting_for", server_default=""),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        _text("removed_by", server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.CheckConstraint(
            "kind IN ('pdf', 'docx', 'xlsx', 'png', 'jpeg')", name="ck_evidence_kind_known"
        ),
        sa.CheckConstraint("size > 0", name="ck_evidence_has_bytes"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="ck_evidence_has_a_digest"),
        sa.CheckConstraint(
            "removed_at IS NOT NULL OR removed_by = ''", name="ck_evidence_removed_at_a_time"
        ),
    )
    here = sa.text("removed_at IS NULL")
    key = ["ward", "participant", "period", "sha256"]
    op.create_index("uq_evidence_content", "evidence", key, unique=True, postgresql_where=here)
    op.create_index("ix_evidence_uploaded", "evidence", ["uploaded_at"], postgresql_where=here)


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
