"""FastStream's batch subscriber in the place of the kernel's loop: figures and counts.

`python -m bench.spikes.faststream_batch [speed|latency|faults …]`; what is decided by them is in
`docs/decisions/consumer-loop.md`.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

from bench.backlog import SHAPES, fill
from bench.contest import Arena, Contestant, python
from bench.machine import Machine
from bench.spikes.subscriber import Subscribed
from bench.spikes.trials import Running, Trial, trial
from deploy.local.infrastructure import Infrastructure
from shared.messaging import client
from shared.messaging.running import Runner

EVENTS = 50_000
ROUNDS = 2
RATES = (2, 50, 200)
LATENCY_SECONDS = 10
FEW = 300
MAX_POLL_MS = 3_000
SESSION_MS = 6_000
FAULT_SECONDS = 14.0
SLOW = 0.5

Make = Callable[[Trial], Running]
OURS = "our loop"
BATCH = "batch subscriber"


class SlowRunner(Runner):
    """The kernel's, with a database that takes its time to tell the positions."""

    async def _positions(self) -> dict[tuple[str, int], int]:
        await asyncio.sleep(SLOW)
        return await super()._positions()


class SlowSubscribed(Subscribed):
    async def positions(self) -> dict[tuple[str, int], int]:
        await asyncio.sleep(SLOW)
        return await super().positions()


def ours(trial: Trial, kind: type[Runner] = Runner) -> Running:
    return kind(trial.consumer, trial.applier, trial.engine, trial.kafka, "0")


def subscribed(trial: Trial, kind: type[Subscribed] = Subscribed, **settings: float) -> Running:
    return kind(trial.consumer, trial.applier, trial.engine, trial.kafka, "0", **settings)  # type: ignore[arg-type]


def speed(infrastructure: Infrastructure, logs: Path) -> None:
    """The benchmark's work on a backlog; the lines of a round belong together."""
    arena = Arena(infrastructure, logs)
    contestants = [
        Contestant(OURS, python("bench.contestants.ours")),
        Contestant(BATCH, python("bench.spikes.subscribed")),
    ]
    for shape in SHAPES:
        topic = f"spike.{uuid4().hex[:8]}"
        fill(infrastructure.kafka, topic, shape, EVENTS, seed=3)
        for number in range(ROUNDS):
            for contestant in contestants[:: 1 - 2 * (number % 2)]:
                run = arena.run(contestant, topic, EVENTS)
                say(
                    f"{shape}: {contestant.name}: {run.rate:.0f} events/s,"
                    f" {run.per_thousand(run.cpu):.4f} CPU-s per 1,000,"
                    f" {run.statements} statements, {run.commits} commits, {run.memory:.0f} MB"
                )


async def latency(kafka: str, url: str) -> None:
    """From sending to commit, at steady rates."""
    made: dict[str, Make] = {
        OURS: ours,
        f"{BATCH}, 200 ms (its default)": subscribed,
        f"{BATCH}, 10 ms": partial(subscribed, timeout_ms=10),
    }
    for rate in RATES:
        for name, make in made.items():
            async with trial(kafka, url) as one:
                one.start(make(one))
                await one.send(1)
                await one.until(1, 20)
                one.applier.latencies.clear()
                used = time.process_time()
                await one.send(rate * LATENCY_SECONDS, rate)
                await one.until(one.numbers, 5)
                used = time.process_time() - used
                cuts = [1000 * cut for cut in quantiles(one.applier.latencies, n=100)]
                await one.stop()
            say(f"{rate}/s: {name}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, CPU {used:.2f} s")


async def bad_headers(make: Make, one: Trial) -> str:
    for number in range(FEW):
        wrong: dict[str, bytes | None] = {"ce_id": None} if number == 200 else {}
        await one.send_one({"x-note": b"\xff\xfe"} if number == 100 else wrong)
    one.start(make(one))
    await one.until(FEW, 5)
    return ""


