"""Parked, appended, retried, discarded in whatever turn: a key's story stays whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.messaging import parking
from shared.messaging.consumer import Consumer, Received
from shared.messaging.errors import Permanent
from shared.messaging.parked_rows import Selection
from shared.messaging.tables import kernel
from shared.messaging.unit_of_work import UnitOfWork
from tests.component.emptying import empty
from tests.component.kernel_bench import Bench, seen
from tests.kernel import Counted, FakeRecord, counted, record_of

pytestmark = pytest.mark.component

KEYS = "abc"
Event = tuple[str, int]
"""A thing and its number; numbers of a thing grow with the offset."""


@dataclass
class Model:
    """What must come of it, in a few lines: per key a story, and a line that waits."""

    sick: set[Event] = field(default_factory=set)
    applied: dict[str, list[int]] = field(default_factory=lambda: {k: [] for k in KEYS})
    line: dict[str, list[int]] = field(default_factory=lambda: {k: [] for k in KEYS})
    discarded: set[Event] = field(default_factory=set)

    def come(self, event: Event) -> None:
        key, number = event
        if self.line[key] or event in self.sick:
            self.line[key].append(number)
        else:
            self.applied[key].append(number)

    def retry(self, key: str) -> None:
        while self.line[key] and (key, self.line[key][0]) not in self.sick:
            self.applied[key].append(self.line[key].pop(0))

    def discard(self, key: str, place: int) -> None:
        self.discarded.add((key, self.line[key].pop(place)))
        if place == 0:
            self.retry(key)


@dataclass
class World:
    """The kernel, driven as the model is."""

    bench: Bench
    model: Model = field(default_factory=Model)
    records: list[FakeRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    async def come(self, batch: Sequence[tuple[str, bool]], again: int) -> None:
        """New events, (key, sick), after `again` that are delivered a second time."""
        known = self.records[len(self.records) - again :]
        fresh: list[FakeRecord] = []
        for key, sick in batch:
            event = (key, len(self.events))
            self.events.append(event)
            if sick:
                self.model.sick.add(event)
            self.model.come(event)
            number = event[1]
            fresh.append(record_of(counted(key, number), number, identity=f"{key}-{number}"))
        self.records += fresh
        await self.bench.apply(*known, *fresh)

    async def heal(self, key: str) -> None:
        """What stops the key is repaired."""
        if self.model.line[key]:
            self.model.sick.discard((key, self.model.line[key][0]))

    async def retry(self, key: str) -> None:
        self.model.retry(key)
        await self.bench.parking.retry(Selection(key=f"tu-minh/{key}"))

    async def discard(self, key: str, place: int) -> None:
        line = self.model.line[key]
        if not line:
            return
        place %= len(line)
        rows = await self.bench.parking.find(Selection(key=f"tu-minh/{key}"))
        assert [row.offset for row in rows] == line
        self.model.discard(key, place)
        await self.bench.parking.discard(rows[place].id, "the model says so", "model")

    async def check(self) -> None:
        model, parking_ = self.model, self.bench.parking
        assert {key: await self.bench.story(key) for key in KEYS} == model.applied
        waiting = [(row.key[-1], row.offset) for row in await parking_.find(Selection())]
        assert sorted(waiting) == sorted((k, n) for k in KEYS for n in model.line[k])
        gone = [(r.key[-1], r.offset) for r in await parking_.find(Selection(state="discarded"))]
        assert set(gone) == model.discarded
        assert await self.bench.held() == [f"tu-minh/{key}" for key in KEYS if model.line[key]]
        applied = [(key, number) for key in KEYS for number in model.applied[key]]
        assert sorted(applied + waiting + gone) == sorted(self.events), "each is one of the three"
        for key in KEYS:
            assert model.applied[key] == sorted(model.applied[key]), "offset order"


async def anew(bench: Bench) -> World:
    await empty(bench.engine, (*kernel.sorted_tables, seen))
    world = World(Bench(bench.engine, Consumer("test")))

    async def fall_ill(event: Received[Counted], _: UnitOfWork) -> None:
        if (event.data.thing, event.data.number) in world.model.sick:
            raise Permanent("sick")

    world.bench.consumer.on(Counted)(world.bench.recorder(fall_ill))
    return world


keys = st.sampled_from(KEYS)
steps = st.one_of(
    st.tuples(
        st.just("come"),
        st.lists(st.tuples(keys, st.integers(0, 2).map(lambda n: n == 0)), min_size=1, max_size=6),
        st.integers(0, 4),
    ),
    st.tuples(st.just("heal"), keys),
    st.tuples(st.just("retry"), keys),
    st.tuples(st.just("discard"), keys, st.integers(0, 3)),
)


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(turns=st.lists(steps, min_size=4, max_size=14), run=st.integers(1, 4))
async def test_any_turn_of_events_and_operators_ends_as_the_model_says(
    bench: Bench, turns: list[tuple[object, ...]], run: int
) -> None:
    world = await anew(bench)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parking, "RUN", run)
        for name, *arguments in turns:
            await getattr(world, str(name))(*arguments)
            await world.check()
        world.model.sick.clear()
        for key in KEYS:
            await world.retry(key)
        await world.check()
    assert not any(world.model.line.values())
