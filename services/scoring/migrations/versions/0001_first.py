"""The assessors: what they learn, the sheet, marks, scores, results."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.migrations import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GROWS_ONLY = (
    "claim",
    "acceptance",
    "sheet",
    "adoption",
    "mark",
    "score",
    "freezing",
    "result",
    "result_line",
)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _points(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(7, 2), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _report() -> tuple[sa.Column[object], sa.Column[int]]:
    return sa.Column("report_id", UUID(as_uuid=True), nullable=False), _number("revision")


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=f"ck_{table}_{name}")


def upgrade() -> None:
    create_kernel_tables(op.get_bind())
    _learned()
    _reports()
    _sheets()
    _marks()
    _scores()
    _results()
    _hold_what_only_grows()


def _learned() -> None:
    op.create_table(
        "movement",
        _text("ward"),
        _text("movement"),
        _number("version"),
        sa.Column("groups", JSONB, nullable=False),
        sa.Column("blocks", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("ward", "movement", name="pk_movement"),
        _check("movement", "version_counts_from_one", "version >= 1"),
    )
    op.create_table(
        "period",
        _text("ward"),
        _text("period"),
        _text("movement"),
        _text("title"),
        sa.Column("opened_on", sa.Date, nullable=False),
        _text("report_by_text"),
        sa.PrimaryKeyConstraint("ward", "period", name="pk_period"),
    )
    op.create_table(
        "participant",
        _text("ward"),
        _text("participant"),
        _text("name"),
        _text("group_code"),
        _text("block"),
        _flag("collective"),
        _text("proposed_by", nullable=True),
        sa.PrimaryKeyConstraint("ward", "participant", name="pk_participant"),
    )


def _reports() -> None:
    op.create_table(
        "claim",
        _text("ward"),
        _text("participant"),
        _text("period"),
        *_report(),
        _moment("received_at"),
        _flag("late"),
        sa.Column("items", JSONB, nullable=False),
        sa.PrimaryKeyConstraint(
            "ward", "participant", "period", "report_id", "revision", name="pk_claim"
        ),
        _check("claim", "revision_counts_from_one", "revision >= 1"),
    )
    op.create_table(
        "acceptance",
        _text("ward"),
        _text("participant"),
        _text("period"),
        *_report(),
        _moment("accepted_at"),
        _flag("late"),
        sa.PrimaryKeyConstraint(
            "ward", "participant", "period", "report_id", "revision", name="pk_acceptance"
        ),
    )


def _sheets() -> None:
    op.create_table(
        "sheet",
        _text("ward"),
        _text("period"),
        _number("version"),
        sa.Column("content", JSONB, nullable=False),
        _text("proposed_by"),
        _moment("proposed_at"),
        sa.PrimaryKeyConstraint("ward", "period", "version", name="pk_sheet"),
        _check("sheet", "version_counts_from_one", "version >= 1"),
    )
    op.create_table(
        "adoption",
        _text("ward"),
        _text("period"),
        _number("sheet_version"),
        _text("document_number"),
        sa.Column("adopted_on", sa.Date, nullable=False),
        _text("entered_by"),
        _moment("entered_at"),
        sa.PrimaryKeyConstraint("ward", "period", name="pk_adoption"),
        sa.ForeignKeyConstraint(
            ["ward", "period", "sheet_version"],
            ["sheet.ward", "sheet.period", "sheet.version"],
            name="fk_adoption_sheet",
        ),
        _check("adoption", "names_its_document", "document_number <> ''"),
    )


def _marks() -> None:
    op.create_table(
        "mark",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        _text("ward"),
        _text("participant"),
        _text("period"),
        *_report(),
        _text("stage"),
        _text("kind"),
        _text("criterion"),
        _points("points"),
        _text("reason"),
        _text("given_by"),
        _moment("given_at"),
        sa.Column("replaces", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mark"),
        sa.ForeignKeyConstraint(["replaces"], ["mark.id"], name="fk_mark_replaces"),
        sa.ForeignKeyConstraint(
            ["ward", "period"], ["adoption.ward", "adoption.period"], name="fk_mark_adoption"
        ),
        sa.ForeignKeyConstraint(
            ["ward", "participant", "period", "report_id", "revision"],
            [
                f"acceptance.{column}"
                for column in ("ward", "participant", "period", "report_id", "revision")
            ],
            name="fk_mark_acceptance",
        ),
        sa.UniqueConstraint("replaces", name="uq_mark_replaced_once"),
        _check("mark", "stage_known", "stage IN ('verified', 'council')"),
        _check("mark", "kind_known", "kind IN ('criterion', 'bonus', 'deduction')"),
        _check("mark", "criterion_named", "(kind = 'criterion') = (criterion <> '')"),
        _check("mark", "points_not_negative", "points >= 0"),
        _check("mark", "replaces_an_older_row", "replaces < id"),
    )
    op.create_index(
        "uq_mark_first_of_its_slot",
        "mark",
        ["ward", "period", "participant", "report_id", "revision", "stage", "kind", "criterion"],
        unique=True,
        postgresql_where=sa.text("replaces IS NULL"),
    )


def _scores() -> None:
    op.create_table(
        "score",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        _text("ward"),
        _text("participant"),
        _text("period"),
        _text("stage"),
        *_report(),
        _number("sheet_version"),
        _points("total"),
        _moment("computed_at"),
        sa.PrimaryKeyConstraint("id", name="pk_score"),
        sa.ForeignKeyConstraint(
            ["ward", "period"], ["adoption.ward", "adoption.period"], name="fk_score_adoption"
        ),
        _check("score", "stage_known", "stage IN ('self', 'verified')"),
        _check("score", "total_not_negative", "total >= 0"),
    )
    op.create_index("ix_score_of", "score", ["ward", "period", "participant", "stage", "id"])


def _results() -> None:
    op.create_table(
        "freezing",
        _text("ward"),
        _text("period"),
        _moment("frozen_at"),
        _text("frozen_by"),
        sa.PrimaryKeyConstraint("ward", "period", name="pk_freezing"),
        sa.ForeignKeyConstraint(
            ["ward", "period"], ["adoption.ward", "adoption.period"], name="fk_freezing_adoption"
        ),
    )
    op.create_table(
        "result",
        _text("ward"),
        _text("period"),
        _text("participant"),
        *_report(),
        _number("sheet_version"),
        _text("group_code"),
        _text("block"),
        _text("block_title"),
        _points("total"),
        _text("grade"),
        _number("rank"),
        _number("ranked"),
        _flag("late"),
        sa.PrimaryKeyConstraint("ward", "period", "participant", name="pk_result"),
        sa.ForeignKeyConstraint(
            ["ward", "period"], ["freezing.ward", "freezing.period"], name="fk_result_freezing"
        ),
        _check("result", "total_not_negative", "total >= 0"),
        _check("result", "rank_inside_block", "rank BETWEEN 1 AND ranked"),
    )
    op.create_table(
        "result_line",
        _text("ward"),
        _text("period"),
        _text("participant"),
        _number("position"),
        _text("kind"),
        _text("criterion"),
        _text("text"),
        _points("max_points", nullable=True),
        _points("self_score", nullable=True),
        _points("verified", nullable=True),
        _points("council", nullable=True),
        _points("counted"),
        _text("note"),
        sa.PrimaryKeyConstraint("ward", "period", "participant", "position", name="pk_result_line"),
        sa.ForeignKeyConstraint(
            ["ward", "period", "participant"],
            ["result.ward", "result.period", "result.participant"],
            name="fk_result_line_result",
        ),
    )


def _hold_what_only_grows() -> None:
    """Law 7: the database itself refuses to change or remove what was decided."""
    op.execute(
        "CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'check_violation';"
        " END $$"
    )
    for table in GROWS_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
        )
