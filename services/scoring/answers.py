"""What scoring answers by HTTP. Points are decimal strings; who gave a mark is in none of it."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from services.scoring.domain.assessment import Assessment, State
from services.scoring.domain.claim import criteria_of
from services.scoring.domain.marks import Kind, Slot, Stage, points_in
from services.scoring.domain.participant import Participant
from services.scoring.domain.result import Result
from services.scoring.domain.score import Basis, Line, LineKind
from services.scoring.domain.sheet import Adoption, CriterionPoints
from services.scoring.domain.standing import Standing
from shared.contracts.base import Code

PointsText = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["85.00"]}),
]
Period = Annotated[Code, Field(examples=["2025-annual"])]
Who = Annotated[Code, Field(examples=["thcs-1"], description="The participant's code.")]
Name = Annotated[str, Field(examples=["Trường Trung học cơ sở 1"])]
Group = Annotated[Code, Field(examples=["a"])]
Block = Annotated[Code, Field(examples=["truong-hoc"], description="The khối's code.")]
BlockTitle = Annotated[str, Field(examples=["Khối trường học"])]
Grade = Annotated[str | None, Field(examples=["Tốt"])]
Rank = Annotated[int | None, Field(examples=[1], description="Inside the khối; None until frozen.")]
Ranked = Annotated[int | None, Field(examples=[12], description="How many the khối ranks.")]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class SheetProposed(_Answer):
    """A version of a period's sheet is stored; it waits for the council."""

    period: Period
    version: int = Field(examples=[1])


class SheetAdopted(_Answer):
    """The version in force and the council's document."""

    period: Period
    sheet_version: int = Field(examples=[1])
    document_number: str = Field(examples=["12/HĐTĐKT"])
    adopted_on: date = Field(examples=["2025-12-15"])


class Marked(_Answer):
    """Where an assessment stands after marks; `total` None until every criterion has one."""

    period: Period
    participant: Who
    revision: int = Field(examples=[1])
    stage: Literal["verified", "council"]
    state: State
    total: PointsText | None
    grade: Grade


class FrozenResult(_Answer):
    participant: Who
    group: Group
    block: Block
    total: PointsText
    grade: str = Field(examples=["Tốt"])
    rank: int = Field(examples=[1])
    ranked: int = Field(examples=[12])
    late: bool

    @classmethod
    def of(cls, one: Result) -> Self:
        return cls(
            participant=one.participant,
            group=one.group,
            block=one.block,
            total=one.total,
            grade=one.grade,
            rank=one.rank,
            ranked=one.ranked,
            late=one.late,
        )


class Frozen(_Answer):
    """A period's results as they were frozen, by khối and rank."""

    period: Period
    results: tuple[FrozenResult, ...]


class SheetInForce(_Answer):
    version: int = Field(examples=[1])
    document_number: str = Field(examples=["12/HĐTĐKT"])
    adopted_on: date = Field(examples=["2025-12-15"])

    @classmethod
    def of(cls, adoption: Adoption | None) -> Self | None:
        if adoption is None:
            return None
        return cls(
            version=adoption.sheet.version,
            document_number=adoption.document_number,
            adopted_on=adoption.adopted_on,
        )


class _OfPeriod(_Answer):
    """`sheet` None: not adopted; `frozen_at` None: not frozen."""

    period: Period
    title: str = Field(examples=["Năm 2025"])
    sheet: SheetInForce | None
    frozen_at: datetime | None


class StandingRow(_Answer):
    """Where a participant stands; `basis` says which marks the total counts."""

    participant: Who
    name: Name
    group: Group
    block: Block
    block_title: BlockTitle
    state: State
    basis: Basis
    total: PointsText | None
    grade: Grade
    rank: Rank
    ranked: Ranked
    late: bool

    @classmethod
    def of(cls, one: Standing, block_title: str) -> Self:
        who = one.participant
        return cls(
            participant=who.code,
            name=who.name,
            group=who.group,
            block=who.block,
            block_title=block_title,
            state=one.state,
            basis=one.basis,
            total=one.total,
            grade=one.grade or None,
            rank=one.rank,
            ranked=one.ranked,
            late=one.late,
        )


