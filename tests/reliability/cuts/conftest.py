"""A broker and a database server of these tests' own, each behind a proxy, and impatient loops."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text

from deploy.local.stack import Infrastructure
from shared import database
from shared.database import connect
from shared.messaging import client, relay, running
from shared.messaging.tables import kernel
from tests.component.emptying import empty
from tests.component.kafka_tools import create_topic
from tests.component.kernel_bench import create_tables, seen
from tests.faults.doors import Doors
from tests.played import state_folder
from tests.reliability.cuts.flow import DOOR, PARTITIONS, Flow, Servers, events_on


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with (
        state_folder() as folder,
        Doors(folder, [DOOR]) as doors,
        Infrastructure(folder, doors=doors.places) as provided,
    ):
        yield Servers(provided, doors, provided.create_database("cuts"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits in the same order of size, only shorter."""
    monkeypatch.setattr(database, "CONNECT_SECONDS", 1.5)
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1.5)
    monkeypatch.setattr(database, "PING_SECONDS", 1.0)
    monkeypatch.setattr(database, "TRANSACTION_SECONDS", 3)
    monkeypatch.setattr(database, "LEASE_SECONDS", 3)
    monkeypatch.setattr(running, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(running, "LONGEST_WAIT", 0.5)
    monkeypatch.setattr(running, "LOOK_SECONDS", 1.0)
    monkeypatch.setattr(running, "LOOK_DEADLINE", 0.5)
    monkeypatch.setattr(running, "COMMIT_DEADLINE", 1.0)
    monkeypatch.setattr(running, "POLL_DEADLINE", 1.0)
    monkeypatch.setattr(relay, "SEND_DEADLINE", 3.0)
    monkeypatch.setattr(relay, "CLOSE_DEADLINE", 1.0)
    monkeypatch.setattr(client, "SESSION_TIMEOUT_MS", 6_000)
    monkeypatch.setattr(client, "REQUEST_TIMEOUT_MS", 7_000)


@pytest.fixture
async def flow(servers: Servers, impatient: None) -> AsyncIterator[Flow]:
    """Empty tables, and topics that no other test uses."""
    direct = connect(servers.url)
    async with direct.begin() as connection:
        if not await connection.scalar(text("SELECT to_regclass('inbox')")):
            await create_tables_in(servers)
    await empty(direct, (*kernel.sorted_tables, seen))
    given, told = events_on(servers.next_topic())
    for topic in (given.TOPIC, told.TOPIC):
        await create_topic(servers.provided.kafka, topic, PARTITIONS)
    flow = Flow(servers, direct, connect(servers.url_through_door), given, told)
    yield flow
    servers.doors.heal()
    await flow.close()


async def create_tables_in(servers: Servers) -> None:
    engine = connect(servers.url)
    await create_tables(engine)
    await engine.dispose()
