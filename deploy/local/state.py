"""The state folder of one stack (`.thidua/`): where things lie, which ports, who holds it."""

import fcntl
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from deploy.local.process import StackError

ROOT = Path(__file__).resolve().parents[2]
MARKER = "STATE-OF-AN-EMBEDDED-STACK"
HOST = "127.0.0.1"
FIRST_PORT, PORTS = 20000, 12000
MOST_HELD_BACK = 100


def default_folder() -> Path:
    """`THIDUA_STATE`, else `.thidua/` in the checkout."""
    return Path(os.environ.get("THIDUA_STATE") or ROOT / ".thidua").resolve()


class State:
    """Paths and small files of a state folder. Creating it makes the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARKER).touch()
        self.logs = self.folder / "logs"
        self.secrets = self.folder / "secrets"
        self.mail = self.folder / "mail"
        self.documents = self.folder / "documents"
        self.clock = self.folder / "clock.jsonl"
        self.stack_file = self.folder / "stack.json"
        self.pid_file = self.folder / "supervisor.pid"
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        self._lock: int | None = None

    @property
    def ours(self) -> bool:
        """True while this process holds the folder."""
        return self._lock is not None

    @property
    def lock(self) -> int:
        """The held lock's file descriptor."""
        if self._lock is None:
            raise StackError("the state folder is not locked")
        return self._lock

    def take(self) -> None:
        """Lock the folder for this process; whoever inherits the descriptor holds it too.

        Raises StackError when another stack (or what is left of it) holds it.
        """
        file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise StackError(
                f"a stack is running on {self.folder}: stop it first (python -m deploy.local down)"
            ) from None
        self._lock = file

    def release(self) -> None:
        """Say no more that a stack runs, and give the lock back; harmless when it is not held."""
        if self._lock is not None:
            self.stack_file.unlink(missing_ok=True)
            self.pid_file.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def held(self) -> bool:
        """True while any process holds the lock, the guard of a killed supervisor included."""
        try:
            file = os.open(self.folder / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def port(self, name: str) -> int:
        """`THIDUA_PORT_<NAME>`, else the port of the last start if it is free, else a free one."""
        fixed = os.environ.get(f"THIDUA_PORT_{name.upper().replace('-', '_')}")
        if fixed:
            if not port_is_free(int(fixed)):
                raise StackError(f"port {fixed} for {name} is taken (THIDUA_PORT_…)")
            return int(fixed)
        file = self.folder / "ports.json"
        ports = json.loads(file.read_text()) if file.exists() else {}
        port: int = ports.get(name, 0)
        others = {value for key, value in ports.items() if key != name}
        while not port or port in others or not port_is_free(port):
            port = free_port()
        write_json(file, ports | {name: port})
        return port

    def secret(self, name: str) -> str:
        """A password kept in `secrets/<name>` (mode 600), made when first asked for."""
        file = self.secrets / name
        if not file.exists():
            write_atomically(file, secrets.token_hex(24))
        return file.read_text().strip()

    def clear(self) -> None:
        """Delete the folder's content. Refuses a folder that no stack has marked."""
        if not (self.folder / MARKER).exists():
            raise StackError(f"{self.folder} is not the state of an embedded stack")
        for entry in self.folder.iterdir():
            if entry.name in {MARKER, "lock"}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def free_port() -> int:
    """A port of the loopback interface that nothing listens on right now.

    Below the range that outgoing connections take theirs from, so that it stays free until used;
    and held back from other processes that ask here, which start stacks at the same time.
    """
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        if _hold_back(port) and port_is_free(port):
            return port


_held_back: deque[int] = deque()


def _hold_back(port: int) -> bool:
    """Lock a port's file; False when another process has. The oldest of many is let go: by then
    it is in use, or will not be.
    """
    folder = Path(tempfile.gettempdir()) / f"thidua-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    _held_back.append(descriptor)
    if len(_held_back) > MOST_HELD_BACK:
        os.close(_held_back.popleft())
    return True


def port_is_free(port: int) -> bool:
    """True when the port can be listened on."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def write_atomically(file: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file as a whole: a reader sees the old text or the new one."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "w", encoding="utf-8") as output:  # noqa: PTH123
        output.write(text)
    draft.replace(file)


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    """Like write_atomically; indented, UTF-8 as it is."""
    write_atomically(file, json.dumps(value, ensure_ascii=False, indent=2) + "\n")
