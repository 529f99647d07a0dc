"""The tables of this service. What is decided is only ever added to; triggers hold that."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.database import metadata

tables = metadata()

POINTS = sa.Numeric(7, 2)
MOMENT = sa.DateTime(timezone=True)


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=key, nullable=False)


def _points(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, POINTS, nullable=nullable)


def _report(*, key: bool) -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("report_id", UUID(as_uuid=True), primary_key=key, nullable=False),
        _number("revision", key=key),
    )


movement = sa.Table(
    "movement",
    tables,
    _text("ward", key=True),
    _text("movement", key=True),
    _number("version"),
    sa.Column("groups", JSONB, nullable=False),
    sa.Column("blocks", JSONB, nullable=False),
)
period = sa.Table(
    "period",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("movement"),
    _text("title"),
    sa.Column("opened_on", sa.Date, nullable=False),
    _text("report_by_text"),
)
participant = sa.Table(
    "participant",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("name"),
    _text("group_code"),
    _text("block"),
    sa.Column("collective", sa.Boolean, nullable=False),
    sa.Column("proposed_by", sa.Text),
    sa.Column("left_on", sa.Date),
)
"""`left_on`: the first day on which it takes part no more."""
claim = sa.Table(
    "claim",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
    *_report(key=True),
    _moment("received_at"),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("items", JSONB, nullable=False),
)
acceptance = sa.Table(
    "acceptance",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
    *_report(key=True),
    _moment("accepted_at"),
    sa.Column("late", sa.Boolean, nullable=False),
)
reopening = sa.Table(
    "reopening",
    tables,
    _text("ward", key=True),
    _text("participant", key=True),
    _text("period", key=True),
    *_report(key=True),
    _moment("reopened_at"),
)
"""Acceptances that hold no more: the office asked for a new version."""
sheet = sa.Table(
    "sheet",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _number("version", key=True),
    sa.Column("content", JSONB, nullable=False),
    _text("proposed_by"),
    _moment("proposed_at"),
)
adoption = sa.Table(
    "adoption",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _number("sheet_version"),
    _text("document_number"),
    sa.Column("adopted_on", sa.Date, nullable=False),
    _text("entered_by"),
    _moment("entered_at"),
)
mark = sa.Table(
    "mark",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("ward"),
    _text("participant"),
    _text("period"),
    *_report(key=False),
    _text("stage"),
    _text("kind"),
    _text("criterion"),
    _points("points"),
    _text("reason"),
    _text("given_by"),
    _moment("given_at"),
    sa.Column("replaces", sa.BigInteger),
)
score = sa.Table(
    "score",
    tables,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _text("ward"),
    _text("participant"),
    _text("period"),
    _text("stage"),
    *_report(key=False),
    _number("sheet_version"),
    _points("total"),
    _moment("computed_at"),
)
"""What was said by ScoreComputed; a changed total is a new row."""
freezing = sa.Table(
    "freezing",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _moment("frozen_at"),
    _text("frozen_by"),
)
result = sa.Table(
    "result",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("participant", key=True),
    *_report(key=False),
    _number("sheet_version"),
    _text("group_code"),
    _text("block"),
    _text("block_title"),
    _points("total"),
    _text("grade"),
    _number("rank"),
    _number("ranked"),
    sa.Column("late", sa.Boolean, nullable=False),
)
result_line = sa.Table(
    "result_line",
    tables,
    _text("ward", key=True),
    _text("period", key=True),
    _text("participant", key=True),
    _number("position", key=True),
    _text("kind"),
    _text("criterion"),
    _text("text"),
    _points("max_points", nullable=True),
    _points("self_score", nullable=True),
    _points("verified", nullable=True),
    _points("council", nullable=True),
    _points("counted"),
    _text("note"),
)
