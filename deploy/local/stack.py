"""The whole embedded stack: infrastructure, mail, proxy and the four services."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from cryptography.fernet import Fernet

from deploy.local import tokens
from deploy.local.certificate import Certificate, trusting
from deploy.local.infrastructure import (
    Door,
    ExternalInfrastructure,
    Infrastructure,
    infrastructure_from_environment,
)
from deploy.local.process import MAIL, PROXY, SERVICE, ChildEndedError, StackError
from deploy.local.state import HOST, ROOT, State, default_folder, write_atomically, write_json

__all__ = [
    "SERVICES",
    "ChildEndedError",
    "ExternalInfrastructure",
    "Infrastructure",
    "ServiceCommand",
    "Stack",
    "StackError",
    "infrastructure_from_environment",
]

SERVICES = ("intake", "scoring", "awards", "notify")
MAIL_FROM = "Thi đua phường Tứ Minh <thidua@tu-minh.example>"
ISSUER_KEYS = "/intake/.well-known/jwks.json"
ADMITTED_SINCE = "2025-01-01"
SAMPLE_DECISION = "00/QĐ-UBND (mẫu)"
READY_SECONDS = 90


@dataclass(frozen=True)
class ServiceCommand:
    """How a service is brought up to date and started; all get the same environment.

    `admit` enters the ward's people, and `publishers` its publishers, where these are kept; what
    follows is said here.
    """

    migrate: Sequence[str | Path]
    serve: Sequence[str | Path]
    admit: Sequence[str | Path] = ()
    publishers: Sequence[str | Path] = ()

    @classmethod
    def of(cls, name: str) -> "ServiceCommand":
        """The command that compose and Kubernetes use too."""
        base = [sys.executable, "-m", f"services.{name}"]
        kept = name == "intake"
        admit, publishers = ([*base, job] if kept else [] for job in ("admit", "publishers"))
        return cls([*base, "migrate"], [*base, "serve"], admit, publishers)


class Stack:
    """Everything on one machine. `with` starts and stops it; see `start`, `kill`, `wait`.

    `say` gets a line for a person at each step. `commands` replaces services (tests);
    `environment` adds to what services get; a service with a door of its own in `doors` gets that.
    With `https` the origin has a certificate; `authority` in `stack.json` is the one to trust.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        say: Callable[[str], None] = print,
        commands: Mapping[str, ServiceCommand] | None = None,
        environment: Mapping[str, str] | None = None,
        ward: Path = tokens.WARD,
        doors: Mapping[str, Door] | None = None,
        https: bool = False,
    ) -> None:
        self.infrastructure = Infrastructure(folder or default_folder(), say=say, doors=doors)
        self.state: State = self.infrastructure.state
        self.commands = commands or {name: ServiceCommand.of(name) for name in SERVICES}
        self.ward = ward
        self._https = https
        self._certificate: Certificate | None = None
        self._say = say
        self._extra = dict(environment or {})
        self._ports: dict[str, int] = {}
        self._databases: dict[str, str] = {}

    def start(self) -> dict[str, Any]:
        """Start all, write `stack.json` when everything is ready, return what it says.

        Raises StackError (ChildEndedError names the child and shows its last lines); then nothing
        is left running.
        """
        try:
            self.infrastructure.start(self._prepare_databases, self._make_topics, self._prepare)
            self._start_mail()
            self._start_proxy()
            self._in_parallel(self._start_and_await, self.commands)
            self._await_url("mail", self.http["mail"] + "/mail/")
            self._await_origin()
            return self._publish()
        except BaseException:
            self.stop()
            raise

    @property
    def http(self) -> dict[str, str]:
        """`origin`, `mail` and each service -> `http://host:port`; the origin may have https."""
        names = ("mail", *self.commands)
        scheme = "https" if self._https else "http"
        origin = {"origin": f"{scheme}://{HOST}:{self._ports['origin']}"}
        return origin | {name: f"http://{HOST}:{self._ports[name]}" for name in names}

    @property
    def addresses(self) -> dict[str, Any]:
        """What `stack.json` says."""
        return {
            "kafka": self.infrastructure.kafka,
            "postgres": dict(self._databases),
            "http": self.http,
            "authority": self._authority,
            "smtp": f"{HOST}:{self._ports['smtp']}",
            "mail": str(self.state.mail),
            "documents": str(self.state.documents),
            "pids": {"supervisor": os.getpid(), **self.infrastructure.family.pids},
            "clock": str(self.state.clock),
            "tokens": str(self._tokens),
            "publishers": str(self._publishers),
        }

    def kill(self, name: str) -> None:
        """SIGKILL to a child, on purpose: not taken for a crash. The rest goes on."""
        self.infrastructure.kill(name)
        self._publish()

    def start_service(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a child that was killed or stopped, at its old address; waits until it is ready.

        `environment` adds to what a service gets, this time only.
        """
        if name in self.commands:
            self._start_and_await(name, environment)
        elif name in {"kafka", "postgres"}:
            self.infrastructure.restart(name)
        elif name == "mail":
            self._start_mail()
            self._await_url("mail", self.http["mail"] + "/mail/")
        else:
            self._start_proxy()
            self._await_origin()
        self._publish()

    def check(self) -> None:
        """Raises ChildEndedError when a child has crashed."""
        self.infrastructure.family.check()

    def wait(self, seconds: float | None = None) -> None:
        """Watch until the time is over (None: for ever). Raises ChildEndedError on a crash."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while deadline is None or time.monotonic() < deadline:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """Services, proxy, mail, broker, PostgreSQL - in this order. May be called again."""
        if self.state.ours:
            self.state.stack_file.unlink(missing_ok=True)
        self.infrastructure.stop()

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

    @property
    def _authority(self) -> str:
        return str(self._certificate.authority) if self._certificate else ""

    @property
    def _tokens(self) -> Path:
        return self.state.secrets / "tokens.json"

    @property
    def _key_secret(self) -> Path:
        return self.state.secrets / "key-secret"

    @property
    def _publishers(self) -> Path:
        return self.ward / "publishers.yaml"

    def _prepare(self) -> None:
        self.state.stack_file.unlink(missing_ok=True)
        self.state.pid_file.write_text(f"{os.getpid()}\n")
        for name in ("origin", "mail", "smtp", *self.commands):
            self._ports[name] = self.state.port(name)
        for folder in (self.state.mail, self.state.documents):
            folder.mkdir(parents=True, exist_ok=True)
        self.state.clock.touch()
        if not self._key_secret.exists():
            write_atomically(self._key_secret, Fernet.generate_key().decode())
        if self._https:
            self._certificate = Certificate.made_in(self.state.folder, self.state.secrets)
        mint = tokens.Mint(tokens.Keys.kept_in(self.state.secrets), self.ward.name)
        people = tokens.sample_people(self.ward)
        write_json(self._tokens, tokens.tokens_by_person(mint, people))

    def _prepare_databases(self) -> None:
        for name in self.commands:
            password = self.state.secret(f"{name}-password")
            self._databases[name] = self.infrastructure.create_database(name, password)
            write_atomically(self.state.secrets / f"{name}-database-url", self._databases[name])
        self._say("PostgreSQL is up")
        self._in_parallel(self._migrate, self.commands)
        self._say("databases are up to date")

    def _migrate(self, name: str) -> None:
        command, admitted = self.commands[name], self.state.folder / "admitted"
        self._run(f"{name}-migrate", command.migrate, name)
        registered = self.state.folder / "registered"
        if command.publishers and self._publishers.exists() and not registered.exists():
            register = [str(self._publishers), "--ward", self.ward.name, "--since", ADMITTED_SINCE]
            self._run(f"{name}-publishers", [*command.publishers, *register], name)
            registered.touch()
        if command.admit and not admitted.exists():
            people = [str(self.ward / "people.yaml"), "--ward", self.ward.name]
            named = ["--since", ADMITTED_SINCE, "--document", SAMPLE_DECISION]
            self._run(f"{name}-admit", [*command.admit, *people, *named], name)
            admitted.touch()

    def _run(self, job: str, command: Sequence[str | Path], service: str) -> None:
        environment = self._environment(service)
        self.infrastructure.family.run(job, command, environment=environment, folder=ROOT)

    def _make_topics(self) -> None:
        self._say(f"Kafka is up at {self.infrastructure.kafka}")
        environment = dict(os.environ) | {"THIDUA_KAFKA": self.infrastructure.kafka}
        command = [sys.executable, "-m", "deploy.topics"]
        if self._publishers.exists():
            command += ["--publishers", str(self._publishers)]
        self.infrastructure.family.run("topics", command, environment=environment, folder=ROOT)
        self._say("topics are as the catalogue says")

    def _environment(self, name: str) -> dict[str, str]:
        """What one service is told; THIDUA_… of our own environment is not passed on by chance."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("THIDUA_")}
        own: dict[str, str] = {
            "THIDUA_DATABASE_URL_FILE": str(self.state.secrets / f"{name}-database-url"),
            "THIDUA_HTTP_HOST": HOST,
            "THIDUA_HTTP_PORT": str(self._ports[name]),
            "THIDUA_INSTANCE": "0",
            "THIDUA_ENV": "local",
            "THIDUA_PER_MINUTE": "0",
            "THIDUA_ORIGIN": self.http["origin"],
            "THIDUA_PROXIES": HOST,
            "THIDUA_BUSINESS_CLOCK": str(self.state.clock),
            "THIDUA_TOKEN_PUBLIC_KEY_FILE": str(self.state.secrets / "token-public.pem"),
            "THIDUA_LOG_LEVEL": os.environ.get("THIDUA_LOG_LEVEL", "INFO"),
            "THIDUA_KAFKA": self.infrastructure.kafka,
        }
        if "intake" in self.commands:
            own["THIDUA_ISSUER_KEYS"] = self.http["intake"] + ISSUER_KEYS
        if name == "intake":
            own["THIDUA_KEY_SECRET_FILE"] = str(self._key_secret)
            own["THIDUA_SAMPLE_SIGN_IN"] = "true"
            own["THIDUA_EVIDENCE_STORE"] = (self.state.folder / "evidence").as_uri()
        if name in {"intake", "notify"}:
            own["THIDUA_SMTP"] = f"{HOST}:{self._ports['smtp']}"
            own["THIDUA_MAIL_FROM"] = MAIL_FROM
        if name == "awards":
            own["THIDUA_DOCUMENTS"] = str(self.state.documents)
        if (door := self.infrastructure.doors.get(name)) is not None:
            own["THIDUA_KAFKA"] = f"{HOST}:{door.kafka}"
            own["THIDUA_DATABASE_URL"] = door.to_database(self._databases[name])
        return inherited | own | self._extra

    def _start_mail(self) -> None:
        command = [sys.executable, "-m", "deploy.local.mailcatcher"]
        command += ["--smtp", f"{HOST}:{self._ports['smtp']}"]
        command += ["--http", f"{HOST}:{self._ports['mail']}", "--folder", str(self.state.mail)]
        self.infrastructure.family.start("mail", command, MAIL, folder=ROOT)

    def _start_proxy(self) -> None:
        command = [sys.executable, "-m", "deploy.local.proxy", "--tokens", str(self._tokens)]
        command += ["--listen", f"{HOST}:{self._ports['origin']}"]
        for name in (*self.commands, "mail"):
            command += ["--route", f"{name}={self.http[name]}"]
        if self._certificate:
            command += ["--certificate", str(self._certificate.shown)]
        self.infrastructure.family.start("proxy", command, PROXY, folder=ROOT)

    def _start_and_await(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        self.infrastructure.family.start(
            name,
            self.commands[name].serve,
            SERVICE,
            environment=self._environment(name) | dict(environment or {}),
            folder=ROOT,
        )
        self._await_url(name, f"{self.http[name]}/{name}/readyz")
        self._say(f"{name} is ready")

    def _await_origin(self) -> None:
        self._await_url("proxy", self.http["origin"] + "/livez", self._authority)

    def _await_url(self, name: str, url: str, authority: str = "") -> None:
        deadline = time.monotonic() + READY_SECONDS
        answer = "no answer"
        with httpx.Client(timeout=5, trust_env=False, verify=trusting(authority)) as client:
            while time.monotonic() < deadline:
                self.check()
                try:
                    response = client.get(url)
                except httpx.TransportError as failure:
                    answer = str(failure)
                else:
                    if response.status_code == httpx.codes.OK:
                        return
                    answer = f"{response.status_code} {response.text[:500]}"
                time.sleep(0.05)
        raise StackError(f"{name} does not get ready: {answer} (see {self.state.logs}/{name}.log)")

    def _in_parallel(self, step: Callable[[str], None], names: Mapping[str, Any]) -> None:
        with ThreadPoolExecutor(len(names)) as pool:
            running: list[Future[None]] = [pool.submit(step, name) for name in names]
            try:
                for one in as_completed(running):
                    one.result()
            except BaseException as failure:
                self.infrastructure.family.close(failure)
                raise

    def _publish(self) -> dict[str, Any]:
        addresses = self.addresses
        write_json(self.state.stack_file, addresses)
        return addresses
