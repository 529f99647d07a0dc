"""How fast the load comes: with the faults, never far ahead of the services, never dried up."""

import threading
from collections.abc import Callable

FLOOR = 12.0
"""Reports a second as long as there are faults, so that every recovery has something to show."""
CEILING = 250.0
REPEATS = 1.15
"""So many records for each distinct event, and a few more: 1.07 were seen on a busy machine."""
LARGEST_BACKLOG = 4000
"""Records that the service furthest behind has still to apply; beyond it the load waits."""


class Pace:
    """Threads `take` a turn; `look` tells (events so far, backlog) and is asked once a second.

    `events` are spread over the faults; `progress` is how much of the schedule is done, 0 to 1.
    """

    def __init__(
        self,
        events: int,
        look: Callable[[], tuple[int, int]],
        progress: Callable[[], float],
    ) -> None:
        self._wanted, self._look, self._progress = events, look, progress
        self.seen = 0
        self.backlog = 0
        self._rate = FLOOR
        self._opened = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def open(self) -> None:
        """Nobody waits any longer."""
        self._opened = True

    @property
    def enough(self) -> bool:
        """Whether as many events as wanted are on the topics."""
        return self.seen >= self._wanted * REPEATS

    def take(self, share: float, stopping: threading.Event) -> bool:
        """Wait for a turn at `share` of the whole rate; False once the load is to stop."""
        stopping.wait(1.0 / (self._rate * share))
        while self.backlog > LARGEST_BACKLOG and not (self._opened or stopping.is_set()):
            stopping.wait(0.1)
        return not stopping.is_set()

    def _watch(self) -> None:
        while not self._stopping.wait(1.0):
            try:
                self.seen, self.backlog = self._look()
            except Exception:  # the broker or the database is away just now
                continue
            self._rate = self._next_rate()

    def _next_rate(self) -> float:
        """Faster while the events lag behind the faults; the services' own speed is the limit."""
        progress = self._progress()
        if self.enough:
            return FLOOR
        if progress >= 1.0 or self.seen < self._wanted * progress:
            return min(CEILING, max(FLOOR, self._rate * 1.3))
        return max(FLOOR, self._rate * 0.7)
