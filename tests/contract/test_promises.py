"""Each promise names a test that exists."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/promises.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))
WRITTEN = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", WRITTEN, re.M)


def test_each_row_names_what_attacks_it() -> None:
    rows = [
        line for line in PAGE.splitlines() if line.startswith("| ") and "attacked by" not in line
    ]
    assert len(rows) > 30
    assert all(re.search(r"`test_\w+`", row.split("|")[2]) for row in rows)
