"""Every metric moves when the thing happens that it is about; real parts, read over HTTP."""

import asyncio
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.state import ROOT, free_port
from shared import metrics
from shared.database import connect
from shared.messaging import Permanent, Received, UnitOfWork
from shared.messaging.parked_rows import Selection
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import outbox, position
from shared.web.health import health_router
from tests.component.kafka_tools import counted_on, produce, until
from tests.component.kernel_bench import Bench
from tests.component.test_parked_process import BUG, Operated
from tests.component.tiny.app import BAD
from tests.kernel import Counted, Renamed, changed, record_of
from tests.kernel import counted as counted_event

pytestmark = pytest.mark.component

PAGE = (ROOT / "docs/runbooks/flow.md").read_text("utf-8")
GIVEN, TOLD = "vn.thidua.test.thing-counted.v1", "vn.thidua.tiny.thing-told.v1"


@dataclass(frozen=True)
class Scrape:
    """What one scrape said: (name, labels without `service`) -> value."""

    values: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def get(self, name: str, **labels: str) -> float | None:
        return self.values.get((f"thidua_{name}", frozenset(labels.items())))

    def took(self, outcome: str, kind: str = GIVEN) -> float | None:
        return self.get("events_in_total", type=kind, outcome=outcome)


async def scrape(tiny: Operated) -> Scrape:
    answer = await tiny.ask("/metrics")
    assert answer.status_code == 200
    values = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = frozenset((k, v) for k, v in sample.labels.items() if k != "service")
            values[sample.name, labels] = sample.value
    return Scrape(values)


async def shown(tiny: Operated, what: str, condition: Callable[[Scrape], bool]) -> Scrape:
    """The first scrape of which it is so."""
    last = await scrape(tiny)

    async def look() -> bool:
        nonlocal last
        last = await scrape(tiny)
        return condition(last)

    await until(look, what)
    return last


def answered(metric: str, value: float) -> Callable[[Scrape], bool]:
    return lambda seen: seen.get(metric) == value


@pytest.fixture
async def tiny(
    kafka: str, make_database: Callable[[str], str], make_topic_name: Callable[[str], str]
) -> Operated:
    made = Operated(kafka, make_database("measured"), make_topic_name("measured"), free_port())
    await made.create_topics()
    await made.migrate()
    return made


async def test_what_comes_in_and_goes_out_is_counted_by_type_and_outcome(tiny: Operated) -> None:
    async with tiny.serving(**BUG):
        kind = counted_on(tiny.topic)
        first = record_of(kind(ward="tu-minh", thing="a", number=1), 0)
        strange = record_of(Renamed(ward="tu-minh", thing="z", number=1), 0, topic=tiny.topic)
        broken = record_of(kind(ward="tu-minh", thing="c", number=1), 0)
        nameless = type(broken)(
            *(tiny.topic, 0, 0, b"tu-minh/n", b"{}"), changed(broken.headers, "ce_id", b"\xff")
        )
        await produce(tiny.kafka, [first, first, strange, nameless])
        await tiny.send(("b", BAD), ("b", 2), ("b", 3), ("d", 1))
        seen = await shown(tiny, "two handled", lambda s: s.took("handled") == 2)
        await shown(tiny, "told", lambda s: s.get("events_acknowledged_total", type=TOLD) == 2)
        seen = await shown(tiny, "parked", lambda s: s.get("parked_events", state="parked") == 4)
    assert (seen.took("repeated"), seen.took("parked"), seen.took("waiting")) == (1, 1, 2)
    assert (seen.took("skipped", "other"), seen.took("refused", "other")) == (1, 1)
    assert seen.get("events_out_total", type=TOLD) == 2
    assert seen.get("event_latency_seconds_count") == 2
    batches, records = seen.get("batch_records_count"), seen.get("batch_records_sum")
    assert records == 8
    assert batches is not None
    commits = seen.get("sql_commits_total", part="consumer")
    statements = seen.get("sql_statements_total", part="consumer")
    assert commits == batches, "one commit a batch; what was rolled back is none"
    assert statements is not None
    assert statements >= 3 * batches
    assert seen.get("sql_statements_total", part="relay") is not None
    assert seen.get("sql_statements_total", part="other") is not None
    assert seen.get("parked_keys") == 1


