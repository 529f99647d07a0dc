"""The form that a period's reports are written on, and the copy of a plan."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("period", sa.Column("form", sa.Text, nullable=False, server_default=""))
    op.add_column("plan", sa.Column("evidence", JSONB))


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
