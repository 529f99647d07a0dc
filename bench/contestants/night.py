"""A service on the night of a deadline: its consumer and its relay, as in its own process.

`ROLE`: intake or notify. Without HTTP and without what the clock starts: no mail is handed over.
For each line of standard input it says what it has done and used so far; at its end, it ends.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bench.contestants.ours import count_on
from bench.contestants.protocol import Score
from bench.machine import peak_memory_mb
from shared.clock import BusinessClock, SystemClock
from shared.database import connect
from shared.memory import settle
from shared.messaging.alarm import Alarm
from shared.messaging.applying import Applied, Applier
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Record
from shared.messaging.relay import Relay
from shared.messaging.running import Runner


class Counting(Applier):
    """The kernel's applier, counting events that were handled and those that were set aside."""

    handled = 0
    parked = 0

    async def apply(self, records: Sequence[Record]) -> Applied:
        applied = await super().apply(records)
        self.handled += applied.handled
        self.parked += applied.parked
        return applied


@dataclass(frozen=True, slots=True)
class Process:
    """What it says of itself."""

    score: Score
    applier: Counting

    def figures(self) -> dict[str, float]:
        """CPU in seconds, memory in MB of 10^6 bytes."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return {
            "handled": self.applier.handled,
            "parked": self.applier.parked,
            "cpu": time.process_time(),
            "memory": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            "peak": peak_memory_mb(os.getpid()),
            "statements": self.score.statements,
            "commits": self.score.commits,
        }


async def run(role: str, url: str, kafka: str, clock: Path) -> None:
    """Until standard input ends."""
    score, engine, system = Score(0), connect(url), SystemClock()
    count_on(engine, score)
    business = BusinessClock(system, clock)
    consumer: Consumer = import_module(f"services.{role}.app").service.consumer
    relay = Relay(engine, kafka, role, "0")
    applier = Counting(consumer, engine, business, system, relay.wake, Alarm(0.05, 5))
    runner = Runner(consumer, applier, engine, kafka, "0")
    tasks = [asyncio.create_task(runner.run()), asyncio.create_task(relay.run())]
    settle()
    process = Process(score, applier)
    score.ready()
    asking = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while True:
        await asyncio.wait({asking, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done() or not asking.result():
            break
        sys.stdout.write(json.dumps(process.figures()) + "\n")
        sys.stdout.flush()
        asking = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    runner.stop()
    relay.stop()
    await asyncio.gather(*tasks)
    await engine.dispose()


if __name__ == "__main__":
    told = os.environ
    asyncio.run(run(told["ROLE"], told["DATABASE_URL"], told["KAFKA"], Path(told["CLOCK"])))
