"""The two clocks, both passed in; nothing else reads the time.

`business` (deadlines, lateness, law in force) can be set by appending an anchor to a file;
`system` (tokens, leases, back-off) never can.
"""

import bisect
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from shared.calendar import WARD_ZONE


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, zoned."""
        ...


class SystemClock:
    """The machine's time, in the ward's zone."""

    def now(self) -> datetime:
        return datetime.now(WARD_ZONE)


@dataclass(frozen=True, slots=True)
class Anchor:
    """From `system` on, business time is `business + rate * (t - system)`; rate 0 stands still."""

    system: datetime
    business: datetime
    rate: float

    def to_line(self) -> str:
        return json.dumps(
            {
                "system": self.system.astimezone(UTC).isoformat(),
                "business": self.business.isoformat(),
                "rate": self.rate,
            }
        )

    @classmethod
    def from_line(cls, line: str) -> "Anchor":
        data = json.loads(line)
        return cls(
            datetime.fromisoformat(data["system"]),
            datetime.fromisoformat(data["business"]),
            float(data["rate"]),
        )


class BusinessClock:
    """Business time, following a file of anchors; without a file it is system time."""

    def __init__(self, system: Clock, anchors: Path | None = None) -> None:
        self._system = system
        self._path = anchors
        self._seen: tuple[int, int] = (0, 0)
        self._anchors: list[Anchor] = []

    def now(self) -> datetime:
        return self.at(self._system.now())

    def at(self, system: datetime) -> datetime:
        """Business time at a system instant, such as the moment a broker took a record."""
        self._refresh()
        place = bisect.bisect_right([a.system for a in self._anchors], system) - 1
        if place < 0:
            return system.astimezone(WARD_ZONE)
        anchor = self._anchors[place]
        passed: timedelta = system - anchor.system
        return (anchor.business + passed * anchor.rate).astimezone(WARD_ZONE)

    def _refresh(self) -> None:
        if self._path is None or not self._path.exists():
            return
        stat = self._path.stat()
        if (stat.st_mtime_ns, stat.st_size) == self._seen:
            return
        whole, _, _ = self._path.read_text("utf-8").rpartition("\n")
        anchors = [Anchor.from_line(line) for line in whole.splitlines() if line.strip()]
        self._anchors = sorted(anchors, key=lambda anchor: anchor.system)
        self._seen = (stat.st_mtime_ns, stat.st_size)


def set_business_clock(path: Path, anchor: Anchor) -> None:
    """Append an anchor. Readers pass over a last line that is not whole yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(anchor.to_line() + "\n")
