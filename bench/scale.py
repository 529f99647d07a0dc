"""`python -m bench.scale`: one ward, thirty, a whole country; what each item costs at each size."""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from bench import night, plans, results, ticks
from bench.country import EACH, LAST_MORNING, Country
from bench.night import ROLES, Night
from bench.plans import Shown
from bench.tables import table
from bench.targets import Target, target_table
from bench.ticks import Board, Planner, Used
from deploy.local.stack import Infrastructure

SIZES = (1, 30, 3321)
REPORTS = 100_000
WINDOW = 50_000
PARTS = ("board", "planner", "plans", "night")
MOST_GROWTH = 1.15
MANY = 100
"""Wards from which on tables are large, and a night is one."""
BEGIN, END = "<!-- scale -->", "<!-- /scale -->"


@dataclass(slots=True)
class Found:
    """What was measured, size by size; `made`: seconds that the country took to stand."""

    heading: str
    made: dict[int, float] = field(default_factory=dict)
    boards: list[Board] = field(default_factory=list)
    planners: list[Planner] = field(default_factory=list)
    nights: list[Night] = field(default_factory=list)
    plans: list[Shown] = field(default_factory=list)


def say(line: str) -> None:
    print(line, flush=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="wards")
    parser.add_argument("--each", type=int, default=EACH, help="participants of a ward")
    parser.add_argument("--reports", type=int, default=REPORTS, help="of a night, at each size")
    parser.add_argument("--few", type=int, default=20_000, help="of a night, where one ward is all")
    parser.add_argument("--window", type=int, default=WINDOW, help="reports of a window")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--out", type=Path, help="write between the markers of this file")
    return parser.parse_args()


async def measure(
    infrastructure: Infrastructure, wards: int, told: argparse.Namespace, folder: Path, found: Found
) -> None:
    """One size: the country is made, then each part looks at it."""
    databases = [infrastructure.create_database(f"scale_{name}") for name in ROLES]
    country = Country(infrastructure.admin_url, databases[0], databases[1], wards, told.each)
    begun = time.monotonic()
    await country.make()
    found.made[wards] = time.monotonic() - begun
    say(f"{wards:,} wards, {wards * told.each:,} duties: made in {found.made[wards]:.0f} s")
    parts, postgres = told.parts.split(","), infrastructure.family.pids["postgres"]
    if "board" in parts:
        found.boards.append(await ticks.boards(country, postgres))
        say(f"  board: {found.boards[-1].used.ms(found.boards[-1].used.own):.1f} ms CPU")
    if "plans" in parts and wards == max(_sizes(told)):
        found.plans += await explain(country)
    if "planner" in parts:
        one = await ticks.planner(country, postgres)
        found.planners.append(one)
        say(f"  planner: {one.due:,} due, {one.first.ms(one.first.own):.2f} ms CPU each")
    if "night" in parts:
        count = told.few if wards * told.each <= 1000 else told.reports
        spent = night.spend(infrastructure, country, count, told.window, folder, say)
        found.nights.append(await spent)
    if "plans" in parts and wards == max(_sizes(told)):
        found.plans += await explain_lists(country)


async def explain(country: Country) -> list[Shown]:
    """All hot statements, on the last morning, before anything has come in."""
    engines = [create_async_engine(url) for url in (country.intake, country.notify)]
    dice = random.Random(2)
    records = night.records(list(islice(night.reports(country.wards, country.each, dice), 500)))
    try:
        sent = {
            "board": await plans.of_board(engines[0], "phuong-1", LAST_MORNING),
            "planner": await plans.of_planner(engines[0], LAST_MORNING, 200),
        }
        intake, notify = await plans.of_night(engines[0], engines[1], records)
        found: list[Shown] = []
        for name, statements in sent.items():
            found += await plans.explain(engines[0], name, statements)
        found += await plans.explain(engines[0], "night, intake", intake)
        found += await plans.explain(engines[1], "night, notify", notify)
    finally:
        for engine in engines:
            await engine.dispose()
    return found


async def explain_lists(country: Country) -> list[Shown]:
    """The main page, once a night's reports are in and PostgreSQL knows its tables."""
    engine = create_async_engine(country.notify)
    found: list[Shown] = []
    try:
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(sa.text("ANALYZE"))
        for role, unit in (("officer", ""), ("head", "don-vi-1"), ("assessor", "")):
            asked = await plans.of_list(engine, "phuong-1", frozenset({role}), unit)
            found += await plans.explain(engine, f"to-do list, {role}", asked)
    finally:
        await engine.dispose()
    return found


def _sizes(told: argparse.Namespace) -> list[int]:
    return sorted(int(size) for size in told.sizes.split(","))


# --- what is told ---


def board_table(boards: Sequence[Board]) -> str:
    head = ("wards", "pages", "CPU ms", "PostgreSQL ms", "ms", "statements")
    return table(head, [(f"{b.wards:,}", *_shown(b.used)) for b in boards])


def _shown(used: Used) -> tuple[str, ...]:
    return (
        f"{used.items:,}",
        f"{used.ms(used.own):.2f}",
        f"{used.ms(used.postgres):.2f}",
        f"{used.ms(used.seconds):.2f}",
        f"{used.statements / max(1, used.items):.3f}",
    )


