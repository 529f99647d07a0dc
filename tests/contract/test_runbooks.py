"""A command that a runbook tells an operator to type is one that the service understands."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from shared import parked
from shared.settings import Settings

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PARKED = (ROOT / "docs/runbooks/parked.md").read_text("utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PARKED, re.S) for line in block.splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_understood(command: str) -> None:
    docker, compose, run, container, python, module, package, *arguments = shlex.split(command)
    assert (docker, compose, run, python, module) == ("docker", "compose", "exec", "python", "-m")
    assert package == f"services.{container}"
    assert (ROOT / "services" / container / "__main__.py").is_file()
    parser = argparse.ArgumentParser(exit_on_error=False)
    parked.add_command(parser.add_subparsers(dest="command", required=True))
    assert parser.parse_args(arguments).command == "parked"


def test_every_action_is_shown() -> None:
    shown = {shlex.split(command)[8] for command in COMMANDS}
    assert shown == {"list", "show", "retry", "discard"}


def test_the_settings_and_their_defaults_are_as_written() -> None:
    for name, default in re.findall(r"`THIDUA_(ALARM_\w+)` \(([\d.]+)\)", PARKED):
        assert Settings.model_fields[name.lower()].default == float(default)
