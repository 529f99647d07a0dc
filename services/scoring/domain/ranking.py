"""Ranks inside one khối of one group, never across."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Contender:
    participant: str
    group: str
    block: str
    total: Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """Rank `rank` of `ranked` in the khối."""

    rank: int
    ranked: int


def rank(contenders: Sequence[Contender]) -> dict[str, Place]:
    """Each participant's place; equal totals share a rank and the next is left out (1, 2, 2, 4)."""
    blocks: dict[tuple[str, str], list[Decimal]] = {}
    for one in contenders:
        blocks.setdefault((one.group, one.block), []).append(one.total)
    return {
        one.participant: Place(
            1 + sum(total > one.total for total in blocks[one.group, one.block]),
            len(blocks[one.group, one.block]),
        )
        for one in contenders
    }
