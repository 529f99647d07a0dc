"""What comes in about drafts and about reports that are in, and what is answered."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.intake.forms.desk import ReturnForm, _Form, _like
from shared.contracts.base import Code, Day, Instant, Text

MOST_FIELDS = 2000

FieldName = Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z0-9_-]+){0,5}$", max_length=160)]
Typed = Annotated[Text, Field(max_length=20_000)]


class WithdrawalForm(_Form):
    """A unit takes back a version that was not judged yet."""

    model_config = _like(participant="tieu-hoc-1", period="2025-annual", revision=1)

    participant: Code
    period: Code
    revision: int = Field(ge=1, le=1000)


class ReopeningForm(ReturnForm):
    """The office asks for a new version of an accepted report: why, by place, and until when."""


class Attachment(_Form):
    """A file that was brought, as evidence in a part of the report: "items.a1"."""

    model_config = _like(file="0198f2a4-6f6e-7c3a-9a51-2f5c9f1f0c01", part="items.a1")

    file: UUID
    part: FieldName


class DraftForm(_Form):
    """Fields to save; what is not named stays as it is, and an empty text empties a field.

    `attach`: files that are to be evidence, each in the next free row of its part. `revision`: the
    newest revision of the report that its author has seen; once there is a newer one, nothing is
    saved.
    """

    model_config = _like(
        fields={"items.a1.narrative": "Đã tập huấn cho toàn đơn vị."}, attach=[], revision=0
    )

    fields: dict[FieldName, Typed] = Field(
        max_length=MOST_FIELDS, examples=[{"items.a1.narrative": "Đã tập huấn cho toàn đơn vị."}]
    )
    attach: tuple[Attachment, ...] = Field(default=(), max_length=100)
    revision: int | None = Field(default=None, ge=0, le=1000)


class ActForm(_Form):
    """What is done with a draft; `said` are the head's words when it is sent back."""

    model_config = _like(act="ask", said="")

    act: Literal["ask", "take-back", "approve", "send-back", "discard"]
    said: Text = Field(default="", max_length=2000)


class PaperForm(_Form):
    """The document that the office enters on a unit's behalf; `scan`: its file of evidence."""

    number: Text = Field(min_length=1, max_length=100)
    dated: Day
    received_on: Day
    came_by: Literal["paper", "mail"] = "paper"
    scan: UUID


class DraftSubmissionForm(_Form):
    """Sends a draft. `commitment`: whoever sends stands for the figures; `paper` by the office."""

    model_config = _like(commitment=True, paper=None)

    commitment: Literal[True]
    paper: PaperForm | None = None


class ApprovalRuleForm(_Form):
    """Whether a unit's head approves what is sent."""

    model_config = _like(head_approves=True)

    head_approves: bool


class ApprovalRule(BaseModel):
    """Whether a unit's head approves what is sent."""

    model_config = _like(participant="tieu-hoc-1", head_approves=True)

    participant: str
    head_approves: bool


class ReportMoved(BaseModel):
    """What became of a version of a report."""

    model_config = _like(participant="tieu-hoc-1", revision=1, outcome="withdrawn")

    participant: str
    revision: int
    outcome: Literal["withdrawn", "reopened"]


class DraftShown(BaseModel):
    """A draft. `version` counts its saves, 0: nothing is saved and `fields` are what a new draft
    begins with. `based_on`: the newest revision that its authors had seen. `locked`: what of it
    stays as it was sent, because it was not sent back. `said`: the head's words.
    """

    model_config = _like(
        participant="tieu-hoc-1",
        period="2025-annual",
        side="unit",
        state="draft",
        version=3,
        fields={"items.a1.narrative": "Đã tập huấn cho toàn đơn vị."},
        locked=["contents.1"],
        based_on=1,
        revision=1,
        head_approves=True,
        said="",
        saved_at="2025-12-05T09:30:00+07:00",
        saved_by="tieu-hoc-1.reporter",
    )

    participant: str
    period: str
    side: Literal["unit", "office"]
    state: Literal["none", "draft", "awaiting-head", "approved"]
    version: int
    fields: dict[str, str]
    locked: list[str]
    based_on: int
    revision: int
    head_approves: bool
    said: str
    saved_at: Instant | None
    saved_by: str
