"""The issuer's keys, access that ended, and answers kept for a repeated request."""

from alembic import op

from shared.migrations import create_access_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_access_tables(op.get_bind())
