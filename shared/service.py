"""How a service is put together and started: the same command for all four.

`python -m services.<name> serve` runs it, `… migrate` brings its database up to date, and
`… parked` looks after the events that were set aside, `… rebuild` makes a projection anew.
"""

import argparse
import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import failpoints, migrations, parked, rebuild
from shared.access import EndedAccess
from shared.clock import BusinessClock, SystemClock
from shared.contracts.base import Event
from shared.database import connect, disconnect
from shared.memory import settle
from shared.messaging.alarm import Alarm
from shared.messaging.applying import Applier
from shared.messaging.asyncapi import asyncapi_document
from shared.messaging.consumer import Consumer
from shared.messaging.parking import Parking
from shared.messaging.rebuild import Rebuild
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.unit_of_work import Works
from shared.metrics import count_sql, counted_turn
from shared.routine import Routine, RoutineRunner
from shared.settings import Settings, load
from shared.telemetry import log_to_stderr
from shared.waiting import DependencyMissing, wait_for_database, wait_for_topics
from shared.web.access import Gate, Route
from shared.web.assets import static_router
from shared.web.health import health_router
from shared.web.identity import TokenReader, token_cookie
from shared.web.keys import Keys, PublishedKeys
from shared.web.manners import polite
from shared.web.openapi import describe
from shared.web.parked import parked_router

log = logging.getLogger(__name__)

S = TypeVar("S", bound=Settings)
DRAIN_SECONDS = 20.0
EXIT_CRASHED = 1
EXIT_MISCONFIGURED = 2
EXIT_DEPENDENCY_MISSING = 3


@dataclass(frozen=True, slots=True)
class Parts(Generic[S]):
    """What routes and routines stand on. A request finds it at `request.app.state.parts`."""

    settings: S
    engine: AsyncEngine
    works: Works
    business: BusinessClock
    system: SystemClock


