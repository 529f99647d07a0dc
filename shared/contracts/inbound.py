"""What other systems publish to a ward, and what they are answered.

Each publisher has one inbound topic, `thidua.inbound.<publisher>.v1`, and reads its answers on
`thidua.outbound.<publisher>.v1`.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from shared.contracts.base import Code, Event, Instant, Part, Points, Text

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]+$", max_length=2000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

RejectionCode = Literal[
    "unreadable",
    "invalid-field",
    "unknown-participant",
    "not-granted",
    "key-mismatch",
    "wrong-period",
    "same-id-other-bytes",
    "revision-conflict",
    "already-accepted",
    "unknown-type",
]


def inbound_topic(publisher: str) -> str:
    return f"thidua.inbound.{publisher}.v1"


def outbound_topic(publisher: str) -> str:
    return f"thidua.outbound.{publisher}.v1"


def publisher_of(topic: str) -> str:
    """The name of who writes to an inbound topic."""
    return topic.removeprefix("thidua.inbound.").removesuffix(".v1")


class _Strict(Part):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Evidence(_Strict):
    """Where proof can be found; stored, never fetched by the ward."""

    title: Text = Field(min_length=1, max_length=300)
    url: Url
    sha256: Sha256 | None = None


class ContentResult(_Strict):
    content: int = Field(ge=1, le=99)
    text: Text = Field(max_length=20_000)


class Item(_Strict):
    """What is said of one criterion: points, or that it does not apply, or that nothing arose.

    From form 2 on, whatever does not apply or did not arise says why in `reason`.
    """

    criterion: Code
    self_score: Points | None = Field(default=None, ge=0)
    narrative: Text = Field(default="", max_length=20_000)
    not_applicable: bool = False
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=50)
    nothing_arose: bool = False
    reason: Text = Field(default="", max_length=5_000)


class Indicator(_Strict):
    """A number; `criterion`: the criterion that it tells of, None where it tells of none."""

    code: Code
    value: Points
    title: Text = Field(default="", max_length=300)
    unit: Text = Field(default="", max_length=50)
    criterion: Code | None = None
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=50)


class AimResult(_Strict):
    """What became of an aim in a phase of the movement."""

    aim: Text = Field(min_length=1, max_length=300)
    reached: Literal["reached", "partly", "not-reached"]
    result: Text = Field(default="", max_length=5_000)


class RoleModel(_Strict):
    name: Text = Field(min_length=1, max_length=300)
    summary: Text = Field(max_length=5_000)


class NominationClaim(_Strict):
    subject: Text = Field(min_length=1, max_length=300)
    form: Code
    reason: Text = Field(min_length=1, max_length=5_000)


class ReportSubmitted(Event):
    """A report as a publisher sends it. What may change is promised in docs/publishing.md.

    `form` is the report's form, `form_version` its version; which sections a form has is in
    docs/forms.
    """

    TYPE: ClassVar[str] = "vn.thidua.inbound.report-submitted.v1"
    TOPIC: ClassVar[str] = "thidua.inbound.<publisher>.v1"

    participant: Code
    period: Code
    report_id: UUID
    revision: int = Field(ge=1, le=1000)
    form_version: Literal[1, 2]
    submitted_at: datetime
    contents: tuple[ContentResult, ...] = Field(default=(), max_length=20)
    items: tuple[Item, ...] = Field(min_length=1, max_length=50)
    indicators: tuple[Indicator, ...] = Field(default=(), max_length=200)
    role_models: tuple[RoleModel, ...] = Field(default=(), max_length=50)
    nominations: tuple[NominationClaim, ...] = Field(default=(), max_length=50)
    difficulties: Text = Field(default="", max_length=20_000)
    situation: Text = Field(default="", max_length=20_000)
    digital_literacy: Text = Field(default="", max_length=20_000)
    form: Code = "annual-report"
    aims: tuple[AimResult, ...] = Field(default=(), max_length=50)
    lessons: Text = Field(default="", max_length=20_000)
    directions: Text = Field(default="", max_length=20_000)

    @property
    def subject(self) -> str:
        return self.participant


class Reason(Part):
    """Why something was refused: a stable code, the place (JSON pointer), words for a person."""

    code: RejectionCode
    pointer: str = ""
    detail: Text


class _Answer(Event):
    """An answer names the record that it answers; `key` is the record's own key."""

    participant: str
    record: str
    """topic/partition/offset of the record answered."""
    cause_id: str
    """The record's ce_id, or "" when it could not be read."""

    @property
    def subject(self) -> str:
        return self.participant


class ReportReceipt(_Answer):
    """Good content was taken. `duplicate`: it had been taken before; nothing was done again."""

    TYPE: ClassVar[str] = "vn.thidua.outbound.report-received.v1"
    TOPIC: ClassVar[str] = "thidua.outbound.<publisher>.v1"

    period: Code
    report_id: UUID
    revision: int
    received_at: Instant
    late: bool
    duplicate: bool = False


class ReportRejected(_Answer):
    """The record was refused, with machine-readable reasons; the publisher may send again."""

    TYPE: ClassVar[str] = "vn.thidua.outbound.report-rejected.v1"
    TOPIC: ClassVar[str] = "thidua.outbound.<publisher>.v1"

    rejected_at: Instant
    reasons: tuple[Reason, ...] = Field(min_length=1)
