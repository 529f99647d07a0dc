"""What comes to the desk by HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.deadline import BY_THEIR_OWN_DATE, Corrections
from services.intake.domain.publisher import Grant, Publisher
from services.intake.domain.roll import Contact, Entry
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
    """A version of the movement; `reminder_offsets` are days before a deadline's day.

    `corrections`: what a returned report is judged by when it comes back [design reading].
    """

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
    corrections: Corrections = BY_THEIR_OWN_DATE


class ReporterForm(_Form):
    person: PersonId
    name: Text = Field(min_length=1)
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

    def entry(self) -> Entry:
        contact = Contact(self.reporter.person, self.reporter.name, self.reporter.email)
        return Entry(self.code, self.name, self.collective, self.manner, self.proposed_by, contact)


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
    """`pointer` is a JSON pointer into the report, "" for all of it."""

    pointer: str = Field(pattern=r"^(/[^\x00-\x1f]*)?$", max_length=300)
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


class BoardRow(BaseModel):
    """Where one participant stands in a period; fields are None where there is nothing yet."""

    model_config = ConfigDict(from_attributes=True)

    participant: str
    name: str
    block: str
    manner: Manner
    proposed_by: str | None
    due: Instant | None
    met_at: Instant | None
    on_time: bool | None
    revision: int | None
    received_at: Instant | None
    late: bool | None
    days_late: int | None
    door: str | None
    publisher: str | None
    outcome: str | None
