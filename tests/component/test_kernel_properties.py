"""Whatever comes, in whatever order: batches change nothing, two writers tell one story."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.messaging.consumer import Received
from shared.messaging.tables import kernel, outbox
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.emptying import empty
from tests.component.kernel_bench import Bench, seen
from tests.component.test_relay import Post, post
from tests.kernel import Counted, FakeRecord, Renamed, record_of

pytestmark = pytest.mark.component

__all__ = ["post"]


class Weighed(Counted):
    TYPE: ClassVar[str] = "vn.thidua.test.thing-weighed.v1"


class Told(Renamed):
    TYPE: ClassVar[str] = "vn.thidua.test.thing-told.v1"


KINDS = (Counted, Renamed, Weighed)
FACTORS: dict[Any, int] = {Counted: 3, Renamed: 5, Weighed: 7}
"""What each kind does to a thing's number: not commutative, so that order shows."""
some_events = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(KINDS), st.integers(0, 9)),
    min_size=1,
    max_size=24,
)
quiet = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def folding(kind: type[Any]) -> Any:
    """A handler that folds a batch: reads all its things at once, writes and tells each event."""

    async def fold(events: Sequence[Received[Any]], work: UnitOfWork) -> None:
        things = {event.data.thing for event in events}
        rows = await work.connection.execute(
            sa.select(seen.c.thing, seen.c.number)
            .where(seen.c.thing.in_(things))
            .order_by(seen.c.seq)
        )
        state = defaultdict(int, ((row.thing, row.number) for row in rows))
        for event in events:
            thing = event.data.thing
            state[thing] = (state[thing] * FACTORS[kind] + event.data.number) % 1_000_003
            row = {"thing": thing, "number": state[thing]}
            await work.connection.execute(sa.insert(seen).values(**row))
            work.publish(
                Told(ward=event.data.ward, thing=thing, number=state[thing]), because_of=event
            )

    return fold


async def outcome(bench: Bench, batches: Sequence[Sequence[FakeRecord]]) -> dict[str, Any]:
    """Thing -> its effects and its facts, in their order, on empty tables."""
    await empty(bench.engine, (*kernel.sorted_tables, seen))
    for batch in batches:
        applied = await bench.apply(*batch)
        assert applied.parked == 0
    effects: dict[str, Any] = defaultdict(list)
    for _, thing, number in await bench.rows(*seen.c):
        effects[thing].append(number)
    for _, key, event_id, body in await bench.rows(
        outbox.c.seq, outbox.c.key, outbox.c.event_id, outbox.c.body
    ):
        effects[key].append((event_id, body))
    return effects


@settings(quiet, max_examples=40)
@given(events=some_events, cuts=st.sets(st.integers(1, 23)))
async def test_a_batch_has_the_effects_of_its_events_one_by_one(
    bench: Bench, events: list[tuple[str, type[Any], int]], cuts: set[int]
) -> None:
    """Also with each event twice in its batch, as its publisher's relay may send it again."""
    bench.consumer.subscriptions.clear()
    for kind in KINDS:
        bench.consumer.on(kind)(folding(kind))
    records = [
        record_of(
            kind(ward="tu-minh", thing=thing, number=number), place, identity=f"event-{place}"
        )
        for place, (thing, kind, number) in enumerate(events)
    ]
    ends = [0, *sorted(cut for cut in cuts if cut < len(records)), len(records)]
    batches = [records[start:end] for start, end in itertools.pairwise(ends)]
    alone = await outcome(bench, [[record] for record in records])
    assert await outcome(bench, batches) == alone
    again = [[*batch, *(replace(r, offset=r.offset + 100) for r in batch)] for batch in batches]
    assert await outcome(bench, again) == alone


writers = st.lists(
    st.lists(st.tuples(st.sampled_from("xy"), st.integers(0, 3)), min_size=1, max_size=5),
    min_size=2,
    max_size=5,
)
_runs = itertools.count()


@settings(quiet, max_examples=12)
@given(requests=writers, batches=writers)
async def test_handlers_and_requests_on_the_same_keys_tell_one_story_in_commit_order(
    post: Post,
    requests: list[list[tuple[str, int]]],
    batches: list[list[tuple[str, int]]],
) -> None:
    """`x` and `y` are things of this run; the number is how many times the writer yields first."""
    run = next(_runs)
    post.bench.consumer.subscriptions.clear()

    async def take(events: Sequence[Received[Renamed]], work: UnitOfWork) -> None:
        await work.lock(*(f"tu-minh/{event.data.thing}-told" for event in events))
        for event in events:
            await asyncio.sleep(event.data.number / 1000)
            await post.publish_next(work, f"{event.data.thing}-told", event)

    post.bench.consumer.on(Renamed)(take)

    async def request(steps: list[tuple[str, int]]) -> None:
        for thing, pause in steps:
            await asyncio.sleep(pause / 1000)
            async with post.bench.works.begin() as work:
                await post.publish_next(work, f"{thing}{run}-told")

    async def consume(number: int, steps: list[tuple[str, int]]) -> None:
        records = [
            record_of(
                Renamed(ward="tu-minh", thing=f"{thing}{run}", number=pause),
                place,
                partition=number,
                identity=f"{run}/{number}/{place}",
            )
            for place, (thing, pause) in enumerate(steps)
        ]
        await post.bench.apply(*records)

    async with post.running(post.relay()):
        consuming = (consume(number, steps) for number, steps in enumerate(batches))
        await asyncio.gather(*map(request, requests), *consuming)
        await post.drained()
    written = [thing for steps in (*requests, *batches) for thing, _ in steps]
    told = await post.told()
    for thing in set(written):
        assert told[f"tu-minh/{thing}{run}-told"] == list(range(1, written.count(thing) + 1))
