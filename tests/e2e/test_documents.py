"""The commands that the documents show are run as they stand."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from deploy.local.state import ROOT
from tests.played import Played

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_a_foreign_publisher_gets_its_report_received_and_scored(
    ward: Played, tmp_path: Path
) -> None:
    """Someone who follows docs/publishing.md, and has nothing else."""
    for name in (".venv", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".thidua").symlink_to(ward.stack.state.folder)
    publish, ask = _BLOCK.findall((ROOT / "docs" / "publishing.md").read_text("utf-8"))
    said = _run(publish, tmp_path)
    answers = [json.loads(line) for line in said.splitlines()]
    [answer] = [a for a in answers if a.get("period") == "2026-annual"]
    assert answer["type"] == "vn.thidua.outbound.report-received.v1"
    assert not answer["late"]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        score = json.loads(_run(ask, tmp_path))
        if score.get("total") is not None:
            break
        time.sleep(0.2)
    assert score["participant"] == "tieu-hoc-1"
    assert score["basis"] == "self"
    assert score["total"] == "92.50"


def _run(commands: str, folder: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("THIDUA_")}
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
