"""The kernel's tables and what has been counted."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kernel_tables(op.get_bind())
    op.create_table(
        "seen",
        sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("thing", sa.Text),
        sa.Column("number", sa.Integer),
    )
