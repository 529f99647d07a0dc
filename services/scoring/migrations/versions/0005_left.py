"""Since when a participant takes part no more."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("participant", sa.Column("left_on", sa.Date))


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