class Results(_OfPeriod):
    """Standings that the caller may see, by khối and rank; `next` continues the list."""

    items: tuple[StandingRow, ...]
    next: str | None


class LineRow(_Answer):
    """One line of a derivation; `counted` is what it adds to the total."""

    kind: LineKind
    criterion: Code | None
    text: str
    max_points: PointsText | None = Field(serialization_alias="max")
    self_score: PointsText | None = Field(serialization_alias="self")
    verified: PointsText | None
    council: PointsText | None
    counted: PointsText
    note: str

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(
            kind=line.kind,
            criterion=line.criterion or None,
            text=line.text,
            max_points=line.max_points,
            self_score=line.self_score,
            verified=line.verified,
            council=line.council,
            counted=line.counted,
            note=line.note,
        )


class DerivationAnswer(_OfPeriod, StandingRow):
    """One total, line by line."""

    lines: tuple[LineRow, ...]


class PartRow(_Answer):
    code: Code
    title: str
    max_points: PointsText


class ItemRow(_Answer):
    """A criterion as reported and as marked so far."""

    criterion: Code = Field(examples=["a1"])
    text: str
    max_points: PointsText
    parts: tuple[PartRow, ...]
    not_applicable: bool
    self_score: PointsText | None
    narrative: str
    verified: PointsText | None
    council: PointsText | None

    @classmethod
    def all_of(cls, one: Assessment, texts: Iterable[tuple[str, str]]) -> Iterator[Self]:
        """Every criterion that a participant is scored by; `texts`: (criterion, its text)."""
        if one.group is None or one.claim is None:
            return
        words = dict(texts)
        for criterion in criteria_of(one.group, one.claim):
            item = one.claim.item(criterion.code)
            yield cls(
                criterion=criterion.code,
                text=words.get(criterion.code, ""),
                max_points=criterion.max_points,
                parts=_parts(criterion),
                not_applicable=not one.claim.applies(criterion.code),
                self_score=item.self_score if item else None,
                narrative=item.narrative if item else "",
                verified=_points(one, Stage.VERIFIED, criterion.code),
                council=_points(one, Stage.COUNCIL, criterion.code),
            )


def _points(one: Assessment, stage: Stage, criterion: str) -> Decimal | None:
    return points_in(one.marks, Slot(stage, Kind.CRITERION, criterion))


def _parts(criterion: CriterionPoints) -> tuple[PartRow, ...]:
    return tuple(
        PartRow(code=part.code, title=part.title, max_points=part.max_points)
        for part in criterion.parts
    )


class AssessmentRow(_Answer):
    """An accepted report that awaits marks; `may_mark` False: of the caller's own unit (law 10)."""

    participant: Who
    name: Name
    group: Group
    block: Block
    report_id: UUID | None
    revision: int | None = Field(examples=[1])
    accepted_at: datetime | None
    late: bool
    state: State
    may_mark: bool
    items: tuple[ItemRow, ...]

    @classmethod
    def of(
        cls, one: Assessment, texts: Iterable[tuple[str, str]], own_units: frozenset[str]
    ) -> Self:
        who: Participant = one.participant
        accepted = one.acceptance
        return cls(
            participant=who.code,
            name=who.name,
            group=who.group,
            block=who.block,
            report_id=one.claim.report_id if one.claim else None,
            revision=accepted.revision if accepted else None,
            accepted_at=accepted.accepted_at if accepted else None,
            late=one.late,
            state=one.state,
            may_mark=not who.is_of(own_units) and not who.has_left,
            items=tuple(ItemRow.all_of(one, texts)),
        )


class Assessments(_OfPeriod):
    """What awaits marks; `next` continues the list."""

    items: tuple[AssessmentRow, ...]
    next: str | None
