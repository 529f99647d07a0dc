"""Each service is killed with -9 in the middle of the cycle and started again: same outcome."""

import threading
import time
from collections import Counter

import pytest

from deploy.cycle.story import Step
from deploy.local.stack import Stack
from tests.played import Fact, played
from tests.reliability.stories import TOPICS, mails_sent_twice, story_of

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(900)]

KILLED_DURING = {
    "launch": ("notify", "scoring"),
    "systems": ("intake", "notify"),
    "accept": ("intake", "awards"),
    "verify": ("scoring",),
    "ballots": ("awards",),
    "decision": ("awards", "notify"),
}


def test_killing_any_service_changes_nothing(undisturbed: list[Fact]) -> None:
    killed: Counter[str] = Counter()
    threads: list[threading.Thread] = []

    def disturb(stack: Stack, step: Step) -> None:
        for number, name in enumerate(KILLED_DURING.get(step.name, ())):
            thread = threading.Thread(target=_kill, args=(stack, name, 0.05 + number * 0.4))
            thread.start()
            threads.append(thread)
            killed[name] += 1

    with played(disturb) as done:
        for thread in threads:
            thread.join()
        facts = done.facts(*TOPICS)
        assert mails_sent_twice(done) == []
        assert done.player.flow.parked() == 0
    assert set(killed) == {"intake", "scoring", "awards", "notify"}
    before, after = story_of(undisturbed), story_of(facts)
    assert after - before == Counter()
    assert before - after == Counter()


def _kill(stack: Stack, name: str, after: float) -> None:
    time.sleep(after)
    stack.kill(name)
    stack.start_service(name)
