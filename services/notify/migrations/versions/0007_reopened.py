"""Reports that are withdrawn or opened again: which revision has all its marks.

None was opened again before this: what has marks and is accepted has them in that revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OF_ANY = 0


def upgrade() -> None:
    op.drop_constraint(op.f("ck_report_state_known"), "report")
    op.create_check_constraint(
        op.f("ck_report_state_known"),
        "report",
        "state IN ('received', 'returned', 'accepted', 'withdrawn')",
    )
    op.add_column(
        "marked", sa.Column("revision", sa.Integer, nullable=False, server_default=str(_OF_ANY))
    )
    op.alter_column("marked", "revision", server_default=None)
    op.execute(
        "UPDATE marked SET revision = report.revision FROM report"
        " WHERE report.state = 'accepted' AND report.ward = marked.ward"
        " AND report.participant = marked.participant AND report.period = marked.period"
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
