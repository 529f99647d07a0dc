"""What the office does to a duty's date, the ward's own working days, for which deadline each
reminder was planned, and what the roll said before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def upgrade() -> None:
    _deadlines_of_reminders()
    _roll_over_time()
    op.create_table(
        "obligation_change",
        _number(),
        sa.Column("obligation", UUID(as_uuid=True), nullable=False),
        _text("ward"),
        _text("participant"),
        _text("command"),
        _text("reason"),
        _text("document"),
        _moment("was_due"),
        _moment("due"),
        _text("due_text"),
        _moment("done_at"),
        _text("done_by"),
        _text("acting_for", ""),
        sa.ForeignKeyConstraint(
            ["obligation"], ["obligation.id"], name="fk_obligation_change_obligation"
        ),
    )
    op.create_index("ix_obligation_change_obligation", "obligation_change", ["obligation"])
    op.create_table(
        "calendar_day",
        _number(),
        _text("ward"),
        sa.Column("day", sa.Date, nullable=False),
        _text("kind"),
        _text("note"),
        _text("document"),
        _moment("set_at"),
        _text("set_by"),
        _text("acting_for", ""),
        sa.CheckConstraint("kind IN ('off', 'working', 'usual')", name="ck_calendar_day_kind"),
    )
    op.create_index("ix_calendar_day_day", "calendar_day", ["ward", "day"])
    op.create_table(
        "escalation_rule",
        _number(),
        _text("ward"),
        sa.Column("grace", sa.Integer),
        _text("document"),
        _moment("set_at"),
        _text("set_by"),
        _text("acting_for", ""),
    )
    op.create_index("ix_escalation_rule_ward", "escalation_rule", ["ward"])


def _deadlines_of_reminders() -> None:
    op.add_column("reminder", _moment("deadline", nullable=True))
    op.execute(
        "UPDATE reminder SET deadline = obligation.due"
        " FROM obligation WHERE obligation.id = reminder.obligation"
    )
    op.alter_column("reminder", "deadline", nullable=False)
    op.drop_constraint("pk_reminder", "reminder")
    op.create_primary_key("pk_reminder", "reminder", ["obligation", "deadline", "offset_days"])


def _roll_over_time() -> None:
    op.add_column("participant", sa.Column("left_on", sa.Date))
    op.add_column("participant", sa.Column("left_into", sa.Text))
    op.create_table(
        "participant_change",
        _number(),
        _text("ward"),
        _text("participant"),
        _text("what"),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("was", JSONB, nullable=False),
        sa.Column("now", JSONB, nullable=False),
        _text("reason"),
        _text("document"),
        _moment("done_at"),
        _text("done_by"),
        _text("acting_for", ""),
    )
    op.create_index(
        "ix_participant_change_participant", "participant_change", ["ward", "participant"]
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
