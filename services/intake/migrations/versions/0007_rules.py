"""Versions of a movement from draft to superseded, rules of obligations, phases that have ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _versions()
    op.add_column("period", sa.Column("rule", sa.Text, nullable=False, server_default=""))
    op.add_column(
        "obligation",
        sa.Column("by_hand", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("obligation", sa.Column("withdrawn_at", _MOMENT))
    for name in ("withdrawn_why", "withdrawn_reason"):
        op.add_column("obligation", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_check_constraint(
        op.f("ck_obligation_met_or_withdrawn"),
        "obligation",
        "met_at IS NULL OR withdrawn_at IS NULL",
    )
    op.create_table(
        "phase_review",
        sa.Column("ward", sa.Text, primary_key=True),
        sa.Column("movement", sa.Text, primary_key=True),
        sa.Column("phase", sa.Integer, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("reviewed_on", sa.Date, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("acting_for", sa.Text, nullable=False, server_default=""),
    )


def _versions() -> None:
    """What was launched before is the record of old: its newest version holds."""
    op.alter_column("movement", "launched_at", nullable=True)
    op.add_column("movement", sa.Column("state", sa.Text, nullable=False, server_default="adopted"))
    for name in ("number", "adopted_by", "entered_by", "acting_for"):
        op.add_column("movement", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("movement", sa.Column("decided_on", sa.Date))
    op.add_column(
        "movement",
        sa.Column("entered_at", _MOMENT, nullable=False, server_default=sa.func.now()),
    )
    op.add_column("movement", sa.Column("superseded_at", _MOMENT))
    op.execute(
        "UPDATE movement SET entered_at = launched_at, superseded_at = ("
        " SELECT min(later.launched_at) FROM movement AS later"
        " WHERE later.ward = movement.ward AND later.movement = movement.movement"
        " AND later.version > movement.version)"
    )
    op.execute("UPDATE movement SET state = 'superseded' WHERE superseded_at IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_movement_states_and_dates"),
        "movement",
        "(state = 'draft') = (launched_at IS NULL)"
        " AND (state = 'superseded') = (superseded_at IS NOT NULL)",
    )
    op.create_index(
        "uq_movement_adopted",
        "movement",
        ["ward", "movement"],
        unique=True,
        postgresql_where=sa.text("state = 'adopted'"),
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
