"""Who has written in a draft, so that its authors can be told what their head made of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "draft", sa.Column("authors", ARRAY(sa.Text), nullable=False, server_default="{}")
    )
    op.execute("UPDATE draft SET authors = ARRAY[saved_by]")


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
