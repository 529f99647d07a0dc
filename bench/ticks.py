"""What the clock and the office ask of a country's database: a planner's turn, a ward's board."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bench.contestants.ours import count_on
from bench.contestants.protocol import Score
from bench.country import LAST_MORNING, YEAR, Country, SetClock
from bench.machine import tree_cpu_seconds
from services.intake import routines
from services.intake.domain.year import Wanted
from services.intake.store import board
from shared.calendar import ward_day
from shared.messaging import Works
from shared.web.identity import Person

TURNS = 40
"""Turns of a planner that are measured at a time."""
WARM = 3
IDLE = 50
BOARDS = 50
_AGAIN = (
    "UPDATE reminder SET state = 'planned' WHERE offset_days = 0 AND state = 'sent'",
    "TRUNCATE outbox",
)
_NEARLY_ALL = (
    "UPDATE reminder SET state = 'sent' WHERE state = 'planned' AND offset_days = 0"
    " AND ctid NOT IN (SELECT ctid FROM reminder WHERE state = 'planned' AND offset_days = 0"
    " ORDER BY due_at LIMIT {left})"
)


@dataclass(frozen=True, slots=True)
class Used:
    """So many items (or ticks): CPU in seconds of this process and of PostgreSQL, wall time."""

    items: int
    own: float
    postgres: float
    seconds: float
    statements: int
    commits: int

    def ms(self, seconds: float) -> float:
        return seconds * 1000 / max(1, self.items)


@dataclass(frozen=True, slots=True)
class Planner:
    """`first` and `last`: of those that came due at one morning. `idle`: before anything is due,
    `after`: when all has gone out."""

    wards: int
    due: int
    first: Used
    last: Used
    idle: Used
    after: Used


@dataclass(frozen=True, slots=True)
class Board:
    wards: int
    used: Used


@dataclass(slots=True)
class Meter:
    """Counts what is done inside it, and nothing else."""

    score: Score
    postgres: int
    items: int = 0
    own: float = 0.0
    server: float = 0.0
    seconds: float = 0.0
    statements: int = 0
    commits: int = 0

    async def run(self, work: Callable[[], Awaitable[int]]) -> int:
        before = time.process_time(), tree_cpu_seconds(self.postgres), time.perf_counter()
        counts = self.score.statements, self.score.commits
        done = await work()
        self.seconds += time.perf_counter() - before[2]
        self.own += time.process_time() - before[0]
        self.server += tree_cpu_seconds(self.postgres) - before[1]
        self.statements += self.score.statements - counts[0]
        self.commits += self.score.commits - counts[1]
        self.items += done
        return done

    def used(self) -> Used:
        return Used(self.items, self.own, self.server, self.seconds, self.statements, self.commits)


async def planner(country: Country, postgres: int) -> Planner:
    """The last morning: everybody who is reminded has one reminder due at the same minute."""
    clock = SetClock(LAST_MORNING - timedelta(minutes=1))
    async with country.works(clock) as works:
        score = Score(0)
        count_on(works.engine, score)
        turn = routines.planner(works).turn
        await turn()
        idle = await _idle(turn, Meter(score, postgres))
        clock.time = LAST_MORNING + timedelta(minutes=1)
        due = await routines.planner(works).pending()
        await _turns(country, turn, Meter(score, postgres), WARM)
        first = await _turns(country, turn, Meter(score, postgres), TURNS)
        last = first
        left = (TURNS + WARM) * routines.BATCH
        if due > 4 * left:
            await country.run(country.intake, _NEARLY_ALL.format(left=left))
            await _turns(country, turn, Meter(score, postgres), WARM)
            last = await _turns(country, turn, Meter(score, postgres), TURNS)
        while await turn():
            pass
        after = await _idle(turn, Meter(score, postgres))
    await country.run(country.intake, "TRUNCATE outbox")
    return Planner(country.wards, due, first.used(), last.used(), idle, after)


async def _turns(
    country: Country, turn: Callable[[], Awaitable[int]], meter: Meter, turns: int
) -> Meter:
    """So many turns' worth; a small country has that morning again and again."""
    while meter.items < turns * routines.BATCH:
        if not await meter.run(turn):
            await country.run(country.intake, *_AGAIN)
    return meter


async def _idle(turn: Callable[[], Awaitable[int]], meter: Meter) -> Used:
    async def tick() -> int:
        if await turn():
            raise RuntimeError("something was due")
        return 1

    for _ in range(IDLE):
        await meter.run(tick)
    return meter.used()


async def boards(country: Country, postgres: int) -> Board:
    """A ward's board of the year: periods, a page of its rows, what stands where."""
    async with country.works(SetClock(LAST_MORNING)) as works:
        score = Score(0)
        count_on(works.engine, score)
        meter = Meter(score, postgres)
        for number in range(WARM + BOARDS):
            ward = f"phuong-{1 + number * 61 % country.wards}"
            if number == WARM:
                meter = Meter(score, postgres)

            async def look(ward: str = ward) -> int:
                return await _board(works, ward)

            await meter.run(look)
    return Board(country.wards, meter.used())


async def _board(works: Works, ward: str) -> int:
    person, now = Person("x", "", frozenset({"officer"}), "", ward), works.business.now()
    async with works.read() as connection:
        await board.periods(connection, ward, YEAR)
        found = await board.rows(connection, person, Wanted(YEAR), now, ward_day(now), limit=51)
        counts = await board.counts(connection, person, Wanted(YEAR), now)
    if not found or not counts:
        raise RuntimeError(f"{ward} has no board")
    return 1
