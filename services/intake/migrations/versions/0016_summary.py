"""The mornings on which the office is told what waits for it; when a report was taken."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report", sa.Column("taken_at", sa.DateTime(timezone=True)))
    op.create_table(
        "office_morning",
        sa.Column("ward", sa.Text, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ward", name="pk_office_morning"),
    )
    op.create_index("ix_office_morning_next_at", "office_morning", ["next_at"])
    op.execute(
        "INSERT INTO office_morning SELECT ward, max(launched_at), max(launched_at) FROM movement"
        " WHERE state = 'adopted' GROUP BY ward"
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
