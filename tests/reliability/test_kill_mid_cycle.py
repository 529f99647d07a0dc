"""Each service is killed with -9 in the middle of the cycle and started again: same outcome."""

import json
import threading
import time
from collections import Counter
from typing import Any

import pytest

from deploy.cycle.story import Step
from deploy.local.stack import Stack
from tests.played import Fact, Played, played

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(900)]

TOPICS = (
    *(f"thidua.{name}.v1" for name in ("intake", "scoring", "awards", "notify")),
    "thidua.intake.contacts.v1",
    "thidua.outbound.e-office.v1",
    "thidua.outbound.trial.v1",
)
KILLED_DURING = {
    "launch": ("notify", "scoring"),
    "systems": ("intake", "notify"),
    "accept": ("intake", "awards"),
    "verify": ("scoring",),
    "ballots": ("awards",),
    "decision": ("awards", "notify"),
}
_CHANGING = {"mail", "because_of", "sent_at", "failed_at", "record", "uncertain", "reason"}
"""What follows from random ids or from the machine's time."""
_SETTLED = {"mail-sent": "mail-settled", "mail-failed": "mail-settled"}
"""A mail whose sending was cut off is uncertain, and never sent again blindly: SMTP gives no more.
It is one mail of one reason all the same, and it is never there twice."""


@pytest.fixture(scope="module")
def undisturbed() -> list[Fact]:
    with played() as done:
        return done.facts(*TOPICS)


def story_of(facts: list[Fact]) -> Counter[str]:
    """What happened, without what is different in each run."""
    return Counter(
        json.dumps([fact.topic, fact.key, _name(fact), _steady(fact.data)], sort_keys=True)
        for fact in facts
    )


def _name(fact: Fact) -> str:
    return _SETTLED.get(fact.name, fact.name)


def _steady(data: dict[str, Any] | None) -> dict[str, Any] | None:
    return data and {name: value for name, value in data.items() if name not in _CHANGING}


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
        _nobody_got_a_mail_twice(done)
        assert done.player.flow.parked() == 0
    assert set(killed) == {"intake", "scoring", "awards", "notify"}
    before, after = story_of(undisturbed), story_of(facts)
    assert after - before == Counter()
    assert before - after == Counter()


def _kill(stack: Stack, name: str, after: float) -> None:
    time.sleep(after)
    stack.kill(name)
    stack.start_service(name)


def _nobody_got_a_mail_twice(done: Played) -> None:
    identities = Counter(str(mail["Message-ID"]) for mail in done.mails())
    assert [identity for identity, count in identities.items() if count > 1] == []
