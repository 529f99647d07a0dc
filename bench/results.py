"""Where figures are kept: a part of a Markdown file, between two markers."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.contest import ROOT
from bench.machine import Machine
from deploy.local.postgres import MAJOR, SETTINGS

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def heading(seed: int, asked: Mapping[str, object], program: str = "bench") -> str:
    """Seed, commit, machine and what was asked for; not the file that it goes to."""
    told = {name: value for name, value in asked.items() if name != "out" and value is not None}
    options = " ".join(f"{name}={value}" for name, value in told.items())
    machine = Machine.here()
    return (
        f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by `python -m {program}`,"
        f" commit {commit()}, seed {seed}, on {machine}, load {machine.load:.1f} at the start."
        f" {_servers()}\n\n"
        f"Asked: `{options}`."
    )


def commit() -> str:
    """The checkout's commit, and whether files differ from it."""
    told = os.environ.get("THIDUA_COMMIT")
    if told:
        return told
    short = _git("rev-parse", "--short", "HEAD")
    return f"{short} with changes" if _git("status", "--porcelain") else short


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _servers() -> str:
    return (
        f"Broker and PostgreSQL {MAJOR} are the embedded stack's, on the same machine: Apache Kafka"
        f" with `-Xmx512m`, PostgreSQL with its defaults and fsync={SETTINGS['fsync']}"
        " (`synchronous_commit` on)."
    )


def write_down(file: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put the text between the markers; the rest of the file stays as it is."""
    old = file.read_text("utf-8") if file.exists() else f"# Results\n\n{begin}\n{end}\n"
    if begin not in old or end not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    before, _, rest = old.partition(begin)
    after = rest.partition(end)[2]
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")
