"""A proxy before the broker and one before the database server, for each service."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.infrastructure import Door
from deploy.local.stack import SERVICES
from deploy.local.state import HOST, State
from tests.faults.proxy import Proxy


class Doors:
    """`kafka[name]` and `postgres[name]` are the proxies of a service; a context manager.

    For an embedded infrastructure that is started on the same folder with `doors=doors.places`
    while the doors are open.
    """

    def __init__(self, folder: Path, names: Sequence[str] = SERVICES) -> None:
        state = State(folder)
        self.names = tuple(names)
        server = (HOST, state.port("postgres"))
        self.kafka = {name: Proxy((HOST, state.port(f"kafka-{name}"))) for name in names}
        self.postgres = {name: Proxy(server) for name in names}
        self._open = ExitStack()

    @property
    def places(self) -> dict[str, Door]:
        """Where each service finds what it stands on."""
        return {name: Door(self.kafka[name].port, self.postgres[name].port) for name in self.names}

    def kafka_of(self, name: str) -> str:
        """Bootstrap servers; what the broker then advertises is the same door."""
        return self.kafka[name].address

    def postgres_of(self, name: str, url: str) -> str:
        """A database's URL, through the door."""
        return self.places[name].to_database(url)

    def heal(self) -> None:
        for proxy in (*self.kafka.values(), *self.postgres.values()):
            proxy.heal()

    def __enter__(self) -> Self:
        for proxy in (*self.kafka.values(), *self.postgres.values()):
            self._open.enter_context(proxy)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
