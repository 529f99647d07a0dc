"""Entering what the press has printed."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.awards.store import decisions
from shared.messaging.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Printed:
    """A file on disk; `edition` is one more than that of the newest document (0: none)."""

    ward: str
    dossier: str
    edition: int
    path: str
    sha256: str


async def enter_documents(work: UnitOfWork, printed: Sequence[Printed]) -> None:
    """Note where documents are and what their bytes hash to."""
    now = work.business.now()
    for one in printed:
        await decisions.add_document(
            work.connection,
            {
                "ward": one.ward,
                "dossier": one.dossier,
                "edition": one.edition,
                "path": one.path,
                "sha256": one.sha256,
                "printed_at": now,
            },
        )
