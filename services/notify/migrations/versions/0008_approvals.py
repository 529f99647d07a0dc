"""Drafts that wait for the head of their unit, and the mails to heads and authors about them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KINDS = (
    "'obligation-opened', 'reminder', 'overdue', 'report-received', 'report-returned',"
    " 'report-accepted', 'own-result', 'award-decided', 'escalated', 'deadline-moved',"
    " 'duty-withdrawn', 'report-reopened', 'approval-asked', 'approval-settled'"
)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_notice_kind_known"), "notice")
    op.create_check_constraint(op.f("ck_notice_kind_known"), "notice", f"kind IN ({_KINDS})")
    op.create_table(
        "approval",
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("ward", "participant", "period", "kind")
        ),
        sa.Column("draft", sa.BigInteger, nullable=False),
        sa.Column("waits_since", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("ward", "participant", "period", name="pk_approval"),
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