def planner_table(planners: Sequence[Planner]) -> str:
    head = ("wards", "due at once", "measured", "items", "CPU ms", "PostgreSQL ms", "ms")
    lines = []
    for one in planners:
        for what, used in (
            ("the first of them", one.first),
            ("the last of them", one.last),
            ("a tick, nothing due", one.idle),
            ("a tick after all went out", one.after),
        ):
            lines.append((f"{one.wards:,}", f"{one.due:,}", what, *_shown(used)))
    return table((*head, "statements"), lines)


def night_table(nights: Sequence[Night]) -> str:
    head = ("wards", "reports", "reports/s", "intake", "notify", "PostgreSQL", "Kafka")
    more = ("statements", "commits", "intake MB", "notify MB")
    lines = []
    for one in nights:
        whole = one.whole
        counts = (
            sum(whole.each(figures, role) for role in ROLES)
            for figures in (whole.statements, whole.commits)
        )
        memory = (f"{one.begin[r]:.0f} / {one.peak[r]:.0f} / {whole.memory[r]:.0f}" for r in ROLES)
        servers = (*ROLES, "PostgreSQL", "Kafka")
        costs = (f"{whole.each(whole.cpu, name) * 1000:.2f}" for name in servers)
        rate = f"{whole.reports / whole.seconds:,.0f}"
        first = (f"{one.wards:,}", f"{whole.reports:,.0f}", rate)
        lines.append((*first, *costs, *(f"{count:.4f}" for count in counts), *memory))
    return table((*head, *more), lines)


def window_table(one: Night) -> str:
    head = ("reports", "reports/s", "intake", "notify", "PostgreSQL", "intake MB", "notify MB")
    lines, until = [], 0.0
    for span in one.spans:
        until += span.reports
        costs = (f"{span.each(span.cpu, r) * 1000:.2f}" for r in (*ROLES, "PostgreSQL"))
        memory = (f"{span.memory[role]:.0f}" for role in ROLES)
        name = f"{until:,.0f}" if span.window else f"{until:,.0f}, what is left"
        lines.append((name, f"{span.reports / span.seconds:,.0f}", *costs, *memory))
    return table(head, lines)


def targets(found: Found) -> list[Target]:
    """How much more an item costs in a larger country than in the smallest one measured."""
    told: list[Target] = []
    board = [one.used.own for one in found.boards]
    told += _growth("board, CPU of a page", board)
    told += _growth("planner, CPU of an item", [p.first.ms(p.first.own) for p in found.planners])
    late = [p.last.ms(p.last.own) / p.first.ms(p.first.own) for p in found.planners]
    if late:
        told.append(Target("planner, CPU of the last items to the first", max(late), MOST_GROWTH))
    told += _growth("night, CPU of a report", [one.whole.own for one in found.nights])
    for name in ("statements", "commits"):
        counts = [
            sum(one.whole.each(getattr(one.whole, name), role) for role in ROLES)
            for one in found.nights
        ]
        told += _growth(f"night, {name} of a report", counts)
    for one in found.nights[-1:]:
        told += _of_windows(one)
    if found.plans and max(found.made) >= MANY:
        misses = sum(not plan.seeks for plan in found.plans)
        told.append(Target("statements that go through a large table", misses, 0))
    return told


def _growth(name: str, costs: Sequence[float]) -> list[Target]:
    if len(costs) < 2:
        return []
    return [Target(f"{name}, largest to smallest", max(costs[1:]) / costs[0], MOST_GROWTH)]


def _of_windows(one: Night) -> list[Target]:
    if len(one.windows) < 2 or one.wards < MANY:
        return []
    first, later = one.windows[0], one.windows[1:]
    grown = max(span.own for span in later) / first.own
    memory = max(span.memory[role] / first.memory[role] for span in later for role in ROLES)
    return [
        Target(f"night, CPU of a report, any window to the first, {one.wards:,}", grown, 1.15),
        Target(f"night, memory, any window to the first, {one.wards:,}", memory, MOST_GROWTH),
    ]


def told_of(found: Found) -> str:
    made = "; ".join(f"{wards:,} in {spent:.0f} s" for wards, spent in found.made.items())
    parts = ["## Scale", f"{found.heading} The countries were made: {made}."]
    if found.boards:
        parts += ["### The board of one ward", board_table(found.boards)]
    if found.planners:
        parts += ["### The planner on the last morning", planner_table(found.planners)]
    if found.nights:
        parts += ["### The night of the deadline, CPU ms a report", night_table(found.nights)]
        largest = found.nights[-1]
        if largest.windows:
            parts += [f"Windows, {largest.wards:,} wards:", window_table(largest)]
    if found.plans:
        parts += ["### Plans at the largest size", plans.plan_table(found.plans)]
    parts += ["### Targets of scale", target_table(targets(found))]
    return "\n\n".join(parts)


def main() -> None:
    told = _asked()
    found = Found(results.heading(1, vars(told), "bench.scale"))
    for wards in _sizes(told):
        with tempfile.TemporaryDirectory(prefix="thidua-scale-") as name:
            folder = Path(name)
            with Infrastructure(folder / "state") as infrastructure:
                asyncio.run(measure(infrastructure, wards, told, folder, found))
    text = told_of(found)
    say("\n" + text)
    if told.out:
        results.write_down(told.out, text, BEGIN, END)


if __name__ == "__main__":
    main()
