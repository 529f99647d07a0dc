"""What a period's reports are: of a year, of a phase, of the whole movement."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Column("kind", sa.Text, nullable=False, server_default="annual-report")
    op.add_column("period", kind)
    op.alter_column("period", "kind", server_default=None)


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
