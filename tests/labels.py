"""Collects every label of the pages into the one catalogue, `shared/web/catalogue.pot`.

`python -m tests.labels` writes it; tests/contract/test_catalogue.py compares.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from deploy.local.state import ROOT
from shared.web.catalogue import DOMAIN

CATALOGUE = ROOT / "shared" / "web" / "catalogue.pot"
MAPPINGS = ROOT / "shared" / "web" / "catalogue.toml"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
VIETNAMESE = re.compile(r"[À-ỹĐđ]")


def templates() -> Iterator[Path]:
    """The templates of pages; letters are written in one language and are not among them."""
    for folder in ("shared/web/templates", "services/*/templates"):
        yield from sorted(ROOT.glob(f"{folder}/*.html"))


def literals(source: BinaryIO, *_: Any, **__: Any) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel's method for our Python: every Vietnamese text in it, docstrings apart."""
    tree = ast.parse(source.read())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in said | parts:
            continue
        if isinstance(node.value, str) and VIETNAMESE.search(node.value):
            yield node.lineno, "_", node.value, []


def collect() -> str:
    """The catalogue as it should be, in the order of the words."""
    told = tomllib.loads(MAPPINGS.read_text("utf-8"))["mappings"]
    methods = [(str(one["pattern"]), str(one["method"])) for one in told]
    options = {
        one["pattern"]: {k: str(v) for k, v in one.items() if k not in {"pattern", "method"}}
        for one in told
    }
    catalogue = Catalog(project=DOMAIN, charset="utf-8", fuzzy=False)
    for folder in ("shared/web", "services"):
        for file, _, words, _, context in extract_from_dir(
            ROOT / folder, methods, options, KEYWORDS
        ):
            catalogue.add(words, locations=[(f"{folder}/{file}", 0)], context=context)
    out = BytesIO()
    write_po(out, catalogue, omit_header=True, sort_output=True, include_lineno=False, width=100)
    return out.getvalue().decode()


if __name__ == "__main__":
    CATALOGUE.write_text(collect(), "utf-8")
