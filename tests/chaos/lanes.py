"""Brings the schedule about, in its order, some faults at the same time."""

import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import bring_about
from tests.chaos.field import DidNotHappen, Field
from tests.chaos.schedule import Fault

LANES = 3
TRIES = 3


@dataclass
class Outcome:
    """What has happened so far of `wanted` faults. `recoveries` in seconds, by kind."""

    wanted: int
    happened: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.happened.total()

    def progress(self) -> float:
        """How much of the schedule is done, 0 to 1."""
        return self.count / self.wanted if self.wanted else 1.0


class Lanes:
    """A few threads; each takes the next fault when it is done with the last one."""

    def __init__(
        self, ground: Field, faults: Sequence[Fault], outcome: Outcome, say: Callable[[str], None]
    ) -> None:
        self._field, self._say = ground, say
        self._left = deque(faults)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.outcome = outcome

    def run(self) -> Outcome:
        """Returns when all faults have happened, or one has failed for good."""
        threads = [threading.Thread(target=self._lane, daemon=True) for _ in range(LANES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.outcome

    def _lane(self) -> None:
        while True:
            with self._lock:
                if not self._left or self.outcome.failures:
                    return
                fault = self._left.popleft()
            self._take(fault)

    def _take(self, fault: Fault) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                seconds = bring_about(self._field, fault)
            except DidNotHappen as why:
                self._tell(fault, f"did not happen: {why}")
                if attempt == TRIES:
                    self.outcome.failures.append(f"{fault}: {why}")
            except BaseException:
                self.outcome.failures.append(f"{fault}\n{traceback.format_exc()}")
                self._tell(fault, "FAILED")
                return
            else:
                with self._lock:
                    self.outcome.happened[fault.kind] += 1
                    self.outcome.recoveries.setdefault(fault.kind, []).append(seconds)
                self._tell(fault, f"recovered in {seconds:.1f} s")
                return

    def _tell(self, fault: Fault, what: str) -> None:
        now = time.monotonic() - self._began
        where = fault.service or "all"
        done = f"{self.outcome.count}/{self.outcome.wanted}"
        self._say(f"{now:7.1f} s  {done:>9}  {fault.kind} ({where}) {what}")
