"""Reminders that the office sends by hand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hand_reminder",
        sa.Column("obligation", UUID(as_uuid=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("ward", sa.Text, nullable=False),
        sa.Column("participant", sa.Text, nullable=False),
        sa.Column("days_left", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_by", sa.Text, nullable=False),
        sa.Column("acting_for", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("obligation", "day", "number", name="pk_hand_reminder"),
        sa.ForeignKeyConstraint(
            ["obligation"], ["obligation.id"], name="fk_hand_reminder_obligation"
        ),
        sa.CheckConstraint("number >= 1", name="ck_hand_reminder_counts_from_one"),
    )
    op.create_index("ix_hand_reminder_participant", "hand_reminder", ["ward", "participant"])


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
