"""Counting ballots. The denominator is the council's total membership, whoever came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from services.awards.domain.session import parse_share
from shared.refusal import Refusal

Recused = Literal["stay", "leave"]
"""Whether those who may not vote on a dossier stay in its denominator [design reading: stay]."""
MAJORITY = "majority-of-total"
_OF_TOTAL = "-of-total"


class Choice(StrEnum):
    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class PassRule:
    """Votes in favour must be more than (`strict`), or at least, `share` of the denominator."""

    share: Fraction
    strict: bool
    recused: Recused = "stay"


def parse_rule(text: str, recused: Recused = "stay") -> PassRule:
    """`majority-of-total`, or a share such as `4/5-of-total`. Raises Refusal."""
    if text == MAJORITY:
        return PassRule(Fraction(1, 2), strict=True, recused=recused)
    if not text.endswith(_OF_TOTAL):
        detail = 'Phải là "majority-of-total" hoặc một tỷ lệ như "4/5-of-total".'
        raise Refusal("bad-pass-rule", detail, "/rule/pass")
    share = parse_share(text.removesuffix(_OF_TOTAL), "/rule/pass")
    return PassRule(share, strict=False, recused=recused)


@dataclass(frozen=True, slots=True)
class Tally:
    """One dossier's count of members. `recused`: không biểu quyết; `silent`: cast no ballot."""

    yes: int
    no: int
    abstain: int
    recused: int
    silent: int

    @property
    def total(self) -> int:
        return self.yes + self.no + self.abstain + self.recused + self.silent


def count(choices: Iterable[Choice], recused: int, members: int) -> Tally:
    """Count a dossier's ballots. Raises ValueError when there are more votes than members."""
    counts: Mapping[Choice, int] = _counted(choices)
    silent = members - sum(counts.values()) - recused
    if silent < 0:
        raise ValueError(f"{sum(counts.values())} ballots and {recused} recused of {members}")
    return Tally(counts[Choice.YES], counts[Choice.NO], counts[Choice.ABSTAIN], recused, silent)


def passes(tally: Tally, rule: PassRule) -> bool:
    """Whether the dossier passed."""
    base = tally.total - (tally.recused if rule.recused == "leave" else 0)
    needed = rule.share * base
    return base > 0 and (tally.yes > needed if rule.strict else tally.yes >= needed)


def _counted(choices: Iterable[Choice]) -> dict[Choice, int]:
    counts = dict.fromkeys(Choice, 0)
    for choice in choices:
        counts[choice] += 1
    return counts
