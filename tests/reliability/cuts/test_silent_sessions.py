"""A session whose client has fallen silent loses its locks, and another goes on."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from shared import database
from shared.messaging.unit_of_work import Works
from tests.component.kafka_tools import until
from tests.faults.proxy import Proxy
from tests.reliability.cuts.flow import BUSINESS, DOOR, SYSTEM, Flow, Servers

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(180)]

KEY = "tu-minh/a"


@pytest.fixture
def door(servers: Servers) -> Proxy:
    return servers.doors.postgres[DOOR]


@pytest.mark.parametrize("fault", ["black_hole", "half_open", "refuse"])
async def test_another_relay_takes_over_from_one_that_is_cut_off(
    flow: Flow, door: Proxy, fault: str
) -> None:
    cut_off, other = flow.relay("0"), flow.beside.relay("1")

    async def first() -> bool:
        return cut_off.active

    async def second() -> bool:
        return other.active

    async with flow.running(flow.beside.runner(), cut_off):
        await until(first, "the first to be active")
        await flow.is_told()
        async with flow.running_too(other):
            await flow.gets_on()
            assert not other.active
            getattr(door, fault)()
            await until(second, "the other one to be active", seconds=40)
            await flow.gets_on()
            door.heal()
            await flow.settle()


async def test_a_transaction_that_fell_silent_frees_its_key(flow: Flow, door: Proxy) -> None:
    here = Works(flow.engine, "cuts", BUSINESS, SYSTEM)
    there = Works(flow.direct, "cuts", BUSINESS, SYSTEM)
    entered = 0

    async def enter() -> bool:
        nonlocal entered
        try:
            async with there.begin(KEY):
                entered += 1
        except (ConnectionError, DBAPIError):
            return False
        return True

    async def fall_silent() -> None:
        async with here.begin(KEY) as work:
            door.black_hole()
            assert not await enter()
            await until(enter, "the key to be free", seconds=40)
            await work.lock("tu-minh/b")

    with pytest.raises(ConnectionError):
        await fall_silent()
    assert entered == 1


async def test_a_leased_session_is_kept_while_work_goes_on_elsewhere(
    flow: Flow, door: Proxy
) -> None:
    at_once = flow.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with at_once.connect() as connection:
        await database.lease(connection)
        await database.renewing(connection, asyncio.sleep(database.LEASE_SECONDS * 1.5))
        door.black_hole()
        work = asyncio.create_task(asyncio.sleep(60))
        with pytest.raises(ConnectionError):
            await database.renewing(connection, work)
        assert work.cancelled()


async def test_one_silent_connection_gives_up_all_that_are_pooled(
    flow: Flow, door: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "FRESH_SECONDS", 0.0)
    together = [await flow.engine.connect() for _ in range(3)]
    for connection in together:
        await connection.close()
    before = door.accepted
    door.half_open()
    for _ in range(3):
        async with flow.engine.begin() as connection:
            await connection.exec_driver_sql("SELECT 1")
    assert door.accepted - before == 3 + 1, "three new ones, and one question to cancel"


async def test_nothing_waits_to_say_goodbye_to_a_silent_server(
    servers: Servers, door: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CLOSE_SECONDS", 0.5)
    engine = database.connect(servers.url_through_door)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")
    door.black_hole()
    async with asyncio.timeout(30):
        await database.disconnect(engine)
    door.heal()
