"""Acceptances that the office took back by opening a report again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reopening",
        sa.Column("ward", sa.Text, nullable=False),
        sa.Column("participant", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("report_id", UUID(as_uuid=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "ward", "participant", "period", "report_id", "revision", name="pk_reopening"
        ),
    )
    op.execute(
        "CREATE TRIGGER reopening_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON reopening"
        " FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
