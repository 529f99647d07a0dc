"""Everything that is measured, declared in one place.

docs/runbooks/flow.md says what each tells and what to do.

Names follow Prometheus: base units, `_total` for what only grows. Labels are bounded: `type` is one
that this service handles or publishes, else "other".
"""

from bisect import bisect_right
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import HistogramMetricFamily
from sqlalchemy.ext.asyncio import AsyncEngine

disable_created_metrics()  # type: ignore[no-untyped-call]

OTHER = "other"
INBOUND = "inbound"

EVENTS_IN = Counter(
    "thidua_events_in_total",
    "Records taken from topics, by what became of them: handled, repeated, skipped (unknown type),"
    " parked (the handler failed), refused (unreadable, or an id with other data), waiting"
    " (behind a parked one)",
    ("service", "type", "outcome"),
)
EVENTS_OUT = Counter(
    "thidua_events_out_total", "Facts committed to the outbox", ("service", "type")
)
EVENTS_ACKNOWLEDGED = Counter(
    "thidua_events_acknowledged_total",
    "Facts that the broker has acknowledged and that left the outbox",
    ("service", "type"),
)
BATCH_RECORDS = Histogram(
    "thidua_batch_records",
    "Records a transaction of the consumer",
    ("service",),
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
)
SQL_STATEMENTS = Counter(
    "thidua_sql_statements_total",
    "Calls of the database driver (many rows in one call count once), by consumer, relay, other",
    ("service", "part"),
)
SQL_COMMITS = Counter(
    "thidua_sql_commits_total",
    "Transactions committed, by consumer, relay, other; statements in autocommit are not in it",
    ("service", "part"),
)
CONSUMER_LAG = Gauge(
    "thidua_consumer_lag_events",
    "Records of all partitions behind the ends of the topics that are not applied",
    ("service",),
)
CONSUMER_LAG_SECONDS = Gauge(
    "thidua_consumer_lag_seconds",
    "While records are not applied: age of the oldest in hand by its append time; where none is in"
    " hand, time since a poll found nothing more. 0: nothing is behind",
    ("service",),
)
TRANSIENT_FAULTS = Counter(
    "thidua_transient_faults_total", "Batches put back by a fault that may pass", ("service",)
)
BACKOFF_ATTEMPTS = Gauge(
    "thidua_backoff_attempts", "Tries that the batch at hand has failed; 0: it flows", ("service",)
)
ASSIGNED_PARTITIONS = Gauge(
    "thidua_assigned_partitions", "Partitions that this process reads", ("service",)
)
PAUSED_PARTITIONS = Gauge(
    "thidua_paused_partitions", "Partitions that it holds and does not read now", ("service",)
)
ALARM = Gauge(
    "thidua_alarm", "1: the consumer has stopped, one error parked too many keys", ("service",)
)
LAST_POLL_AGE = Gauge(
    "thidua_last_poll_age_seconds", "Since the consumer's last finished poll", ("service",)
)
RELAY_ACTIVE = Gauge(
    "thidua_relay_active", "1: this process sends; 0: it stands by for another", ("service",)
)
RELAY_TURN_AGE = Gauge(
    "thidua_relay_turn_age_seconds", "Since the relay last began a turn", ("service",)
)
RELAY_HEAD_AGE = Gauge(
    "thidua_relay_head_age_seconds",
    "Since this relay first tried to send the row that heads the outbox; 0: none waits",
    ("service",),
)
RELAY_FAULTS = Counter(
    "thidua_relay_faults_total", "Times that the relay had to begin again", ("service",)
)
RETRIES = Counter(
    "thidua_parked_retried_total",
    "Parked events that operators tried again by HTTP: applied, or stopped (failed again)",
    ("service", "outcome"),
)
DISCARDS = Counter(
    "thidua_parked_discards_total", "Parked events that operators discarded by HTTP", ("service",)
)
ROUTINE_TURNS = Counter(
    "thidua_routine_turns_total",
    "Turns of work that the clock starts: worked, idle, failed",
    ("service", "routine", "outcome"),
)
DATABASE_UP = Gauge(
    "thidua_database_up", "1: the database answered this scrape in time", ("service",)
)
BROKER_UP = Gauge("thidua_broker_up", "1: the broker answered this scrape in time", ("service",))
OUTBOX_ROWS = Gauge("thidua_outbox_rows", "Facts that wait to be sent", ("service",))
OUTBOX_AGE = Gauge(
    "thidua_outbox_oldest_age_seconds", "Age of the oldest fact that waits; 0: none", ("service",)
)
PARKED_EVENTS = Gauge(
    "thidua_parked_events", "Events set aside, by state: parked, discarded", ("service", "state")
)
PARKED_KEYS = Gauge("thidua_parked_keys", "Keys whose events wait", ("service",))


