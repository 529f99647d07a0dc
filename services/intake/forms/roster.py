"""What comes to the roll by HTTP after somebody was registered."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from services.intake.forms.desk import PersonId
from services.intake.forms.movement import Digest, PlannedDuty
from shared.contracts.base import Code, Day, Instant, Text
from shared.contracts.intake import Manner


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class EntryForm(_Form):
    """What the roll is to say of a participant from today on, and why.

    `reporter` is somebody in the directory: the person who is told of its duties and may report.
    Without `kind` that stays, and without `proposed_by` the unit that proposes a person. Another
    group, khối or kind may change what is asked: `preview` is the digest of what was shown of
    that, needed where anything changes.
    """

    model_config = _like(
        name="Trường Tiểu học Tứ Minh 1",
        group="a",
        block="truong-hoc",
        reporter="tieu-hoc-1.reporter",
        reason="Đổi tên theo quyết định của Ủy ban nhân dân phường.",
        document="12/QĐ-UBND",
    )

    name: Text = Field(min_length=1, max_length=300)
    group: Code
    block: Code
    kind: Code | None = None
    proposed_by: Code | None = None
    reporter: PersonId
    reason: Text = Field(min_length=1, max_length=1000)
    document: Text = Field("", max_length=100)
    preview: Digest | None = None


class PlacePreview(BaseModel):
    """What is asked of a participant at another place on the roll, beside what is asked now, and
    the digest to confirm it by. What is met, past or dated by hand (`kept`) stays.
    """

    model_config = _like(
        participant="mttq",
        group="a",
        block="van-phong",
        kind="office",
        digest="5f0d3c2e7a445b0e9a6f2f6d0a1c7e11",
        new=[],
        moved=[],
        withdrawn=[],
        kept=[],
    )

    participant: str
    group: str
    block: str
    kind: str
    digest: str
    new: tuple[PlannedDuty, ...]
    moved: tuple[PlannedDuty, ...]
    withdrawn: tuple[PlannedDuty, ...]
    kept: tuple[PlannedDuty, ...]


class DepartureForm(_Form):
    """Somebody leaves the roll; `into` is the unit that it is merged into, if any."""

    model_config = _like(reason="Sáp nhập hai trường.", document="15/QĐ-UBND", into="tieu-hoc-2")

    reason: Text = Field(min_length=1, max_length=1000)
    document: Text = Field("", max_length=100)
    into: Code | None = None


class ReadmissionForm(_Form):
    """Somebody who had left takes part again, under the same code; what they did before goes on.

    `reporter`, `proposed_by`: who answers and who proposes from now on, where not as before.
    """

    model_config = _like(reason="Đăng ký tham gia lại.", document="20/TB-UBND")

    reason: Text = Field(min_length=1, max_length=1000)
    document: Text = Field("", max_length=100)
    reporter: PersonId | None = None
    proposed_by: Code | None = None


class EntryRow(BaseModel):
    """A participant as the roll has it; `left_on` is the first day off it, else null."""

    model_config = _like(
        participant="tieu-hoc-1",
        name="Trường Tiểu học số 1",
        kind="school",
        collective=True,
        group="a",
        block="truong-hoc",
        manner="owes",
        proposed_by=None,
        reporter="tieu-hoc-1.reporter",
        left_on=None,
        left_into=None,
    )

    participant: str
    name: str
    kind: str
    collective: bool
    group: str
    block: str
    manner: Manner
    proposed_by: str | None
    reporter: str
    left_on: Day | None
    left_into: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls.model_validate({**row._asdict(), "group": row.group_code})


class EntryChange(BaseModel):
    """What the roll said until `since`, and what it says from that day on."""

    what: str
    since: Day
    was: dict[str, Any]
    now: dict[str, Any]
    reason: str
    document: str
    done_at: Instant
    done_by: str
    acting_for: str


class EntryDetail(EntryRow):
    """With all that was changed, the oldest first."""

    changes: tuple[EntryChange, ...] = ()

    @classmethod
    def with_changes(cls, row: Any, changes: Any) -> Self:
        fields = {**row._asdict(), "group": row.group_code}
        return cls.model_validate({**fields, "changes": [one._asdict() for one in changes]})


class Left(BaseModel):
    """How many open duties were withdrawn, and how many individuals another unit proposes now."""

    model_config = _like(participant="tieu-hoc-1", withdrawn=2, handed_over=1)

    participant: str
    withdrawn: int
    handed_over: int


class Readmitted(BaseModel):
    """How many duties are asked from now on; nothing that was due while they were away."""

    model_config = _like(participant="tieu-hoc-1", laid=1)

    participant: str
    laid: int
