"""Drafts, a head's approval, withdrawn and reopened reports, reports on paper."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_VERSION = ("ward", "participant", "period", "revision")


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)  # type: ignore[arg-type]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    approves = sa.Column("head_approves", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("participant", approves)
    _widen("report", "door_known", "door IN ('http', 'page', 'paper', 'kafka')")
    _widen("judgement", "outcome_known", "outcome IN ('returned', 'accepted', 'withdrawn')")
    op.create_table(
        "draft",
        *(_text(name) for name in ("ward", "participant", "period", "side")),
        sa.Column("begun", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        _text("state"),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("stamps", JSONB, nullable=False),
        sa.Column("based_on", sa.Integer, nullable=False),
        _text("said", server_default=""),
        _moment("begun_at"),
        _moment("saved_at"),
        _text("saved_by"),
        _text("acting_for", server_default=""),
        _text("approved_by", server_default=""),
        sa.PrimaryKeyConstraint("ward", "participant", "period", "side", name="pk_draft"),
        sa.CheckConstraint("side IN ('unit', 'office')", name="ck_draft_side_known"),
        sa.CheckConstraint(
            "state IN ('draft', 'awaiting-head', 'approved')", name="ck_draft_state_known"
        ),
        sa.CheckConstraint(
            "(state = 'approved') = (approved_by <> '')", name="ck_draft_approved_by_somebody"
        ),
    )
    op.create_table(
        "reopening",
        *_of_a_version("reopening"),
        sa.Column("reasons", JSONB, nullable=False),
        _moment("correct_by"),
        _moment("reopened_at"),
        _text("reopened_by"),
        _text("acting_for", server_default=""),
    )
    op.create_table(
        "paper",
        *_of_a_version("paper"),
        _text("number"),
        sa.Column("dated", sa.Date, nullable=False),
        sa.Column("received_on", sa.Date, nullable=False),
        _text("came_by"),
        sa.Column("scan", UUID(as_uuid=True)),
        _moment("recorded_at"),
        sa.CheckConstraint("came_by IN ('paper', 'mail')", name="ck_paper_way_known"),
        sa.CheckConstraint("dated <= received_on", name="ck_paper_days_in_order"),
    )


def _of_a_version(table: str) -> list[sa.schema.SchemaItem]:
    """The key of a version of a report, which is there."""
    return [
        *(_text(name) for name in _VERSION[:3]),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint(*_VERSION, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            _VERSION, [f"report.{name}" for name in _VERSION], name=f"fk_{table}_report"
        ),
    ]


def _widen(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