async def test_a_backlog_is_seen_in_events_and_seconds_while_it_lasts(tiny: Operated) -> None:
    """The database is away: what comes cannot be applied, the partition pauses, nothing parks."""
    locked = connect(tiny.url)
    async with tiny.serving():
        await tiny.send(("a", 1))
        seen = await shown(tiny, "one", lambda s: s.took("handled") == 1)
        seen = await shown(tiny, "nothing behind", answered("consumer_lag_events", 0))
        assert seen.get("consumer_lag_seconds") == 0
        assert (seen.get("assigned_partitions"), seen.get("paused_partitions")) == (1, 0)
        assert (seen.get("backoff_attempts"), seen.get("transient_faults_total")) in {
            (0, None),
            (0, 0),
        }
        async with locked.connect() as holder:
            await holder.execute(sa.text("LOCK TABLE position IN ACCESS EXCLUSIVE MODE"))
            await tiny.send(("a", 2), ("a", 3))
            await _end_others(tiny, "position")
            seen = await shown(
                tiny, "it backs off", lambda s: (s.get("transient_faults_total") or 0) >= 1
            )
            assert seen.took("handled") == 1
            await holder.rollback()
        seen = await shown(tiny, "all applied", lambda s: s.took("handled") == 3)
        seen = await shown(tiny, "it flows", answered("backoff_attempts", 0))
        assert seen.get("parked_events", state="parked") == 0
    await locked.dispose()


async def _end_others(tiny: Operated, table: str) -> None:
    """End the sessions that wait for a table, as an administrator would."""
    engine = connect(tiny.url)
    ended = sa.text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        " AND query LIKE :what AND pid <> pg_backend_pid()"
    )

    async def someone() -> bool:
        async with engine.connect() as connection:
            return bool(await connection.scalar(ended, {"what": f"%{table}%"}))

    await until(someone, "somebody to wait for the table")
    await engine.dispose()


