"""Facts in whatever order give the same end; a dossier waits for those it needs."""

import random
from typing import Any

import pytest
import sqlalchemy as sa

from services.awards.store import tables
from shared.contracts.base import Event
from shared.messaging.tables import parked
from tests.component.awards.answers import pointers, problem
from tests.component.awards_world import Ward, World, at, dossier_body

pytestmark = pytest.mark.component


def shuffled(events: list[Event], seed: int) -> list[Event]:
    """Another order, in which each key of each topic keeps its own."""
    stories: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        stories.setdefault((event.TOPIC, event.key), []).append(event)
    waiting, told = list(stories.values()), list[Event]()
    dice = random.Random(seed)
    while waiting:
        told.append(dice.choice(waiting).pop(0))
        waiting = [rest for rest in waiting if rest]
    return told


async def known(world: World, ward: Ward) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for table in (
        tables.movement,
        tables.offered_form,
        tables.period,
        tables.participant,
        tables.proposal,
        tables.result,
    ):
        query = sa.select(*[c for c in table.c if c.name != "ward"]).where(
            table.c.ward == ward.code
        )
        found[table.name] = sorted(tuple(row) for row in await world.rows(query))
    return found


async def test_facts_in_every_order_give_the_same_end(world: World) -> None:
    first = world.ward()
    await world.tell(*_story_of(first))
    expected = await known(world, first)
    assert all(expected.values())
    assert [row[3] for row in expected["proposal"]] == ["Đơn vị truong-2"]
    for seed in range(25):
        ward = world.ward()
        events = shuffled(_story_of(ward), seed)
        if seed % 2:
            await world.tell(*events)
        else:
            for event in events:
                await world.tell(event)
        assert await known(world, ward) == expected, seed
    assert await world.rows(sa.select(parked)) == []


def _story_of(ward: Ward) -> list[Event]:
    """With corrections: a second version, a name set right, a revised report, a new result."""
    return [
        *ward.everything(),
        ward.movement(version=2),
        ward.participant("phong-b", "truong-hoc"),
        ward.accepted("phong-b", 2, "Đơn vị truong-2"),
        ward.result("phong-b", "truong-hoc", 2, total="70"),
    ]


async def test_a_report_that_is_opened_again_proposes_nobody_until_it_is_accepted_again(
    world: World,
) -> None:
    ward = world.ward()
    await world.tell(*ward.everything(), ward.accepted("phong-b", 2, "Đơn vị truong-2"))
    await world.tell(ward.reopened("phong-b", 2))
    assert (await known(world, ward))["proposal"] == []
    await world.tell(ward.accepted("phong-b", 3, "Đơn vị truong-3"))
    assert [row[3] for row in (await known(world, ward))["proposal"]] == ["Đơn vị truong-3"]


async def test_a_dossier_waits_for_whichever_fact_is_missing(world: World) -> None:
    """Without any one of them it is refused; once the last has come, whichever, it is opened."""
    refusals = {
        "MovementLaunched": ("unknown-period", "/period"),
        "PeriodOpened": ("unknown-period", "/period"),
        "ParticipantRegistered": ("unknown-participant", "/participant"),
        "ResultFrozen": ("no-frozen-result", "/participant"),
    }
    world.clock(at(18))
    for last, (name, pointer) in refusals.items():
        ward = world.ward()
        needed: list[Event] = [
            ward.movement(),
            ward.period(),
            ward.participant("phong-a", "phong-ban"),
            ward.result("phong-a", "phong-ban", 1),
        ]
        await world.tell(*[event for event in needed if type(event).__name__ != last])
        early = await world.post(ward, "officer", "/dossiers", dossier_body("phong-a"))
        assert (problem(early), pointers(early)) == (name, [pointer]), last
        await world.tell(*[event for event in needed if type(event).__name__ == last])
        late = await world.post(ward, "officer", "/dossiers", dossier_body("phong-a"))
        assert late.status_code == 200, late.text


async def test_the_newest_version_of_the_movement_says_what_is_offered(world: World) -> None:
    ward = world.ward()
    older, newer = ward.movement(version=1), ward.movement(version=2)
    renamed = [form.model_copy(update={"title": "Giấy khen mới"}) for form in newer.forms]
    facts = [event for event in ward.everything() if event.TYPE != older.TYPE]
    await world.tell(newer.model_copy(update={"forms": tuple(renamed)}), older, *facts)
    world.clock(at(18))
    await world.post(ward, "officer", "/dossiers", dossier_body("phong-a"))
    opened = (await world.get(ward, "officer", "/dossiers")).json()["items"]
    assert [row["form_title"] for row in opened] == ["Giấy khen mới"]
