import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared import failpoints
from shared.failpoints import FAILPOINTS, arm, reach

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PASSES = """
from shared.failpoints import arm, reach
arm()
for turn in range(5):
    print(turn, flush=True)
    reach("mid-batch")
"""


@pytest.fixture(autouse=True)
def _disarmed_afterwards() -> object:
    yield
    arm({})


def passes(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PASSES],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(("nth", "turns"), [("", 1), (":1", 1), (":3", 3)])
def test_an_armed_failpoint_kills_at_its_turn(nth: str, turns: int) -> None:
    ended = passes(THIDUA_FAILPOINT=f"mid-batch{nth}", THIDUA_ENV="local")
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == [str(turn) for turn in range(turns)]
    assert ended.stderr == "failpoint mid-batch reached\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"THIDUA_FAILPOINT": "mid-batch"},
        {"THIDUA_FAILPOINT": "mid-batch", "THIDUA_ENV": "production"},
        {"THIDUA_FAILPOINT": "inside-parking", "THIDUA_ENV": "local"},
        {"THIDUA_FAILPOINT": "", "THIDUA_ENV": "local"},
        {"THIDUA_ENV": "local"},
    ],
)
def test_otherwise_it_is_passed(environment: dict[str, str]) -> None:
    ended = passes(**environment)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "told", ["nowhere", "mid-batch:0", "mid-batch:x", "mid-batch,", "mid-batch:-1"]
)
def test_a_name_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="names no failpoint"):
        arm({"THIDUA_FAILPOINT": told, "THIDUA_ENV": "local"})


def test_several_may_be_armed() -> None:
    arm({"THIDUA_FAILPOINT": "mid-batch:2,during-shutdown", "THIDUA_ENV": "local"})
    assert failpoints._left == {"mid-batch": 2, "during-shutdown": 1}
    reach("inside-parking")


@pytest.mark.parametrize("name", FAILPOINTS)
def test_each_stands_in_the_code_once(name: str) -> None:
    code = [file.read_text() for file in (ROOT / "shared").rglob("*.py")]
    assert sum(text.count(f'reach("{name}")') for text in code) == 1
