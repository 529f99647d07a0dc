"""Tables of reports that are written here, opened again, or came on paper."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.intake.store.tables import MOMENT, judgement, tables


def _text(name: str, *, key: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False, server_default=default)


def _version() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        *(_text(name, key=True) for name in ("ward", "participant", "period")),
        sa.Column("revision", sa.Integer, primary_key=True),
    ]


draft = sa.Table(
    "draft",
    tables,
    *(_text(name, key=True) for name in ("ward", "participant", "period", "side")),
    sa.Column("begun", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    _text("state"),
    sa.Column("fields", JSONB, nullable=False),
    sa.Column("stamps", JSONB, nullable=False),
    sa.Column("based_on", sa.Integer, nullable=False),
    _text("said", default=""),
    sa.Column("begun_at", MOMENT, nullable=False),
    sa.Column("saved_at", MOMENT, nullable=False),
    _text("saved_by"),
    _text("acting_for", default=""),
    _text("approved_by", default=""),
    sa.Column("authors", ARRAY(sa.Text), nullable=False, server_default="{}"),
)
"""What is being written of a report; deleted once it is sent.

`side`: the unit's, or the office's on behalf of a unit. `begun`: the first of its versions, which
is greater than the last one of any draft before it. `fields`: name -> text; `stamps`: name ->
the draft's versions that changed it last, and a digest of the text before. `based_on`: the newest
revision that its authors had seen; `said`: a head's words when sending back; `authors`: codes of
those who saved it.
"""

reopening = sa.Table(
    "reopening",
    tables,
    *_version(),
    sa.Column("reasons", JSONB, nullable=False),
    sa.Column("correct_by", MOMENT, nullable=False),
    sa.Column("reopened_at", MOMENT, nullable=False),
    _text("reopened_by"),
    _text("acting_for", default=""),
)
"""An accepted version of which the office asked for a new one."""

paper = sa.Table(
    "paper",
    tables,
    *_version(),
    _text("number"),
    sa.Column("dated", sa.Date, nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    _text("came_by"),
    sa.Column("scan", UUID(as_uuid=True)),
    sa.Column("recorded_at", MOMENT, nullable=False),
)
"""The document from which the office entered a version on a unit's behalf."""

OUTCOME = sa.case((reopening.c.revision.is_not(None), "reopened"), else_=judgement.c.outcome)
"""What became of a version, where `reopening` is joined beside `judgement`."""
