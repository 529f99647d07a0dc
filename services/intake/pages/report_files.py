"""The files that a version of a report names, and the document that it was entered from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.evidence import file_in
from services.intake.pages.evidence import size_words
from services.intake.pages.report import Case
from services.intake.store import drafts
from services.intake.store import evidence as store
from shared.web.identity import Person

SCAN = "Bản chụp văn bản"


@dataclass(frozen=True, slots=True)
class Named:
    """A file, and the parts of the report that name it; `about`: its kind and size."""

    href: str
    name: str
    about: str
    places: Sequence[str]


async def paper_and_files(
    connection: AsyncConnection, person: Person, case: Case
) -> tuple[Any, list[Named]]:
    """The document (None without one), and the files in the order in which the report names them.

    Whoever sees the report sees its files: one scope is over both.
    """
    version = case.version
    key = (version.participant, version.period)
    paper = await drafts.paper_of(connection, person.ward, key, version.revision)
    places: dict[UUID, list[str]] = {}
    if paper is not None and paper.scan is not None:
        places[paper.scan] = [SCAN]
    for place in case.places:
        for one in place.evidence:
            if (file := file_in(one["url"])) is not None:
                named = places.setdefault(file, [])
                if place.title not in named:
                    named.append(place.title)
    rows = {row.id: row for row in await store.of_file(connection, person, key)}
    return paper, [_named(rows[file], titles) for file, titles in places.items() if file in rows]


def _named(row: Any, places: Sequence[str]) -> Named:
    about = f"{row.kind.upper()}, {size_words(row.size)}"
    return Named(f"/intake/evidence/{row.id}", row.name, about, places)