@dataclass(frozen=True, slots=True)
class OwnCommand(Generic[S]):
    """One more command of a service; `run` returns the exit code.

    It works beside the running service or without it, like `parked` and `rebuild`.
    """

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Parts[S], argparse.Namespace], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """One service, composed: what it is called, what it listens to, says, serves and does."""

    name: str
    settings: type[S]
    migrations: Path
    consumer: Consumer
    publishes: Sequence[type[Event]]
    routers: Sequence[APIRouter]
    routes: Sequence[Route] = ()
    """Who may call what of the routers; it does not start with a route that is not named."""
    routines: Callable[[Parts[S]], Sequence[Routine]] = lambda _: ()
    keys: Callable[[Parts[S]], Keys] | None = None
    """Where the issuer itself finds its keys; the others fetch them."""
    needs: Callable[[Parts[S]], Awaitable[None]] | None = None
    """Waits for what it serves from beside database and Kafka; raises DependencyMissing."""
    commands: Mapping[str, OwnCommand[S]] = field(default_factory=dict)

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """The command line; exits non-zero, with the reason, when it cannot do its work."""
        parser = argparse.ArgumentParser(prog=f"python -m services.{self.name}")
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("serve", help="run the service")
        commands.add_parser("migrate", help="bring its database up to date")
        parked.add_command(commands)
        rebuild.add_command(commands)
        for name, own in self.commands.items():
            own.arguments(commands.add_parser(name, help=own.help))
        told = parser.parse_args(arguments)
        try:
            settings = load(self.settings)
        except (ValidationError, OSError) as error:
            sys.exit(_misconfigured(self.name, error))
        failpoints.arm()
        log_to_stderr(self.name, settings.log_level)
        work = {"serve": self._serve, "migrate": self._migrate}.get(told.command)
        try:
            code = asyncio.run(work(settings) if work else self._operated(settings, told))
        except DependencyMissing as error:
            log.error("%s stops: %s", self.name, error)
            sys.exit(EXIT_DEPENDENCY_MISSING)
        if code:
            sys.exit(code)

    async def _migrate(self, settings: S) -> None:
        wait = settings.wait_seconds
        await wait_for_database(settings.database_url, wait)
        try:
            await migrations.migrate(settings.database_url, self.migrations, wait_seconds=wait)
        except TimeoutError:
            raise DependencyMissing(f"another migration held its lock for {wait:g} s") from None

    async def _operated(self, settings: S, arguments: argparse.Namespace) -> int:
        """Beside the running service or without it; the relay of either sends what is published."""
        await wait_for_database(
            settings.database_url, settings.wait_seconds, migrations.head(self.migrations)
        )
        engine = connect(settings.database_url, pool_size=1)
        system = SystemClock()
        business = BusinessClock(system, settings.business_clock)
        works = Works(engine, self.name, business, system)
        try:
            parts = Parts(settings, engine, works, business, system)
            if arguments.command in self.commands:
                return await self.commands[arguments.command].run(parts, arguments)
            if arguments.command == "rebuild":
                make = partial(
                    Rebuild,
                    self.consumer,
                    engine=engine,
                    kafka=settings.kafka,
                    business=business,
                    system=system,
                )
                return await rebuild.run_command(self.consumer, make, arguments)
            parking = Parking(self.consumer, engine, business, system)
            return await parked.run_command(parking, arguments)
        finally:
            await disconnect(engine)

    async def _serve(self, settings: S) -> None:
        await wait_for_database(
            settings.database_url, settings.wait_seconds, migrations.head(self.migrations)
        )
        engine = connect(settings.database_url)
        count_sql(engine, self.name)
        system = SystemClock()
        business = BusinessClock(system, settings.business_clock)
        relay = Relay(engine, settings.kafka, self.name, settings.instance)
        works = Works(engine, self.name, business, system, relay.wake)
        parts = Parts(settings, engine, works, business, system)
        try:
            topics = {*self.consumer.topics, *(event.TOPIC for event in self.publishes)}
            await wait_for_topics(
                settings.kafka, settings.wait_seconds, {t for t in topics if "<" not in t}
            )
            if self.needs:
                await self.needs(parts)
            process = _Process(self, parts, relay)
            settle()
            await process.run()
        finally:
            await disconnect(engine)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket whose connections send at once.

    asyncio sees to that only for sockets that name their protocol; an answer's head and body are
    two writes, and the second would wait 40 ms for the caller to acknowledge the first.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.create_server((host, port), family=family, backlog=1024)
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def _misconfigured(name: str, error: ValidationError | OSError) -> int:
    if isinstance(error, ValidationError):
        for problem in error.errors():
            field_name = "_".join(("THIDUA", *(str(part).upper() for part in problem["loc"])))
            sys.stderr.write(f"{name}: setting {field_name}: {problem['msg']}\n")
    else:
        sys.stderr.write(f"{name}: a settings file cannot be read: {error}\n")
    return EXIT_MISCONFIGURED


