"""What `make run` runs, as a person sees it: played once, kept, and ended by Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.cycle.people import SAMPLE_SIGN_IN, client_of
from deploy.cycle.story import STORY
from deploy.local.state import ROOT
from tests.played import state_folder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

UP = "Nhấn Ctrl-C để dừng"


def start(state: Path, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"THIDUA_STATE": str(state), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "deploy.cycle", *arguments]
    with log.open("wb") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )


def test_it_is_played_once_and_stays_up_until_ctrl_c(tmp_path: Path) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    with state_folder() as state:
        assert start(state, first, "--once").wait(600) == 0
        again = start(state, second, "--https")
        try:
            deadline = time.monotonic() + 120
            while UP not in second.read_text("utf-8") and time.monotonic() < deadline:
                assert again.poll() is None
                time.sleep(0.2)
            told = json.loads((state / "stack.json").read_text("utf-8"))
            signs_in_over_https(told["http"]["origin"], told["authority"])
        finally:
            again.send_signal(signal.SIGINT)
        assert again.wait(60) == 0
    played, kept = first.read_text("utf-8"), second.read_text("utf-8")
    assert f"[{len(STORY)}/{len(STORY)}]" in played
    assert "\x1b[" not in played
    for line in (
        "Khối trường học (8 được xếp hạng)",
        "Giấy khen đã in: 22 tệp PDF",
        "kỳ 2026-annual",
    ):
        assert line in played
        assert line in kept
    assert "không diễn lại" in kept
    assert "[ 1/" not in kept
    assert _line(played, "Thư: ") == _line(kept, "Thư: ")


def signs_in_over_https(origin: str, authority: str) -> None:
    """As a browser that keeps to what `__Host-` and `__Secure-` cookies ask for."""
    with client_of(origin, authority) as client:
        entered = client.post(SAMPLE_SIGN_IN, data={"who": "tu-minh/auditor"})
    assert entered.status_code == 303
    assert "max-age=" in entered.headers["strict-transport-security"]
    cookies = {line.partition("=")[0]: line for line in entered.headers.get_list("set-cookie")}
    token, session = cookies["__Host-thidua_token"], cookies["__Secure-thidua_session"]
    assert token.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure")
    assert "; Path=/intake/; SameSite=lax; Secure" in session
    assert "Domain=" not in token + session


def _line(text: str, start: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(start)]
    return line
