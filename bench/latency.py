"""From an accepted report to its mail row, through three processes with the kernel inside."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from bench.backlog import create_topic
from bench.contest import Arena, Child, python
from bench.tables import table

RATES = (50, 200, 1000)
WARM_SECONDS = 6
"""Not counted: the groups form, and everything runs for the first time."""


@dataclass(frozen=True, slots=True)
class Latency:
    """One rate; milliseconds."""

    rate: int
    reports: int
    p50: float
    p99: float
    longest: float


def measure(arena: Arena, rate: int, seconds: int, folder: Path) -> Latency:
    """Reports at random moments, `rate` a second on average, for so long after the warm-up."""
    events = rate * (WARM_SECONDS + seconds)
    names = {stage: f"chain_{rate}_{stage}" for stage in ("accept", "score", "mail")}
    reports, scores = (f"thidua.bench.chain.{rate}.{what}" for what in ("reports", "scores"))
    create_topic(arena.kafka, reports)
    create_topic(arena.kafka, scores)
    out = {stage: folder / f"{rate}-{stage}.json" for stage in names}

    def start(stage: str, module: str, topic: str, **more: str) -> Child:
        count = 0 if stage == "score" else events
        told = arena.told(arena.database(names[stage], stack), topic, names[stage], count)
        told |= {"OUT": str(out[stage]), **more}
        child = stack.enter_context(Child(python(module), told, folder / f"{rate}-{stage}.log"))
        child.await_line("ready")
        return child

    with ExitStack() as stack:
        last = start("mail", "bench.contestants.mail", scores)
        start("score", "bench.contestants.ours", reports, RELAY="inside", RESULTS=scores)
        first = start("accept", "bench.contestants.accept", reports, RATE=str(rate))
        first.await_line("events")
        last.await_line("events")
        return _figures(rate, out["accept"], out["mail"])


def _figures(rate: int, accepted: Path, written: Path) -> Latency:
    arrived: dict[str, float] = json.loads(accepted.read_text())
    mailed: dict[str, float] = json.loads(written.read_text())
    begin = min(arrived.values()) + WARM_SECONDS
    spans = [mailed[report] - at for report, at in arrived.items() if at >= begin]
    cuts = quantiles(spans, n=100)
    return Latency(rate, len(spans), cuts[49] * 1000, cuts[98] * 1000, max(spans) * 1000)


def latency_table(figures: list[Latency]) -> str:
    head = ("reports/s", "reports", "p50 ms", "p99 ms", "longest ms")
    return table(
        head,
        [
            (str(f.rate), f"{f.reports:,}", f"{f.p50:.1f}", f"{f.p99:.1f}", f"{f.longest:.0f}")
            for f in figures
        ],
    )
