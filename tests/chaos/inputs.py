"""What the load consists of: seeded reports, good ones and every kind of bad one."""

import random
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from tests.chaos.journal import Expected, Journal
from tests.chaos.publisher import Letter, body_of
from tests.chaos.world import World

HOT = 5
"""So many of the flood's participants get a sixth of all reports."""
LARGEST_REVISION = 900
"""The form takes no more than 1,000; a key goes on to the next period before that."""


class Revisions:
    """The next revision of each participant in the present period; doors share it.

    Periods follow each other, `reports` of them for all keys together.
    """

    def __init__(self, world: World, reports_a_period: int) -> None:
        self._world, self._each = world, reports_a_period
        self._given = 0
        self._next: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def take(self, code: str) -> tuple[str, int]:
        """Period and revision."""
        periods = self._world.periods
        with self._lock:
            self._given += 1
            place = self._given // self._each
            while True:
                period = periods[place % len(periods)]
                revision = self._next.get((code, period), 0) + 1
                if revision <= LARGEST_REVISION:
                    self._next[code, period] = revision
                    return period, revision
                place += 1


class Inputs:
    """A seeded stream of letters for the inbound topic; each is journalled as it is made."""

    def __init__(self, world: World, revisions: Revisions, journal: Journal, seed: str) -> None:
        self._world, self._revisions, self._journal = world, revisions, journal
        self._chance = random.Random(seed)
        self._number = 0
        self._seed = seed
        self._recent: deque[tuple[Letter, Expected]] = deque(maxlen=50)

    def code(self) -> str:
        """A participant: hot, one that gets mails, or any."""
        draw = self._chance.random()
        if draw < 1 / 6:
            return self._chance.choice(self._world.flood[:HOT])
        if draw < 1 / 6 + 0.02:
            return self._chance.choice(self._world.live)
        return self._chance.choice(self._world.flood)

    def report(self, code: str) -> dict[str, Any]:
        """The next version of a participant's report."""
        period, revision = self._revisions.take(code)
        name = f"{code}/{period}/{revision}"
        return self._world.report(code, period, revision, name, self._chance)

    def letter(self) -> Letter:
        """Nine in ten are good; the others are repeats, changed repeats, and bad ones."""
        draw = self._chance.random()
        if draw < 0.03 and self._recent:
            return self._repeat(changed=False)
        if draw < 0.05 and self._recent:
            return self._repeat(changed=True)
        if draw < 0.10:
            return self._bad()
        return self.good(self.code())

    def good(self, code: str) -> Letter:
        data = self.report(code)
        letter = Letter(self._identity(), f"{self._world.ward}/{code}", body_of(data))
        return self._keep(letter, "report")

    def good_ones(self, code: str, count: int) -> Iterator[Letter]:
        for _ in range(count):
            yield self.good(code)

    def _identity(self) -> str:
        self._number += 1
        return f"{self._seed}/{self._number}"

    def _keep(self, letter: Letter, expected: Expected) -> Letter:
        self._recent.append((letter, expected))
        self._journal.record(letter.identity, letter.key, expected)
        return letter

    def _repeat(self, *, changed: bool) -> Letter:
        letter, expected = self._chance.choice(self._recent)
        if changed and expected == "report":
            letter = Letter(letter.identity, letter.key, letter.body + b" ")
        self._journal.record(letter.identity, letter.key, None)
        return letter

    def _bad(self) -> Letter:
        """A record that must be refused; its code says why."""
        ward, code = self._world.ward, self._chance.choice(self._world.flood)
        key, identity = f"{ward}/{code}", self._identity()
        data = self._world.report(code, self._world.periods[0], 1, identity, self._chance)
        kinds: dict[Expected, Letter] = {
            "unreadable": Letter(identity, key, "đây không phải JSON {".encode()),
            "invalid-field": Letter(identity, key, body_of({**data, "revision": "một"})),
            "unknown-participant": Letter(
                identity, f"{ward}/nguoi-la", body_of({**data, "participant": "nguoi-la"})
            ),
            "wrong-period": Letter(identity, key, body_of({**data, "period": "ky-la"})),
            "key-mismatch": Letter(identity, key, body_of({**data, "participant": "nguoi-la"})),
            "unknown-type": Letter(
                identity, key, body_of(data), (("ce_type", "vn.thidua.inbound.la.v1"),)
            ),
            "not-granted": Letter(
                identity, key, body_of(data), (("ce_source", "urn:thidua:publisher:la"),)
            ),
        }
        expected = self._chance.choice(sorted(kinds))
        return self._keep(kinds[expected], expected)