@dataclass(slots=True)
class _Process(Generic[S]):
    """The running service: HTTP, consumer, relay and routines, which live and die together."""

    service: Service[S]
    parts: Parts[S]
    relay: Relay
    runner: Runner = field(init=False)
    routines: list[RoutineRunner] = field(init=False)

    def __post_init__(self) -> None:
        parts, settings = self.parts, self.parts.settings
        applier = Applier(
            self.service.consumer,
            parts.engine,
            parts.business,
            parts.system,
            self.relay.wake,
            Alarm(settings.alarm_share, settings.alarm_keys),
        )
        self.runner = Runner(
            self.service.consumer, applier, parts.engine, settings.kafka, settings.instance
        )
        has_read = self.runner.has_read
        self.routines = [
            RoutineRunner(self._counted(routine), parts.engine, has_read)
            for routine in self.service.routines(parts)
        ]

    def _counted(self, routine: Routine) -> Routine:
        return replace(routine, turn=counted_turn(self.service.name, routine.name, routine.turn))

    async def run(self) -> None:
        door = self._door()
        server = _Server(self._config())
        work: dict[asyncio.Task[Any], str] = {
            asyncio.create_task(self.relay.run()): "relay",
            **{asyncio.create_task(r.run()): r.routine.name for r in self.routines},
        }
        if self.service.consumer.topics:
            work[asyncio.create_task(self.runner.run())] = "consumer"
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
        serving = asyncio.create_task(server.serve([door]))
        done, _ = await asyncio.wait({serving, *work}, return_when=asyncio.FIRST_COMPLETED)
        crashed = [work[task] for task in done if task in work]
        server.should_exit = True
        await serving
        await self._drain(work)
        if crashed or not server.started:
            log.error("%s stops: %s ended", self.service.name, ", ".join(crashed) or "HTTP")
            sys.exit(EXIT_CRASHED)
        log.info("%s stopped", self.service.name)

    async def _drain(self, work: dict[asyncio.Task[Any], str]) -> None:
        """Stop polling, finish the batch at hand, send what is in the outbox, leave."""
        self.runner.stop()
        for routine in self.routines:
            routine.stop()
        failpoints.reach("during-shutdown")
        relays = {task for task, name in work.items() if name == "relay"}
        others = set(work) - relays
        started = time.monotonic()
        if others:
            await asyncio.wait(others, timeout=DRAIN_SECONDS)
        self.relay.stop()
        left = max(1.0, DRAIN_SECONDS - (time.monotonic() - started))
        await asyncio.wait(relays, timeout=left)
        for task in work:
            task.cancel()
        results = await asyncio.gather(*work, return_exceptions=True)
        for task, result in zip(work, results, strict=True):
            if isinstance(result, Exception):
                log.error("%s failed", work[task], exc_info=result)

    def _door(self) -> socket.socket:
        """Listens, before anything else begins. Raises DependencyMissing."""
        host, port = self.parts.settings.http_host, self.parts.settings.http_port
        try:
            return listen(host, port)
        except OSError as error:
            raise DependencyMissing(f"cannot listen on {host}:{port}: {error.strerror}") from None

    def _config(self) -> uvicorn.Config:
        settings = self.parts.settings
        return uvicorn.Config(
            build_app(self.service, self.parts, self.runner, self.relay, self.routines),
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=settings.proxies,
        )


class _Server(uvicorn.Server):
    """uvicorn, as one of several tasks of a process, which has the signals itself.

    uvicorn's own handlers would end the process as soon as HTTP has stopped, before the rest has.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def build_app(
    service: Service[S],
    parts: Parts[S],
    runner: Runner,
    relay: Relay,
    routines: Sequence[RoutineRunner],
) -> FastAPI:
    """The HTTP side, everything under `/<service>`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        log.info("%s is ready on port %d", service.name, parts.settings.http_port)
        yield

    prefix = f"/{service.name}"
    gate = Gate(service.name, service.routes)
    app = FastAPI(
        title=f"thidua {service.name}",
        openapi_url=f"{prefix}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(gate)],
    )
    app.state.parts = parts
    app.state.tokens = _token_reader(service, parts)
    app.state.token_cookie = token_cookie(parts.settings.origin)
    polite(app, parts.settings, service.name)
    health = health_router(service.name, parts.engine, runner, relay, [r.routine for r in routines])
    parking = Parking(service.consumer, parts.engine, parts.business, parts.system, relay.wake)
    for router in (*service.routers, health, parked_router(parking), static_router()):
        app.include_router(router, prefix=prefix)
    document = asyncapi_document(service.name, service.consumer, service.publishes)

    @app.get(f"{prefix}/asyncapi.json", include_in_schema=False)
    async def asyncapi() -> dict[str, Any]:
        return document

    gate.check(app)
    describe(app, service.name, parts.settings.origin, gate.routes)
    return app


def _token_reader(service: Service[S], parts: Parts[S]) -> TokenReader:
    settings = parts.settings
    keys: Keys | None = None
    if service.keys is not None:
        keys = service.keys(parts)
    elif settings.issuer_keys:
        keys = PublishedKeys(settings.issuer_keys, parts.engine)
    ended = EndedAccess(parts.engine, parts.system)
    return TokenReader(keys, settings.origin, settings.token_public_key, ended)
