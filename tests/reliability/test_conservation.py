"""The conservation checker finds each of six bugs planted into the kernel, and nothing without one.

Each run is a short one on a stack of its own, with the fault and the load that bring its bug out.
They are made two at a time: most of a run is waiting until nothing moves any more.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.chaos.findings import PROMISES
from tests.chaos.planted import BUGS
from tests.chaos.rig import Plan, Run, run
from tests.played import state_folder

pytestmark = [pytest.mark.reliability, pytest.mark.planted, pytest.mark.timeout(900)]

SERVICES = ("intake", "scoring")
EVENTS = 1800
BROUGHT_OUT_BY: dict[str, tuple[int, tuple[str, ...]]] = {
    "": (5, ("killed", "poison", "failpoint-mid-batch", "failpoint-acknowledged-before-delete")),
    "acknowledge-first": (2, ("failpoint-mid-batch",)),
    "commit-before-effects": (2, ("failpoint-mid-batch",)),
    "cursor-relay": (0, ()),
    "no-inbox": (2, ("failpoint-acknowledged-before-delete",)),
    "park-without-successors": (2, ("poison",)),
    "publish-without-lock": (0, ()),
}
"""Bug -> how many faults of which kinds; the load alone brings two of them out."""
SEEN_AS = {
    "acknowledge-first": "lost",
    "commit-before-effects": "lost",
    "cursor-relay": "stale outbox rows",
    "no-inbox": "twice",
    "park-without-successors": "out of order",
    "publish-without-lock": "out of order",
}


def short_run(bug: str) -> Run:
    faults, kinds = BROUGHT_OUT_BY[bug]
    plan = Plan(faults, EVENTS, 1, bug, SERVICES, kinds)
    with state_folder() as folder:
        return run(plan, folder, lambda _: None)


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Run]]]:
    with ThreadPoolExecutor(2) as pool:
        yield {bug: pool.submit(short_run, bug) for bug in BROUGHT_OUT_BY}


def test_without_a_bug_every_promise_holds(runs: dict[str, Future[Run]]) -> None:
    result = runs[""].result()
    assert result.problems + result.outcome.failures == []
    assert result.verdict is not None
    assert result.verdict.findings.details() == []
    assert result.good


def test_every_planted_bug_is_looked_for() -> None:
    assert set(SEEN_AS) == set(BUGS)
    assert set(SEEN_AS.values()) <= set(PROMISES)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(runs: dict[str, Future[Run]], bug: str) -> None:
    result = runs[bug].result()
    assert result.verdict is not None
    assert result.verdict.findings.counts[SEEN_AS[bug]] > 0
    assert not result.good
