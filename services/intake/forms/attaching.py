"""Files that were brought, as evidence in the fields of a draft."""

from collections.abc import Mapping
from uuid import UUID

from services.intake.domain.evidence import file_in
from services.intake.forms.report import Part, rows


def takes_evidence(part: Part) -> bool:
    return any(one.name.startswith(f"{part.code}.evidence.") for one in part.fields)


def named_in(fields: Mapping[str, str], place: str) -> frozenset[UUID]:
    """The files that the part `place` names as its evidence; "" for all of the draft."""
    begins = f"{place}.evidence." if place else ""
    found = (
        file_in(text)
        for name, text in fields.items()
        if name.startswith(begins) and name.endswith(".url")
    )
    return frozenset(file for file in found if file is not None)


def attach(
    fields: Mapping[str, str], place: str, file: UUID, name: str, address: str
) -> dict[str, str]:
    """The fields that name a file in the part's first row without an address, by the title that
    stands there or else by the file's name; none where the part names it already.
    """
    if file in named_in(fields, place):
        return {}
    at = f"{place}.evidence"
    filled = [bool(fields.get(f"{at}.{row}.url")) for row in range(rows(fields, at))]
    row = filled.index(False) if False in filled else len(filled)
    title = f"{at}.{row}.title"
    return {title: fields.get(title) or name, f"{at}.{row}.url": address}
