"""What a ward's folder of files says, once it has been read and found consistent.

Facts that are not the plan's own words carry a :data:`~deploy.wards.fields.Label`; a person
confirms them before use.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, RootModel

from deploy.wards.fields import (
    INDIVIDUAL_KINDS,
    Code,
    Day,
    Days,
    Duty,
    Email,
    Kind,
    Label,
    Manner,
    MonthMoment,
    PersonCode,
    Points,
    Role,
    Text,
    Version,
    Year,
    Zone,
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class WardPlace(_Part):
    """The ward as an authority. ``place`` is the place name printed before a date."""

    code: Code
    name: Text
    people_committee: Text
    chairman_title: Text
    city: Text
    place: Text
    timezone: Zone


class PlanDocument(_Part):
    """The plan as a document. Number and date must be filled by a person before official output."""

    heading: Text
    number: Text | None
    issued_on: Day | None

    @property
    def citable(self) -> bool:
        """Whether an official document may cite the plan by number and date."""
        return self.number is not None and self.issued_on is not None


class LegalBasis(_Part):
    """A document that the plan names; ``section`` is where the plan names it."""

    number: Text
    issued_on: Day
    text: Text
    section: Text


class Clause(_Part):
    code: Code
    text: Text


class Content(_Part):
    """One of the plan's contents (II). ``short_title`` is ours, for lists and pages."""

    number: Version
    short_title: Text
    text: Text


class Criterion(_Part):
    """One criterion (III.1). Empty ``only_for``: for everyone in the group."""

    code: Code
    short_title: Text
    text: Text
    only_for: tuple[Kind, ...] = ()


class Group(_Part):
    """Who is compared under the same criteria (III.1, a-d)."""

    code: Code
    title: Text
    short_title: Text
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]

    def criteria_for(self, kind: Kind) -> tuple[Criterion, ...]:
        """The criteria that apply to a participant of this kind, in the plan's order."""
        return tuple(c for c in self.criteria if not c.only_for or kind in c.only_for)


class FactSource(_Part):
    """Where a fact of law comes from. Only ``plan`` and ``found`` may be shown as law."""

    fact: Literal["kind", "recipients", "decided_by"]
    source: Text
    label: Label


class AwardForm(_Part):
    """A reward form (III.2.b). ``title`` is the plan's; ``official_title`` is printed."""

    code: Code
    title: Text
    official_title: Text
    kind: Literal["order", "flag", "certificate"]
    recipients: Annotated[
        tuple[Literal["collective", "individual"], ...],
        Field(min_length=1, description="một danh sách gồm collective và/hoặc individual"),
    ]
    decided_by: Text
    decided_here: bool
    sources: tuple[FactSource, ...]


class AnnualRewards(_Part):
    """Annual and mid-term rewards "theo thẩm quyền" (III.2.a)."""

    title: Text
    text: Text
    forms: Annotated[tuple[Code, ...], Field(min_length=1)]
    decided_by: Text
    own_authority_rule: Text
    label: Label


class FinalRewards(_Part):
    """Final rewards of 2030 (III.2.b): the plan's standard for all forms."""

    title: Text
    standard: Text


class Phase(_Part):
    number: Version
    title: Text
    text: Text
    first_year: Year
    last_year: Year
    review: Literal["so-ket", "tong-ket"]
    review_year: Year


class Occurrence(_Part):
    """One obligation in one period; aware moments, ``None`` while nobody has set the date."""

    obligation: Code
    period: Code
    year: Year
    opens_at: datetime | None
    due_at: datetime | None


class ObligationRule(_Part):
    """What is due and when. ``due`` is the last moment that is still on time."""

    code: Code
    kind: Literal[
        "unit-plan", "digital-literacy-plan", "annual-report", "midterm-report", "final-report"
    ]
    newcomer_days: Days | None
    title: Text
    text: Text
    section: Text
    owed_by: Literal["participants", "ward"]
    judged_by: Literal["issue-date", "receipt-time", "record"]
    period_suffix: Code
    years: Annotated[tuple[Year, ...], Field(min_length=1)]
    opens: MonthMoment | None
    due: MonthMoment | None
    due_text: Text
    label: Label

    def occurrences(self, timezone: str) -> Iterator[Occurrence]:
        """One per year, in the ward's time zone."""
        for year in self.years:
            yield Occurrence(
                obligation=self.code,
                period=f"{year}-{self.period_suffix}",
                year=year,
                opens_at=_moment(year, self.opens, timezone),
                due_at=_moment(year, self.due, timezone),
            )


def _moment(year: int, moment: str | None, timezone: str) -> datetime | None:
    if moment is None:
        return None
    return datetime.fromisoformat(f"{year}-{moment}").replace(tzinfo=ZoneInfo(timezone))


