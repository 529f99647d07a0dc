"""Laws 3 and 5, read from the code itself: what a list of forbidden modules could forget."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.state import ROOT

pytestmark = pytest.mark.contract

CONTRACTS = sorted((ROOT / "shared" / "contracts").glob("*.py"))
DOMAINS = sorted(ROOT.glob("services/*/domain/**/*.py"))
_PURE_PARTS = (
    "shared.contracts",
    "shared.calendar",
    "shared.fields",
    "shared.mailbox",
    "shared.refusal",
    "shared.roles",
    "shared.tokens",
    "shared.working_days",
)
_IMPURE = {"os", "io", "time", "random", "secrets", "socket", "subprocess", "asyncio", "pathlib"}
_CLOCKS = {"now", "today", "utcnow", "uuid4", "uuid7"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("file", CONTRACTS, ids=lambda file: file.stem)
def test_contracts_import_only_pydantic(file: Path) -> None:
    foreign = [
        module
        for module in imported(ast.parse(file.read_text("utf-8")))
        if not is_standard(module) and not module.startswith(("pydantic", "shared.contracts"))
    ]
    assert foreign == []


@pytest.mark.parametrize("file", DOMAINS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_domain_is_pure(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    own = ".".join(file.relative_to(ROOT).parts[:3])
    modules = list(imported(tree))
    foreign = [m for m in modules if not is_standard(m) and not m.startswith((own, *_PURE_PARTS))]
    assert foreign == []
    assert _IMPURE.isdisjoint(module.partition(".")[0] for module in modules)
    assert (_CLOCKS | {"open", "print", "input"}).isdisjoint(called(tree))


def test_there_is_something_to_look_at() -> None:
    assert len(CONTRACTS) > 5
    assert len({file.relative_to(ROOT).parts[1] for file in DOMAINS}) == 4
