"""Plays the story: sets the clock, acts, waits until all is quiet, goes on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deploy.cycle.flow import Flow, WardClock
from deploy.cycle.journal import Journal
from deploy.cycle.story import STORY, Stage, Step
from deploy.cycle.year import at

LEFT_RUNNING_AT = at("2026-01-05 15:30")
"""From here on the ward's clock runs as time does."""
_RUNNING = "clock-running"


class Watcher(Protocol):
    """Whoever is told how far it is."""

    def begin(self, number: int, at: datetime, title: str) -> None: ...

    def end(self, seconds: float) -> None: ...


@dataclass(slots=True)
class Player:
    stage: Stage
    flow: Flow
    clock: WardClock
    journal: Journal
    watcher: Watcher
    before_step: Callable[[Step], None] = lambda _: None
    """Called when a step's time has come; faults are injected here."""

    def play(self) -> int:
        """Play what is still ahead; returns how many steps that was."""
        played = self._play_ahead(STORY)
        if _RUNNING not in self.journal.done():
            self.clock.run_from(LEFT_RUNNING_AT)
            self.journal.add(_RUNNING)
        return played

    def play_until(self, name: str) -> None:
        """Play what comes before a step. Then its time has come, and it is not done yet."""
        step = next(step for step in STORY if step.name == name)
        self._play_ahead(STORY[: STORY.index(step)])
        self.flow.wait_until_quiet()
        self.clock.stand_at(step.at)
        self.flow.wait_until_quiet()

    def _play_ahead(self, steps: Sequence[Step]) -> int:
        done = set(self.journal.done())
        ahead = [step for step in steps if step.name not in done]
        for step in ahead:
            self._play(step, STORY.index(step) + 1)
        return len(ahead)

    def _play(self, step: Step, number: int) -> None:
        began = time.monotonic()
        self.watcher.begin(number, step.at, step.title)
        self.flow.wait_until_quiet()
        self.clock.stand_at(step.at)
        self.before_step(step)
        step.do(self.stage)
        self.flow.wait_until_quiet()
        self.journal.add(step.name)
        self.watcher.end(time.monotonic() - began)
