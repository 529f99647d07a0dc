"""Alembic for one service's database, under a session advisory lock."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.failpoints import reach
from shared.messaging import revisions

log = logging.getLogger(__name__)

MIGRATION_LOCK = 7_401_000
"""Session lock: a transaction's would be lost where a migration must run outside of one."""


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def head(folder: Path) -> str:
    """The revision that this code needs."""
    revision = ScriptDirectory.from_config(_config(folder)).get_current_head()
    if revision is None:
        raise RuntimeError(f"no migrations in {folder}")
    return revision


async def current(engine: AsyncEngine) -> str | None:
    """The revision of the database, None before the first migration."""
    async with engine.connect() as connection:
        if await connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
            return None
        revision: str | None = await connection.scalar(
            sa.text("SELECT version_num FROM alembic_version")
        )
        return revision


async def migrate(url: str, folder: Path, *, wait_seconds: float = 60) -> None:
    """Bring the database to the head; whoever comes second waits, then finds nothing to do.

    Raises TimeoutError when another migration holds the lock for too long.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as plain:
            guard = await plain.execution_options(isolation_level="AUTOCOMMIT")
            await _take_lock(guard, wait_seconds)
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade, folder)
                await connection.commit()
    finally:
        await engine.dispose()
    log.info("migrated to %s", head(folder))


async def _take_lock(guard: AsyncConnection, wait_seconds: float) -> None:
    async with asyncio.timeout(wait_seconds):
        while not await guard.scalar(
            sa.text("SELECT pg_try_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK}
        ):
            await asyncio.sleep(0.2)


def _upgrade(connection: sa.Connection, folder: Path) -> None:
    config = _config(folder)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_environment() -> None:
    """What a service's `migrations/env.py` calls."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection, transactional_ddl=True, on_version_apply=_after_each_revision
    )
    with context.begin_transaction():
        context.run_migrations()


def _after_each_revision(*_: object, **__: object) -> None:
    reach("during-migration")


def create_kernel_tables(bind: sa.Connection) -> None:
    """The kernel's tables as they stood in revision 0001 of every service."""
    _execute(bind, revisions.FIRST)


def give_parked_events_states(bind: sa.Connection) -> None:
    """Revision 0002 of every service: parked events can be retried and discarded."""
    _execute(bind, revisions.PARKED_STATES)


def create_access_tables(bind: sa.Connection) -> None:
    """The issuer's keys, access that ended, and answers kept for a repeated request."""
    _execute(bind, revisions.ACCESS)


def _execute(bind: sa.Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        bind.execute(sa.text(statement))
