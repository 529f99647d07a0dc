"""What comes to the roll by HTTP after somebody was registered."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from services.intake.forms.desk import PersonId
from shared.contracts.base import Code, Day, Instant, Text
from shared.contracts.intake import Manner


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class EntryForm(_Form):
    """What the roll is to say of a participant from today on, and why.

    `reporter` is somebody in the directory: the person who is told of its duties and may report.
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
    reporter: PersonId
    reason: Text = Field(min_length=1, max_length=1000)
    document: Text = Field("", max_length=100)


class DepartureForm(_Form):
    """Somebody leaves the roll; `into` is the unit that it is merged into, if any."""

    model_config = _like(reason="Sáp nhập hai trường.", document="15/QĐ-UBND", into="tieu-hoc-2")

    reason: Text = Field(min_length=1, max_length=1000)
    document: Text = Field("", max_length=100)
    into: Code | None = None


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
