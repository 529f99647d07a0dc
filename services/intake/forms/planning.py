"""What comes to the planner by HTTP: orders about a duty, the ward's days, its grace."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.form import forms_of
from services.intake.domain.obligation import State, state_of
from services.intake.domain.workday import LONGEST_GRACE, DayKind
from shared.contracts.base import Day, Instant, Text
from shared.contracts.intake import Manner, ObligationKind
from shared.working_days import special_days

OrderCommand = Literal["move", "waive", "excuse", "reopen"]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class DutyOrder(_Form):
    """What the office decides about a duty.

    `last_day`: the new last on-time day, of a move always, of a reopening where the old one has
    passed. `due_text`: how it is worded; made of the day where it is empty. `document`: the number
    of the paper that says so, where there is one.
    """

    model_config = _like(
        command="move",
        last_day="2025-12-15",
        reason="Đơn vị bị ảnh hưởng bởi bão, đề nghị lùi hạn.",
        document="45/UBND-VHXH",
    )

    command: OrderCommand
    reason: Text = Field(min_length=1, max_length=1000)
    document: Text = Field("", max_length=100)
    last_day: Day | None = None
    due_text: Text = Field("", max_length=200)


class DayForm(_Form):
    """Says of a day that the ward works, or does not; `usual` takes that back."""

    model_config = _like(
        day="2026-08-22", kind="working", note="Làm bù cho ngày 31/08/2026", document="101/TB-UBND"
    )

    day: Day
    kind: DayKind
    note: Text = Field(min_length=1, max_length=200)
    document: Text = Field("", max_length=100)


class GraceForm(_Form):
    """After how many working days the head of a unit is told; null: never."""

    model_config = _like(grace=3, document="")

    grace: int | None = Field(ge=0, le=LONGEST_GRACE)
    document: Text = Field("", max_length=100)


class PlannedAnew(BaseModel):
    """How many open duties were planned again by it."""

    model_config = _like(duties=28)

    duties: int


class DutyChange(BaseModel):
    """Something that was ordered for a duty; `done_by` "" where a rule did it."""

    command: Literal["move", "waive", "excuse", "reopen", "withdraw"]
    reason: str
    document: str
    was_due: Instant
    due: Instant
    done_at: Instant
    done_by: str
    acting_for: str


class PlannedReminder(BaseModel):
    """A row of the planner: `offset_days` before the deadline; -1 overdue, -2 to the head."""

    deadline: Instant
    offset_days: int
    due_at: Instant
    state: Literal["planned", "sent", "superseded", "cancelled"]


class DutyDetail(BaseModel):
    """A duty with what was ordered for it and what is planned; `forms`: those that it is met on,
    the newest last.
    """

    model_config = _like(
        obligation="5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52",
        participant="tieu-hoc-1",
        kind="annual-report",
        period="2025-annual",
        manner="owes",
        due="2025-12-09T23:59:59+07:00",
        due_text="trước ngày 10/12/2025",
        forms=["annual-report.v1", "annual-report.v2"],
        state="open",
        changes=[],
        reminders=[],
    )

    obligation: UUID
    participant: str
    kind: ObligationKind
    period: str
    manner: Manner
    due: Instant
    due_text: str
    forms: tuple[str, ...]
    state: State
    changes: tuple[DutyChange, ...]
    reminders: tuple[PlannedReminder, ...]

    @classmethod
    def of(cls, row: Any, changes: Any, reminders: Any) -> Self:
        fields = row._asdict() | {
            "obligation": row.id,
            "forms": [form.name for form in forms_of(row.kind, row.form)],
            "state": state_of(row.met_at, row.withdrawn_why),
            "changes": [change._asdict() for change in changes],
            "reminders": [reminder._asdict() for reminder in reminders],
        }
        return cls.model_validate(fields)


class DutyOrdered(BaseModel):
    """How a duty stands after an order."""

    model_config = _like(
        obligation="5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52",
        state="open",
        due="2025-12-15T23:59:59+07:00",
        due_text="đến hết ngày 15/12/2025",
    )

    obligation: UUID
    state: State
    due: Instant
    due_text: str

    @classmethod
    def of(cls, row: Any) -> Self:
        state = state_of(row.met_at, row.withdrawn_why)
        return cls(obligation=row.id, state=state, due=row.due, due_text=row.due_text)


class CalendarDay(BaseModel):
    """A day that is not as its weekday says. `set_by` "": the country's calendar says so."""

    day: date
    working: bool
    note: str
    document: str
    set_by: str

    @classmethod
    def of_year(cls, year: int, rows: Iterable[Any]) -> tuple[Self, ...]:
        """The country's days, and in their place what holds of those that the ward has set."""
        found = {
            day: cls(day=day, working=working, note=note, document="", set_by="")
            for day, working, note in special_days(year)
        }
        for row in rows:
            if row.day.year == year and row.kind != "usual":
                working = row.kind == "working"
                found[row.day] = cls(
                    day=row.day,
                    working=working,
                    note=row.note,
                    document=row.document,
                    set_by=row.set_by,
                )
        return tuple(found[day] for day in sorted(found))


class CalendarYear(BaseModel):
    """A year's days off and swap days, and the ward's grace; `grace` null: heads are not told."""

    model_config = _like(
        year=2026,
        grace=3,
        days=[
            {
                "day": "2026-09-02",
                "working": False,
                "note": "Quốc khánh",
                "document": "",
                "set_by": "",
            }
        ],
    )

    year: int
    grace: int | None
    days: tuple[CalendarDay, ...]
