"""What happened to one participant, as it is told in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

What = Literal[
    "registered",
    "opened",
    "move",
    "waive",
    "excuse",
    "reopen",
    "withdraw",
    "met",
    "reminded",
    "overdue",
    "escalated",
    "reminded-by-hand",
    "plan-recorded",
    "report-received",
    "report-returned",
    "report-accepted",
    "report-withdrawn",
    "report-reopened",
    "role-granted",
    "role-ended",
]


@dataclass(frozen=True, slots=True)
class Happened:
    """`by` "": the clock or a rule; `acting_for`: in whose place, "" for nobody's.

    `kind` is the duty's. `days`: left, where somebody was reminded; late, where something came in;
    places to correct, where it went back. `due_text` and `movement_version` are what it was judged
    by. `note`: a plan's number, a reason, a role.
    """

    at: datetime
    what: What
    by: str = ""
    acting_for: str = ""
    period: str = ""
    title: str = ""
    kind: str = ""
    obligation: UUID | None = None
    revision: int | None = None
    days: int | None = None
    due_text: str = ""
    movement_version: int | None = None
    note: str = ""
    publisher: str = ""
