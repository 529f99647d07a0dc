"""What operators watch speaks of metrics that exist; a rebuild that they are told can be typed."""

import argparse
import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from shared import metrics, rebuild
from shared.service import Service
from shared.settings import Settings

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
REBUILD = (ROOT / "docs/runbooks/rebuild.md").read_text("utf-8")
DASHBOARD = json.loads((ROOT / "deploy/grafana/flow.json").read_text("utf-8"))
ALERTS = YAML(typ="safe").load((ROOT / "deploy/grafana/alerts.yaml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", REBUILD, re.S) for line in block.splitlines()
]
POSTGRES = "relation does not exist"
LABELS = {"service", "type", "outcome", "part", "state", "routine", "le"}


def service(name: str) -> Service[Settings]:
    found: Service[Settings] = import_module(f"services.{name}.app").service
    return found


def expressions() -> list[str]:
    panels: list[Any] = DASHBOARD["panels"]
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    return shown + [rule["expr"] for rule in RULES]


def watched() -> set[str]:
    found = set(re.findall(r"thidua_\w+", "\n".join(expressions())))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


def test_dashboard_and_alerts_ask_for_metrics_and_labels_that_exist() -> None:
    assert watched() <= metrics.names()
    for text in expressions():
        grouped = re.findall(r"by \(([^)]*)\)", text)
        matched = re.findall(r"(\w+)=~?\"", text)
        used = {name.strip() for names in grouped for name in names.split(",")} | set(matched)
        assert used <= LABELS, text


def test_each_panel_has_its_place_and_each_alert_its_words() -> None:
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_rebuild_that_is_shown_is_understood(command: str) -> None:
    docker, compose, run, container, python, module, package, *arguments = shlex.split(command)
    assert (docker, compose, run, python, module) == ("docker", "compose", "exec", "python", "-m")
    assert package == f"services.{container}"
    parser = argparse.ArgumentParser(exit_on_error=False)
    rebuild.add_command(parser.add_subparsers(dest="command", required=True))
    told = parser.parse_args(arguments)
    assert told.command == "rebuild"
    assert told.list or told.projection in service(container).consumer.projections


def test_every_projection_of_every_service_is_shown() -> None:
    shown = {tuple(shlex.split(command)[i] for i in (3, 8)) for command in COMMANDS}
    declared = {
        (name, projection)
        for name in ("intake", "scoring", "awards", "notify")
        for projection in service(name).consumer.projections
    }
    assert {pair for pair in shown if pair[1] != "--list"} == declared


def test_what_it_may_say_is_what_the_code_says() -> None:
    said = re.findall(r"^\| (.*?) \|", REBUILD, re.M)[2:]
    files = ("shared/rebuild.py", "shared/messaging/rebuild.py", "shared/messaging/history.py")
    code = "".join((ROOT / file).read_text("utf-8") for file in files)
    for text in (part for line in said for part in re.findall(r"`([^`]*)`", line)):
        for words in text.split("…"):
            assert words.strip() in code + POSTGRES, text
