"""The broker of an embedded stack: Apache Kafka, or what `THIDUA_BROKER` asks for."""

import os
import secrets
import shutil
import socket
import string
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local import artifacts
from deploy.local.process import BROKER, ChildEndedError, Family, StackError
from deploy.local.state import HOST, State

HEAP = "-Xmx512m"
# Serial collector and first-level compiler only: a second less to start, and enough for one person.
FAST_START = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
WHEEL_WARNING = (
    "!! This broker (noida-db) is not Apache Kafka and is for looking around only: it loses "
    "acknowledged records when it is killed, and keeps nothing between runs."
)


class Broker(Protocol):
    """What a stack asks of its broker."""

    address: str

    def start(self) -> None:
        """Start, and wait until clients are answered."""


class ExternalBroker:
    """A broker that somebody else runs."""

    def __init__(self, address: str) -> None:
        self.address = address

    def start(self) -> None:
        """Only checks that it answers."""
        wait_for_kafka(self.address, 30)


class ApacheBroker:
    """One KRaft node on the loopback interface; its data survives restarts and kills.

    `doors`: name -> port of a proxy. The node has a listener for each, on the state folder's port
    `kafka-<name>`, whose clients are told to come back to the proxy.
    """

    def __init__(
        self,
        state: State,
        family: Family,
        say: Callable[[str], None],
        doors: Mapping[str, int] | None = None,
    ) -> None:
        self._doors = {
            name: (state.port(f"kafka-{name}"), told) for name, told in (doors or {}).items()
        }
        self.folder = state.folder / "kafka"
        self.port, self.controller_port = state.port("kafka"), state.port("kafka-controller")
        self.address = f"{HOST}:{self.port}"
        self._family, self._say = family, say
        self._jars: Path | None = None
        self._java: Path | None = None

    def prepare(self) -> None:
        """Find Java and the jars. Raises artifacts.UnreachableError."""
        self._java = artifacts.java()
        self._jars = artifacts.jars(self._say)

    def start(self, seconds: float = 60) -> None:
        """Format the storage when it is new, start the node, wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self._write_settings()
        if not (self.folder / "data" / "meta.properties").exists():
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
            format_storage = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"]
            self._family.run("kafka-format", self._command(*format_storage, "-c", settings))
        child = self._family.start("kafka", self._command("kafka.Kafka", settings), BROKER)

        def still_running() -> None:
            code = child.process.poll()
            if code is not None:
                raise ChildEndedError("kafka", code, child.log)

        wait_for_kafka(self.address, seconds, still_running)

    def _write_settings(self) -> str:
        template = string.Template((artifacts.KAFKA / "server.properties").read_text())
        settings = self.folder / "server.properties"
        doors = [(f"DOOR_{name.upper()}", *ports) for name, ports in self._doors.items()]
        settings.write_text(
            template.substitute(
                port=self.port,
                controller_port=self.controller_port,
                listening="".join(f",{door}://{HOST}:{own}" for door, own, _ in doors),
                advertised="".join(f",{door}://{HOST}:{told}" for door, _, told in doors),
                protocols="".join(f",{door}:PLAINTEXT" for door, _, _ in doors),
                data=str(self.folder / "data").replace("\\", "\\\\"),
            )
        )
        return str(settings)

    def _command(self, *main: str) -> list[str]:
        if self._java is None or self._jars is None:
            self.prepare()
        log4j = artifacts.KAFKA / "log4j2.properties"
        options = [HEAP, *FAST_START, f"-Dlog4j2.configurationFile={log4j}"]
        return [str(self._java), *options, "-cp", f"{self._jars}/*", *main]


class WheelBroker:
    """The `noida-db` wheel's broker: starts empty, and proves nothing about losing events."""

    def __init__(self, state: State, family: Family, say: Callable[[str], None]) -> None:
        self.folder = state.folder / "wheel-broker"
        self.port = state.port("kafka")
        self.address = f"{HOST}:{self.port}"
        self._family, self._say = family, say

    def start(self) -> None:
        """Warn, forget what was, start, wait."""
        artifacts.need("noida_db", "wheel-broker")
        self._say(WHEEL_WARNING)
        shutil.rmtree(self.folder, ignore_errors=True)
        found = find_spec("noida_db")
        if found is None or not found.submodule_search_locations:
            raise StackError("the wheel noida-db holds no program")
        program = Path(found.submodule_search_locations[0]) / "noida-db"
        program.chmod(0o755)
        command = [str(program), "start", "--data-dir", str(self.folder), "--host", HOST]
        command += ["--only", "kafka", "--kafka-port", str(self.port)]
        self._family.start("kafka", command, BROKER)
        wait_for_kafka(self.address, 30, self._family.check)


def choose(
    state: State,
    family: Family,
    say: Callable[[str], None],
    doors: Mapping[str, int] | None = None,
) -> Broker:
    """The broker that `THIDUA_BROKER` (`apache`, `wheel` or host:port) and the machine allow.

    Without a wish: Apache Kafka, and the wheel only where Kafka's artifacts cannot be reached;
    `THIDUA_REQUIRE=apache` turns that into a failure. Only Apache Kafka can have `doors`.
    """
    wish = os.environ.get("THIDUA_BROKER", "")
    required = os.environ.get("THIDUA_REQUIRE", "") == "apache" or bool(doors)
    if required and wish not in {"", "apache"}:
        raise StackError(f"THIDUA_REQUIRE=apache or doors, but THIDUA_BROKER={wish}")
    if wish == "wheel":
        return WheelBroker(state, family, say)
    if wish not in {"", "apache"}:
        return ExternalBroker(wish)
    apache = ApacheBroker(state, family, say, doors)
    try:
        apache.prepare()
    except artifacts.UnreachableError as reason:
        if required or wish == "apache":
            raise
        say(f"!! Apache Kafka could not be had: {reason}")
        return WheelBroker(state, family, say)
    return apache


def wait_for_kafka(
    address: str, seconds: float, still_running: Callable[[], None] = lambda: None
) -> None:
    """Return once a broker answers with itself as a member. Raises StackError after `seconds`."""
    deadline = time.monotonic() + seconds
    first = address.split(",", maxsplit=1)[0]
    host, _, port = first.rpartition(":")
    while not _listens(host, int(port)):
        still_running()
        _not_later_than(deadline, address)
        time.sleep(0.03)
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    while True:
        still_running()
        try:
            if client.list_topics(timeout=2).brokers:
                return
        except KafkaException:
            _not_later_than(deadline, address)
        time.sleep(0.03)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


def _not_later_than(deadline: float, address: str) -> None:
    if time.monotonic() > deadline:
        raise StackError(f"no Kafka broker answers at {address}")
