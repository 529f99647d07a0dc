"""The first tables of awards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from shared.migrations import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kernel_tables(op.get_bind())
    _create_facts()
    _create_dossiers()
    _create_sessions()
    _create_votes()
    _create_decisions()
    _keep_what_was_done()


def _create_facts() -> None:
    op.create_table(
        "movement",
        *_keys("ward", "movement"),
        _whole("version", key=True),
        *_texts("title", "place"),
    )
    op.create_table(
        "offered_form",
        *_keys("ward", "movement"),
        _whole("version", key=True),
        *_keys("code"),
        *_texts("title"),
        *_flags("collectives", "individuals", "decided_here", "annual"),
    )
    op.create_table(
        "period", *_keys("ward", "period"), *_texts("movement", "title"), _whole("year")
    )
    op.create_table(
        "participant",
        *_keys("ward", "participant"),
        *_texts("name", "kind"),
        *_flags("collective"),
        *_texts("group_code", "block"),
        sa.Column("proposed_by", sa.Text),
        *_texts("proposed_by_name"),
    )
    op.create_table(
        "proposal",
        *_keys("ward", "period", "proposer"),
        _whole("place", key=True),
        *_texts("subject", "form", "reason"),
    )
    op.create_table(
        "result",
        *_keys("ward", "period", "participant"),
        *_texts("block", "block_title"),
        sa.Column("total", sa.Numeric(7, 2), nullable=False),
        *_texts("grade"),
        _whole("rank"),
        _whole("ranked"),
        *_flags("late"),
        _instant("frozen_at"),
        sa.CheckConstraint("rank BETWEEN 1 AND ranked", "ck_result_rank_among_ranked"),
    )


def _create_dossiers() -> None:
    op.create_table(
        "dossier",
        *_keys("ward", "dossier"),
        *_texts("period", "participant", "name", "unit"),
        *_flags("collective"),
        sa.Column("proposed_by", sa.Text),
        *_texts("form", "form_title", "movement"),
        _whole("movement_version"),
        *_texts("law", "achievement", "reason", "state"),
        sa.CheckConstraint(_one_of("state", _STATES), "ck_dossier_state_known"),
        sa.CheckConstraint("reason <> ''", "ck_dossier_opened_with_a_reason"),
    )
    op.create_index(
        "uq_dossier_one_achievement_one_award",
        "dossier",
        ["ward", "period", "participant"],
        unique=True,
        postgresql_where=sa.text("state <> 'failed'"),
    )
    op.create_table(
        "step",
        *_keys("ward", "dossier", "state"),
        *_texts("command", "actor"),
        _instant("at"),
        _to_dossier("step"),
        sa.CheckConstraint(_one_of("state", _STATES), "ck_step_state_known"),
    )
    op.create_table(
        "publication",
        *_keys("ward", "dossier"),
        sa.Column("window_from", sa.Date, nullable=False),
        sa.Column("window_until", sa.Date, nullable=False),
        _to_dossier("publication"),
        sa.CheckConstraint("window_until >= window_from", "ck_publication_window_forward"),
    )


def _create_sessions() -> None:
    op.create_table(
        "session",
        *_keys("ward", "session"),
        *_texts("period"),
        sa.Column("held_on", sa.Date, nullable=False),
        *_texts("quorum", "pass_rule", "recused", "regulation_number"),
        sa.Column("regulation_issued_on", sa.Date),
        *_texts("convened_by"),
        _instant("convened_at"),
        sa.CheckConstraint("recused IN ('stay', 'leave')", "ck_session_recused_known"),
    )
    op.create_table("member", *_keys("ward", "session", "person"), _to_session("member"))
    op.create_table(
        "agenda",
        *_keys("ward", "dossier"),
        *_texts("session"),
        _whole("place"),
        _to_dossier("agenda"),
        _to_session("agenda"),
        sa.UniqueConstraint("ward", "session", "dossier", name="uq_agenda_session_dossier"),
    )
    op.create_table(
        "roll",
        *_keys("ward", "session"),
        _whole("roll", key=True),
        *_texts("taken_by"),
        _instant("taken_at"),
        _to_session("roll"),
    )
    op.create_table(
        "attendance",
        *_keys("ward", "session"),
        _whole("roll", key=True),
        *_keys("person"),
        *_texts("manner"),
        _to("attendance", "roll", "ward", "session", "roll"),
        _to("attendance", "member", "ward", "session", "person"),
        sa.CheckConstraint("manner IN ('present', 'written')", "ck_attendance_manner_known"),
    )


def _create_votes() -> None:
    """A voter and a choice never share a row, a key, a time or, once closed, a transaction."""
    for name in ("voter", "recusal"):
        op.create_table(
            name,
            *_keys("ward", "session", "dossier", "person"),
            _to(name, "agenda", "ward", "session", "dossier"),
            _to(name, "member", "ward", "session", "person"),
        )
    for name in ("urn", "ballot"):
        op.create_table(
            name,
            sa.Column(
                "id",
                UUID(as_uuid=True),
                primary_key=True,
                server_default=sa.text("gen_random_uuid()"),
            ),
            *_texts("ward", "session", "dossier", "choice"),
            _to(name, "agenda", "ward", "session", "dossier"),
            sa.CheckConstraint("choice IN ('yes', 'no', 'abstain')", f"ck_{name}_choice_known"),
        )
        op.create_index(f"ix_{name}_ward_session", name, ["ward", "session"])
    op.execute(
        "ALTER TABLE urn SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)"
    )


def _create_decisions() -> None:
    op.create_table(
        "closing",
        *_keys("ward", "session"),
        *_texts("closed_by"),
        _instant("closed_at"),
        _to_session("closing"),
    )
    op.create_table(
        "outcome",
        *_keys("ward", "dossier"),
        *_texts("session"),
        *(_whole(name) for name in (*_COUNTS, "members")),
        *_flags("passed"),
        _to("outcome", "agenda", "ward", "session", "dossier"),
        _to("outcome", "closing", "ward", "session"),
        sa.CheckConstraint(" + ".join(_COUNTS) + " = members", "ck_outcome_counts_every_member"),
        sa.CheckConstraint(
            " AND ".join(f"{name} >= 0" for name in _COUNTS), "ck_outcome_no_negative_count"
        ),
    )
    op.create_table(
        "approval",
        *_keys("ward", "session"),
        *_texts("approved_by"),
        _instant("approved_at"),
        _to("approval", "closing", "ward", "session"),
    )
    op.create_table(
        "decision",
        *_keys("ward", "session"),
        *_texts("number", "slug"),
        _whole("year"),
        sa.Column("decided_on", sa.Date, nullable=False),
        sa.Column("signer_lines", ARRAY(sa.Text), nullable=False),
        *_texts("entered_by"),
        _instant("entered_at"),
        _to("decision", "approval", "ward", "session"),
        sa.UniqueConstraint("ward", "year", "slug", name="uq_decision_number_in_year"),
        sa.CheckConstraint("year = EXTRACT(YEAR FROM decided_on)", "ck_decision_year_of_its_date"),
        sa.CheckConstraint("cardinality(signer_lines) > 0", "ck_decision_signed"),
    )
    op.create_table(
        "award",
        *_keys("ward", "dossier"),
        *_texts("session"),
        _whole("ordinal"),
        _to("award", "outcome", "ward", "dossier"),
        _to("award", "decision", "ward", "session"),
        sa.UniqueConstraint("ward", "session", "ordinal", name="uq_award_ordinal_in_decision"),
        sa.CheckConstraint("ordinal >= 1", "ck_award_ordinal_from_one"),
    )
    op.create_table(
        "document",
        *_keys("ward", "dossier"),
        _whole("edition", key=True),
        *_texts("path", "sha256"),
        _instant("printed_at"),
        _to("document", "award", "ward", "dossier"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", "ck_document_sha256"),
    )


def _keep_what_was_done() -> None:
    """Law 7: the database itself refuses to change or remove what was done.

    Of a dossier only its state may change; `urn` is emptied into `ballot` at the closing.
    """
    op.execute(
        "CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'check_violation';"
        " END $$"
    )
    for table in _GROWS_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
        )
    op.execute(
        "CREATE TRIGGER dossier_only_grows BEFORE DELETE OR TRUNCATE OR UPDATE OF"
        f" {', '.join(_DOSSIER_STAYS)} ON dossier"
        " FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
    )
    op.execute(
        "CREATE TRIGGER urn_unchanged BEFORE UPDATE ON urn"
        " FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
    )


_GROWS_ONLY = (
    "step",
    "publication",
    "session",
    "member",
    "agenda",
    "roll",
    "attendance",
    "voter",
    "recusal",
    "ballot",
    "closing",
    "outcome",
    "approval",
    "decision",
    "award",
    "document",
)
_DOSSIER_STAYS = (
    "ward",
    "dossier",
    "period",
    "participant",
    "name",
    "unit",
    "collective",
    "proposed_by",
    "form",
    "form_title",
    "movement",
    "movement_version",
    "law",
    "achievement",
    "reason",
)
_STATES = ("opened", "published", "in-session", "passed", "failed", "approved", "decided")
_COUNTS = ("yes", "no", "abstain", "recused", "silent")


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _flags(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean, nullable=False) for name in names]


def _whole(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=key, autoincrement=False, nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _one_of(name: str, values: tuple[str, ...]) -> str:
    return f"{name} IN ({', '.join(repr(value) for value in values)})"


def _to(table: str, other: str, *columns: str) -> sa.ForeignKeyConstraint:
    there = [f"{other}.{column}" for column in columns]
    return sa.ForeignKeyConstraint(columns, there, name=f"fk_{table}_{other}")


def _to_dossier(table: str) -> sa.ForeignKeyConstraint:
    return _to(table, "dossier", "ward", "dossier")


def _to_session(table: str) -> sa.ForeignKeyConstraint:
    return _to(table, "session", "ward", "session")
