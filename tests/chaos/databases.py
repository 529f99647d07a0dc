"""Plain reads of the services' databases, as their superuser and past every proxy."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, Self

import asyncpg
from sqlalchemy.engine import make_url

CALL_SECONDS = 30.0
CONNECT_SECONDS = 5.0


class Databases:
    """One connection a service, made again when it was lost; may be used from any thread."""

    def __init__(self, admin_url: str) -> None:
        self._place = make_url(admin_url)
        self._connections: dict[str, Any] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def fetch(
        self, database: str, query: str, *values: object, seconds: float = CALL_SECONDS
    ) -> Sequence[Any]:
        """Rows. Raises OSError, TimeoutError, asyncpg's errors."""
        work = self._fetch(database, query, values, seconds)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds + CALL_SECONDS)

    def value(self, database: str, query: str, *values: object) -> Any:
        """The first column of the only row."""
        return self.fetch(database, query, *values)[0][0]

    def forget(self, database: str) -> None:
        """Let go of the connection to a database that is to be dropped."""
        asyncio.run_coroutine_threadsafe(self._forget(database), self._loop).result(CALL_SECONDS)

    async def _forget(self, database: str) -> None:
        connection = self._connections.pop(database, None)
        if connection is not None:
            await connection.close(timeout=CONNECT_SECONDS)

    async def _fetch(
        self, database: str, query: str, values: Sequence[object], seconds: float
    ) -> Sequence[Any]:
        async with self._locks.setdefault(database, asyncio.Lock()):
            try:
                connection = await self._connection(database)
                rows: Sequence[Any] = await connection.fetch(query, *values, timeout=seconds)
            except BaseException:
                lost = self._connections.pop(database, None)
                if lost is not None:
                    lost.terminate()
                raise
            return rows

    async def _connection(self, database: str) -> Any:
        known = self._connections.get(database)
        if known is None or known.is_closed():
            self._connections[database] = await asyncpg.connect(
                host=self._place.host,
                port=self._place.port,
                user=self._place.username,
                password=self._place.password,
                database=database,
                timeout=CONNECT_SECONDS,
                server_settings={"application_name": "chaos"},
            )
        return self._connections[database]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for database in list(self._connections):
            self.forget(database)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
