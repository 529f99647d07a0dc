"""Duties that are moved or withdrawn, the word to heads of units, and which date each mail told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KINDS = (
    "'obligation-opened', 'reminder', 'overdue', 'report-received', 'report-returned',"
    " 'report-accepted', 'own-result', 'award-decided', 'escalated', 'deadline-moved',"
    " 'duty-withdrawn', 'report-reopened'"
)
_STATES = "'received', 'returned', 'accepted', 'withdrawn'"


def upgrade() -> None:
    op.add_column("obligation", sa.Column("withdrawn", sa.Text))
    op.add_column("notice", sa.Column("addressee", sa.Text, nullable=False, server_default=""))
    op.drop_constraint("uq_notice_told_once", "notice")
    op.create_unique_constraint(
        "uq_notice_told_once", "notice", ["event_id", "kind", "participant", "addressee"]
    )
    op.drop_constraint("ck_notice_kind_known", "notice")
    op.create_check_constraint(op.f("ck_notice_kind_known"), "notice", f"kind IN ({_KINDS})")
    op.drop_constraint("ck_report_state_known", "report")
    op.create_check_constraint(op.f("ck_report_state_known"), "report", f"state IN ({_STATES})")
    op.add_column("mail", sa.Column("told_due", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE mail SET told_due = (notice.facts->>'due')::timestamptz FROM notice"
        " WHERE notice.id = mail.id AND notice.obligation IS NOT NULL"
        " AND mail.status IN ('sent', 'uncertain', 'data')"
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
