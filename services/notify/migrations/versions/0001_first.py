"""The post room: what is known, what is to be told, what became of it, who is honoured."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.migrations import create_kernel_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KINDS = (
    "'obligation-opened', 'reminder', 'overdue', 'report-received', 'report-returned',"
    " 'report-accepted', 'own-result', 'award-decided'"
)
_STATES = (
    "'waiting', 'queued', 'sending', 'data', 'sent', 'retry', 'refused', 'uncertain', 'dropped'"
)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UUID(as_uuid=True), nullable=nullable)


def upgrade() -> None:
    create_kernel_tables(op.get_bind())
    _known()
    _duties()
    _notices()
    _mails()
    _public()


def _known() -> None:
    op.create_table(
        "movement",
        _text("ward"),
        _text("movement"),
        sa.Column("version", sa.Integer, nullable=False),
        _text("title"),
        _text("place"),
        sa.Column("launched_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("ward", "movement", name="pk_movement"),
    )
    op.create_table(
        "period",
        _text("ward"),
        _text("period"),
        _text("title"),
        sa.Column("year", sa.Integer, nullable=False),
        _moment("report_by"),
        _text("report_by_text"),
        sa.PrimaryKeyConstraint("ward", "period", name="pk_period"),
    )
    op.create_table(
        "participant",
        _text("ward"),
        _text("participant"),
        _text("name"),
        _text("manner"),
        _text("proposer"),
        _text("reporter"),
        sa.PrimaryKeyConstraint("ward", "participant", name="pk_participant"),
        sa.CheckConstraint(
            "manner IN ('owes', 'invited', 'voluntary', 'proposed')",
            name="ck_participant_manner_known",
        ),
    )
    op.create_table(
        "contact",
        _text("ward"),
        _text("person"),
        _text("name", nullable=True),
        _text("email", nullable=True),
        sa.PrimaryKeyConstraint("ward", "person", name="pk_contact"),
        sa.CheckConstraint(
            "(name IS NULL) = (email IS NULL)", name="ck_contact_known_or_erased_whole"
        ),
    )


def _duties() -> None:
    op.create_table(
        "obligation",
        _id("obligation"),
        _text("ward"),
        _text("participant"),
        _text("kind"),
        _text("period"),
        _text("manner"),
        _moment("due"),
        _text("due_text"),
        sa.PrimaryKeyConstraint("obligation", name="pk_obligation"),
        sa.UniqueConstraint("ward", "participant", "kind", "period", name="uq_obligation_duty"),
    )
    op.create_table(
        "met",
        _id("obligation"),
        _moment("met_at"),
        sa.PrimaryKeyConstraint("obligation", name="pk_met"),
    )


def _notices() -> None:
    op.create_table(
        "notice",
        _id("id"),
        _text("ward"),
        _text("event_id"),
        _text("kind"),
        _text("participant"),
        _text("period"),
        _id("obligation", nullable=True),
        sa.Column("needs_period", sa.Boolean, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        _text("source"),
        _text("correlation"),
        _text("traceparent"),
        _moment("taken_at"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("event_id", "kind", "participant", name="uq_notice_told_once"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="ck_notice_kind_known"),
    )
    op.create_index("ix_notice_subject", "notice", ["ward", "participant", "period", "kind"])
    op.create_index("ix_notice_obligation", "notice", ["obligation"])


def _mails() -> None:
    op.create_table(
        "mail",
        _id("id"),
        sa.Column("seq", sa.BigInteger, sa.Identity(), nullable=False),
        _text("status"),
        _text("person", nullable=True),
        _moment("due_at", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        _id("claim", nullable=True),
        _text("claimed_by", nullable=True),
        _moment("lease_until", nullable=True),
        _moment("written_at", nullable=True),
        _text("message_id", nullable=True),
        sa.Column("answer", JSONB),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        _moment("sent_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.ForeignKeyConstraint(["id"], ["notice.id"], name="fk_mail_id"),
        sa.UniqueConstraint("seq", name="uq_mail_seq"),
        sa.UniqueConstraint("message_id", name="uq_mail_message_id"),
        sa.CheckConstraint(f"status IN ({_STATES})", name="ck_mail_status_known"),
        sa.CheckConstraint(
            "(status = 'waiting') = (person IS NULL)", name="ck_mail_addressed_or_waiting"
        ),
        sa.CheckConstraint(
            "(status IN ('sending', 'data')) = (claim IS NOT NULL)"
            " AND (claim IS NULL) = (claimed_by IS NULL)"
            " AND (claim IS NULL) = (lease_until IS NULL)",
            name="ck_mail_in_hand_has_claim",
        ),
        sa.CheckConstraint(
            "status NOT IN ('data', 'sent', 'uncertain')"
            " OR (message_id IS NOT NULL AND written_at IS NOT NULL)",
            name="ck_mail_handed_over_has_identity",
        ),
        sa.CheckConstraint(
            "(status = 'sent') = (sent_at IS NOT NULL)", name="ck_mail_sent_has_moment"
        ),
        sa.CheckConstraint(
            "status NOT IN ('refused', 'uncertain', 'dropped') OR reason <> ''",
            name="ck_mail_unsent_has_reason",
        ),
    )
    for name, columns, states in (
        ("ix_mail_waiting", ["seq"], "'waiting'"),
        ("ix_mail_due", ["due_at", "seq"], "'queued', 'retry'"),
        ("ix_mail_in_hand", ["lease_until"], "'data', 'sending'"),
    ):
        where = sa.text(f"status IN ({states})")
        op.create_index(name, "mail", columns, postgresql_where=where)


def _public() -> None:
    op.create_table(
        "candidate",
        *_shown(),
        sa.Column("window_from", sa.Date, nullable=False),
        sa.Column("window_until", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("ward", "dossier", name="pk_candidate"),
    )
    op.create_table(
        "conclusion",
        _text("ward"),
        _text("dossier"),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("ward", "dossier", name="pk_conclusion"),
    )
    op.create_table(
        "honour",
        *_shown(),
        _text("decision_number"),
        sa.Column("decided_on", sa.Date, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("ward", "dossier", name="pk_honour"),
    )


def _shown() -> list[sa.Column[str]]:
    names = ("ward", "dossier", "period", "name", "unit", "achievement", "form_title")
    return [_text(name) for name in names]


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
