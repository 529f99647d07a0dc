"""The roll of participants: what has to hold before somebody is entered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.contracts.intake import Manner
from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Contact:
    person: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A participant as it is to be entered."""

    code: str
    name: str
    collective: bool
    manner: Manner
    proposed_by: str | None
    reporter: Contact


def check_entries(entries: Sequence[Entry], known_units: Mapping[str, bool]) -> None:
    """Raises Refusal, with a pointer, on the first entry that cannot stand.

    `known_units` tells of those on the roll already whether they are collectives.
    """
    units = dict(known_units) | {entry.code: entry.collective for entry in entries}
    for problem in (*_repeats(entries), *_proposals(entries, units)):
        raise problem


def _repeats(entries: Sequence[Entry]) -> Iterator[Refusal]:
    codes: set[str] = set()
    contacts: dict[str, Contact] = {}
    for number, entry in enumerate(entries):
        place = f"/participants/{number}"
        if entry.code in codes:
            detail = f"Mã {entry.code} đã có ở trên."
            yield Refusal("code-repeated", detail, f"{place}/code")
        codes.add(entry.code)
        contact = contacts.setdefault(entry.reporter.person, entry.reporter)
        if contact != entry.reporter:
            detail = f"Đầu mối {contact.person} đã có ở trên với tên hoặc địa chỉ khác."
            yield Refusal("contact-differs", detail, f"{place}/reporter")


def _proposals(entries: Sequence[Entry], units: Mapping[str, bool]) -> Iterator[Refusal]:
    for number, entry in enumerate(entries):
        place = f"/participants/{number}/proposed_by"
        if (entry.manner == "proposed") != (entry.proposed_by is not None):
            detail = "Người được đề nghị, và chỉ người được đề nghị, có đơn vị đề nghị."
            yield Refusal("proposal-incomplete", detail, place)
        elif entry.proposed_by is not None and not units.get(entry.proposed_by, False):
            detail = f"Không có đơn vị (tập thể) nào mang mã {entry.proposed_by}."
            yield Refusal("unknown-unit", detail, place)
