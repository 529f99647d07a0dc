"""Runs contestants, one after the other, and measures them from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Self

from bench.machine import cpu_seconds, peak_memory_mb, tree_cpu_seconds
from deploy.local.infrastructure import Infrastructure

PATIENCE = 900.0
SLACK = 500
"""Events that one with several workers may have taken beyond what it was asked for."""
ROOT = Path(__file__).resolve().parents[1]


class ContestError(RuntimeError):
    """A contestant did not do its work; says what it wrote last."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that keeps to `bench/README.md`; `beside` runs next to it and is measured too.

    `guess`: events/s, known before, of one that is too slow for every backlog. `whole`: drains
    the backlog however long that takes.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    beside: Sequence[str | Path] = ()
    drains_outbox: bool = False
    guess: float | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """One run. CPU in seconds from the first record to the last commit; memory in MB."""

    events: int
    seconds: float
    cpu: float
    cpu_beside: float
    cpu_postgres: float
    cpu_kafka: float
    memory: float
    statements: int | None
    commits: int | None
    server_commits: int = 0

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    def per_thousand(self, seconds: float) -> float:
        return seconds * 1000 / self.events


class Child:
    """A started contestant and what it says."""

    def __init__(self, command: Sequence[str | Path], told: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, **told},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe(self.process.stdin).close()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._pipe(self.process.stdout).close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_line(self, name: str) -> dict[str, Any]:
        """The next line that has this field. Raises ContestError when the process ends."""
        for line in self._pipe(self.process.stdout):
            said: dict[str, Any] = json.loads(line)
            if name in said:
                return said
        tail = self._log.read_text("utf-8", "replace")[-2000:]
        raise ContestError(f"it ended with {self.process.wait()} before {name!r}:\n{tail}")

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ContestError("no pipe to the contestant")
        return pipe


class Arena:
    """Broker and server of one run, and a fresh database for each contestant."""

    def __init__(self, infrastructure: Infrastructure, logs: Path) -> None:
        self.infrastructure = infrastructure
        self.kafka = infrastructure.kafka
        self.logs = logs
        self._number = 0

    def run(self, contestant: Contestant, topic: str, events: int) -> Result:
        """One contestant alone, until it has so many new events."""
        self._number += 1
        name = f"bench_{self._number}"
        with ExitStack() as stack:
            url = self.database(name, stack)
            told = {**self.told(url, topic, name, events), **contestant.environment}
            log = self.logs / f"{name}.log"
            beside = None
            if contestant.beside:
                beside = stack.enter_context(Child(contestant.beside, told, log))
                beside.await_line("ready")
            with Child(contestant.command, told, log) as child:
                child.await_line("ready")
                result = self._measure(child, beside)
                self._check(name, result.events, contestant)
            return replace(result, server_commits=self._commits(name))

    def told(self, url: str, topic: str, group: str, events: int) -> dict[str, str]:
        return {
            "KAFKA": self.kafka,
            "DATABASE_URL": url,
            "TOPIC": topic,
            "GROUP": group,
            "EVENTS": str(events),
            "CREATE": "1",
            "PYTHONPATH": str(ROOT),
        }

    def database(self, name: str, stack: ExitStack) -> str:
        url = self.infrastructure.create_database(name)
        stack.callback(self.infrastructure.drop_database, name)
        return url.replace("postgresql+asyncpg://", "postgres://", 1)

    def _measure(self, child: Child, beside: Child | None) -> Result:
        child.await_line("first")
        before = self._used(child, beside)
        said = child.await_line("events")
        after = self._used(child, beside)
        own, other, postgres, kafka = (b - a for a, b in zip(before, after, strict=True))
        return Result(
            events=said["events"],
            seconds=said["seconds"],
            cpu=own,
            cpu_beside=other,
            cpu_postgres=postgres,
            cpu_kafka=kafka,
            memory=peak_memory_mb(child.pid),
            statements=said["statements"],
            commits=said["commits"],
        )

    def _used(self, child: Child, beside: Child | None) -> tuple[float, float, float, float]:
        pids = self.infrastructure.family.pids
        return (
            cpu_seconds(child.pid),
            cpu_seconds(beside.pid) if beside else 0.0,
            tree_cpu_seconds(pids["postgres"]),
            tree_cpu_seconds(pids["kafka"]),
        )

    def _commits(self, database: str) -> int:
        """Committed transactions as PostgreSQL counts them, once the contestant has gone."""
        query = f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{database}'"
        return int(self.infrastructure.databases.execute(query))

    def _check(self, name: str, events: int, contestant: Contestant) -> None:
        """Score, inbox and outbox must agree. Raises ContestError."""

        def count(what: str) -> int:
            databases = self.infrastructure.databases
            return int(databases.execute(f"SELECT {what}", database=name))

        reports = count("coalesce(sum(reports), 0) FROM score")
        inbox, outbox = count("count(*) FROM inbox"), count("count(*) FROM outbox")
        sent = reports if contestant.drains_outbox else 0
        if not reports == inbox == outbox + sent or not events <= reports <= events + SLACK:
            raise ContestError(
                f"{contestant.name}: {events} events, but {reports} in the score, {inbox} in"
                f" the inbox, {outbox} in the outbox"
            )


def python(module: str) -> tuple[str | Path, ...]:
    """The command of a contestant in Python."""
    return (sys.executable, "-m", module)
