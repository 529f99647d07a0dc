"""`python -m tests.chaos --faults N --events M --seed S [--planted BUG]`: `make chaos`."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.signals import StopRequestedError, stop_on_signals
from deploy.local.state import ROOT
from tests.chaos.planted import BUGS
from tests.chaos.rig import Plan, Run, run
from tests.chaos.schedule import KINDS, SHARE


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every fault happened and every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--planted", choices=sorted(BUGS), default="")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these; may repeat")
    parser.add_argument("--share", type=int, default=SHARE, help="of each kind, before cheap ones")
    parser.add_argument("--folder", type=Path, help="state and logs; kept (default: thrown away)")
    told = parser.parse_args(arguments)
    plan = Plan(
        told.faults,
        told.events,
        told.seed,
        told.planted,
        kinds=told.kind or KINDS,
        share=told.share,
    )
    folder = told.folder or Path(tempfile.mkdtemp(prefix="thidua-chaos-"))
    stop_on_signals()
    try:
        result = run(plan, folder, _say)
    except StopRequestedError as why:
        _say(f"{why}: given up")
        return 1
    except Exception as error:
        _say(f"the run broke off: {error!r}\nlogs: {folder / 'logs'}")
        raise
    _say("\n".join(report(result)))
    if result.good and not told.folder:
        shutil.rmtree(folder, ignore_errors=True)
    elif not result.good:
        _say(f"logs and journal: {folder}")
    return 0 if result.good else 1


def report(result: Run) -> list[str]:
    """What went wrong in words, then one figure a line."""
    lines = [*result.problems, *result.outcome.failures]
    verdict = result.verdict
    if verdict is not None:
        lines += verdict.findings.details()
    lines += [
        "",
        f"seed: {result.plan.seed}",
        f"commit: {_commit()}",
        f"machine: {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        f"began: {time.strftime('%Y-%m-%d %H:%M', time.gmtime(time.time() - result.seconds))} UTC",
        f"duration: {result.seconds:.0f} s",
        f"faults: {result.outcome.count}",
    ]
    lines += [f"fault {kind}: {n}" for kind, n in sorted(result.outcome.happened.items())]
    if verdict is not None:
        lines += [f"events: {verdict.events}", f"records with repeats: {verdict.records}"]
        lines += verdict.findings.lines()
    lines.append(
        _recovery("recovery", [s for all_ in result.outcome.recoveries.values() for s in all_])
    )
    return lines


def _recovery(name: str, seconds: Sequence[float]) -> str:
    if not seconds:
        return f"{name} p50/max: none"
    return f"{name} p50/max: {statistics.median(seconds):.1f}/{max(seconds):.1f} s"


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
