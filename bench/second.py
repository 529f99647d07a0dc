"""One consumer process and two: what an event costs them."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench.contest import Arena, Child, ContestError, python
from bench.machine import cpu_seconds
from bench.tables import table

PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Shared:
    """A backlog drained by so many processes; CPU-seconds of all of them for 1,000 events."""

    processes: int
    events: int
    seconds: float
    cpu: float
    shares: tuple[float, ...]


def drain(arena: Arena, name: str, topic: str, events: int, processes: int) -> Shared:
    """All processes start at once; each counts from its first record on."""
    with ExitStack() as stack:
        url = arena.database(name, stack)
        children = []
        for number in range(processes):
            told = arena.told(url, topic, name, 0)
            told |= {"INSTANCE": str(number), "CREATE": "1" if number == 0 else "0"}
            log = arena.logs / f"{name}-{number}.log"
            child = stack.enter_context(Child(python("bench.contestants.ours"), told, log))
            child.await_line("ready")
            children.append(child)
        before = []
        for child in children:
            child.await_line("first")
            before.append(cpu_seconds(child.pid))
        started = time.monotonic()
        _await_all(arena, name, events, started)
        used = [cpu_seconds(c.pid) - b for c, b in zip(children, before, strict=True)]
        seconds = time.monotonic() - started
    shares = tuple(one / sum(used) for one in used)
    return Shared(processes, events, seconds, sum(used) * 1000 / events, shares)


def _await_all(arena: Arena, database: str, events: int, started: float) -> None:
    query = "SELECT coalesce(sum(reports), 0) FROM score"
    while int(arena.infrastructure.databases.execute(query, database=database)) < events:
        if time.monotonic() - started > PATIENCE:
            raise ContestError(f"{database}: not drained in {PATIENCE:g} s")
        time.sleep(0.2)


def second_table(runs: list[Shared]) -> str:
    """Medians of the rounds with one process and with two."""
    head = ("processes", "events", "rounds", "CPU-s / 1,000", "to one process", "shares of CPU")
    cpus = {n: median(run.cpu for run in runs if run.processes == n) for n in (1, 2)}
    lines = []
    for count in (1, 2):
        rounds = [run for run in runs if run.processes == count]
        shares = " / ".join(f"{share:.0%}" for share in rounds[-1].shares)
        lines.append(
            (
                str(count),
                f"{rounds[0].events:,}",
                str(len(rounds)),
                f"{cpus[count]:.3f}",
                f"{cpus[count] / cpus[1]:.2f}",
                shares,
            )
        )
    return table(head, lines)
