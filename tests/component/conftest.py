"""Fixtures of tests that drive the kernel, or intake in pieces, on a real database."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from shared.database import connect
from shared.messaging.consumer import Consumer
from shared.messaging.tables import kernel
from tests.component.emptying import empty
from tests.component.intake_desk import DeskRoom, one_intake
from tests.component.kernel_bench import Bench, create_tables, seen


@pytest.fixture(scope="session")
def kernel_url(infrastructure: Provided) -> Iterator[str]:
    """A database for all tests of the kernel; each finds it empty."""
    infrastructure.drop_database("kernel")
    yield infrastructure.create_database("kernel")
    infrastructure.drop_database("kernel")


@pytest.fixture(scope="session")
async def kernel_engine(kernel_url: str) -> AsyncIterator[AsyncEngine]:
    engine = connect(kernel_url)
    await create_tables(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
async def bench(kernel_engine: AsyncEngine) -> Bench:
    """The kernel's tables, empty, and a consumer without subscriptions."""
    await empty(kernel_engine, (*kernel.sorted_tables, seen))
    return Bench(kernel_engine, Consumer("test"))


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    """Intake on a database of the module's own."""
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        yield opened


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    """Intake that knows nothing, at 08:00 on 01/08/2025."""
    await desk.begin_anew()
    return desk