async def test_lag_and_pause_of_a_batch_that_is_put_back(tiny: Operated) -> None:
    """A batch that is tried again and again grows old; its partition is paused meanwhile."""
    engine = connect(tiny.url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE SEQUENCE faults"))
        await connection.execute(
            sa.text(
                "CREATE FUNCTION not_now() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE 'not now' USING ERRCODE = '40001'; END$$"
            )
        )
        await connection.execute(
            sa.text("CREATE TRIGGER not_now BEFORE INSERT ON seen EXECUTE FUNCTION not_now()")
        )
    async with tiny.serving():
        await tiny.send(("a", 1), ("b", 1))
        seen = await shown(
            tiny,
            "a paused partition and an old batch",
            lambda s: (
                s.get("paused_partitions") == 1
                and (s.get("consumer_lag_seconds") or 0) > 1
                and (s.get("backoff_attempts") or 0) >= 2
            ),
        )
        assert seen.get("consumer_lag_events") == 2
        assert (seen.get("transient_faults_total") or 0) >= 2
        assert seen.took("handled") is None
        older = await shown(
            tiny,
            "it to grow older",
            lambda s: (
                (s.get("consumer_lag_seconds") or 0) > (seen.get("consumer_lag_seconds") or 0)
            ),
        )
        age = older.get("consumer_lag_seconds") or 0
        await shown(
            tiny, "it to poll on, paused", lambda s: (s.get("last_poll_age_seconds") or age) < age
        )
        async with engine.begin() as connection:
            await connection.execute(sa.text("DROP TRIGGER not_now ON seen"))
        await shown(tiny, "both applied", lambda s: s.took("handled") == 2)
        await shown(
            tiny,
            "nothing paused",
            lambda s: s.get("paused_partitions") == s.get("backoff_attempts") == 0,
        )
        await shown(tiny, "no lag", answered("consumer_lag_seconds", 0))
    await engine.dispose()


async def test_facts_that_cannot_be_sent_are_seen_to_wait(tiny: Operated) -> None:
    """A fact for a topic that does not exist stands at the head of the outbox."""
    engine = connect(tiny.url)
    async with tiny.serving():
        seen = await shown(tiny, "the relay to be the active one", answered("relay_active", 1))
        assert (seen.get("outbox_rows"), seen.get("outbox_oldest_age_seconds")) == (0, 0)
        assert seen.get("relay_head_age_seconds") == 0
        async with engine.begin() as connection:
            await connection.execute(
                sa.insert(outbox).values(
                    event_id="x",
                    topic=f"{tiny.topic}.nowhere",
                    key="tu-minh/a",
                    headers={"ce_type": TOLD},
                    body=b"{}",
                    created_at=sa.func.now() - sa.text("interval '1 hour'"),
                )
            )
        seen = await shown(
            tiny, "a row that waits", lambda s: (s.get("relay_head_age_seconds") or 0) > 1
        )
        assert seen.get("outbox_rows") == 1
        assert (seen.get("outbox_oldest_age_seconds") or 0) > 3600
        assert (seen.get("relay_turn_age_seconds") or 99) < 60
        seen = await shown(
            tiny, "the relay to give up a try", lambda s: (s.get("relay_faults_total") or 0) >= 1
        )
        assert (await tiny.ask("/livez")).status_code == 200, "a restart would not help"
        async with engine.begin() as connection:
            await connection.execute(sa.delete(outbox))
        await shown(tiny, "no head", answered("relay_head_age_seconds", 0))
    await engine.dispose()


async def test_a_row_that_nothing_explains_is_no_progress_and_one_behind_a_fault_is(
    bench: Bench, kafka: str
) -> None:
    relay = Relay(bench.engine, kafka, "test", "0")
    runner = Runner(bench.consumer, bench.applier, bench.engine, kafka, "0")
    app = FastAPI()
    app.include_router(health_router("test", bench.engine, runner, relay, []))

    async def livez() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            stale: list[str] = (await client.get("/livez")).json()["stale"]
        return stale

    now = time.monotonic()
    assert await livez() == []
    relay.head_since = now - 1
    assert await livez() == [], "it waits for a second only"
    relay.head_since = now - 1000
    assert await livez() == ["outbox"]
    relay.last_fault = now - 1
    assert await livez() == [], "the broker is away; a restart would not help"
    relay.last_fault = now - 500
    assert await livez() == ["outbox"], "it came back, and the row still stands"


async def test_a_second_relay_stands_by(tiny: Operated) -> None:
    other = Operated(tiny.kafka, tiny.url, tiny.topic, free_port())
    async with tiny.serving():
        await shown(tiny, "the first to be active", answered("relay_active", 1))
        process = await other.start("serve", THIDUA_INSTANCE="1")
        try:
            await until(lambda: answers(other), "the second to be up")
            seen = await scrape(other)
            assert seen.get("relay_active") == 0
        finally:
            process.kill()
            await process.communicate()


async def answers(tiny: Operated) -> bool:
    try:
        return (await tiny.ask("/livez")).status_code == 200
    except httpx.TransportError:
        return False


async def test_the_alarm_is_seen(tiny: Operated) -> None:
    async with tiny.serving(**BUG, THIDUA_ALARM_KEYS="3") as process:
        assert (await scrape(tiny)).get("alarm") == 0
        await tiny.send(*((thing, BAD) for thing in "abcdefgh"))
        seen = await shown(tiny, "the alarm", answered("alarm", 1))
        assert seen.get("parked_events", state="parked") == (seen.took("parked") or 0)
        seen = await shown(tiny, "it to be paused", answered("paused_partitions", 1))
        lag = seen.get("consumer_lag_seconds") or 0
        await shown(
            tiny, "what waits to grow old", lambda s: (s.get("consumer_lag_seconds") or 0) > lag
        )
        process.send_signal(signal.SIGTERM)
        await tiny.end(process)


async def test_routines_are_counted(tiny: Operated) -> None:
    async with tiny.serving():
        seen = await shown(
            tiny,
            "idle turns",
            lambda s: (s.get("routine_turns_total", routine="nothing", outcome="idle") or 0) > 1,
        )
    assert not seen.get("routine_turns_total", routine="nothing", outcome="failed")


async def test_without_a_database_it_says_so_and_shows_nothing_old(tiny: Operated) -> None:
    """A scrape does not fail; what it cannot know is not shown."""
    engine = connect(tiny.url)
    async with tiny.serving():
        await tiny.send(("a", 1))
        seen = await shown(tiny, "one", lambda s: s.took("handled") == 1)
        assert (seen.get("database_up"), seen.get("broker_up")) == (1, 1)
        async with engine.connect() as holder:
            await holder.execute(
                sa.text("LOCK TABLE outbox, parked, position IN ACCESS EXCLUSIVE MODE")
            )
            seen = await shown(tiny, "it to say so", answered("database_up", 0))
            assert seen.get("outbox_rows") is None
            assert seen.get("parked_keys") is None
            assert seen.get("consumer_lag_events") is None
            assert seen.get("consumer_lag_seconds") is None
            assert seen.get("broker_up") is None
            assert seen.took("handled") == 1
            await holder.rollback()
        await shown(tiny, "it to be back", answered("database_up", 1))
        async with engine.connect() as connection:
            ends = await connection.scalars(sa.select(position.c.next_offset))
            assert list(ends) == [1]
    await engine.dispose()


async def test_many_scrapes_ask_the_database_once_a_second(tiny: Operated) -> None:
    async with tiny.serving():
        await shown(tiny, "the relay to be the active one", answered("relay_active", 1))
        before, began = await scrape(tiny), time.monotonic()
        await asyncio.gather(*(scrape(tiny) for _ in range(20)))
        after, seconds = await scrape(tiny), time.monotonic() - began
    asked = [s.get("sql_statements_total", part="other") or 0 for s in (before, after)]
    assert asked[1] - asked[0] < 20 * (1 + seconds)


async def test_what_operators_do_is_counted(bench: Bench) -> None:
    def counted(name: str, **labels: str) -> float:
        found = REGISTRY.get_sample_value(
            f"thidua_parked_{name}_total", labels | {"service": "test"}
        )
        return found or 0

    async def refuse(event: Received[Counted], _: UnitOfWork) -> None:
        if event.data.number in refused:
            raise Permanent("not this one")

    refused = {1, 3}
    bench.consumer.on(Counted)(bench.recorder(refuse))
    await bench.apply(
        *(record_of(counted_event(t, n), n) for t, n in (("a", 1), ("a", 2), ("b", 3)))
    )
    refused.remove(1)
    before = [counted("retried", outcome="applied"), counted("retried", outcome="stopped")]
    retried = await bench.parking.retry(Selection())
    assert (retried.applied, len(retried.stopped_at)) == (2, 1)
    after = [counted("retried", outcome="applied"), counted("retried", outcome="stopped")]
    assert [a - b for a, b in zip(after, before, strict=True)] == [2, 1]
    discards = counted("discards")
    for _ in range(2):
        await bench.parking.discard(retried.stopped_at[0], "agreed", "operator-1")
    assert counted("discards") - discards == 1


def test_every_metric_is_in_the_runbook_with_what_to_do_and_no_other() -> None:
    rows = re.findall(r"^\| `(thidua_\w+)`[^|]*\|([^|]*)\|([^|]*)\|$", PAGE, re.M)
    assert {name for name, _, _ in rows} == metrics.names()
    assert len(rows) == len(metrics.names()), "once each"
    for name, tells, action in rows:
        assert tells.strip(), name
        assert action.strip(), name
