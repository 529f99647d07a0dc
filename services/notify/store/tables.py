"""Notify's tables.

Names and addresses of people stand in `contact` and nowhere else: a mail reads them when it is
written, so erasing the one row erases every copy.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.notify.domain.delivery import IN_HAND, State
from shared.database import metadata

tables = metadata()

MOMENT = sa.DateTime(timezone=True)


def _text(name: str, *, key: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _day(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Date, nullable=False)


def _id(name: str, *, key: bool = False, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UUID(as_uuid=True), primary_key=key, nullable=nullable)


movement = sa.Table(
    "movement",
    tables,
    _text("ward", key=True),
    _text("movement", key=True),
    sa.Column("version", sa.Integer, nullable=False),
    _text("title"),
    _text("place"),
    _day("launched_on"),
)
period = sa.Table(
    "period",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("title"),
    sa.Column("year", sa.Integer, nullable=False),
    _moment("report_by"),
    _text("report_by_text"),
    _text("kind"),
)
participant = sa.Table(
    "participant",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("name"),
    _text("manner"),
    _text("proposer"),
    _text("proposed_by", nullable=True),
    sa.Column("collective", sa.Boolean, nullable=True),
    _text("reporter"),
    sa.Column("left_on", sa.Date, nullable=True),
    sa.Index("ix_participant_reporter", "ward", "reporter"),
    sa.Index("ix_participant_proposed_by", "ward", "proposed_by"),
)
"""`proposer` is the name of `proposed_by`, both of individuals only. `collective` None: it was
kept before anybody asked; a rebuild of `register` tells. `left_on`: takes part no more since."""
contact = sa.Table(
    "contact",
    tables,
    _text("ward", key=True),
    _text("person", key=True),
    _text("name", nullable=True),
    _text("email", nullable=True),
)
"""Without name and email: the person was erased."""

obligation = sa.Table(
    "obligation",
    tables,
    _id("obligation", key=True),
    _text("ward"),
    _text("participant"),
    _text("kind"),
    _text("period"),
    _text("manner"),
    _moment("due"),
    _text("due_text"),
    _text("withdrawn", nullable=True),
    sa.UniqueConstraint("ward", "participant", "kind", "period", name="uq_obligation_duty"),
)
"""What is asked, by its present date; `withdrawn`: why it is not asked any more."""

met = sa.Table("met", tables, _id("obligation", key=True), _moment("met_at"))

report = sa.Table(
    "report",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    _text("state"),
    _moment("at"),
    _moment("due", nullable=True),
    sa.Index("ix_report_open", "ward", "state", postgresql_where=sa.text("state <> 'accepted'")),
)
"""Where a participant's report stands: what was last said of it. `due`: correct it until then."""

approval = sa.Table(
    "approval",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
    _text("kind"),
    sa.Column("draft", sa.BigInteger, nullable=False),
    _moment("waits_since", nullable=True),
)
"""A draft that waits, or waited (`waits_since` None), for the head of its unit; `draft`: its
version when that was said last."""

OF_ANY = 0
marked = sa.Table(
    "marked",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
    sa.Column("revision", sa.Integer, nullable=False),
)
"""A revision of an accepted report has all its marks; `OF_ANY` where the fact did not say which:
the one that counts, as long as the report was not opened again."""

frozen = sa.Table(
    "frozen",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
)
"""The result is final."""

sheet = sa.Table("sheet", tables, _text("ward", key=True), _text("period", key=True))
"""The council adopted the period's score sheet."""

dossier = sa.Table(
    "dossier",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _text("period"),
    _text("participant"),
)
"""Opened for a reward; how far it came is in `candidate`, `conclusion` and `honour`."""

notice = sa.Table(
    "notice",
    tables,
    _id("id", key=True),
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
    sa.Column("addressee", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("event_id", "kind", "participant", "addressee", name="uq_notice_told_once"),
    sa.Index("ix_notice_subject", "ward", "participant", "period", "kind"),
    sa.Index("ix_notice_obligation", "obligation"),
)
"""What is to be told; a row is never changed and never removed. `addressee`: the person who is
told, "" for the participant's reporter.
"""


def _among(*states: State) -> str:
    return f"status IN ({', '.join(repr(str(state)) for state in states)})"


mail = sa.Table(
    "mail",
    tables,
    sa.Column("id", UUID(as_uuid=True), sa.ForeignKey("notice.id"), primary_key=True),
    sa.Column("seq", sa.BigInteger, sa.Identity(), unique=True),
    _text("status"),
    _text("person", nullable=True),
    _moment("due_at", nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _id("claim", nullable=True),
    _text("claimed_by", nullable=True),
    _moment("lease_until", nullable=True),
    _moment("written_at", nullable=True),
    sa.Column("message_id", sa.Text, unique=True),
    sa.Column("answer", JSONB(none_as_null=True)),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    _moment("sent_at", nullable=True),
    sa.Column("recalled", sa.Boolean, nullable=False, server_default=sa.false()),
    _moment("told_due", nullable=True),
    sa.Index("ix_mail_waiting", "seq", postgresql_where=sa.text(_among(State.WAITING))),
    sa.Index(
        "ix_mail_due", "due_at", "seq", postgresql_where=sa.text(_among(State.QUEUED, State.RETRY))
    ),
    sa.Index("ix_mail_person", "person", "seq"),
    sa.Index("ix_mail_in_hand", "lease_until", postgresql_where=sa.text(_among(*sorted(IN_HAND)))),
)
"""The delivery of one notice. `written_at` and `sent_at` are business time, the rest system time.

`answer`: what the relay said, kept before the outcome is settled and told. `recalled`: its end is
known from our own topic alone, what it said is not. `told_due`: the deadline that it tells.
"""

told = sa.Table(
    "told",
    tables,
    _id("mail", key=True),
    _text("status"),
    _text("person"),
    _text("reason"),
    _moment("sent_at", nullable=True),
    sa.CheckConstraint(
        f"{_among(State.SENT, State.REFUSED, State.UNCERTAIN)}"
        f" AND (status = '{State.SENT}') = (sent_at IS NOT NULL)",
        name="outcome",
    ),
)
"""What our own topic says became of mails that this database does not know as ended.

There are rows only after it was restored from an older copy, until each has met its mail.
"""

_SHOWN = ("period", "name", "unit", "achievement", "form_title")
candidate = sa.Table(
    "candidate",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    *(_text(name) for name in _SHOWN),
    _day("window_from"),
    _day("window_until"),
)
conclusion = sa.Table(
    "conclusion",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    sa.Column("passed", sa.Boolean, nullable=False),
)
honour = sa.Table(
    "honour",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    *(_text(name) for name in _SHOWN),
    _text("decision_number"),
    _day("decided_on"),
    sa.Column("ordinal", sa.Integer, nullable=False),
)
