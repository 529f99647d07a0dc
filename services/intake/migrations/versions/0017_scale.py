"""Indexes for a whole country's wards on one database: heads of units, grants of one ward."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_role_held_heads",
        "role_held",
        ["ward", "scope_of"],
        postgresql_where=sa.text("role = 'head'"),
    )
    op.create_index("ix_publisher_grant_publisher_ward", "publisher_grant", ["publisher", "ward"])
    op.drop_index("ix_publisher_grant_publisher", "publisher_grant")


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
