"""The conservation check: reads topics, ledgers and tables by plain clients, and says what broke.

Nothing of the messaging kernel is imported here, nor in what this imports: a test holds that.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from tests.chaos.applied import check_applied
from tests.chaos.chains import TELLERS, check_chains, check_ids
from tests.chaos.databases import Databases
from tests.chaos.findings import Findings
from tests.chaos.journal import Journal
from tests.chaos.records import TOPICS, Story, read_ledger, read_topics
from tests.chaos.state import States, check_rests

SESSION_SECONDS = 10.0
"""The members' session timeout; a dead member's partitions rest for that long."""
QUIET_SECONDS = SESSION_SECONDS + 4.0
"""Nothing may move for this long before anything is called lost: session timeout and rejoin."""
DRAIN_SECONDS = 900.0

Place = tuple[str, int]


@dataclass(frozen=True)
class Verdict:
    """`events`: distinct ids on all topics; `records` with repeats."""

    events: int
    records: int
    findings: Findings


class NeverQuiet(Exception):
    """Something still moved after DRAIN_SECONDS."""


class Ends:
    """Where the topics end."""

    def __init__(self, kafka: str, topics: Sequence[str] = TOPICS) -> None:
        self._kafka, self._topics = kafka, topics
        self._client = self._make()
        self._partitions: list[Place] = []

    def now(self) -> dict[Place, int]:
        """(topic, partition) -> the offset of the next record. Raises KafkaException."""
        try:
            return self._ask()
        except KafkaException:  # what it knew of the broker may be from before a restart
            self._client = self._make()
            return self._ask()

    def _make(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._kafka, "log_level": 2})

    def _ask(self) -> dict[Place, int]:
        if not self._partitions:
            known = self._client.list_topics(timeout=10).topics
            self._partitions = [
                (topic, number) for topic in self._topics for number in known[topic].partitions
            ]
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {TopicPartition(*place): latest for place in self._partitions}
        asked = self._client.list_offsets(wanted, request_timeout=10)
        return {(p.topic, p.partition): future.result().offset for p, future in asked.items()}


def positions(databases: Databases, service: str) -> dict[Place, int]:
    """What a service says it has applied; only used to wait, never to judge."""
    rows = databases.fetch(service, "SELECT topic, partition, next_offset FROM position")
    return {(row[0], row[1]): row[2] for row in rows}


def await_quiet(
    ends: Ends,
    databases: Databases,
    services: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Until nothing has moved for QUIET_SECONDS: no topic, no position, no outbox, no mail due."""
    deadline = time.monotonic() + DRAIN_SECONDS
    before: object = None
    since = time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if time.monotonic() > deadline:
            raise NeverQuiet("the services do not come to rest")
        now = (ends.now(), {name: _moving(databases, name) for name in services})
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.5)
    say("nothing moves any more")


def _moving(databases: Databases, service: str) -> object:
    seen: list[object] = [positions(databases, service)]
    seen.append(databases.value(service, "SELECT count(*) FROM outbox"))
    if service == "notify":
        query = "SELECT status, count(*) FROM mail GROUP BY status ORDER BY status"
        seen.append([tuple(row) for row in databases.fetch(service, query)])
    return seen


def check(
    kafka: str,
    databases: Databases,
    services: Sequence[str],
    journal: Journal,
    live: Sequence[str],
) -> Verdict:
    """Everything that was promised, looked at after the drain."""
    stories = read_topics(kafka, TOPICS, TELLERS)
    findings = Findings()
    check_ids(stories, findings)
    check_chains(stories, journal, live, services, findings)
    states = States(databases, stories, findings)
    for service in services:
        ledger = read_ledger(databases, service)
        check_applied(service, stories, ledger, frozenset(journal.poisoned), findings)
        check_rests(databases, service, findings)
        states.check(service)
    records = sum(len(story.records) for story in stories.values())
    return Verdict(_distinct(stories), records, findings)


def _distinct(stories: Mapping[str, Story]) -> int:
    return sum(len(story.first) for story in stories.values())
