"""Broken promises, counted by kind, with some of each in words."""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

PROMISES = (
    "lost",
    "twice",
    "out of order",
    "stale outbox rows",
    "state differs",
    "parked left",
    "wrong answers",
    "ids reused",
)
SHOWN = 12


@dataclass
class Findings:
    """`examples`: promise -> some of what broke it."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, promise: str, what: str, count: int = 1) -> None:
        """Raises ValueError on a promise that nobody made."""
        if promise not in PROMISES:
            raise ValueError(promise)
        self.counts[promise] += count
        shown = self.examples.setdefault(promise, [])
        if len(shown) < SHOWN:
            shown.append(what)

    def once(self, what: str, counts: Mapping[Any, int], wanted: object) -> None:
        """Something that has to be there exactly once."""
        found = counts.get(wanted, 0)
        if found == 0:
            self.add("lost", f"{what}: {wanted}")
        elif found > 1:
            self.add("twice", f"{what}: {wanted} ({found} times)", found - 1)

    def same(self, what: str, there: Set[Any], computed: Set[Any]) -> None:
        """A table's rows and what the topics say that they should be."""
        for row in computed - there:
            self.add("state differs", f"{what} lacks {row}")
        for row in there - computed:
            self.add("state differs", f"{what} has {row}, which nobody said")

    @property
    def clean(self) -> bool:
        return not self.counts.total()

    def lines(self) -> list[str]:
        return [f"{promise}: {self.counts[promise]}" for promise in PROMISES]

    def details(self) -> list[str]:
        return [
            f"{promise}: {what}" for promise in PROMISES for what in self.examples.get(promise, ())
        ]
