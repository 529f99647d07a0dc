"""The desk: movement, participants, duties, reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.migrations import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    create_kernel_tables(op.get_bind())
    _movement_and_people()
    _duties()
    _reports()


def _movement_and_people() -> None:
    op.create_table(
        "movement",
        _text("ward"),
        _text("movement"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        _moment("launched_at"),
        sa.PrimaryKeyConstraint("ward", "movement", "version", name="pk_movement"),
        sa.CheckConstraint("version >= 1", name="ck_movement_version_counts_from_one"),
    )
    op.create_table(
        "participant",
        _text("ward"),
        _text("participant"),
        _text("name"),
        _text("kind"),
        sa.Column("collective", sa.Boolean, nullable=False),
        _text("group_code"),
        _text("block"),
        _text("manner"),
        _text("proposed_by", nullable=True),
        _text("reporter"),
        _moment("registered_at"),
        sa.PrimaryKeyConstraint("ward", "participant", name="pk_participant"),
        sa.CheckConstraint(
            "manner IN ('owes', 'invited', 'voluntary', 'proposed')",
            name="ck_participant_manner_known",
        ),
        sa.CheckConstraint(
            "(manner = 'proposed') = (proposed_by IS NOT NULL)",
            name="ck_participant_proposed_names_its_unit",
        ),
    )
    op.create_table(
        "contact",
        _text("ward"),
        _text("person"),
        _text("name"),
        _text("email"),
        sa.PrimaryKeyConstraint("ward", "person", name="pk_contact"),
    )


def _duties() -> None:
    op.create_table(
        "period",
        _text("ward"),
        _text("period"),
        _text("movement"),
        _text("kind"),
        _text("title"),
        sa.Column("year", sa.Integer, nullable=False),
        _moment("due"),
        _text("due_text"),
        _moment("opened_at"),
        sa.PrimaryKeyConstraint("ward", "period", name="pk_period"),
    )
    op.create_table(
        "obligation",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        _text("ward"),
        _text("participant"),
        _text("kind"),
        _text("period"),
        _text("manner"),
        _moment("due"),
        _text("due_text"),
        _moment("opened_at"),
        _moment("met_at", nullable=True),
        sa.Column("on_time", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_obligation"),
        sa.UniqueConstraint("ward", "participant", "kind", "period", name="uq_obligation_duty"),
        sa.CheckConstraint(
            "(met_at IS NULL) = (on_time IS NULL)", name="ck_obligation_met_is_judged"
        ),
    )
    op.create_table(
        "reminder",
        sa.Column("obligation", UUID(as_uuid=True), nullable=False),
        sa.Column("offset_days", sa.Integer, nullable=False),
        _moment("due_at"),
        _text("state"),
        sa.PrimaryKeyConstraint("obligation", "offset_days", name="pk_reminder"),
        sa.ForeignKeyConstraint(["obligation"], ["obligation.id"], name="fk_reminder_obligation"),
        sa.CheckConstraint(
            "state IN ('planned', 'sent', 'superseded', 'cancelled')",
            name="ck_reminder_state_known",
        ),
    )
    op.create_index(
        "ix_reminder_planned",
        "reminder",
        ["due_at"],
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_table(
        "plan",
        _text("ward"),
        _text("participant"),
        _text("period"),
        _text("number"),
        sa.Column("issued_on", sa.Date, nullable=False),
        sa.Column("on_time", sa.Boolean, nullable=False),
        _moment("recorded_at"),
        _text("recorded_by"),
        sa.PrimaryKeyConstraint("ward", "participant", "period", "number", name="pk_plan"),
    )


def _reports() -> None:
    op.create_table(
        "report",
        _text("ward"),
        _text("participant"),
        _text("period"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("report_id", UUID(as_uuid=True), nullable=False),
        sa.Column("body", JSONB, nullable=False),
        _text("digest"),
        _moment("received_at"),
        sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("days_late", sa.Integer, nullable=False),
        _text("door"),
        _text("publisher", nullable=True),
        _text("submitted_by"),
        _text("movement"),
        sa.Column("movement_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("ward", "participant", "period", "revision", name="pk_report"),
        sa.CheckConstraint("door IN ('http', 'kafka')", name="ck_report_door_known"),
        sa.CheckConstraint(
            "(door = 'kafka') = (publisher IS NOT NULL)", name="ck_report_kafka_has_publisher"
        ),
        sa.CheckConstraint("late OR days_late = 0", name="ck_report_on_time_has_no_days_late"),
    )
    op.create_table(
        "judgement",
        _text("ward"),
        _text("participant"),
        _text("period"),
        sa.Column("revision", sa.Integer, nullable=False),
        _text("outcome"),
        sa.Column("reasons", JSONB, nullable=False),
        _moment("correct_by", nullable=True),
        _moment("judged_at"),
        _text("judged_by"),
        sa.PrimaryKeyConstraint("ward", "participant", "period", "revision", name="pk_judgement"),
        sa.ForeignKeyConstraint(
            ["ward", "participant", "period", "revision"],
            ["report.ward", "report.participant", "report.period", "report.revision"],
            name="fk_judgement_report",
        ),
        sa.CheckConstraint(
            "outcome IN ('returned', 'accepted')", name="ck_judgement_outcome_known"
        ),
        sa.CheckConstraint(
            "(outcome = 'returned') = (correct_by IS NOT NULL)",
            name="ck_judgement_returned_has_date",
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
