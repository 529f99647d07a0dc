"""Named places where tests kill a process, as a power cut would.

`THIDUA_FAILPOINT=<name>[:<nth>][,…]` arms them. In production nothing is ever armed.
"""

import os
import signal
import sys
from collections.abc import Mapping
from typing import Literal, get_args

Failpoint = Literal[
    "mid-batch",
    "inside-parking",
    "committed-before-offsets",
    "claimed-before-send",
    "acknowledged-before-delete",
    "during-migration",
    "during-shutdown",
]
FAILPOINTS: tuple[Failpoint, ...] = get_args(Failpoint)
VARIABLE = "THIDUA_FAILPOINT"

_left: dict[str, int] = {}
"""Name -> how many times it will be passed, the last of them fatally."""


def arm(environment: Mapping[str, str] = os.environ) -> None:
    """Arm what the environment names, and nothing else. Raises ValueError on an unknown name."""
    _left.clear()
    told = environment.get(VARIABLE, "")
    if not told or environment.get("THIDUA_ENV", "production") == "production":
        return
    for one in told.split(","):
        name, _, nth = one.partition(":")
        if name not in FAILPOINTS or not (nth or "1").isdecimal() or nth == "0":
            raise ValueError(f"{VARIABLE} names no failpoint: {one!r}")
        _left[name] = int(nth or 1)


def reach(name: Failpoint) -> None:
    """Pass, or, where it is armed and its turn has come, end this process with SIGKILL."""
    if name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        sys.stderr.write(f"failpoint {name} reached\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)
