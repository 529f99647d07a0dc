"""The tables of awards. Ballots are kept so that nothing joins a voter to a choice."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from shared.database import metadata

tables = metadata()


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _whole(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=key, nullable=False, autoincrement=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


movement = sa.Table(
    "movement",
    tables,
    _text("ward", key=True),
    _text("movement", key=True),
    _whole("version", key=True),
    _text("title"),
    _text("place"),
)
offered_form = sa.Table(
    "offered_form",
    tables,
    _text("ward", key=True),
    _text("movement", key=True),
    _whole("version", key=True),
    _text("code", key=True),
    _text("title"),
    _flag("collectives"),
    _flag("individuals"),
    _flag("decided_here"),
    _flag("annual"),
)
period = sa.Table(
    "period",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("movement"),
    _text("title"),
    _whole("year"),
)
participant = sa.Table(
    "participant",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("name"),
    _text("kind"),
    _flag("collective"),
    _text("group_code"),
    _text("block"),
    sa.Column("proposed_by", sa.Text),
    _text("proposed_by_name"),
    sa.Column("left_on", sa.Date),
)
"""`left_on`: the first day on which it takes part no more."""
proposal = sa.Table(
    "proposal",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("proposer", key=True),
    _whole("place", key=True),
    _text("subject"),
    _text("form"),
    _text("reason"),
)
"""Nominations of the proposer's accepted report."""
result = sa.Table(
    "result",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("participant", key=True),
    _text("block"),
    _text("block_title"),
    sa.Column("total", sa.Numeric(7, 2), nullable=False),
    _text("grade"),
    _whole("rank"),
    _whole("ranked"),
    _flag("late"),
    _instant("frozen_at"),
)

dossier = sa.Table(
    "dossier",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _text("period"),
    _text("participant"),
    _text("name"),
    _text("unit"),
    _flag("collective"),
    sa.Column("proposed_by", sa.Text),
    _text("form"),
    _text("form_title"),
    _text("movement"),
    _whole("movement_version"),
    _text("law"),
    _text("achievement"),
    _text("reason"),
    _text("state"),
)
"""`law` names the rules that it was opened under; what happened to it stands in `step`."""
step = sa.Table(
    "step",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _text("state", key=True),
    _text("command"),
    _text("actor"),
    _instant("at"),
)
publication = sa.Table(
    "publication",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    sa.Column("window_from", sa.Date, nullable=False),
    sa.Column("window_until", sa.Date, nullable=False),
)

session = sa.Table(
    "session",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("period"),
    sa.Column("held_on", sa.Date, nullable=False),
    _text("quorum"),
    _text("pass_rule"),
    _text("recused"),
    _text("regulation_number"),
    sa.Column("regulation_issued_on", sa.Date),
    _text("convened_by"),
    _instant("convened_at"),
)
"""The rules of voting are those of the session, as the council's regulation gives them."""
member = sa.Table(
    "member",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("person", key=True),
)
agenda = sa.Table(
    "agenda",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _text("session"),
    _whole("place"),
)
roll = sa.Table(
    "roll",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _whole("roll", key=True),
    _text("taken_by"),
    _instant("taken_at"),
)
"""Attendance as taken; a later roll corrects an earlier one."""
attendance = sa.Table(
    "attendance",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _whole("roll", key=True),
    _text("person", key=True),
    _text("manner"),
)
voter = sa.Table(
    "voter",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("dossier", key=True),
    _text("person", key=True),
)
"""Who has voted on what, never how: it shares no column with a choice but the dossier's."""
recusal = sa.Table(
    "recusal",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("dossier", key=True),
    _text("person", key=True),
)
"""Who may not vote on a dossier, being of its unit (law 10)."""


def _box(name: str) -> sa.Table:
    return sa.Table(
        name,
        tables,
        sa.Column(
            "id", UUID(as_uuid=True), primary_key=True, server_default=sa.func.gen_random_uuid()
        ),
        _text("ward"),
        _text("session"),
        _text("dossier"),
        _text("choice"),
    )


urn = _box("urn")
"""Choices while the session votes. No time, no order, no name."""
ballot = _box("ballot")
"""Choices of closed sessions, written shuffled, in one transaction, under new ids."""

closing = sa.Table(
    "closing",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("closed_by"),
    _instant("closed_at"),
)
outcome = sa.Table(
    "outcome",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _text("session"),
    _whole("yes"),
    _whole("no"),
    _whole("abstain"),
    _whole("recused"),
    _whole("silent"),
    _whole("members"),
    _flag("passed"),
)
approval = sa.Table(
    "approval",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("approved_by"),
    _instant("approved_at"),
)
decision = sa.Table(
    "decision",
    tables,
    _text("ward", key=True),
    _text("session", key=True),
    _text("number"),
    _text("slug"),
    _whole("year"),
    sa.Column("decided_on", sa.Date, nullable=False),
    sa.Column("signer_lines", ARRAY(sa.Text), nullable=False),
    _text("entered_by"),
    _instant("entered_at"),
)
award = sa.Table(
    "award",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _text("session"),
    _whole("ordinal"),
)
document = sa.Table(
    "document",
    tables,
    _text("ward", key=True),
    _text("dossier", key=True),
    _whole("edition", key=True),
    _text("path"),
    _text("sha256"),
    _instant("printed_at"),
)
"""A printed certificate; `path` is relative to the folder of documents."""
