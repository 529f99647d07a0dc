"""Where a participant stands in a period, in one word."""

from datetime import datetime
from typing import Literal, Protocol, get_args

from services.intake.domain.deadline import lateness
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED
from services.intake.domain.rule import BY_DOCUMENT
from shared.contracts.intake import Manner, ObligationKind

Standing = Literal[
    "received",
    "returned",
    "accepted",
    "withdrawn",
    "reopened",
    "recorded",
    "recorded-late",
    "open",
    "overdue",
    "free",
]
"""Of a report: received, returned, accepted, withdrawn by the unit, reopened by the office. Of a
plan: recorded, or late by its date of issue.

With neither: open while it is waited for, overdue, or free where nobody is pressed for it.
"""
STANDINGS: tuple[Standing, ...] = get_args(Standing)


class Line(Protocol):
    """What is known of a participant in a period; None where there is no such thing.

    `due`: of the duty laid on it; `plan_on_time`: of its plan; `revision` and `outcome`: of its
    newest report.
    """

    @property
    def manner(self) -> Manner: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def plan_on_time(self) -> bool | None: ...
    @property
    def revision(self) -> int | None: ...
    @property
    def outcome(self) -> Literal["returned", "accepted", "withdrawn", "reopened"] | None: ...


def standing(kind: ObligationKind, line: Line, now: datetime) -> Standing:
    if kind in BY_DOCUMENT and line.plan_on_time is not None:
        return "recorded" if line.plan_on_time else "recorded-late"
    if kind not in BY_DOCUMENT and line.revision is not None:
        return line.outcome or "received"
    if line.due is None or line.manner not in IS_REMINDED:
        return "free"
    overdue = line.manner in IS_OVERDUE and lateness(line.due, now).late
    return "overdue" if overdue else "open"
