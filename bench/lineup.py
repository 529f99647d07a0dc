"""Who takes part."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.contest import ROOT, Contestant, python

OURS = Contestant("ours", python("bench.contestants.ours"), whole=True)
INSIDE = Contestant(
    "ours, relay inside",
    python("bench.contestants.ours"),
    {"RELAY": "inside"},
    drains_outbox=True,
)
BESIDE = Contestant(
    "ours, relay beside",
    python("bench.contestants.ours"),
    {"RELAY": "beside"},
    beside=python("bench.contestants.relay"),
    drains_outbox=True,
)
NAIVE = Contestant("naive", python("bench.contestants.naive"), guess=200)
BARE = Contestant("bare limit", python("bench.contestants.bare"))
WATERMILL = "Watermill"
NAMES = {
    "ours": OURS,
    "naive": NAIVE,
    "bare": BARE,
    "inside": INSIDE,
    "beside": BESIDE,
}
"""By the word that `--only` takes; `watermill` is the sixth."""


def line_up(only: Sequence[str], folder: Path) -> tuple[list[Contestant], list[str]]:
    """The contestants that are asked for, and what has to be said about those that are absent."""
    chosen = [contestant for word, contestant in NAMES.items() if word in only]
    if "watermill" not in only:
        return chosen, []
    program, why = _watermill(folder)
    if program is None:
        return chosen, [f"{WATERMILL}: not measured, {why}."]
    plain = Contestant(WATERMILL, [program], guess=500)
    tuned = Contestant(f"{WATERMILL}, tuned", [program], {"WATERMILL": "tuned"}, guess=500)
    return [*chosen, plain, tuned], []


def _watermill(folder: Path) -> tuple[Path | None, str]:
    """Build the program, or say why there is none."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    source = ROOT / "bench" / "peers" / "watermill"
    if go is None:
        return None, "there is no Go here"
    program = folder / "watermill-bench"
    made = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        return None, "it could not be built: " + made.stderr.strip()[-300:]
    return program, ""
