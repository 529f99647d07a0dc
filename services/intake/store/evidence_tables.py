"""The table of files of evidence; their bytes stand on the shelf."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from services.intake.store.tables import MOMENT, tables


def _text(name: str, **options: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)  # type: ignore[arg-type]


evidence = sa.Table(
    "evidence",
    tables,
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    _text("ward"),
    _text("participant"),
    _text("period"),
    _text("criterion", server_default=""),
    _text("name"),
    _text("kind"),
    sa.Column("size", sa.BigInteger, nullable=False),
    _text("sha256"),
    sa.Column("uploaded_at", MOMENT, nullable=False),
    _text("uploaded_by"),
    _text("acting_for", server_default=""),
    sa.Column("removed_at", MOMENT),
    _text("removed_by", server_default=""),
    sa.Index(
        "uq_evidence_content",
        "ward",
        "participant",
        "period",
        "sha256",
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    ),
    sa.Index(
        "ix_evidence_uploaded",
        "uploaded_at",
        postgresql_where=sa.text("removed_at IS NULL"),
    ),
)
"""What was uploaded for a participant's period, `criterion` "" for the report as a whole. A row
stays when its bytes go; `removed_by` "": nobody used it for long, so the service removed it.
"""
