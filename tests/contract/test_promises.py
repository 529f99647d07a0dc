"""Each promise, and each answer to a threat, names a test that exists."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PROMISES = (ROOT / "docs/promises.md").read_text("utf-8")
THREATS = (ROOT / "docs/threats.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PROMISES + THREATS)))
WRITTEN = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    assert re.search(rf"^ *(async )?def {name}\(", WRITTEN, re.M)


@pytest.mark.parametrize(
    ("page", "column"), [(PROMISES, 2), (THREATS, 3)], ids=["promises", "threats"]
)
def test_each_row_names_what_attacks_it(page: str, column: int) -> None:
    rows = [
        line
        for line in page.splitlines()
        if line.startswith("| ") and not line.endswith(("attacked by |", "answered by |"))
    ]
    assert len(rows) > 30
    assert all(re.search(r"`test_\w+`", row.split("|")[column]) for row in rows)
