"""A database restored from an older copy learns from our own topic which mails have ended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_IDENTITY = "ck_mail_handed_over_has_identity"


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("mail", UUID(as_uuid=True), nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("mail", name="pk_told"),
        sa.CheckConstraint(
            "status IN ('sent', 'refused', 'uncertain')"
            " AND (status = 'sent') = (sent_at IS NOT NULL)",
            name="ck_told_outcome",
        ),
    )
    op.add_column(
        "mail", sa.Column("recalled", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.drop_constraint(_IDENTITY, "mail")
    op.create_check_constraint(
        _IDENTITY,
        "mail",
        "status NOT IN ('data', 'sent', 'uncertain') OR recalled"
        " OR (message_id IS NOT NULL AND written_at IS NOT NULL)",
    )
