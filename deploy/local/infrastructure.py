"""PostgreSQL and the broker, without the services: what tests and the whole stack stand on."""

import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy.engine import make_url

from deploy.local.broker import Broker, choose, wait_for_kafka
from deploy.local.postgres import Databases, Postgres
from deploy.local.process import Family
from deploy.local.state import HOST, State


class Provided(Protocol):
    """A broker and a database server, wherever they come from."""

    @property
    def kafka(self) -> str:
        """`host:port` of the broker."""

    @property
    def admin_url(self) -> str:
        """SQLAlchemy URL (asyncpg) of a role that may make databases."""

    def create_database(self, name: str, password: str | None = None) -> str:
        """Make a database with its own role; returns its SQLAlchemy URL (asyncpg)."""

    def drop_database(self, name: str) -> None:
        """Remove a database and its role."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class _Server:
    """What both providers do alike with databases."""

    databases: Databases

    @property
    def admin_url(self) -> str:
        return self.databases.admin_url

    def create_database(self, name: str, password: str | None = None) -> str:
        return self.databases.create(name, password or secrets.token_hex(16))

    def drop_database(self, name: str) -> None:
        self.databases.drop(name)


@dataclass(frozen=True)
class Door:
    """Ports of two proxies, by which a client reaches the broker and the database server."""

    kafka: int
    postgres: int

    def to_database(self, url: str) -> str:
        """The SQLAlchemy URL of a database, through the door."""
        parts = make_url(url).set(host=HOST, port=self.postgres)
        return parts.render_as_string(hide_password=False)


class Infrastructure(_Server):
    """A server and a broker of our own in a state folder; `with` starts and stops them.

    Nothing survives the process that made it, `kill -9` included; the data in the folder does.
    `doors` are clients' ways round, by name: proxies that somebody else runs (tests do).
    """

    def __init__(
        self,
        folder: Path,
        *,
        say: Callable[[str], None] = lambda line: None,
        doors: Mapping[str, Door] | None = None,
    ) -> None:
        self.state = State(folder)
        self.doors = dict(doors or {})
        self._say = say
        self._family: Family | None = None
        self._broker: Broker | None = None
        self._postgres: Postgres | None = None

    @property
    def family(self) -> Family:
        """The running children. Raises RuntimeError when not started."""
        if self._family is None:
            raise RuntimeError("the infrastructure is not started")
        return self._family

    @property
    def kafka(self) -> str:
        """`host:port` of the broker."""
        if self._broker is None:
            raise RuntimeError("the infrastructure is not started")
        return self._broker.address

    def start(
        self,
        with_postgres: Callable[[], None] = lambda: None,
        with_kafka: Callable[[], None] = lambda: None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """Start both in parallel; each answer is followed by what needs only that one.

        `prepare` runs before anything else, once the state folder is ours.

        Returns when all is done. Raises StackError, and then nothing is left running.
        """
        self.state.take()
        try:
            prepare()
            self._family = Family(self.state.logs, [self.state.lock])
            told = {name: door.kafka for name, door in self.doors.items()}
            self._broker = choose(self.state, self.family, self._say, told)
            self._postgres = self._server()
            with ThreadPoolExecutor(2) as pool:
                started = [
                    pool.submit(_in_turn, self._start_postgres, with_postgres),
                    pool.submit(_in_turn, self._broker.start, with_kafka),
                ]
                try:
                    for one in as_completed(started):
                        one.result()
                except BaseException as failure:
                    self.family.close(failure)
                    raise
        except BaseException as failure:
            self.stop()
            if self._family and self._family.cause not in {None, failure}:
                raise self._family.cause from None
            raise

    def _server(self) -> Postgres:
        folder = self.state.folder / "postgres"
        password = self.state.secret("postgres")
        return Postgres(folder, self.state.port("postgres"), password, self.family)

    def _start_postgres(self) -> None:
        if self._postgres is not None:
            self._postgres.start()
            self.databases = Databases(self._postgres.admin_url)
            self.databases.lock_down()

    def stop(self) -> None:
        """Stop both in order and give the folder back; may be called again."""
        if self._family is not None:
            self._family.close()
        self.state.release()

    def kill(self, name: str) -> None:
        """SIGKILL to `kafka` or `postgres`, on purpose."""
        self.family.kill(name)

    def restart(self, name: str) -> None:
        """Start `kafka` or `postgres` again on its kept data, at the same address."""
        if name == "postgres" and self._postgres is not None:
            self._postgres.start()
        elif name == "kafka" and self._broker is not None:
            self._broker.start()
        else:
            raise ValueError(f"neither kafka nor postgres: {name}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _in_turn(*steps: Callable[[], None]) -> None:
    for step in steps:
        step()


class ExternalInfrastructure(_Server):
    """Addresses that the environment names; nothing is started or stopped."""

    def __init__(self, kafka: str, postgres: str) -> None:
        self.kafka = kafka
        self.databases = Databases(postgres)

    def __enter__(self) -> Self:
        wait_for_kafka(self.kafka, 30)
        self.databases.execute("SELECT 1")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return


def infrastructure_from_environment() -> ExternalInfrastructure | None:
    """What `THIDUA_TEST_KAFKA` (host:port) and `THIDUA_TEST_POSTGRES` (admin URL) name, or None.

    Raises ValueError when only one of the two is set.
    """
    kafka = os.environ.get("THIDUA_TEST_KAFKA", "")
    postgres = os.environ.get("THIDUA_TEST_POSTGRES", "")
    if not kafka and not postgres:
        return None
    if not kafka or not postgres:
        raise ValueError("set both THIDUA_TEST_KAFKA and THIDUA_TEST_POSTGRES, or neither")
    return ExternalInfrastructure(kafka, postgres)
