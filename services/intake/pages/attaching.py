"""The files that were brought, offered in a draft's parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.intake.commands.drafting import Desk
from services.intake.forms import attaching
from services.intake.forms import report as forms
from services.intake.pages.evidence import size_words

_TICK, _PICK = "attach.", "pick."


@dataclass(frozen=True, slots=True)
class Offer:
    """What one part may take: files for its criterion, as boxes (name, words, ticked), and others
    to pick one of (id, words).
    """

    boxes: Sequence[tuple[str, str, bool]]
    pick: str
    others: Sequence[tuple[str, str]]


def offers(desk: Desk, fields: Mapping[str, str], rows: Sequence[Any]) -> dict[str, Offer]:
    """By part. Files for a criterion are ticked until its part names evidence of its own."""
    return {
        part.code: _offer(part.code, fields, rows)
        for section in forms.sections(desk.asked, fields)
        for part in section.parts
        if rows and attaching.takes_evidence(part)
    }


def _offer(code: str, fields: Mapping[str, str], rows: Sequence[Any]) -> Offer:
    named, section, criterion = attaching.named_in(fields, code), *code.partition(".")[::2]
    free = [row for row in rows if row.id not in named]
    fits = [row for row in free if section == "items" and row.criterion == criterion]
    others = [(str(row.id), _words(row)) for row in free if row not in fits]
    begun = forms.rows(fields, f"{code}.evidence") > 0
    boxes = [(f"{_TICK}{code}.{row.id}", _words(row), not begun) for row in fits]
    return Offer(boxes, f"{_PICK}{code}", others)


def _words(row: Any) -> str:
    return f"{row.name} ({size_words(row.size)})"


def split(given: Mapping[str, str]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What was typed, and apart from it the files that were chosen, as `Attachment` has them."""
    typed, chosen = dict[str, str](), list[dict[str, str]]()
    for name, text in given.items():
        if name.startswith(_TICK):
            part, _, file = name.removeprefix(_TICK).rpartition(".")
            chosen.append({"part": part, "file": file})
        elif not name.startswith(_PICK):
            typed[name] = text
        elif text:
            chosen.append({"part": name.removeprefix(_PICK), "file": text})
    return typed, chosen
