"""The schedule of faults: a pure function of the seed and of how many are wanted."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from deploy.local.stack import SERVICES

FAILPOINTS = (
    "mid-batch",
    "inside-parking",
    "committed-before-offsets",
    "claimed-before-send",
    "acknowledged-before-delete",
    "during-migration",
    "during-shutdown",
)
CUTS = ("reset", "refuse", "black-hole", "slow", "half-open")
SIDES = ("broker", "database")

ALL_SERVICES = ("rolling-restart", "broker-killed", "database-killed", "both-killed")
"""Kinds that concern every service at once; while one of them happens, nothing else does."""
ONE_SERVICE = (
    "killed",
    "restarted",
    *(f"failpoint-{name}" for name in FAILPOINTS),
    *(f"{side}-{cut}" for side in SIDES for cut in CUTS),
    "backends-terminated",
    "rebalance",
    "poison",
)
KINDS = (*ONE_SERVICE, *ALL_SERVICES)
CHEAP = (
    "killed",
    "backends-terminated",
    *(f"{side}-{cut}" for side in SIDES for cut in CUTS),
)
"""What fills a long schedule once every kind has its share."""
SHARE = 20
"""How many of each kind a schedule holds before it is filled up with cheap ones."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`service` is "" where all are concerned; `nth` how often a failpoint is passed before.

    `seconds` is how long the fault holds, where it is a state and not a moment.
    """

    number: int
    kind: str
    service: str
    nth: int
    seconds: float


def schedule(
    seed: int,
    count: int,
    kinds: Sequence[str] = KINDS,
    among: Sequence[str] = SERVICES,
    share: int = SHARE,
) -> tuple[Fault, ...]:
    """`count` faults in random order: equally many of each kind up to `share`, then cheap ones.

    The faults of one kind go round the services `among`, and there is room for each failpoint in
    each service as soon as the count allows it. With fewer faults than kinds some are left out.
    """
    chance = random.Random(f"{seed}/schedule")
    chosen = _kinds(chance, count, kinds, len(among), share)
    services = {kind: _round(chance, kind, among) for kind in sorted(set(chosen))}
    return tuple(
        Fault(
            number,
            kind,
            next(services[kind]),
            chance.choice((1, 1, 2, 3)),
            round(chance.uniform(1.0, 4.0), 2),
        )
        for number, kind in enumerate(chosen, 1)
    )


def _kinds(
    chance: random.Random, count: int, kinds: Sequence[str], services: int, share: int
) -> list[str]:
    each = min(share, max(1, count // max(1, len(kinds))))
    chosen = [kind for kind in kinds for _ in range(each)]
    everywhere = [kind for kind in kinds if kind.startswith("failpoint-")] * (services - each)
    if len(chosen) + len(everywhere) <= count:
        chosen += everywhere
    if len(chosen) > count:
        chosen = chance.sample(list(kinds), count)
    fillers = [kind for kind in kinds if kind in CHEAP] or list(kinds)
    chance.shuffle(fillers)
    chosen += islice(cycle(fillers), count - len(chosen))
    chance.shuffle(chosen)
    return chosen


def _round(chance: random.Random, kind: str, among: Sequence[str]) -> "cycle[str]":
    if kind in ALL_SERVICES:
        return cycle([""])
    services = list(among)
    chance.shuffle(services)
    return cycle(services)
