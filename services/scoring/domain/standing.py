"""Where participants stand, and how standings are laid out by khối."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.scoring.domain.assessment import Assessment, State
from services.scoring.domain.participant import Participant
from services.scoring.domain.result import Result, basis_shown, derivation_of
from services.scoring.domain.score import Basis


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a participant stands; without a rank as long as nothing is frozen."""

    participant: Participant
    state: State
    basis: Basis
    total: Decimal | None
    grade: str
    late: bool
    rank: int | None = None
    ranked: int | None = None


@dataclass(frozen=True, slots=True)
class BlockStandings:
    group: str
    block: str
    title: str
    standings: tuple[Standing, ...]


def standing(assessment: Assessment, result: Result | None, *, sees_all: bool) -> Standing:
    who, state = assessment.participant, assessment.state
    if result is not None:
        return Standing(
            who,
            state,
            Basis.FINAL,
            result.total,
            result.grade,
            result.late,
            result.rank,
            result.ranked,
        )
    basis = basis_shown(assessment, sees_all=sees_all)
    derivation = None if assessment.frozen else derivation_of(assessment, basis, {})
    total = None if derivation is None else derivation.total
    grade = "" if derivation is None else derivation.grade
    return Standing(who, state, basis, total, grade, assessment.late)


def by_block(standings: Iterable[Standing], titles: Mapping[str, str]) -> list[BlockStandings]:
    """Standings per khối: ranked ones first, then by total, then by code."""
    blocks: dict[tuple[str, str], list[Standing]] = {}
    for one in standings:
        blocks.setdefault((one.participant.group, one.participant.block), []).append(one)
    order = list(titles)
    places = {code: place for place, code in enumerate(order)}
    return [
        BlockStandings(group, block, titles.get(block, block), tuple(sorted(ours, key=_order)))
        for (group, block), ours in sorted(
            blocks.items(), key=lambda item: (item[0][0], places.get(item[0][1], len(order)))
        )
    ]


def _order(one: Standing) -> tuple[bool, int, bool, Decimal, str]:
    total = Decimal(0) if one.total is None else one.total
    return one.rank is None, one.rank or 0, one.total is None, -total, one.participant.code
