"""What comes to the desk by HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.domain.roll import Contact, Entry
from services.intake.domain.standing import Standing, standing
from shared.contracts.base import Code, Instant, Text
from shared.contracts.forms import Plan1
from shared.contracts.intake import Manner, ObligationKind

PersonId = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=120)]
Email = Annotated[str, Field(pattern=r"^[^@\s<>\"]{1,64}@[A-Za-z0-9.-]{3,190}$", max_length=254)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


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


class PlanForm(Plan1):
    """A unit's own plan; it is judged by its date of issue. `evidence`: where the signed plan is to
    be seen; it may be handed in later, with the same number and date.
    """

    model_config = _like(
        participant="tieu-hoc-1",
        period="2025-plan",
        number="12/KH-TH",
        issued_on="2025-08-20",
        evidence={"title": "Kế hoạch số 12/KH-TH", "url": "https://truong.example/12-kh-th.pdf"},
    )

    participant: Code
    period: Code


class ReturnReasonForm(_Form):
    """`pointer` is a JSON pointer into the report, "" for all of it."""

    pointer: str = Field(pattern=r"^(/[^\x00-\x1f]*)?$", max_length=300)
    text: Text = Field(min_length=1, max_length=2000)


class ReturnForm(_Form):
    """A report goes back, with a reason for each place and the last moment to correct it by."""

    model_config = _like(
        participant="tieu-hoc-1",
        period="2025-annual",
        revision=1,
        reasons=[{"pointer": "/items/0/narrative", "text": "Chưa nêu kết quả."}],
        correct_by="2025-12-20T23:59:59+07:00",
    )

    participant: Code
    period: Code
    revision: int = Field(ge=1, le=1000)
    reasons: tuple[ReturnReasonForm, ...] = Field(min_length=1)
    correct_by: Instant


class AcceptanceForm(_Form):
    """A report is accepted for good; its nominations count from then on."""

    model_config = _like(participant="tieu-hoc-1", period="2025-annual", revision=2)

    participant: Code
    period: Code
    revision: int = Field(ge=1, le=1000)


class Registered(BaseModel):
    """How many participants were new, and how many were on the roll already."""

    model_config = _like(registered=34, known=0)

    registered: int
    known: int


class PlanWasRecorded(BaseModel):
    """`on_time` by the plan's date of issue."""

    model_config = _like(participant="tieu-hoc-1", on_time=True)

    participant: str
    on_time: bool


class Judged(BaseModel):
    """What became of a version of a report."""

    model_config = _like(participant="tieu-hoc-1", revision=1, outcome="returned")

    participant: str
    revision: int
    outcome: Literal["returned", "accepted"]


class Acknowledged(BaseModel):
    """What a caller is told of a report. `duplicate`: it had been taken before."""

    model_config = _like(
        participant="tieu-hoc-1",
        period="2025-annual",
        report_id="0b8b1c1e-6c0f-4b52-9d63-9f1f7c1d1a52",
        revision=1,
        received_at="2025-12-05T09:30:00+07:00",
        late=False,
        days_late=0,
        duplicate=False,
    )

    participant: str
    period: str
    report_id: UUID
    revision: int
    received_at: Instant
    late: bool
    days_late: int
    duplicate: bool


class BoardRow(BaseModel):
    """Where one participant stands in a period; fields are None where there is nothing yet.

    `obligation` is the id that duty mails link to; None for whoever is not asked. `late` and
    `days_late` are of the newest report.
    """

    model_config = _like(
        participant="tieu-hoc-1",
        name="Trường Tiểu học số 1",
        block="truong-hoc",
        manner="owes",
        proposed_by=None,
        standing="received",
        obligation="5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52",
        due="2025-12-09T23:59:59+07:00",
        met_at="2025-12-05T09:30:00+07:00",
        on_time=True,
        revision=1,
        received_at="2025-12-05T09:30:00+07:00",
        late=False,
        days_late=0,
        door="http",
        publisher=None,
        outcome=None,
    )

    participant: str
    name: str
    block: str
    manner: Manner
    proposed_by: str | None
    standing: Standing
    obligation: UUID | None
    due: Instant | None
    met_at: Instant | None
    on_time: bool | None
    revision: int | None
    received_at: Instant | None
    late: bool | None
    days_late: int | None
    door: Literal["http", "page", "paper", "kafka"] | None
    publisher: str | None
    outcome: Literal["returned", "accepted", "withdrawn", "reopened"] | None

    @classmethod
    def of(cls, kind: ObligationKind, row: Any, now: datetime) -> Self:
        """From a row of the board of a period of that kind."""
        return cls.model_validate({**row._asdict(), "standing": standing(kind, row, now)})
