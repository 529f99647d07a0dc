"""One run: a stack, a world, load and faults at the same time, a drain, and the verdict."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.stack import SERVICES
from tests.chaos.checker import Ends, Verdict, await_quiet, check, positions
from tests.chaos.databases import Databases
from tests.chaos.door import Door
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.lanes import Lanes, Outcome
from tests.chaos.load import Load
from tests.chaos.pace import Pace
from tests.chaos.poison import PoisonChest
from tests.chaos.publisher import INBOUND, Publisher, erase
from tests.chaos.schedule import KINDS, SHARE, schedule
from tests.chaos.stack import ChaosStack
from tests.chaos.world import Maker, World
from tests.faults.doors import Doors

STUCK_SECONDS = 180.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What a run is to be. `events` is the least number of distinct events on all topics."""

    faults: int
    events: int
    seed: int
    planted: str = ""
    services: Sequence[str] = SERVICES
    kinds: Sequence[str] = KINDS
    share: int = SHARE


@dataclass
class Run:
    """What came of it."""

    plan: Plan
    outcome: Outcome = field(default_factory=lambda: Outcome(0))
    verdict: Verdict | None = None
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Every fault happened, enough events flowed, and no promise was broken."""
        if self.verdict is None or self.problems or self.outcome.failures:
            return False
        plan, verdict = self.plan, self.verdict
        enough = self.outcome.count == plan.faults and verdict.events >= plan.events
        return enough and verdict.findings.clean


def run(plan: Plan, folder: Path, say: Say) -> Run:
    """Everything from an empty folder to the verdict; the folder keeps logs and the journal."""
    began = time.monotonic()
    result = Run(plan)
    with (
        Doors(folder, SERVICES) as doors,
        ChaosStack(folder, doors, plan.services, say=say, planted=plan.planted) as stack,
        Databases(stack.infrastructure.admin_url) as databases,
    ):
        Session(plan, stack, databases, folder, say).play(result)
    result.seconds = time.monotonic() - began
    return result


class Session:
    """A stack that is up, with everything that a run needs of it."""

    def __init__(
        self, plan: Plan, stack: ChaosStack, databases: Databases, folder: Path, say: Say
    ) -> None:
        self._plan, self._stack, self._databases, self._say = plan, stack, databases, say
        self._journal = Journal(folder / "journal.jsonl")
        candidates = "awards" in plan.services
        self._world = World.of_size(plan.faults, plan.events, candidates=candidates)
        self._chest = PoisonChest(folder)
        known = json.loads(Path(stack.addresses["tokens"]).read_text("utf-8"))
        self._tokens = {person: entry["token"] for person, entry in known.items()}
        self._kafka: str = stack.addresses["kafka"]
        self._ends = Ends(self._kafka)

    def play(self, result: Run) -> None:
        self._make_world()
        publisher = Publisher(self._kafka)
        outcome = result.outcome = Outcome(self._plan.faults)
        pace = Pace(self._plan.events, self._look, outcome.progress)
        load = Load(self._world, self._journal, publisher, self._door, pace, self._plan.seed)
        ground = Field(self._stack, self._databases, load, self._chest, self._door)
        plan = self._plan
        faults = schedule(plan.seed, plan.faults, plan.kinds, plan.services, plan.share)
        lanes = Lanes(ground, faults, outcome, self._say)
        load.start()
        pace.start()
        try:
            lanes.run()
            self._await_events(pace, load, result)
        finally:
            pace.stop()
            load.stop()
        self._say("no more input; waiting until nothing moves")
        await_quiet(self._ends, self._databases, self._plan.services, self._say)
        result.problems += [
            f"{name} ended by itself: see {self._stack.log_of(name)}"
            for name in self._plan.services
            if self._stack.died(name)
        ]
        result.verdict = check(
            self._kafka,
            self._databases,
            self._plan.services,
            self._journal,
            self._world.live,
        )

    def _await_events(self, pace: Pace, load: Load, result: Run) -> None:
        told = grown = time.monotonic()
        seen = pace.seen
        while not pace.enough and not result.outcome.failures:
            load.check()
            if pace.seen > seen:
                seen, grown = pace.seen, time.monotonic()
            if time.monotonic() - grown > STUCK_SECONDS:
                result.problems.append(f"no new event in {STUCK_SECONDS:g} s")
                return
            if time.monotonic() - told > 10:
                told = time.monotonic()
                self._say(f"{pace.seen} events, {pace.backlog} behind")
            time.sleep(0.2)

    def _make_world(self) -> None:
        door = self._door()
        maker = Maker(self._world, door, self._journal)
        maker.make()
        erase(self._kafka, self._world.erased)
        self._settle()
        maker.adopt()
        if self._world.candidates:
            maker.report()
            self._settle()
            maker.freeze()
            self._settle()
        door.close()
        self._say(
            f"the ward is made: {len(self._world.flood)} participants,"
            f" {len(self._world.periods)} periods, {len(self._world.candidates)} candidates"
        )

    def _settle(self) -> None:
        """Until every service has applied what is on its topics."""
        deadline = time.monotonic() + 120
        while self._look()[1] or any(self._outboxes()):
            if time.monotonic() > deadline:
                raise TimeoutError("the services do not take in the world")
            time.sleep(0.1)

    def _outboxes(self) -> list[int]:
        query = "SELECT count(*) FROM outbox"
        return [self._databases.value(name, query) for name in self._plan.services]

    def _look(self) -> tuple[int, int]:
        """Records on all topics, and how many the service furthest behind has not applied."""
        ends = self._ends.now()
        behind = 0
        for service in self._plan.services:
            known = positions(self._databases, service)
            own = {topic for topic, _ in known} | ({INBOUND} if service == "intake" else set())
            missing = [end - known.get(place, 0) for place, end in ends.items() if place[0] in own]
            behind = max(behind, sum(missing))
        return sum(ends.values()), behind

    def _door(self) -> Door:
        return Door(self._stack.http, self._tokens)
