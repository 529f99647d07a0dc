"""Child processes that are named, logged, ended in order, and never outlive their supervisor."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.guard import signal_group

TAIL_LINES = 25
GUARD = Path(__file__).with_name("guard.py")


class StackError(Exception):
    """Something the person who started the stack has to know; the text is meant for them."""


class ChildEndedError(StackError):
    """A child ended that should be running. Carries its name and the end of its log."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        self.name, self.code, self.log = name, code, log
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        last = "".join(f"    {line}\n" for line in tail(log))
        super().__init__(f"{name} ended ({how}). Its last log lines ({log}):\n{last}".rstrip())


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log file, without their line ends; [] when there is none."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        return file.read().decode("utf-8", "replace").splitlines()[-lines:]


@dataclass(frozen=True)
class Account:
    """An operating system account that a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Ending:
    """How a child is stopped: ranks end from high to low; `grace` seconds, then SIGKILL."""

    rank: int
    polite: signal.Signals = signal.SIGTERM
    grace: float = 20


POSTGRES = Ending(rank=0, polite=signal.SIGINT)
BROKER = Ending(rank=1)
MAIL = Ending(rank=2, grace=5)
PROXY = Ending(rank=3, grace=5)
SERVICE = Ending(rank=4)
JOB = Ending(rank=5, grace=2)


@dataclass
class Child:
    """One running process, leader of its own session.

    `wanted` turns false when its end is asked for: from then on its death is no crash.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ending: Ending
    wanted: bool = True


class Family:
    """The processes of one stack. Safe to use from several threads.

    `cause` says why it was closed, when that was a failure.
    `keep_open` are file descriptors (the state folder's lock) that the guard holds as long as
    anything may still be running.
    """

    def __init__(self, logs: Path, keep_open: Sequence[int] = ()) -> None:
        self.logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._children: dict[str, Child] = {}
        self._logged: set[str] = set()
        self._lock = threading.RLock()
        self._closed = False
        self.cause: BaseException | None = None
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(keep_open),
        )

    @property
    def pids(self) -> dict[str, int]:
        """Process id by name, of everything that has been started and not ended on purpose."""
        with self._lock:
            return {name: child.process.pid for name, child in self._children.items()}

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        ending: Ending,
        *,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        folder: Path | None = None,
    ) -> Child:
        """Start a child; its output goes to `<logs>/<name>.log`.

        What an earlier stack logged stays beside it, as `<name>.previous.log`.

        Raises StackError once the family is being stopped, or when the name is taken.
        """
        log = self._log_of(name)
        with self._lock, log.open("ab") as output:
            if self._closed:
                raise StackError(f"{name} is not started: the stack is stopping")
            if name in self._children:
                raise StackError(f"{name} is running already")
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment) if environment is not None else None,
                cwd=folder,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
            child = self._children[name] = Child(name, process, log, ending)
            self._tell(
                add=process.pid, rank=ending.rank, signal=int(ending.polite), grace=ending.grace
            )
        return child

    def _log_of(self, name: str) -> Path:
        log = self.logs / f"{name}.log"
        with self._lock:
            if name not in self._logged and log.exists():
                log.replace(self.logs / f"{name}.previous.log")
            self._logged.add(name)
        return log

    def run(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        folder: Path | None = None,
    ) -> None:
        """Run a job to its end. Raises ChildEndedError unless it exits with 0."""
        child = self.start(
            name, command, JOB, environment=environment, account=account, folder=folder
        )
        code = child.process.wait()
        self._forget(child)
        if code:
            raise ChildEndedError(name, code, child.log)

    def check(self) -> None:
        """Raises ChildEndedError when a child has ended that nobody stopped.

        Once the family is being stopped: StackError, so that whoever waits for a child gives up.
        """
        if self._closed:
            raise StackError("the stack is stopping")
        with self._lock:
            children = list(self._children.values())
        for child in children:
            code = child.process.poll()
            if code is not None and child.wanted and child.ending is not JOB:
                raise ChildEndedError(child.name, code, child.log)
        if self._guard.poll() is not None:
            raise StackError("the guard of the stack ended; without it processes could be left")

    def kill(self, name: str) -> None:
        """SIGKILL to the child's group, on purpose: it is not taken for a crash."""
        child = self._child(name)
        child.wanted = False
        signal_group(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self._forget(child)

    def stop(self, name: str) -> None:
        """Ask the child to end as its `Ending` says; SIGKILL when its grace is over."""
        self._end([self._child(name)])

    def close(self, cause: BaseException | None = None) -> None:
        """Stop everything in order; nothing can be started any more. May be called again.

        `cause` is why; the first one is kept, since what fails after it only follows from it.
        """
        with self._lock:
            if not self._closed:
                self.cause = cause
            self._closed = True
            children = list(self._children.values())
        for rank in sorted({child.ending.rank for child in children}, reverse=True):
            self._end([child for child in children if child.ending.rank == rank])
        with self._lock:
            if self._guard.stdin and not self._guard.stdin.closed:
                self._guard.stdin.close()
        self._guard.wait()

    def _child(self, name: str) -> Child:
        with self._lock:
            if name not in self._children:
                raise StackError(f"{name} is not running")
            return self._children[name]

    def _end(self, children: Sequence[Child]) -> None:
        for child in children:
            child.wanted = False
            if child.process.poll() is None:
                signal_group(child.process.pid, child.ending.polite)
        began = time.monotonic()
        for child in children:
            left = child.ending.grace - (time.monotonic() - began)
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, left))
            signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
            self._forget(child)

    def _forget(self, child: Child) -> None:
        with self._lock:
            self._children.pop(child.name, None)
            self._tell(drop=child.process.pid)

    def _tell(self, **told: float) -> None:
        pipe = self._guard.stdin
        if pipe is None or pipe.closed:
            return
        try:
            pipe.write(json.dumps(told).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            if not self._closed:
                raise StackError("the guard of the stack ended") from None
