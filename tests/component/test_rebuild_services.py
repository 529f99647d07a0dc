"""Every projection of the four services, rebuilt from topics while its service takes events."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import migrations
from shared.contracts.base import Event
from shared.database import connect
from shared.messaging import rebuild
from shared.messaging.applying import Applier
from shared.messaging.consumer import Consumer, Projection
from shared.messaging.rebuild import Rebuild, Rebuilt
from shared.messaging.running import Runner
from shared.messaging.swapping import Changed
from shared.service import Service
from shared.settings import Settings
from tests.component.awards_world import Ward
from tests.component.kafka_tools import create_topic, produce, until
from tests.component.kernel_bench import BUSINESS, SYSTEM
from tests.component.notify_stage import PERSON, Story
from tests.kernel import record_of

pytestmark = pytest.mark.component

SERVICES = ("intake", "scoring", "awards", "notify")


def service(name: str) -> Service[Settings]:
    found: Service[Settings] = import_module(f"services.{name}.app").service
    return found


CHECKED = sa.text(
    "SELECT column_name FROM information_schema.constraint_column_usage"
    " JOIN information_schema.check_constraints USING (constraint_schema, constraint_name)"
    " WHERE table_schema = 'public' AND table_name = :name"
)
"""Columns of a table to which the database lets nothing be written but what it knows."""
PROJECTIONS = [(name, which) for name in SERVICES for which in service(name).consumer.projections]


def story(number: int) -> list[Event]:
    """A ward's year in all that the services listen to; a person is erased in every second."""
    told, ward = Story(f"s-{number}"), Ward(f"w-{number}")
    return [
        told.movement(),
        told.contact(),
        told.period(),
        told.school(),
        told.pupil(),
        told.opened(),
        told.opened(kind="unit-plan"),
        told.reminder(),
        told.moved(),
        *([told.withdrawn()] if number % 2 else []),
        *([told.opened()] if number % 4 == 1 else []),
        told.asked(),
        *([told.settled()] if number % 2 else []),
        told.received(),
        told.met(),
        told.returned(),
        told.received(2),
        told.accepted(),
        told.reopened(),
        told.received(3),
        told.taken_back(3),
        told.received(4),
        told.accepted(4),
        told.sheet(),
        told.scored("self"),
        told.scored("verified"),
        told.result(),
        told.dossier(),
        told.candidate(),
        told.concluded(passed=number % 3 != 0),
        told.award(),
        told.contact(email="moi@truong-1.example"),
        *([told.erased(PERSON)] if number % 2 else []),
        *ward.everything(),
        ward.accepted("phong-b", 2, f"Người khác {number}"),
    ]


@dataclass
class Running:
    """One service's consumer, on its own database and topics."""

    consumer: Consumer
    engine: AsyncEngine
    kafka: str
    sent: int = 0

    async def send(self, events: Sequence[Event]) -> None:
        await produce(self.kafka, [record_of(event, 0) for event in events])

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Runner]:
        applier = Applier(self.consumer, self.engine, BUSINESS, SYSTEM)
        runner = Runner(self.consumer, applier, self.engine, self.kafka, "rebuild", 40)
        task = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            runner.stop()
            await asyncio.wait_for(task, 60)

    async def caught_up(self, runner: Runner) -> None:
        async def is_there() -> bool:
            behind, positions = await runner.behind()
            return not behind and bool(sum(positions.values()))

        await until(is_there, "all to be applied", seconds=60)

    async def rebuilt(self, projection: Projection) -> Rebuilt:
        return await Rebuild(
            self.consumer, projection, self.engine, self.kafka, BUSINESS, SYSTEM
        ).run()

    async def contents(self, tables: Sequence[str]) -> dict[str, list[str]]:
        async with self.engine.connect() as connection:
            return {
                name: list(
                    await connection.scalars(
                        sa.text(f'SELECT t::text FROM "{name}" AS t ORDER BY 1')
                    )
                )
                for name in tables
            }

    async def all_tables(self) -> list[str]:
        query = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        async with self.engine.connect() as connection:
            return list(await connection.scalars(query))

    async def damage(self, table: sa.Table) -> None:
        """Take every third row away, and change the last free text of every other one."""
        keys = ", ".join(column.name for column in table.primary_key)
        numbered = f'SELECT {keys}, row_number() OVER (ORDER BY {keys}) AS n FROM "{table.name}"'
        mine = f"({keys}) IN (SELECT {keys} FROM ({numbered}) AS numbered WHERE n % 3 = {{}})"
        others = [c.name for c in table.c if not c.primary_key and isinstance(c.type, sa.Text)]
        async with self.engine.begin() as connection:
            checked = set(await connection.scalars(CHECKED, {"name": table.name}))
            others = [name for name in others if name not in checked]
            for trigger in ("DISABLE", "ENABLE"):
                if trigger == "ENABLE":
                    delete = f'DELETE FROM "{table.name}" WHERE {mine.format(0)}'
                    await connection.execute(sa.text(delete))
                    if others:
                        update = f"UPDATE \"{table.name}\" SET {others[-1]} = 'sai'"
                        some = f"WHERE {others[-1]} IS NOT NULL AND {mine.format(1)}"
                        await connection.execute(sa.text(f"{update} {some}"))
                await connection.execute(
                    sa.text(f'ALTER TABLE "{table.name}" {trigger} TRIGGER USER')
                )


