"""What the board of a year and a participant's timeline answer to programs."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.timeline import What
from services.intake.domain.year import CellState
from shared.contracts.base import Instant
from shared.contracts.intake import Manner, ObligationKind


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class DutyCell(BaseModel):
    """One duty of a participant; `obligation` and `due` are None where nothing was laid on it.

    `late` and `days_late` are of the newest report; `reminded_today`: how often by hand.
    """

    period: str
    kind: ObligationKind
    obligation: UUID | None
    due: Instant | None
    manner: Manner
    state: CellState
    revision: int | None
    late: bool | None
    days_late: int | None
    reminded_today: int


class YearRow(BaseModel):
    """One participant and all duties of the year."""

    model_config = _like(
        participant="tieu-hoc-1",
        name="Trường Tiểu học số 1",
        block="truong-hoc",
        kind="school",
        manner="owes",
        proposed_by=None,
        duties=[
            {
                "period": "2025-annual",
                "kind": "annual-report",
                "obligation": "5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52",
                "due": "2025-12-09T23:59:59+07:00",
                "manner": "owes",
                "state": "open",
                "revision": None,
                "late": None,
                "days_late": None,
                "reminded_today": 0,
            }
        ],
    )

    participant: str
    name: str
    block: str
    kind: str
    manner: Manner
    proposed_by: str | None
    duties: list[DutyCell]


class RemindedByHand(BaseModel):
    """A reminder that was recorded and goes out as a mail; `number`: which one of the day."""

    model_config = _like(
        obligation="5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52",
        participant="tieu-hoc-1",
        period="2025-annual",
        day="2025-12-05",
        number=1,
        days_left=4,
    )

    obligation: UUID
    participant: str
    period: str
    day: date
    number: int = Field(ge=1)
    days_left: int


class Happening(BaseModel):
    """One line of a timeline, the oldest first.

    `by` "": the clock or a rule; `acting_for`: in whose place. `days`: left where somebody was
    reminded, late where something came in, places to correct where it went back. `due_text` and
    `movement_version`: what it was judged by. `note`: a plan's number, a reason, a role.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "at": "2025-12-05T09:30:00+07:00",
                "what": "report-received",
                "by": "tieu-hoc-1.reporter",
                "acting_for": "",
                "period": "2025-annual",
                "title": "Báo cáo năm 2025",
                "kind": "",
                "obligation": None,
                "revision": 1,
                "days": None,
                "due_text": "",
                "movement_version": 1,
                "note": "",
                "publisher": "",
            }
        },
    )

    at: Instant
    what: What
    by: str
    acting_for: str
    period: str
    title: str
    kind: str
    obligation: UUID | None
    revision: int | None
    days: int | None
    due_text: str
    movement_version: int | None
    note: str
    publisher: str
