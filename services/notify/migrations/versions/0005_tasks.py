"""What everybody's to-do list is made of, and whether a participant is a unit or one person."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATES = "'received', 'returned', 'accepted'"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("participant", sa.Column("proposed_by", sa.Text))
    op.add_column("participant", sa.Column("collective", sa.Boolean))
    op.create_table(
        "report",
        _text("ward"),
        _text("participant"),
        _text("period"),
        sa.Column("revision", sa.Integer, nullable=False),
        _text("state"),
        _moment("at"),
        _moment("due", nullable=True),
        sa.PrimaryKeyConstraint("ward", "participant", "period", name="pk_report"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_report_state_known"),
        sa.CheckConstraint(
            "(state = 'returned') = (due IS NOT NULL)", name="ck_report_returned_has_due"
        ),
    )
    for name in ("marked", "frozen"):
        op.create_table(
            name,
            _text("ward"),
            _text("participant"),
            _text("period"),
            sa.PrimaryKeyConstraint("ward", "participant", "period", name=f"pk_{name}"),
        )
    op.create_table(
        "sheet",
        _text("ward"),
        _text("period"),
        sa.PrimaryKeyConstraint("ward", "period", name="pk_sheet"),
    )
    op.create_table(
        "dossier",
        _text("ward"),
        _text("dossier"),
        _text("period"),
        _text("participant"),
        sa.PrimaryKeyConstraint("ward", "dossier", name="pk_dossier"),
    )
    op.create_index("ix_participant_reporter", "participant", ["ward", "reporter"])
    op.create_index("ix_participant_proposed_by", "participant", ["ward", "proposed_by"])
    op.create_index(
        "ix_report_open",
        "report",
        ["ward", "state"],
        postgresql_where=sa.text("state <> 'accepted'"),
    )
    op.create_index("ix_mail_person", "mail", ["person", "seq"])