@pytest.fixture
async def start(
    kafka: str,
    make_database: Callable[[str], str],
    make_topic_name: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Callable[[str], Any]]:
    """Starts a service's consumer, on topics and in a group that nobody else uses."""
    engines: list[AsyncEngine] = []

    async def started(name: str) -> Running:
        found, moved = service(name), dict[str, str]()
        kinds = {type(event) for event in story(1)}
        kinds |= {s.event for s in found.consumer.subscriptions.values()}
        for event in sorted(kinds, key=lambda event: event.TYPE):
            if event.TOPIC not in moved:
                moved[event.TOPIC] = make_topic_name("moved")
                await create_topic(kafka, moved[event.TOPIC], 3)
            monkeypatch.setattr(event, "TOPIC", moved[event.TOPIC])
        monkeypatch.setattr(found.consumer, "name", make_topic_name(name))
        url = make_database(f"rebuild_{name}")
        await migrations.migrate(url, found.migrations)
        engines.append(connect(url))
        return Running(found.consumer, engines[-1], kafka)

    yield started
    for engine in engines:
        await engine.dispose()


@pytest.mark.parametrize("name", ["scoring", "awards", "notify"])
async def test_rebuilt_equals_live_while_events_arrive_and_after_damage(
    name: str, start: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "NEAR", 5)
    running: Running = await start(name)
    projections = running.consumer.projections.values()
    await running.send([event for number in range(12) for event in story(number)])
    async with running.up() as runner:
        await running.caught_up(runner)
        sending = asyncio.create_task(
            running.send([event for number in range(12, 40) for event in story(number)])
        )
        for projection in projections:
            done = await running.rebuilt(projection)
            assert done.events, "it has read something"
            assert done.changed == Changed(), f"{projection.name}: live and rebuilt differ"
            assert done.left_out == 0
        await sending
        await running.caught_up(runner)
        everything = await running.all_tables()
        right = await running.contents(everything)
        for projection in projections:
            names = [table.name for table in projection.tables]
            for table in projection.tables:
                assert right[table.name], f"{table.name} is not put to the test"
                await running.damage(table)
            damaged = await running.contents(names)
            assert all(damaged[table] != right[table] for table in names)
            await running.rebuilt(projection)
            assert await running.contents(everything) == right, projection.name


async def test_an_erased_contact_stays_erased(start: Callable[[str], Any]) -> None:
    running: Running = await start("notify")
    told = Story("s-1")
    await running.send([told.contact(), told.erased(PERSON)])
    async with running.up() as runner:
        await running.caught_up(runner)
    contacts = running.consumer.projections["contacts"]
    async with running.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE contact SET name = 'x', email = 'x@y.example'"))
    assert (await running.rebuilt(contacts)).changed == Changed(corrected=1)
    assert (await running.contents(["contact"]))["contact"] == [f"(s-1,{PERSON},,)"]


def test_only_a_service_that_takes_facts_of_others_has_projections() -> None:
    assert {name for name, _ in PROJECTIONS} == {"scoring", "awards", "notify"}


async def test_an_operator_lists_and_rebuilds_by_command_line(
    kafka: str, make_database: Callable[[str], str]
) -> None:
    url = make_database("rebuild_command")
    await migrations.migrate(url, service("scoring").migrations)
    engine = connect(url)
    lost = "INSERT INTO participant VALUES ('w', 'zz', 'Z', 'a', 'b', true, NULL)"
    async with engine.begin() as connection:
        await connection.execute(sa.text(lost))
    await engine.dispose()

    async def command(*arguments: str) -> tuple[int, str]:
        settings = {"DATABASE_URL": url, "KAFKA": kafka}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.scoring", "rebuild", *arguments),
            env=os.environ | {f"THIDUA_{name}": value for name, value in settings.items()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await asyncio.wait_for(process.communicate(), 60)
        assert b"Traceback" not in said, said.decode()
        return process.returncode or 0, (out or said).decode()

    of_it = "movement period participant claim acceptance reopening"
    listed = f"facts\t{of_it}\tthidua.intake.v1\n"
    assert await command("--list") == (0, listed)
    rows = "rows: 0 added, 0 corrected, 1 removed\n"
    assert await command("facts") == (0, f"events: 0\nleft out as parked: 0\n{rows}")
    code, said = await command("nothing")
    assert (code, said.startswith("there is no projection nothing")) == (4, True)
