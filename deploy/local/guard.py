"""Ends what a supervisor started, in order, once that supervisor is gone - `kill -9` included.

The supervisor holds the writing end of this process's standard input and tells it, one JSON line
each, what it started (`{"add": pid, "rank": n, "signal": n, "grace": seconds}`) and what has ended
(`{"drop": pid}`). The end of the input, however it comes about, is the order to clean up: highest
rank first, a polite signal, then SIGKILL to the whole process group. Standard library only: it runs
with `python -I -S` so that it costs next to nothing.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path


def gone(pid: int) -> bool:
    """True when no such process runs; a zombie whose parent does not reap it counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False
    return after_name.split()[:1] == ["Z"]


def signal_group(pid: int, number: int) -> None:
    """Send to the group that `pid` leads; silent when it has just ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def end(batch: dict[int, dict[str, float]]) -> None:
    """Stop the processes of one rank together."""
    for pid, how in batch.items():
        signal_group(pid, int(how["signal"]))
    began = time.monotonic()
    waiting = dict(batch)
    while waiting:
        passed = time.monotonic() - began
        for pid in [pid for pid in waiting if gone(pid)]:
            del waiting[pid]
        for pid in [pid for pid, how in waiting.items() if passed > how["grace"]]:
            signal_group(pid, signal.SIGKILL)
        if passed > 60:
            return
        time.sleep(0.02)


def main() -> None:
    """Follow the supervisor's lines until they end, then stop whatever is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    running: dict[int, dict[str, float]] = {}
    for line in sys.stdin:
        told = json.loads(line)
        if "add" in told:
            running[told["add"]] = told
        else:
            running.pop(told["drop"], None)
    for rank in sorted({how["rank"] for how in running.values()}, reverse=True):
        end({pid: how for pid, how in running.items() if how["rank"] == rank})


if __name__ == "__main__":
    main()
