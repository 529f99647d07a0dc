"""Figures from `/proc`: what a process, and a server with its children, has used."""

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads; children that have ended are not in it."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def tree_cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it, those that have ended included.

    A child that ends meanwhile is its parent's from then on; it may be missed this once.
    """
    fields = _stat(pid)
    total = sum(int(field) for field in fields[11:15]) / _TICKS
    for child in _children(pid):
        with contextlib.suppress(OSError):
            total += tree_cpu_seconds(child)
    return total


def peak_memory_mb(pid: int) -> float:
    """The most resident memory that the process has had (`VmHWM`), in MB of 10^6 bytes."""
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("no VmHWM in /proc")


def _stat(pid: int) -> list[str]:
    """From the third field (state) on; the name before it may hold anything."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in (_PROC / str(pid) / "task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Machine:
    """Size of the machine that a table was made on."""

    cores: int
    memory_gb: float
    processor: str
    load: float

    @classmethod
    def here(cls) -> "Machine":
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(len(os.sched_getaffinity(0)), memory / 1e9, _processor(), os.getloadavg()[0])

    def __str__(self) -> str:
        return f"{self.cores} cores ({self.processor}), {self.memory_gb:.0f} GB"


def _processor() -> str:
    for line in (_PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