async def long_fault(make: Make, one: Trial) -> str:
    """A fault longer than `max_poll_interval_ms` and the session time-out together."""
    running = make(one)
    one.start(running)
    await one.send(1)
    await one.until(1, 20)
    one.applier.until = time.monotonic() + FAULT_SECONDS
    await one.send(FEW)
    gone = asked = 0
    while time.monotonic() < one.applier.until:
        asked += 1
        gone += await one.members() == 0
        await asyncio.sleep(0.5)
    begun = time.monotonic()
    await one.until(one.numbers, 20)
    took = time.monotonic() - begun
    return f"no member in {gone} of {asked} looks, done {took:.1f} s after the fault, "


async def restored(make: Make, one: Trial) -> str:
    """The database is an older copy, and slow to answer; Kafka's offsets are those of before."""
    one.start(make(one))
    await one.send(FEW)
    await one.until(FEW, 20)
    await asyncio.sleep(1)
    await one.stop()
    await one.forget()
    await one.send(FEW)
    one.start(make(one))
    await one.until(one.numbers, 5)
    return ""


async def stopped(make: Make, one: Trial, lasts: float) -> str:
    """Stopped in mid-batch, then begun anew."""
    await one.send(FEW)
    one.applier.lasts = lasts
    one.start(make(one))
    await asyncio.wait_for(one.applier.working.wait(), 20)
    begun = time.monotonic()
    await one.stop()
    took = time.monotonic() - begun
    one.applier.lasts = 0.0
    half = await one.outcome()
    one.start(make(one))
    await one.until(FEW, 15)
    return f"stop took {took:.1f} s with {FEW - half.lost} done, "


async def faults(kafka: str, url: str) -> None:
    """What is lost, twice, out of order or parked."""
    slow: dict[str, Make] = {
        OURS: partial(ours, kind=SlowRunner),
        BATCH: partial(subscribed, kind=SlowSubscribed),
        f"{BATCH}, unguarded": partial(subscribed, kind=SlowSubscribed, guarded=False),
    }
    both: dict[str, Make] = {OURS: ours, BATCH: subscribed}
    short: dict[str, Make] = {OURS: ours, f"{BATCH}, 1 s": partial(subscribed, graceful=1.0)}
    waits: dict[str, Make] = {**both, f"{BATCH} that waits": partial(subscribed, in_handler=True)}
    reads: dict[str, Make] = {**both, f"{BATCH}, own parser": partial(subscribed, own_parser=True)}
    cases: list[tuple[str, Callable[[Make, Trial], Awaitable[str]], dict[str, Make]]] = [
        ("a header not UTF-8, one missing", bad_headers, reads),
        (f"fault of {FAULT_SECONDS:g} s", long_fault, waits),
        ("older database", restored, slow),
        ("stop in a batch of 2 s", partial(stopped, lasts=2.0), both),
        ("stop in a batch of 4 s", partial(stopped, lasts=4.0), short),
    ]
    client.MAX_POLL_INTERVAL_MS, client.SESSION_TIMEOUT_MS = MAX_POLL_MS, SESSION_MS
    for title, case, makes in cases:
        for name, make in makes.items():
            async with trial(kafka, url) as one:
                said = await case(make, one)
                await one.stop()
                say(f"{title}: {name}: {said}{await one.outcome()}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(wanted: set[str]) -> None:
    """Run what is wanted, on a broker and a database of their own."""
    say(str(Machine.here()))
    with tempfile.TemporaryDirectory() as folder, Infrastructure(Path(folder) / "state") as here:
        if "speed" in wanted:
            speed(here, Path(folder))
        for name, part in (("latency", latency), ("faults", faults)):
            if name in wanted:
                asyncio.run(part(here.kafka, here.create_database("spike")))


if __name__ == "__main__":
    main(set(sys.argv[1:]) or {"speed", "latency", "faults"})
