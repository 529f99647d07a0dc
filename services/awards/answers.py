"""What awards answers by HTTP. Counts of votes, never a ballot; points are decimal strings."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from services.awards.domain.dossier import State
from services.awards.domain.tally import Recused, Tally
from shared.contracts.base import Code

PointsText = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "examples": ["92.50"]}),
]
Dossier = Annotated[Code, Field(examples=["2025-annual-thcs-1"])]
Period = Annotated[Code, Field(examples=["2025-annual"])]
Who = Annotated[Code, Field(examples=["thcs-1"], description="The participant's code.")]
Name = Annotated[str, Field(examples=["Trường Trung học cơ sở 1"])]
Unit = Annotated[str, Field(description="Of an individual; empty for a collective.", examples=[""])]
FormCode = Annotated[Code, Field(examples=["giay-khen"])]
FormTitle = Annotated[str, Field(examples=["Giấy khen"])]
Achievement = Annotated[str, Field(examples=["Đã có thành tích xuất sắc trong phong trào"])]
Session = Annotated[Code, Field(examples=["phien-2025"])]
Number = Annotated[str, Field(examples=["358/QĐ-UBND"])]
Day = Annotated[date, Field(examples=["2025-12-30"])]
Person = Annotated[str, Field(examples=["hoi-dong.uy-vien-1"])]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProposalRow(_Answer):
    """A nomination of an accepted report."""

    proposer: Code
    subject: str
    form: Code
    reason: str


class FlagRow(_Answer):
    flag: str = Field(examples=["late-report"])
    detail: str = Field(examples=["Nộp báo cáo sau thời hạn."])


class ShortlistLine(_Answer):
    """A participant with its result; `forms` are what the law lets it have, `flags` advise."""

    participant: Who
    name: Name
    collective: bool
    proposed_by: Code | None
    total: PointsText | None
    grade: str | None = Field(examples=["Tốt"])
    rank: int | None = Field(examples=[1])
    ranked: int | None = Field(examples=[12])
    proposals: tuple[ProposalRow, ...]
    dossier: Dossier | None
    forms: tuple[FormCode, ...]
    eligible: bool
    flags: tuple[FlagRow, ...]


class ShortlistBlock(_Answer):
    block: Code
    title: str = Field(examples=["Khối trường học"])
    lines: tuple[ShortlistLine, ...]


class Shortlist(_Answer):
    """A period's participants by khối; the score advises, the council and the Chairman decide."""

    period: Period
    blocks: tuple[ShortlistBlock, ...]
    other_proposals: tuple[ProposalRow, ...]
    note: str


class TallyRow(_Answer):
    """`members` is the council's whole number, which the others add up to."""

    yes: int
    no: int
    abstain: int
    recused: int
    silent: int
    members: int = Field(examples=[9])


class PassedTally(TallyRow):
    dossier: Dossier
    passed: bool

    @classmethod
    def of(cls, dossier: str, tally: Tally, passed: bool) -> Self:
        return cls(dossier=dossier, passed=passed, **counts_of(tally))


def counts_of(tally: Tally) -> dict[str, int]:
    return {
        "yes": tally.yes,
        "no": tally.no,
        "abstain": tally.abstain,
        "recused": tally.recused,
        "silent": tally.silent,
        "members": tally.total,
    }


class DecisionRow(_Answer):
    number: Number
    decided_on: Day
    ordinal: int = Field(description="The place in the decision's list.", examples=[1])


class DossierRow(_Answer):
    """A dossier. `reason` and `tally` are null for units; `session` null until one is called."""

    dossier: Dossier
    period: Period
    participant: Who
    name: Name
    unit: Unit
    form: FormCode
    form_title: FormTitle
    achievement: Achievement
    reason: str | None
    state: State
    window_from: date | None
    window_until: date | None
    session: Session | None
    tally: TallyRow | None
    decision: DecisionRow | None
    printed: bool

    @classmethod
    def of(cls, row: Any) -> Self:
        names = set(cls.model_fields) - {"tally", "decision"}
        tally = decision = None
        if row.members is not None:
            tally = TallyRow(**{name: getattr(row, name) for name in TallyRow.model_fields})
        if row.number is not None:
            decision = DecisionRow(
                number=row.number, decided_on=row.decided_on, ordinal=row.ordinal
            )
        values = {name: getattr(row, name) for name in names}
        return cls(**values, tally=tally, decision=decision)


class AwardRow(_Answer):
    """An award decided: what anybody may know of it."""

    dossier: Dossier
    period: Period
    participant: Who
    name: Name
    unit: Unit
    achievement: Achievement
    form: FormCode
    form_title: FormTitle
    decision_number: Number
    decided_on: Day
    ordinal: int = Field(examples=[1])

    @classmethod
    def of(cls, row: Any) -> Self:
        names = set(cls.model_fields) - {"decision_number"}
        return cls(decision_number=row.number, **{name: getattr(row, name) for name in names})


class DossierOpened(_Answer):
    dossier: Dossier
    state: State


class Published(_Answer):
    """`advice` remarks on a short window; it is "" where there is nothing to remark."""

    dossiers: tuple[Dossier, ...]
    window_from: Day
    window_until: Day
    working_days: int = Field(examples=[6])
    advice: str


class SessionCalled(_Answer):
    session: Session
    held_on: Day
    members: int = Field(examples=[9])
    dossiers: tuple[Dossier, ...]


class Attendance(_Answer):
    """The roll as it stands; `open`: those present reach the quorum."""

    session: Session
    members: int = Field(examples=[9])
    present: tuple[Person, ...]
    written: tuple[Person, ...]
    quorum: str = Field(examples=["2/3"])
    open: bool


class BallotTaken(_Answer):
    """That somebody voted, never how; `repeated`: a ballot of theirs was in the urn before."""

    session: Session
    voted: bool
    repeated: bool
    not_voting_on: tuple[Dossier, ...] = Field(description="Of the member's own unit (law 10).")


class SessionClosed(_Answer):
    session: Session
    dossiers: tuple[PassedTally, ...]


class SessionApproved(_Answer):
    session: Session
    approved: tuple[Dossier, ...]


class DecidedAward(_Answer):
    dossier: Dossier
    ordinal: int = Field(examples=[1])


class DecisionEntered(_Answer):
    session: Session
    number: Number
    decided_on: Day
    awards: tuple[DecidedAward, ...]


class RuleRow(_Answer):
    quorum: str = Field(examples=["2/3"])
    passing: str = Field(serialization_alias="pass", examples=["majority-of-total"])
    recused: Recused


class SessionDecision(_Answer):
    number: Number
    decided_on: Day


class SessionDetail(_Answer):
    """Members, attendance and how many voted; never who voted how."""

    session: Session
    period: Period
    held_on: Day
    rule: RuleRow
    members: tuple[Person, ...]
    present: tuple[Person, ...]
    written: tuple[Person, ...]
    voted: int = Field(examples=[9])
    dossiers: tuple[Dossier, ...]
    closed_at: datetime | None
    approved_at: datetime | None
    decision: SessionDecision | None
