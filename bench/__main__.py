"""`python -m bench`: the kernel beside its peers; prints tables and writes them down."""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.backlog import SHAPES, TITLES, Shape, create_topic, fill
from bench.contest import Arena, Contestant
from bench.events import RESULTS
from bench.http import Round, http_table
from bench.http import measure as measure_http
from bench.latency import RATES, Latency, latency_table, measure
from bench.lineup import NAMES, line_up
from bench.results import BEGIN, END, heading, write_down
from bench.second import Shared, drain, second_table
from bench.tables import Row, contest_table
from bench.targets import target_table, targets
from deploy.local.stack import Infrastructure

LONGEST = 20.0
"""Seconds; who would take longer for a backlog drains a stated part of it (`ours` never)."""
ALL = (*NAMES, "watermill")
LATENCY_TITLE = "Latency: report accepted (arrival) → score published → mail row committed"
HTTP_TITLE = "HTTP: p99 beside a bare FastAPI and SQLAlchemy endpoint doing the same write"
SECTIONS = ("contest", "second", "latency", "http")
HTTP_ALONE = "<!-- bench http -->", "<!-- /bench http -->"
"""Where a run of that section alone is written down, which leaves the others' figures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does."""

    sizes: Sequence[int]
    only: Sequence[str]
    rounds: int
    seed: int
    longest: float
    rates: Sequence[int]
    latency_seconds: int


def say(line: str) -> None:
    print(line, flush=True)


def _plan() -> tuple[argparse.Namespace, Plan]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="backlogs, in events")
    parser.add_argument("--only", default=",".join(ALL), help=f"of {', '.join(ALL)}")
    parser.add_argument("--rounds", type=int, default=3, help="at the smallest backlog")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sections", default=",".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="one round of 10,000, one rate")
    parser.add_argument("--out", type=Path, help="write between the markers of this file")
    told = parser.parse_args()
    only = told.only.split(",")
    if unknown := set(only) - set(ALL):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if told.quick:
        return told, Plan([10_000], only, 1, told.seed, 5.0, (200,), 5)
    sizes = sorted(int(size) for size in told.sizes.split(","))
    return told, Plan(sizes, only, told.rounds, told.seed, LONGEST, RATES, 30)


def contest(arena: Arena, contestants: Sequence[Contestant], shape: Shape, plan: Plan) -> list[Row]:
    """Every contestant on every backlog of one key shape; rounds are interleaved."""
    rates = {one.name: one.guess for one in contestants}
    rows: list[Row] = []
    for size in plan.sizes:
        topic = f"thidua.bench.{shape[:2].strip().lower()}.{size}"
        say(f"\n{shape}, {size:,} events: making the backlog")
        fill(arena.kafka, topic, shape, size, plan.seed)
        rounds = plan.rounds if size == plan.sizes[0] else 1
        results: dict[str, Row] = {}
        for number in range(rounds):
            order = contestants if number % 2 == 0 else contestants[::-1]
            for one in order:
                events = size if one.whole else _bounded(size, rates[one.name], plan.longest)
                result = arena.run(one, topic, events)
                rates[one.name] = result.rate
                known = results.get(one.name)
                rounds_of = [*(known.rounds if known else ()), result]
                results[one.name] = Row(one.name, shape, size, rounds_of)
                say(f"  {one.name}: {result.rate:,.0f} events/s")
        rows += [results[one.name] for one in contestants]
    return rows


def _bounded(size: int, rate: float | None, longest: float) -> int:
    """How much of a backlog one drains: all, or in thousands what takes about `longest`."""
    if rate is None or size <= rate * longest:
        return size
    return min(size, max(1000, int(rate * longest) // 1000 * 1000))


@dataclass(slots=True)
class Measured:
    """What a run has found so far, and the parts of the text about it."""

    parts: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    second: list[Shared] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    http: list[Round] = field(default_factory=list)

    def add(self, title: str, made: str) -> None:
        self.parts += [f"### {title}", made]
        say("\n" + made)


def _contests(arena: Arena, plan: Plan, folder: Path, measured: Measured) -> None:
    contestants, absent = line_up(plan.only, folder)
    for shape in SHAPES:
        rows = contest(arena, contestants, shape, plan)
        measured.rows += rows
        measured.add(TITLES[shape], contest_table(rows))
    measured.parts += absent


def _second(arena: Arena, plan: Plan, measured: Measured) -> None:
    size = min(100_000, plan.sizes[-1] * 3)
    topic = f"thidua.bench.second.{size}"
    say(f"\none process and two, {size:,} events: making the backlog")
    fill(arena.kafka, topic, "Zipf", size, plan.seed)
    for number in range(plan.rounds):
        for count in (1, 2):
            name = f"second_{number}_{count}"
            measured.second.append(drain(arena, name, topic, size, count))
    measured.add("A second consumer process, wide keys", second_table(measured.second))


def _latency(arena: Arena, plan: Plan, folder: Path, measured: Measured) -> None:
    say("\nlatency: report accepted, score, mail row")
    for rate in plan.rates:
        measured.latencies.append(measure(arena, rate, plan.latency_seconds, folder))
    measured.add(LATENCY_TITLE, latency_table(measured.latencies))


def _http(plan: Plan, folder: Path, measured: Measured) -> None:
    say("\nHTTP: intake and the bare endpoint, 100 requests/s")
    measured.http += measure_http(folder / "http", plan.seed, say)
    measured.add(HTTP_TITLE, http_table(measured.http))


def main() -> None:
    """Start the infrastructure, measure what was asked for, tell it."""
    told, plan = _plan()
    sections = told.sections.split(",")
    measured = Measured([heading(plan.seed, vars(told))])
    with tempfile.TemporaryDirectory(prefix="thidua-bench-") as name:
        folder = Path(name)
        logs = folder / "contestants"
        logs.mkdir()
        if set(sections) - {"http"}:
            with Infrastructure(folder / "state") as infrastructure:
                arena = Arena(infrastructure, logs)
                create_topic(arena.kafka, RESULTS)
                if "contest" in sections:
                    _contests(arena, plan, folder, measured)
                if "second" in sections:
                    _second(arena, plan, measured)
                if "latency" in sections:
                    _latency(arena, plan, folder, measured)
        if "http" in sections:
            _http(plan, folder, measured)
    found = targets(measured.rows, measured.second, measured.latencies, measured.http)
    measured.add("Targets", target_table(found))
    if told.out:
        place = HTTP_ALONE if sections == ["http"] else (BEGIN, END)
        write_down(told.out, "\n\n".join(measured.parts), *place)


if __name__ == "__main__":
    main()
