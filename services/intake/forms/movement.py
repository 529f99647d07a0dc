"""Versions of the movement, their rules, and periods, as they come in and are shown by HTTP."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.intake.domain.deadline import BY_THEIR_OWN_DATE, Corrections
from services.intake.domain.movement import Change, Section, State, What
from services.intake.domain.obligation import WHO_IS_ASKED
from services.intake.domain.rule import Deadline, ObligationRule, Phase, Rules, Who
from shared.contracts.base import Code, Day, Instant, Text
from shared.contracts.intake import Block, Content, Criterion, Form, Manner, ObligationKind

MOST_VERSIONS = 1000
Offset = Annotated[int, Field(ge=0, le=366)]
Year = Annotated[int, Field(ge=2000, le=2100)]
Asked = Literal["owes", "invited", "voluntary"]
"""Individuals are proposed by a unit: no rule asks them."""
Digest = Annotated[
    str, Field(pattern=r"^[0-9a-f]{32}$", examples=["5f0d3c2e7a445b0e9a6f2f6d0a1c7e11"])
]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": example})


class GroupForm(_Form):
    code: Code
    title: Text
    criteria: tuple[Criterion, ...] = Field(min_length=1)


class PhaseForm(_Form):
    """A part of the movement's life; its review ends it."""

    number: int = Field(ge=1, le=9)
    title: Text = Field(min_length=1)
    first_year: Year
    last_year: Year

    def phase(self) -> Phase:
        return Phase(self.number, self.title, self.first_year, self.last_year)


class DeadlineForm(_Form):
    """A day of every year (`month`, `day`) or one day (`on`); with neither nobody has set it yet.

    `before`: the day itself is too late.
    """

    month: int | None = Field(default=None, ge=1, le=12)
    day: int | None = Field(default=None, ge=1, le=31)
    on: Day | None = None
    before: bool = False

    @model_validator(mode="after")
    def _is_one_day(self) -> Self:
        if (self.month is None) != (self.day is None) or (self.month and self.on):
            raise ValueError("either month and day, or on, or none of them")
        if self.month and self.day:
            date(2001, self.month, self.day)
        return self

    def deadline(self) -> Deadline:
        return Deadline(self.month, self.day, self.on, self.before)


class RuleForm(_Form):
    """Who owes what by when. `manners` empty: those usual for the kind; `kinds`, `groups` and
    `blocks` empty: all of them; `years` empty: all of the movement's, or of `phase`.

    `form` is the code of the form that it is written on, for any of its versions, or the name of
    one version ("annual-report.v2"); "" for any form of the kind.
    `newcomer_days`: days that whoever registers after the deadline has of their own.
    """

    code: Code
    kind: ObligationKind
    title: Text = Field(min_length=1)
    suffix: Code
    due: DeadlineForm
    due_text: Text = Field(min_length=1)
    manners: tuple[Asked, ...] = ()
    kinds: tuple[Code, ...] = ()
    groups: tuple[Code, ...] = ()
    blocks: tuple[Code, ...] = ()
    form: Text = Field(default="", max_length=80)
    years: tuple[Year, ...] = ()
    phase: int | None = Field(default=None, ge=1, le=9)
    offsets: tuple[Offset, ...] = ()
    newcomer_days: int | None = Field(default=None, ge=1, le=366)

    def rule(self) -> ObligationRule:
        return ObligationRule(
            self.code,
            self.kind,
            self.title,
            self.suffix,
            Who(
                frozenset(self.manners) or WHO_IS_ASKED[self.kind],
                frozenset(self.kinds),
                frozenset(self.groups),
                frozenset(self.blocks),
            ),
            self.due.deadline(),
            self.due_text,
            frozenset(self.years),
            self.phase,
            self.offsets,
            self.newcomer_days,
            self.form,
        )


class StrictnessForm(_Form):
    """How firmly a kind of participant is asked; others as they were registered."""

    kind: Code
    manner: Asked


class DocumentForm(_Form):
    """The document that adopts a version."""

    number: Text = Field(min_length=1, max_length=100)
    decided_on: Day


class VersionForm(_Form):
    """What a version of the movement says; `reminder_offsets` are days before a deadline's day.

    `corrections`: what a returned report is judged by when it comes back [design reading].
    """

    title: Text = Field(min_length=1)
    place: Text = Field(min_length=1)
    launched_on: Day
    contents: tuple[Content, ...] = Field(min_length=1)
    groups: tuple[GroupForm, ...] = Field(min_length=1)
    blocks: tuple[Block, ...] = Field(min_length=1)
    forms: tuple[Form, ...] = Field(min_length=1)
    reminder_offsets: tuple[Offset, ...] = Field(min_length=1)
    corrections: Corrections = BY_THEIR_OWN_DATE
    phases: tuple[PhaseForm, ...] = ()
    rules: tuple[RuleForm, ...] = ()
    strictness: tuple[StrictnessForm, ...] = ()

    def to_rules(self) -> Rules:
        strictness: dict[str, Manner] = {one.kind: one.manner for one in self.strictness}
        return Rules(
            tuple(rule.rule() for rule in self.rules),
            tuple(phase.phase() for phase in self.phases),
            strictness,
            self.reminder_offsets,
        )


class MovementForm(VersionForm):
    """A version with its number; with `adoption` it is entered and adopted in one."""

    movement: Code
    version: int = Field(ge=1, le=MOST_VERSIONS)
    adoption: DocumentForm | None = None

    def content(self) -> dict[str, Any]:
        """What is kept: all but how it was adopted."""
        return self.model_dump(mode="json", exclude={"adoption"})


