"""A command that a runbook tells an operator to type is one that the service understands."""

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.intake.access import ROUTES
from services.intake.commands.oidc import BACK
from services.intake.forms.people import AdmissionFile
from services.intake.sign_in_settings import SignInSettings
from services.intake.store.sign_in_tables import signing_key
from shared import parked, rebuild
from shared.settings import Settings

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PARKED = (ROOT / "docs/runbooks/parked.md").read_text("utf-8")
SIGN_IN = (ROOT / "docs/runbooks/sign-in.md").read_text("utf-8")


def commands_in(page: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", page, re.S)
    return [line for block in blocks for line in block.splitlines()]


def told(service: str, arguments: list[str]) -> argparse.Namespace:
    """What a service makes of a command line. Raises argparse.ArgumentError."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    known = parser.add_subparsers(dest="command", required=True)
    parked.add_command(known)
    rebuild.add_command(known)
    for name, own in import_module(f"services.{service}.app").service.commands.items():
        own.arguments(known.add_parser(name, exit_on_error=False))
    return parser.parse_args(arguments)


@pytest.mark.parametrize("command", commands_in(PARKED))
def test_each_command_is_understood(command: str) -> None:
    docker, compose, run, container, python, module, package, *arguments = shlex.split(command)
    assert (docker, compose, run, python, module) == ("docker", "compose", "exec", "python", "-m")
    assert package == f"services.{container}"
    assert (ROOT / "services" / container / "__main__.py").is_file()
    assert told(container, arguments).command == "parked"


def test_every_action_is_shown() -> None:
    shown = {shlex.split(command)[8] for command in commands_in(PARKED)}
    assert shown == {"list", "show", "retry", "discard"}


def test_the_settings_and_their_defaults_are_as_written() -> None:
    for name, default in re.findall(r"`THIDUA_(ALARM_\w+)` \(([\d.]+)\)", PARKED):
        assert Settings.model_fields[name.lower()].default == float(default)


def test_the_first_people_are_admitted_by_a_command_that_intake_understands() -> None:
    [command] = [line for line in commands_in(SIGN_IN) if " admit " in line]
    start = ["docker", "compose", "run", "--rm", "--volume", "./people.yaml:/people.yaml:ro"]
    words = shlex.split(command)
    assert words[: len(start)] == start
    container, *arguments = words[len(start) :]
    understood = told(container, arguments)
    assert (container, understood.command, str(understood.file)) == (
        "intake",
        "admit",
        "/people.yaml",
    )


def test_the_file_to_begin_with_is_one_that_can_be_admitted() -> None:
    [path] = re.findall(r"`(deploy/wards/\S+/people\.yaml)`", SIGN_IN)
    people = YAML(typ="safe").load((ROOT / path).read_text("utf-8"))
    assert AdmissionFile.model_validate(people).people


def test_the_other_commands_name_what_is_there() -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    others = [shlex.split(line) for line in commands_in(SIGN_IN) if " admit " not in line]
    assert {words[2] for words in others} == {"exec", "up"}
    for words in others:
        container = words[3] if words[2] == "exec" else words[-1]
        assert re.search(rf"^  {container}:$", compose, re.MULTILINE)
        if "psql" in words:
            assert words[-1] == f"DELETE FROM {signing_key.name}"


def test_what_is_asked_by_http_is_a_route_of_intake() -> None:
    served = {(route.method, route.path) for route in ROUTES}
    asked = re.findall(r"`(GET|POST|PUT|DELETE) /intake(/\S+)`", SIGN_IN)
    assert len(asked) >= 4
    assert set(asked) <= served
    assert f"`<origin>{BACK}`" in SIGN_IN
    assert ("POST", "/oauth/token") in served
    assert "`/intake/oauth/token`" in SIGN_IN


def test_a_city_s_sign_in_is_set_up_by_what_the_compose_file_reads() -> None:
    [block] = re.findall(r"```\n(COMPOSE_FILE=.*?)```", SIGN_IN, re.S)
    given = dict(line.split("=", 1) for line in block.splitlines())
    files = [(ROOT / name) for name in given.pop("COMPOSE_FILE").split(":")]
    read = set(re.findall(r"\$\{(THIDUA_\w+):\?", files[1].read_text("utf-8")))
    assert set(given) == read
    assert {name.removeprefix("THIDUA_").lower() for name in read} <= set(
        SignInSettings.model_fields
    )
    [days] = re.findall(r"`THIDUA_KEY_DAYS` \((\d+)\)", SIGN_IN)
    assert SignInSettings.model_fields["key_days"].default == float(days)
