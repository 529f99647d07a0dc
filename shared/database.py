"""One PostgreSQL database a service, reached with SQLAlchemy Core.

Nothing waits for ever for a server that has fallen silent, and no session that the server holds
for a client that has fallen silent keeps its locks for ever.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

import sqlalchemy as sa
from asyncpg import InternalClientError
from sqlalchemy import MetaData, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

T = TypeVar("T")
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 20.0
"""The longest that a statement, its wait for locks included, may take."""
PING_SECONDS = 3.0
FRESH_SECONDS = 1.0
"""A connection that was given back this short a time ago is not asked whether it is still there."""
TRANSACTION_SECONDS = 30
"""The longest pause between two statements of a transaction before the server ends it."""
LEASE_SECONDS = 20
"""How long the server keeps the session lock of a process that says nothing."""
CLOSE_SECONDS = 5.0
_TCP = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20s",
}


def metadata() -> MetaData:
    """Metadata with named constraints, so that the database's refusals can be read."""
    return MetaData(naming_convention=NAMING)


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine in READ COMMITTED (the inbox relies on each statement seeing what is committed).

    A statement that is not answered in time raises ConnectionError; then, and when a pooled
    connection does not answer a ping, all that are pooled are given up.
    """
    settings = {
        "application_name": "thidua",
        "idle_in_transaction_session_timeout": f"{TRANSACTION_SECONDS}s",
        **_TCP,
    }
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        isolation_level="READ COMMITTED",
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": settings,
        },
    )
    event.listen(engine.sync_engine, "checkout", _ping)
    event.listen(engine.sync_engine, "checkin", _note)
    event.listen(engine.sync_engine, "handle_error", _give_up)
    return engine


def _ping(dbapi_connection: Any, record: Any, fairy: Any) -> None:
    """SQLAlchemy's own ping has no time-out, and gives up one connection at a time."""
    given_back = record.info.get("given_back")
    if given_back is None or time.monotonic() - given_back < FRESH_SECONDS:
        return
    try:
        dbapi_connection.run_async(lambda driver: driver.execute("SELECT 1", timeout=PING_SECONDS))
    except Exception as error:
        raise InvalidatePoolError from error


def _note(_: Any, record: Any) -> None:
    record.info["given_back"] = time.monotonic()


def _give_up(context: ExceptionContext) -> None:
    """A connection that is silent, or whose protocol was broken off in the middle."""
    if isinstance(context.original_exception.__cause__, InternalClientError):
        context.is_disconnect = True
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True
        raise ConnectionError("the database does not answer")


async def disconnect(engine: AsyncEngine) -> None:
    """Close what is pooled; a server that is silent is not waited for."""
    closing = asyncio.ensure_future(engine.dispose())
    await asyncio.wait({closing}, timeout=CLOSE_SECONDS)


async def lease(connection: AsyncConnection) -> None:
    """Let the server end this session, and its locks, soon after nothing more is heard from it."""
    await connection.execute(sa.text(f"SET idle_session_timeout = '{LEASE_SECONDS}s'"))


async def renewing(connection: AsyncConnection, work: Awaitable[T]) -> T:
    """Do work that does not use a leased session, and keep the session from running out.

    Raises what ended the session, and then the work is cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=LEASE_SECONDS / 3))[0]:
            await connection.execute(sa.text("SELECT 1"))
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
