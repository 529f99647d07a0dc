"""What was said of a claim (scores), and what stands at the end (results)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from services.scoring.domain.assessment import Assessment, State
from services.scoring.domain.claim import Claim
from services.scoring.domain.participant import Participant
from services.scoring.domain.ranking import Contender, rank
from services.scoring.domain.score import Basis, Derivation, derive
from services.scoring.domain.sheet import Sheet
from shared.refusal import Refusal

ScoreStage = Literal["self", "verified"]


@dataclass(frozen=True, slots=True)
class Score:
    """A total as it was told to others."""

    stage: ScoreStage
    report_id: UUID
    revision: int
    sheet_version: int
    total: Decimal

    def is_news_after(self, last: "Score | None") -> bool:
        """Whether it has to be told: it differs, and is not of an older revision."""
        return last is None or (self.revision >= last.revision and self != last)


@dataclass(frozen=True, slots=True)
class Result:
    """The frozen result of one participant in its khối."""

    participant: str
    report_id: UUID
    revision: int
    sheet_version: int
    group: str
    block: str
    block_title: str
    total: Decimal
    grade: str
    rank: int
    ranked: int
    late: bool


def self_score(sheet: Sheet | None, participant: Participant | None, claim: Claim) -> Score | None:
    """What the claim gives as reported; None while the sheet or the group is not known."""
    if sheet is None or participant is None:
        return None
    group = sheet.group(participant.group)
    if group is None:
        return None
    total = derive(sheet, group, claim, basis=Basis.SELF, late=claim.late).total
    return Score("self", claim.report_id, claim.revision, sheet.version, total)


def verified_score(assessment: Assessment) -> Score | None:
    """What the assessors' marks give; None until every applicable criterion has one."""
    if assessment.state is not State.VERIFIED:
        return None
    derivation = derivation_of(assessment, Basis.VERIFIED, {})
    if derivation is None or assessment.sheet is None or assessment.claim is None:
        return None
    claim, version = assessment.claim, assessment.sheet.version
    return Score("verified", claim.report_id, claim.revision, version, derivation.total)


def derivation_of(
    assessment: Assessment, basis: Basis, texts: Mapping[str, str]
) -> Derivation | None:
    """Line by line from what is on record; None while there is no sheet or no claim."""
    sheet, group, claim = assessment.sheet, assessment.group, assessment.claim
    if sheet is None or group is None or claim is None:
        return None
    return derive(
        sheet,
        group,
        claim,
        basis=basis,
        marks=assessment.marks,
        late=assessment.late,
        texts=texts,
    )


def basis_shown(assessment: Assessment, *, sees_all: bool) -> Basis:
    """Before the result is frozen a unit sees its own claim; marks in progress are not told."""
    told = sees_all and assessment.state is State.VERIFIED
    return Basis.FINAL if told else Basis.SELF


def conclude(
    assessments: Sequence[Assessment], blocks: Mapping[str, str], texts: Mapping[str, str]
) -> list[tuple[Result, Derivation]]:
    """Results of verified assessments, ranked inside each khối. `blocks`: code -> title.

    Raises Refusal when a khối is not one of the movement's.
    """
    derived: list[tuple[Assessment, Derivation]] = []
    for one in assessments:
        derivation = derivation_of(one, Basis.FINAL, texts)
        if derivation is not None:
            derived.append((one, derivation))
    places = rank([_contender(one, derivation.total) for one, derivation in derived])
    results: list[tuple[Result, Derivation]] = []
    for one, derivation in derived:
        if one.claim is None or one.sheet is None:
            continue
        who, place = one.participant, places[one.participant.code]
        result = Result(
            who.code,
            one.claim.report_id,
            one.claim.revision,
            one.sheet.version,
            who.group,
            who.block,
            _title(blocks, who),
            derivation.total,
            derivation.grade,
            place.rank,
            place.ranked,
            one.late,
        )
        results.append((result, derivation))
    return results


def _contender(assessment: Assessment, total: Decimal) -> Contender:
    who = assessment.participant
    return Contender(who.code, who.group, who.block, total)


def _title(blocks: Mapping[str, str], who: Participant) -> str:
    if who.block not in blocks:
        raise Refusal(
            "unknown-block", f"{who.name} thuộc khối {who.block}, không có trong phong trào."
        )
    return blocks[who.block]
