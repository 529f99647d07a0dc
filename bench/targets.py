"""What issue 3 asks for, against what was measured; nothing is rounded in our favour."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from statistics import median

from bench.http import MOST_RATIO, Round, ratios
from bench.latency import Latency
from bench.second import Shared
from bench.tables import Row, table

MOST_MEMORY = 250.0
MOST_LATENCY = 60.0
WIDE = "Zipf"


@dataclass(frozen=True, slots=True)
class Target:
    """`least`: the measured value must reach the limit; else it must not exceed it."""

    name: str
    measured: float
    limit: float
    least: bool = False

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    @property
    def shown(self) -> str:
        """Rounded against us, to three places."""
        cut = floor if self.least else ceil
        return f"{cut(self.measured * 1000) / 1000:g}"


def targets(
    rows: Sequence[Row],
    second: Sequence[Shared],
    latencies: Iterable[Latency],
    http: Sequence[Round] = (),
) -> list[Target]:
    """Every target of which this run has measured something."""
    found = [*_ratios(rows), *_costs(rows)]
    ours = [row for row in rows if row.contestant == "ours"]
    if ours:
        memory = max(row.memory for row in ours)
        found.append(Target("peak memory of a consumer, MB", memory, MOST_MEMORY))
    if second:
        one, two = (median(run.cpu for run in second if run.processes == n) for n in (1, 2))
        found.append(Target("CPU per event, two processes to one", two / one, 1.1))
    found += [
        Target("latency p99 at 200/s, ms", figures.p99, MOST_LATENCY)
        for figures in latencies
        if figures.rate == 200
    ]
    found += [
        Target(f"HTTP p99 at 100/s to a bare endpoint's, {what}", ratio, MOST_RATIO)
        for what, ratio in ratios(http).items()
    ]
    return found


def _ratios(rows: Sequence[Row]) -> Iterable[Target]:
    """Events/s at the smallest backlog, where the rounds are interleaved."""
    smallest = min((row.backlog for row in rows), default=0)
    here = {(row.shape, row.contestant): row for row in rows if row.backlog == smallest}
    wanted = (("naive", 20.0), ("bare limit", 0.5), ("Watermill", 2.0), ("Watermill, tuned", 2.0))
    for shape in sorted({shape for shape, _ in here}):
        for name, limit in wanted:
            ours, other = here.get((shape, "ours")), here.get((shape, name))
            wide_only = name.startswith("Watermill") and shape != WIDE
            if ours and other and not wide_only:
                ratio = ours.rate / other.rate
                yield Target(f"events/s of ours to {name}, {shape}", ratio, limit, least=True)


def _costs(rows: Sequence[Row]) -> Iterable[Target]:
    for shape in sorted({row.shape for row in rows}):
        ours = sorted(
            (r for r in rows if r.shape == shape and r.contestant == "ours"),
            key=lambda row: row.backlog,
        )
        if not ours:
            continue
        yield Target(f"commits per event, {shape}", _most(ours, lambda r: r.commits), 0.02)
        statements = _most(ours, lambda r: r.statements or 0.0)
        yield Target(f"statements per event, {shape}", statements, 0.1)
        if len(ours) > 1:
            grown = _most(ours[1:], lambda r: r.cpu) / ours[0].cpu
            name = f"CPU per event, {ours[-1].backlog:,} to {ours[0].backlog:,}, {shape}"
            yield Target(name, grown, 1.1)


def _most(rows: Sequence[Row], figure: Callable[[Row], float]) -> float:
    return max(figure(row) for row in rows)


def target_table(found: Sequence[Target]) -> str:
    return table(
        ("target", "limit", "measured", ""),
        [
            (
                target.name,
                f"{'≥' if target.least else '≤'} {target.limit:g}",
                target.shown,
                "met" if target.met else "**missed**",
            )
            for target in found
        ],
    )
