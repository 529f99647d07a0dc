"""The Chairman's decision as văn thư enters it: number, date, and each award's place in it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from shared.calendar import vietnamese_date
from shared.refusal import Refusal

SIGNED_BY_CHAIRMAN = ("CHỦ TỊCH",)


def slug_of(text: str) -> str:
    """Lower-case ASCII words joined by hyphens: `358/QĐ-UBND` -> `358-qd-ubnd`."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"[\u0300-\u036f]", "", plain)).strip("-")


def check_number(number: str) -> str:
    """The number's slug, which is unique in a year. Raises Refusal when it is no number."""
    if not re.match("[0-9]", number):
        detail = 'Phải bắt đầu bằng chữ số, ví dụ "358/QĐ-UBND".'
        raise Refusal("bad-decision-number", detail, "/number")
    return slug_of(number)


def check_date(decided_on: date, held_on: date, approved_on: date, today: date) -> None:
    """Raises Refusal when the date comes before what it rests on, or has not come yet."""
    basis = max(held_on, approved_on)
    if decided_on < basis:
        detail = (
            "Ngày quyết định không được trước ngày họp Hội đồng và ngày Chủ tịch duyệt "
            f"({vietnamese_date(basis)})."
        )
        raise Refusal("decided-before-approval", detail, "/decided_on")
    if decided_on > today:
        detail = f"Ngày quyết định chưa tới; hôm nay là ngày {vietnamese_date(today)}."
        raise Refusal("decided-in-future", detail, "/decided_on")


@dataclass(frozen=True, slots=True)
class Listed:
    """What places an award in the decision's list."""

    dossier: str
    collective: bool
    block: str
    rank: int
    participant: str


def in_order(awards: Iterable[Listed]) -> Sequence[Listed]:
    """Collectives before individuals, then by khối, rank and code; ordinal 1 is the first.

    The ordinal is what a certificate calls "số sổ vàng".
    """
    return sorted(
        awards, key=lambda a: (not a.collective, a.block, a.rank, a.participant, a.dossier)
    )
