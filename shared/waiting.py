"""Waiting for what a service stands on, with a line that says for what."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared import migrations

log = logging.getLogger(__name__)

_PAUSE = 0.5


class DependencyMissing(RuntimeError):
    """What a service needs did not come in time; says what, and what was seen last."""


class _NotYet(Exception):
    pass


async def wait_for_database(url: str, seconds: float, revision: str | None = None) -> None:
    """Wait until the database answers and, with `revision`, until its schema is that one."""
    place = make_url(url)
    what = f"PostgreSQL at {place.host}:{place.port}/{place.database}"
    engine = create_async_engine(
        url, poolclass=NullPool, connect_args={"timeout": 5, "command_timeout": 5}
    )

    async def look() -> None:
        found = await migrations.current(engine)
        if revision is not None and found != revision:
            raise _NotYet(f"its schema is {found}, this code needs {revision}")

    try:
        await _wait(what, look, seconds, (_NotYet, OSError, TimeoutError, SQLAlchemyError))
    finally:
        await engine.dispose()


async def wait_for_topics(kafka: str, seconds: float, topics: set[str]) -> None:
    """Wait until Kafka answers and has the topics; they are never created from here."""

    async def look() -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=5000)
        try:
            await client.start()
            missing = topics - set(await client.list_topics())
        finally:
            await client.close()
        if missing:
            raise _NotYet(f"topics are missing: {', '.join(sorted(missing))}")

    await _wait(f"Kafka at {kafka}", look, seconds, (_NotYet, OSError, TimeoutError, KafkaError))


async def wait_for(
    what: str,
    look: Callable[[], Awaitable[None]],
    seconds: float,
    *expected: type[Exception],
) -> None:
    """Look again and again until it raises none of these. Raises DependencyMissing."""
    await _wait(what, look, seconds, expected)


async def _wait(
    what: str,
    look: Callable[[], Awaitable[None]],
    seconds: float,
    expected: tuple[type[Exception], ...],
) -> None:
    deadline = time.monotonic() + seconds
    said = ""
    while True:
        try:
            await look()
        except expected as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if time.monotonic() >= deadline:
                raise DependencyMissing(f"{what} did not come in {seconds:g} s: {reason}") from None
            if reason != said:
                log.info("waiting for %s: %s", what, reason)
                said = reason
            await asyncio.sleep(_PAUSE)
        else:
            return
