"""The office is told in the morning what waits for it."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_KINDS = (
    "'obligation-opened', 'reminder', 'overdue', 'report-received', 'report-returned',"
    " 'report-accepted', 'own-result', 'award-decided', 'escalated', 'deadline-moved',"
    " 'duty-withdrawn', 'report-reopened', 'approval-asked', 'approval-settled',"
    " 'office-summary'"
)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_notice_kind_known"), "notice")
    op.create_check_constraint(op.f("ck_notice_kind_known"), "notice", f"kind IN ({_KINDS})")


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