class AdoptionForm(DocumentForm):
    """`preview`: the digest of what was shown; refused when it would do something else by now."""

    model_config = _like(
        number="15/KH-UBND", decided_on="2026-01-15", preview="5f0d3c2e7a445b0e9a6f2f6d0a1c7e11"
    )

    preview: Digest


class YearForm(_Form):
    """Opens a year: the periods that the rules have for it, and their duties."""

    model_config = _like(year=2026)

    year: Year


class ReviewForm(_Form):
    """The ward's review of a phase, by its document; it ends the phase.

    `preview` is needed where it changes what open duties ask.
    """

    model_config = _like(phase=1, number="40/BC-UBND", reviewed_on="2027-11-20")

    phase: int = Field(ge=1, le=9)
    number: Text = Field(min_length=1, max_length=100)
    reviewed_on: Day
    preview: Digest | None = None


class PeriodForm(_Form):
    """Opens a period by hand: a duty of one kind with its last on-time moment; `form` as a rule has
    it.
    """

    model_config = _like(
        period="2025-annual",
        movement="cds-2025-2030",
        kind="annual-report",
        title="Báo cáo năm 2025",
        year=2025,
        due="2025-12-09T23:59:59+07:00",
        due_text="trước ngày 10/12/2025",
    )

    period: Code
    movement: Code
    kind: ObligationKind
    title: Text = Field(min_length=1)
    year: Year
    due: Instant
    due_text: Text = Field(min_length=1)
    form: Text = Field(default="", max_length=80)


class Launched(BaseModel):
    """A version of the movement and where it stands."""

    model_config = _like(movement="cds-2025-2030", version=1, state="adopted")

    movement: str
    version: int
    state: State


class Dropped(BaseModel):
    """The draft is gone."""

    model_config = _like(movement="cds-2025-2030", version=2)

    movement: str
    version: int


class PeriodWasOpened(BaseModel):
    """How many participants are asked."""

    model_config = _like(period="2025-annual", obligations=28)

    period: str
    obligations: int


class YearWasOpened(BaseModel):
    """The year's periods by the rules, and how many duties were laid now."""

    model_config = _like(year=2026, periods=["2026-annual"], laid=48)

    year: int
    periods: tuple[str, ...]
    laid: int


class PhaseEnded(BaseModel):
    """A phase whose review is recorded."""

    model_config = _like(phase=1, number="40/BC-UBND", reviewed_on="2027-11-20")

    phase: int
    number: str
    reviewed_on: Day


_VERSION: dict[str, Any] = {
    "movement": "cds-2025-2030",
    "version": 1,
    "title": "Phong trào thi đua",
    "state": "adopted",
    "number": "15/KH-UBND",
    "decided_on": "2025-08-01",
    "launched_at": "2025-08-01T08:00:00+07:00",
    "adopted_by": "phong-vhxh.officer",
    "superseded_at": None,
}


class VersionRow(BaseModel):
    """A version in the list; dates are None for what it has not come to."""

    model_config = _like(**_VERSION)

    movement: str
    version: int
    title: str
    state: State
    number: str
    decided_on: Day | None
    launched_at: Instant | None
    adopted_by: str
    superseded_at: Instant | None


class VersionDetail(VersionRow):
    """A version whole; `content` as it was entered."""

    model_config = _like(**_VERSION, content={"title": "Phong trào thi đua"})

    content: dict[str, Any]


_CHANGE: dict[str, Any] = {
    "section": "rules",
    "code": "annual-report",
    "what": "changed",
    "field": "due",
    "before": "trước ngày 10/12 hằng năm",
    "after": "trước ngày 05/12 hằng năm",
}


class ChangeRow(BaseModel):
    """One thing that differs; `before` and `after` are words for people."""

    model_config = _like(**_CHANGE)

    section: Section
    code: str
    what: What
    field: str
    before: str
    after: str

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(
            section=change.section,
            code=change.code,
            what=change.what,
            field=change.field,
            before=change.before,
            after=change.after,
        )


class Differences(BaseModel):
    """What changed from one version to another."""

    model_config = _like(
        movement="cds-2025-2030",
        older=1,
        newer=2,
        changes=[_CHANGE],
    )

    movement: str
    older: int
    newer: int
    changes: tuple[ChangeRow, ...]


_DUTY: dict[str, Any] = {
    "obligation": "5d0c1b52-6c0f-5b52-9d63-9f1f7c1d1a52",
    "participant": "tieu-hoc-1",
    "name": "Trường Tiểu học số 1",
    "kind": "annual-report",
    "period": "2025-annual",
    "manner": "owes",
    "due": "2025-12-04T23:59:59+07:00",
    "due_text": "trước ngày 05/12/2025",
    "was_due": "2025-12-09T23:59:59+07:00",
}


class PlannedDuty(BaseModel):
    """A duty that a change lays, moves or withdraws; `was_due` where it had another date."""

    model_config = _like(**_DUTY)

    obligation: UUID
    participant: str
    name: str
    kind: ObligationKind
    period: str
    manner: Manner
    due: Instant
    due_text: str
    was_due: Instant | None = None


class Preview(BaseModel):
    """What adopting a version would do to open duties, and the digest to confirm it by.

    `kept`: duties whose date the office has set by hand, which stay as they are.
    """

    model_config = _like(
        movement="cds-2025-2030",
        version=2,
        digest="5f0d3c2e7a445b0e9a6f2f6d0a1c7e11",
        new=[],
        moved=[_DUTY],
        withdrawn=[],
        kept=[],
    )

    movement: str
    version: int
    digest: str
    new: tuple[PlannedDuty, ...]
    moved: tuple[PlannedDuty, ...]
    withdrawn: tuple[PlannedDuty, ...]
    kept: tuple[PlannedDuty, ...]
