"""A year that is disturbed tells the same as one that is not.

Killed: each service with -9 in the middle of the cycle, and started again. Restored: each service's
database is put back to an older copy while the others go on. Between copy and restoring nobody acts
on that service by HTTP: what a person told it alone is in its backup or nowhere. All else it reads
again from the topics, its own among them.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from deploy.cycle.flow import Flow
from deploy.cycle.story import Step
from deploy.local.stack import SERVICES, Stack
from tests.played import Fact, played
from tests.reliability.stories import TOPICS, mails_sent_twice, story_of

pytestmark = [pytest.mark.reliability, pytest.mark.years, pytest.mark.timeout(900)]

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


COPIED_BEFORE = {"reports-1": ("awards",), "december-2": ("intake", "scoring", "notify")}
RESTORED_BEFORE = {
    "reports-2": ("intake",),
    "verify": ("scoring",),
    "dossiers": ("awards",),
    "decision": ("notify",),
}
PASSING: Mapping[str, frozenset[str]] = {
    "mail": frozenset(
        {
            "seq",
            "due_at",
            "attempts",
            "written_at",
            "message_id",
            "answer",
            "recalled",
            "told_due",
        }
    ),
    "notice": frozenset({"taken_at", "traceparent"}),
    "score": frozenset({"id", "computed_at"}),
}
"""Columns that tell of the machine's time, of chance, or of how a mail was sent."""

State = Mapping[str, Counter[str]]


def copy_database(stack: Stack, name: str) -> None:
    databases = stack.infrastructure.databases
    databases.execute(f"CREATE DATABASE {name}_copy OWNER {name} TEMPLATE {name}")


def restore_database(stack: Stack, name: str) -> None:
    stack.infrastructure.databases.execute(
        f"DROP DATABASE {name} WITH (FORCE)", f"ALTER DATABASE {name}_copy RENAME TO {name}"
    )


def state_of(stack: Stack, name: str) -> State:
    """Table -> its rows, without what passes; the kernel's inbox and positions among them."""
    databases = stack.infrastructure.databases
    tables = databases.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name
    )
    return {table: _rows(stack, name, table) for table in tables.split()}


def _rows(stack: Stack, name: str, table: str) -> Counter[str]:
    """On its own topic it comes to stand further on: what it says again has the same ids."""
    found = stack.infrastructure.databases.execute(
        f'SELECT to_jsonb(t) FROM "{table}" AS t', database=name
    )
    passing = PASSING.get(table, frozenset())
    rows = [json.loads(row) for row in found.splitlines()]
    return Counter(
        json.dumps({k: v for k, v in row.items() if k not in passing}, sort_keys=True)
        for row in rows
        if not (table == "position" and row["topic"] == f"thidua.{name}.v1")
    )


def differences(before: State, after: State) -> dict[str, Any]:
    return {
        table: {"gone": sorted(rows - after[table]), "new": sorted(after[table] - rows)}
        for table, rows in before.items()
        if rows != after[table]
    }


def test_a_restored_database_comes_back_to_the_same_state(undisturbed: list[Fact]) -> None:
    found: dict[str, Any] = {}

    def disturb(stack: Stack, step: Step) -> None:
        flow = Flow(stack.addresses["http"], stack.check)
        for name in COPIED_BEFORE.get(step.name, ()):
            flow.wait_until_quiet()
            stack.kill(name)
            copy_database(stack, name)
            stack.start_service(name)
        for name in RESTORED_BEFORE.get(step.name, ()):
            flow.wait_until_quiet()
            stack.kill(name)
            before = state_of(stack, name)
            restore_database(stack, name)
            stack.start_service(name)
            flow.wait_until_quiet()
            found[name] = differences(before, state_of(stack, name))

    with played(disturb) as done:
        facts = done.facts(*TOPICS)
        twice = mails_sent_twice(done)
        parked = done.player.flow.parked()
    assert found == {name: {} for name in SERVICES}
    assert (twice, parked) == ([], 0)
    before, after = story_of(undisturbed), story_of(facts)
    assert after - before == Counter()
    assert before - after == Counter()
