"""`python -m deploy.local up [--detach] | down | status | reset`: the embedded stack by hand."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.process import StackError, tail
from deploy.local.signals import StopRequestedError, stop_on_signals
from deploy.local.stack import Stack
from deploy.local.state import ROOT, State, default_folder

START_SECONDS = 300
STOP_SECONDS = 90


def supervise(stack: Stack) -> int:
    """Run a stack in the foreground until a signal or a crash. Exit code 1 after a crash."""
    stop_on_signals()
    try:
        stack.start()
        _say(_summary(stack.state))
        stack.wait()
    except StopRequestedError as why:
        _say(f"{why}: stopping in order")
    except StackError as failure:
        print(failure, file=sys.stderr, flush=True)
        return 1
    finally:
        stack.stop()
    _say("everything is stopped; the state is kept")
    return 0


def up_detached(folder: Path, *, https: bool) -> int:
    """Run the stack in the background; returns when it is ready."""
    state = State(folder)
    if state.held():
        print(f"a stack is running on {folder} already", file=sys.stderr)
        return 1
    state.stack_file.unlink(missing_ok=True)
    state.logs.mkdir(exist_ok=True)
    log = state.logs / "supervisor.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "up", *(["--https"] if https else [])],
            cwd=ROOT,
            env=os.environ | {"THIDUA_STATE": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        if state.stack_file.exists():
            _say(_summary(state))
            return 0
        time.sleep(0.1)
    print("\n".join(tail(log, 60)), file=sys.stderr)
    return 1


def down(folder: Path) -> int:
    """Stop the stack that runs on the folder, and wait until nothing of it is left."""
    state = State(folder)
    if not state.held():
        state.stack_file.unlink(missing_ok=True)
        _say("no stack is running")
        return 0
    if state.pid_file.exists():
        _signal(int(state.pid_file.read_text()))
    deadline = time.monotonic() + STOP_SECONDS
    while state.held():
        if time.monotonic() > deadline:
            print(f"the stack does not stop; see {state.logs}", file=sys.stderr)
            return 1
        time.sleep(0.1)
    state.stack_file.unlink(missing_ok=True)
    _say("everything is stopped; the state is kept")
    return 0


def status(folder: Path) -> int:
    """Say what runs and where. Exit code 3 when nothing does."""
    state = State(folder)
    if not state.held():
        _say("no stack is running")
        return 3
    _say(_summary(state) if state.stack_file.exists() else "the stack is starting or stopping")
    return 0


def reset(folder: Path) -> int:
    """Stop the stack and delete its state."""
    code = down(folder)
    if code == 0:
        State(folder).clear()
        _say(f"{folder} is empty now")
    return code


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def _summary(state: State) -> str:
    told = json.loads(state.stack_file.read_text())
    lines = [
        f"pages    {told['http']['origin']}",
        f"mails    {told['http']['origin']}/mail/",
        f"Kafka    {told['kafka']}",
        f"SMTP     {told['smtp']}",
        f"details  {state.stack_file}",
        *([f"trust    {told['authority']}"] if told["authority"] else []),
        "running  " + ", ".join(f"{name} {pid}" for name, pid in told["pids"].items()),
    ]
    return "\n".join(lines)


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start; Ctrl-C stops")
    start.add_argument("--detach", action="store_true", help="go on in the background")
    start.add_argument("--https", action="store_true", help="with a certificate of this machine")
    commands.add_parser("down", help="stop")
    commands.add_parser("status", help="what runs and where; exit code 3 when nothing does")
    commands.add_parser("reset", help="stop and delete all state")
    chosen = parser.parse_args()
    folder = default_folder()
    if chosen.command == "up":
        if chosen.detach:
            return up_detached(folder, https=chosen.https)
        return supervise(Stack(folder, say=_say, https=chosen.https))
    return {"down": down, "status": status, "reset": reset}[chosen.command](folder)


if __name__ == "__main__":
    sys.exit(main())
