"""`make run`, twice on one folder: the year played, and then kept."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.cycle.people import SAMPLE_SIGN_IN, client_of
from deploy.local.state import ROOT
from tests.played import state_folder

UP = "Nhấn Ctrl-C để dừng"
PLAYED_SECONDS, UP_SECONDS = 600.0, 120.0


@dataclass(frozen=True)
class MadeRun:
    """What two runs on one state folder left; both have ended.

    `played` and `kept` are what each printed, `logs` what the services wrote during the first,
    `entered` the answer to a sign-in over HTTPS during the second, `ended` its code after Ctrl-C.
    """

    state: Path
    logs: Path
    played: str
    kept: str
    entered: httpx.Response
    ended: int


@contextmanager
def made_run(logs: Path) -> Iterator[MadeRun]:
    """Raises AssertionError, with what was printed, when a run did not come so far."""
    first, second = logs / "first.txt", logs / "second.txt"
    with state_folder() as state:
        code = _start(state, first, "--once").wait(PLAYED_SECONDS)
        assert code == 0, first.read_text("utf-8")
        shutil.copytree(state / "logs", logs / "played")
        again = _start(state, second, "--https")
        try:
            _until_up(again, second)
            told = json.loads((state / "stack.json").read_text("utf-8"))
            with client_of(told["http"]["origin"], told["authority"]) as client:
                entered = client.post(SAMPLE_SIGN_IN, data={"who": "tu-minh/auditor"})
        finally:
            again.send_signal(signal.SIGINT)
            ended = again.wait(60)
        played, kept = first.read_text("utf-8"), second.read_text("utf-8")
        yield MadeRun(state, logs / "played", played, kept, entered, ended)


def _start(state: Path, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"THIDUA_STATE": str(state), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "deploy.cycle", *arguments]
    with log.open("wb") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )


def _until_up(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while UP not in (text := log.read_text("utf-8")):
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)
