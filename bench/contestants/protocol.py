"""What a contestant is told, and what it says; `bench/README.md` has the whole of it."""

import json
import os
import sys
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Told:
    """The environment of a contestant. `events`: how many new ones end its work."""

    kafka: str
    database: str
    topic: str
    group: str
    events: int
    create: bool

    @classmethod
    def here(cls) -> "Told":
        told = os.environ
        return cls(
            told["KAFKA"],
            told["DATABASE_URL"],
            told["TOPIC"],
            told["GROUP"],
            int(told["EVENTS"]),
            told.get("CREATE") == "1",
        )

    @property
    def sqlalchemy_url(self) -> str:
        return self.database.replace("postgres://", "postgresql+asyncpg://", 1)


@dataclass(slots=True)
class Score:
    """Counts one contestant's work and says it at the moments that the harness waits for."""

    goal: int
    events: int = 0
    statements: int = 0
    commits: int = 0
    last: float = 0.0
    _first: float = field(default=0.0)

    def ready(self) -> None:
        _say({"ready": True})

    def received(self) -> None:
        """Something came; the first time starts the clock."""
        if not self._first:
            _say({"first": True})
            self._first = time.perf_counter()

    def committed(self, events: int) -> bool:
        """So many new events are safe; True when that was the last of them."""
        self.events += events
        self.last = time.perf_counter()
        return bool(self.goal) and self.events >= self.goal

    def end(self) -> None:
        """Say the result, then keep still until the harness has looked at this process."""
        _say(
            {
                "events": self.events,
                "seconds": self.last - self._first,
                "statements": self.statements,
                "commits": self.commits,
            }
        )
        sys.stdin.read()


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
