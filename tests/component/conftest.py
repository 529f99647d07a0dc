"""Fixtures of tests that drive the kernel on a real database."""

from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from shared.database import connect
from shared.messaging.consumer import Consumer
from shared.messaging.tables import kernel
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
    names = ", ".join(table.name for table in (*kernel.sorted_tables, seen))
    async with kernel_engine.begin() as connection:
        await connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
    return Bench(kernel_engine, Consumer("test"))
