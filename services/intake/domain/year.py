"""The board of a year: where each duty stands, in one word, and what of it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from services.intake.domain.deadline import lateness
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED
from shared.contracts.intake import Manner

CellState = Literal[
    "overdue",
    "open",
    "received",
    "returned",
    "reopened",
    "taken-back",
    "accepted",
    "recorded",
    "recorded-late",
    "waived",
    "excused",
    "withdrawn",
    "free",
]
"""As `domain.standing` has it (taken back: a report that its unit withdrew), and what the office
said of the duty: waived, excused, withdrawn.

What presses comes first.
"""
STATES: tuple[CellState, ...] = get_args(CellState)
WAITING: frozenset[CellState] = frozenset({"open", "overdue"})
"""Somebody is still to do it, and may be reminded."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a participant and a duty; None where there is no such thing.

    `due`: of the duty laid on it, `withdrawn_why`: why it is not asked for any more, "" if it is;
    `plan_on_time`: of its plan; `revision`, `outcome`: of its newest report, `reopened`: that the
    office asked for a new version of what it had accepted.
    """

    manner: Manner
    due: datetime | None = None
    withdrawn_why: str = ""
    plan_on_time: bool | None = None
    revision: int | None = None
    outcome: Literal["returned", "accepted", "withdrawn"] | None = None
    reopened: bool = False


_OF_REPORT: dict[str | None, CellState] = {
    None: "received",
    "returned": "returned",
    "accepted": "accepted",
    "withdrawn": "taken-back",
}
_NOT_ASKED: dict[str, CellState] = {"waived": "waived", "excused": "excused"}


def cell_state(cell: Cell, now: datetime) -> CellState:
    """What was done counts before what was asked."""
    if cell.plan_on_time is not None:
        return "recorded" if cell.plan_on_time else "recorded-late"
    if cell.revision is not None:
        return "reopened" if cell.reopened else _OF_REPORT[cell.outcome]
    if cell.withdrawn_why:
        return _NOT_ASKED.get(cell.withdrawn_why, "withdrawn")
    if cell.due is None or cell.manner not in IS_REMINDED:
        return "free"
    overdue = cell.manner in IS_OVERDUE and lateness(cell.due, now).late
    return "overdue" if overdue else "open"


BY_DAY: tuple[int, ...] = tuple(range(30, -8, -1))
"""Days before a deadline's day, on which the progress of a year is looked at."""


def progress(received: Mapping[int | None, int], left: int) -> list[Decimal | None]:
    """The percentage that had come in at the end of each of `BY_DAY`; None on days to come.

    `received`: how many came how many days before the deadline's day, None: not yet; `left`: the
    days that are left today.
    """
    all_of_them = sum(received.values())
    found: list[Decimal | None] = []
    for day in BY_DAY:
        came = sum(number for at, number in received.items() if at is not None and at >= day)
        share = Decimal(100 * came) / all_of_them if all_of_them else Decimal(0)
        found.append(share.quantize(Decimal("0.1")) if day >= left else None)
    return found


Sort = Literal["block", "name", "due"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a year's board is asked for; "" narrows nothing.

    `state` is of any duty of the row (escalated: still open after the unit's head was told of it),
    `blocks` the order of the khối, `q` a part of a name or code
    with or without marks.
    """

    year: int
    blocks: tuple[str, ...] = ()
    block: str = ""
    kind: str = ""
    manner: str = ""
    duty: str = ""
    state: CellState | Literal["waiting", "escalated", ""] = ""
    q: str = ""
    sort: Sort = "block"
