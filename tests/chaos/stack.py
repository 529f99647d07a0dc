"""The embedded stack with services under watch, each behind its own doors."""

import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local.process import SERVICE, Child, ChildEndedError
from deploy.local.stack import ServiceCommand, Stack
from deploy.local.state import ROOT, free_port
from tests.chaos.planted import VARIABLE as PLANTED
from tests.chaos.poison import FOLDER
from tests.faults.doors import Doors

DEATH_SECONDS = 40
"""How long a service may take to come to its failpoint."""


class ServiceDied(Exception):
    """A service ended by itself; no fault of the schedule asks for that."""


def command_of(name: str) -> ServiceCommand:
    base = [sys.executable, "-m", "tests.chaos.service", name]
    register = [sys.executable, "-m", "services.intake", "publishers"]
    publishers = register if name == "intake" else []
    return ServiceCommand([*base, "migrate"], [*base, "serve"], publishers=publishers)


class ChaosStack(Stack):
    """A stack of which services may die at any time.

    `folder` is a short-lived one. What a service gets besides: `planted`, the name of a bug.
    """

    def __init__(
        self,
        folder: Path,
        doors: Doors,
        services: Sequence[str],
        *,
        say: Callable[[str], None],
        planted: str = "",
    ) -> None:
        super().__init__(
            folder,
            say=say,
            commands={name: command_of(name) for name in services},
            environment={
                FOLDER: str(folder),
                PLANTED: planted,
                "THIDUA_ALARM_SHARE": "1",
                "THIDUA_PER_MINUTE": "0",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            doors=doors.places,
        )
        self.faults = doors
        self.services = tuple(services)

    def check(self) -> None:
        """A dead service is the business of the fault that killed it; see `died`."""
        try:
            super().check()
        except ChildEndedError as ended:
            if ended.name.split("-")[0] not in self.services:
                raise

    def died(self, name: str) -> bool:
        """Whether a service that was started has ended."""
        child = self._child(name)
        return child is None or child.process.poll() is not None

    def log_of(self, name: str) -> Path:
        return self.infrastructure.family.logs / f"{name}.log"

    def bury(self, name: str) -> None:
        """End a service with -9, or forget one that is dead already."""
        self.infrastructure.kill(name)

    def terminate(self, name: str) -> None:
        """SIGTERM, and wait until it has drained and gone. Raises ServiceDied when it does not."""
        child = self._running(name)
        child.process.send_signal(signal.SIGTERM)
        code = child.process.wait(child.ending.grace + 10)
        self.bury(name)
        if code != 0:
            raise ServiceDied(f"{name} ended with {code} after SIGTERM")

    def start_armed(self, name: str, failpoint: str) -> None:
        """Start a service with a failpoint, without waiting for anything."""
        self._start(name, name, {"THIDUA_FAILPOINT": failpoint})

    def start_second(self, name: str) -> None:
        """Start another instance of a service beside the first; returns when it is ready."""
        port = free_port()
        told = {"THIDUA_INSTANCE": "1", "THIDUA_HTTP_PORT": str(port)}
        self._start(f"{name}-1", name, told)
        self._await_url(f"{name}-1", f"http://127.0.0.1:{port}/{name}/readyz")

    def signal(self, name: str, number: signal.Signals) -> None:
        self._running(name).process.send_signal(number)

    def await_ready(self, name: str) -> None:
        self._await_url(name, f"{self.http[name]}/{name}/readyz")

    def await_death(
        self, name: str, failpoint: str, said_before: int, *, meanwhile: Callable[[], None]
    ) -> None:
        """Until the service has died at the failpoint; `meanwhile` is called now and then.

        Raises ServiceDied when it does not, or dies of something else.
        """
        deadline = time.monotonic() + DEATH_SECONDS
        turn = 0
        while not self.died(name):
            if time.monotonic() > deadline:
                raise ServiceDied(f"{name} did not come to {failpoint} in {DEATH_SECONDS} s")
            if turn % 20 == 0:
                meanwhile()
            turn += 1
            time.sleep(0.05)
        if self.reached(name, failpoint) <= said_before:
            raise ServiceDied(f"{name} died, but not at {failpoint}: see {self.log_of(name)}")

    def reached(self, name: str, failpoint: str) -> int:
        """How often the log of a child says that it came to a failpoint."""
        log = self.log_of(name)
        if not log.exists():
            return 0
        return log.read_bytes().count(f"failpoint {failpoint} reached".encode())

    def environment_of(self, name: str) -> dict[str, str]:
        return self._environment(name)

    def _start(self, child: str, service: str, more: Mapping[str, str]) -> None:
        self.infrastructure.family.start(
            child,
            self.commands[service].serve,
            SERVICE,
            environment=self._environment(service) | dict(more),
            folder=ROOT,
        )

    def _running(self, name: str) -> Child:
        child = self._child(name)
        if child is None or child.process.poll() is not None:
            raise ServiceDied(f"{name} ended by itself: see {self.log_of(name)}")
        return child

    def _child(self, name: str) -> Child | None:
        return self.infrastructure.family._children.get(name)