class LatencyHistogram:
    """A histogram that takes a batch at once: an event costs a place in a sorted list."""

    NAME = "thidua_event_latency_seconds"
    HELP = (
        "From ce_time (of another system's record: from the broker's append time) to the commit of"
        " the effects, by system time"
    )
    BOUNDS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, service: str, seconds: Iterable[float]) -> None:
        counts = self._counts.setdefault(service, [0] * (len(self.BOUNDS) + 1))
        values = sorted(seconds)
        self._sums[service] = self._sums.get(service, 0.0) + sum(values)
        below = 0
        for number, bound in enumerate(self.BOUNDS):
            reached = bisect_right(values, bound, below)
            counts[number] += reached - below
            below = reached
        counts[-1] += len(values) - below

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = HistogramMetricFamily(self.NAME, self.HELP, labels=("service",))
        for service, counts in self._counts.items():
            total = 0
            buckets: list[tuple[str, float]] = []
            for bound, count in zip((*map(str, self.BOUNDS), "+Inf"), counts, strict=True):
                total += count
                buckets.append((bound, total))
            family.add_metric((service,), buckets, self._sums[service])
        yield family


LATENCY = LatencyHistogram()
REGISTRY.register(LATENCY)


def names() -> set[str]:
    """Every metric of ours, as it is shown."""
    found = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in _all()
    }
    return {name for name in found if name.startswith("thidua_")}


def _all() -> Iterable[Any]:
    yield from REGISTRY.collect()


class Meter:
    """Counts what became of the records of one consumer; once a batch, never once an event."""

    def __init__(self, service: str, types: Iterable[str]) -> None:
        self._service = service
        self._types = {*types, INBOUND}

    def batch(
        self, records: int, outcomes: Mapping[tuple[str, str], int], latencies: Sequence[float]
    ) -> None:
        """`outcomes`: (type, outcome) -> how many; `latencies`: of the handled ones, seconds."""
        BATCH_RECORDS.labels(self._service).observe(records)
        for (kind, outcome), count in outcomes.items():
            known = kind if kind in self._types else OTHER
            EVENTS_IN.labels(self._service, known, outcome).inc(count)
        if latencies:
            LATENCY.observe(self._service, latencies)


def count_out(service: str, types: Iterable[str], counter: Counter = EVENTS_OUT) -> None:
    """Facts of these types were committed, or acknowledged."""
    for kind, count in Tally(types).items():
        counter.labels(service, kind).inc(count)


def count_sql(engine: AsyncEngine, service: str) -> None:
    """Count what an engine does from now on; `part_of` says for whom."""
    parts = ("consumer", "relay", OTHER)
    statements = {part: SQL_STATEMENTS.labels(service, part) for part in parts}
    commits = {part: SQL_COMMITS.labels(service, part) for part in parts}

    def statement(connection: sa.Connection, *_: Any) -> None:
        statements[connection.get_execution_options().get("part", OTHER)].inc()

    def commit(connection: sa.Connection) -> None:
        commits[connection.get_execution_options().get("part", OTHER)].inc()

    sa.event.listen(engine.sync_engine, "before_cursor_execute", statement)
    sa.event.listen(engine.sync_engine, "commit", commit)


def part_of(engine: AsyncEngine, part: str) -> AsyncEngine:
    """The same engine and pool; what goes through it is counted for a part of the service."""
    return engine.execution_options(part=part)


def counted_turn(
    service: str, routine: str, turn: Callable[[], Awaitable[int]]
) -> Callable[[], Awaitable[int]]:
    """The same turn of a routine, counted by what came of it."""
    turns = {
        outcome: ROUTINE_TURNS.labels(service, routine, outcome)
        for outcome in ("worked", "idle", "failed")
    }

    async def counted() -> int:
        try:
            done = await turn()
        except Exception:
            turns["failed"].inc()
            raise
        turns["worked" if done else "idle"].inc()
        return done

    return counted
