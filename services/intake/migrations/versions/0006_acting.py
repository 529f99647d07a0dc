"""In whose place somebody sent a report or plan, or judged a report; "" for their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("plan", "report", "judgement"):
        column = sa.Column("acting_for", sa.Text, nullable=False, server_default="")
        op.add_column(table, column)


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