class Reminders(_Part):
    """Days before the last on-time day (0 is that day), and days after it to call it overdue."""

    days_before: Annotated[tuple[Days, ...], Field(min_length=1)]
    overdue_after_days: Annotated[Literal[1], Field(description="1: báo quá hạn ngay hôm sau")]
    label: Label


class Duties(_Part):
    """Who owes plans and reports, by kind of participant; ``none`` is for those proposed."""

    label: Label
    by_kind: dict[Kind, Duty]


class Movement(_Part):
    """The plan as data (movement.yaml)."""

    ward: WardPlace
    code: Code
    version: Version
    title: Text
    short_title: Text
    first_year: Year
    last_year: Year
    plan: PlanDocument
    legal_bases: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    purposes: tuple[Clause, ...]
    requirements: tuple[Clause, ...]
    contents: Annotated[tuple[Content, ...], Field(min_length=1)]
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    annual_rewards: AnnualRewards
    final_rewards: FinalRewards
    final_forms: Annotated[tuple[AwardForm, ...], Field(min_length=1)]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    obligations: Annotated[tuple[ObligationRule, ...], Field(min_length=1)]
    reminders: Reminders
    duties: Duties

    def occurrences(self) -> tuple[Occurrence, ...]:
        """Every obligation of the movement's life, in the file's order."""
        zone = self.ward.timezone
        return tuple(found for rule in self.obligations for found in rule.occurrences(zone))


class ScorePart(_Part):
    code: Code
    title: Text
    max_points: Points


class CriterionPoints(_Part):
    """Most points of a criterion; ``parts``, when given, add up to them."""

    code: Code
    max_points: Points
    parts: tuple[ScorePart, ...] = ()


class GroupPoints(_Part):
    code: Code
    criteria: Annotated[tuple[CriterionPoints, ...], Field(min_length=1)]


class Grade(_Part):
    """A grade, reached from ``from_points`` on."""

    code: Code
    title: Text
    from_points: Points


class ScoreSheet(_Part):
    """A proposed score sheet (score-sheet.yaml); the council adopts it before scoring opens."""

    movement: Code
    version: Version
    status: Literal["proposal"]
    status_text: Text
    label: Label
    scale: Points
    groups: Annotated[tuple[GroupPoints, ...], Field(min_length=1)]
    bonus_cap: Points
    bonus_reason: Text
    deduction_cap: Points
    late_deduction: Points
    not_applicable: Literal["rescale"]
    decimals: Annotated[Literal[2], Field(description="2: điểm tính đến hai số lẻ")]
    rounding: Literal["half-up"]
    grades: Annotated[tuple[Grade, ...], Field(min_length=1)]


class Block(_Part):
    """A ranking block (khối): ranks are given inside one block of one group, never across."""

    code: Code
    title: Text
    group: Code


class Reporter(_Part):
    person: PersonCode
    name: Text
    email: Email


class Participant(_Part):
    """A unit or a person taking part.

    ``own_authority``: decides its own rewards and reports them. ``own_authority_to_check``: it
    may have that authority (legal personality) and a person must find out.
    """

    code: Code
    name: Text
    kind: Kind
    group: Code
    block: Code
    manner: Manner
    proposed_by: Code | None = None
    own_authority: bool = False
    own_authority_to_check: bool = False
    reporter: Reporter

    @property
    def is_individual(self) -> bool:
        return self.kind in INDIVIDUAL_KINDS


class ParticipantsFile(_Part):
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]
    participants: Annotated[tuple[Participant, ...], Field(min_length=1)]


class Person(_Part):
    """Staff who act. Empty ``unit``: of no participant. ``substitute_for``: whose file they take
    because that unit's own office may not (law 10)."""

    person: PersonCode
    name: Text
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    unit: Annotated[str, Field(description='mã một đơn vị tham gia, hoặc ""')]
    email: Email
    substitute_for: Code | None = None


class PeopleFile(_Part):
    people: Annotated[tuple[Person, ...], Field(min_length=1)]


class Grant(_Part):
    ward: Code
    participants: Annotated[
        Literal["all"] | tuple[Code, ...],
        Field(description="all, hoặc một danh sách mã đơn vị tham gia"),
    ]


class Publisher(_Part):
    """A system that may send reports, and for whom."""

    name: Code
    source: Annotated[
        str,
        Field(
            pattern=r"^urn:thidua:publisher:[a-z0-9-]+$",
            description="một tên nguồn, ví dụ urn:thidua:publisher:e-office",
        ),
    ]
    grants: Annotated[tuple[Grant, ...], Field(min_length=1)]


class PublishersFile(RootModel[tuple[Publisher, ...]]):
    model_config = ConfigDict(frozen=True, strict=True)


class Ward(_Part):
    """Everything one ward's folder says, checked across its files."""

    movement: Movement
    sheet: ScoreSheet
    blocks: tuple[Block, ...]
    participants: tuple[Participant, ...]
    people: tuple[Person, ...]
    publishers: tuple[Publisher, ...]
