"""The page of personal data knows every table of every service and every topic, and no other."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from shared.messaging.tables import kernel

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/personal-data.md").read_text("utf-8")
SERVICES = ("intake", "scoring", "awards", "notify")
SECTIONS = {
    title: text
    for title, _, text in (part.partition("\n") for part in re.split(r"^## ", PAGE, flags=re.M)[1:])
}


def named_in(section: str) -> list[str]:
    """Tables that a section names: in the first cell of a row, or as holding nothing."""
    rows = re.findall(r"^\| (`[^|]+) \|", section, re.M)
    _, _, nothing = section.partition("Nothing of a person:")
    return [name for text in (*rows, nothing) for name in re.findall(r"`([\w.{}]+)`", text)]


def tables_of(service: str) -> set[str]:
    """Of the declarations, once everything of the service is imported."""
    import_module(f"services.{service}.app")
    return set(import_module(f"services.{service}.store.tables").tables.tables)


@pytest.mark.parametrize("service", [*SERVICES, "every service"])
def test_every_table_is_in_the_page(service: str) -> None:
    named = named_in(SECTIONS[service])
    known = set(kernel.tables) if service == "every service" else tables_of(service)
    assert sorted(named) == sorted(known)


def test_every_topic_is_in_the_page() -> None:
    plan = YAML(typ="safe").load((ROOT / "deploy/topics.yaml").read_text("utf-8"))
    topics = [topic["name"] for part in ("topics", "per_publisher") for topic in plan[part]]
    assert sorted(named_in(SECTIONS["topics, mails, files"])) == sorted(topics)


def test_every_row_says_how_long_and_how_it_is_erased() -> None:
    for title, text in SECTIONS.items():
        rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
        assert {len(row) for row in rows} == {4 if title.startswith("topics") else 5}, title
        assert all(cell.strip(" |") for row in rows for cell in row)
    assert "legal check" in PAGE
