"""What comes to the desk by HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.publisher import Grant, Publisher
from shared.contracts.base import Code, Day, Instant, Text
from shared.contracts.intake import Block, Content, Criterion, Form, Manner, ObligationKind

PersonId = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=120)]
Email = Annotated[str, Field(pattern=r"^[^@\s<>\"]{1,64}@[A-Za-z0-9.-]{3,190}$", max_length=254)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GroupForm(_Form):
    code: Code
    title: Text
    criteria: tuple[Criterion, ...] = Field(min_length=1)


class MovementForm(_Form):
    """A version of the movement; `reminder_offsets` are days before a deadline's day."""

    movement: Code
    version: int = Field(ge=1)
    title: Text = Field(min_length=1)
    place: Text = Field(min_length=1)
    launched_on: Day
    contents: tuple[Content, ...] = Field(min_length=1)
    groups: tuple[GroupForm, ...] = Field(min_length=1)
    blocks: tuple[Block, ...] = Field(min_length=1)
    forms: tuple[Form, ...] = Field(min_length=1)
    reminder_offsets: tuple[Annotated[int, Field(ge=0, le=366)], ...] = Field(min_length=1)


class ReporterForm(_Form):
    person: PersonId
    name: Text
    email: Email


class ParticipantForm(_Form):
    code: Code
    name: Text = Field(min_length=1)
    kind: Code
    collective: bool
    group: Code
    block: Code
    manner: Manner
    proposed_by: Code | None = None
    reporter: ReporterForm


class ParticipantsForm(_Form):
    participants: tuple[ParticipantForm, ...] = Field(min_length=1, max_length=5000)


class PeriodForm(_Form):
    """Opens a period: a duty of one kind with its last on-time moment."""

    period: Code
    movement: Code
    kind: ObligationKind
    title: Text = Field(min_length=1)
    year: int = Field(ge=2000, le=2100)
    due: Instant
    due_text: Text = Field(min_length=1)


class PlanForm(_Form):
    """A unit's own plan; it is judged by its date of issue."""

    participant: Code
    period: Code
    number: Text = Field(min_length=1, max_length=100)
    issued_on: Day


class ReturnReasonForm(_Form):
    pointer: str = Field(max_length=300)
    text: Text = Field(min_length=1, max_length=2000)


class ReturnForm(_Form):
    participant: Code
    period: Code
    revision: int = Field(ge=1)
    reasons: tuple[ReturnReasonForm, ...] = Field(min_length=1)
    correct_by: Instant


class AcceptanceForm(_Form):
    participant: Code
    period: Code
    revision: int = Field(ge=1)


class GrantEntry(_Form):
    ward: Code
    participants: tuple[Code, ...] | Annotated[str, Field(pattern="^all$")]

    def grant(self) -> Grant:
        everyone = isinstance(self.participants, str)
        return Grant(self.ward, None if everyone else frozenset(self.participants))


class PublisherEntry(_Form):
    """One line of the register of publishers."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    source: str
    grants: tuple[GrantEntry, ...]

    def publisher(self) -> Publisher:
        return Publisher(self.name, self.source, tuple(entry.grant() for entry in self.grants))


class Acknowledged(BaseModel):
    """What a caller is told of a report."""

    participant: str
    period: str
    report_id: UUID
    revision: int
    received_at: Instant
    late: bool
    days_late: int
    duplicate: bool
