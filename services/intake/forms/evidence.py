"""Files of evidence by HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.domain.evidence import Kind


class EvidenceFile(BaseModel):
    """A file that is here. A report names it by `url` and `sha256` in an item's evidence."""

    id: UUID
    participant: str
    period: str
    criterion: str = Field(description='"": for the report as a whole.')
    name: str = Field(description="As it is saved; its ending says what it is.")
    kind: Kind = Field(description="Told from the bytes.")
    size: int = Field(description="Bytes.")
    sha256: str
    uploaded_at: datetime
    url: str

    @classmethod
    def of(cls, row: Any, origin: str) -> "EvidenceFile":
        """A row, as everybody is told of it."""
        return cls(
            id=row.id,
            participant=row.participant,
            period=row.period,
            criterion=row.criterion,
            name=row.name,
            kind=row.kind,
            size=row.size,
            sha256=row.sha256,
            uploaded_at=row.uploaded_at,
            url=f"{origin}/intake/evidence/{row.id}",
        )


class EvidenceRemoved(BaseModel):
    """A file that is not here any more."""

    id: UUID
    name: str
