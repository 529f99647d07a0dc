"""The checker reads by plain clients: a bug of the kernel cannot hide itself from it."""

import ast
import sys
from pathlib import Path

import pytest

from services.awards.handlers import consumer as awards
from services.intake.handlers import consumer as intake
from services.notify.handlers import consumer as notify
from services.scoring.handlers import consumer as scoring
from tests.chaos import checker
from tests.chaos.applied import OUT_OF_ORDER, READS

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
OUTSIDERS = ("asyncpg", "confluent_kafka", "sqlalchemy.engine")


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def everything_behind(file: Path) -> dict[str, Path]:
    """Modules of this repository that a file imports, and what those import."""
    seen: dict[str, Path] = {}
    ahead = [file]
    while ahead:
        for name in imports(ahead.pop()):
            source = ROOT / (name.replace(".", "/") + ".py")
            if name not in seen and source.exists():
                seen[name] = source
                ahead.append(source)
    return seen


def test_nothing_of_the_kernel_or_of_a_service_is_behind_the_checker() -> None:
    behind = everything_behind(Path(checker.__file__))
    assert {name.split(".")[0] for name in behind} == {"tests"}


def test_the_checker_stands_on_plain_clients() -> None:
    files = [Path(checker.__file__), *everything_behind(Path(checker.__file__)).values()]
    used = {name for file in files for name in imports(file) if not name.startswith("tests.")}
    assert {name for name in used if not _is_standard(name)} <= {
        *OUTSIDERS,
        "confluent_kafka.admin",
    }


def _is_standard(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def test_the_checker_knows_what_each_service_reads() -> None:
    for consumer in (intake, scoring, awards, notify):
        assert READS[consumer.name] == set(consumer.subscriptions)


def test_the_checker_knows_what_may_pass_a_parked_event() -> None:
    for consumer in (intake, scoring, awards, notify):
        alone = {name for name, s in consumer.subscriptions.items() if s.order == "none"}
        assert OUT_OF_ORDER.get(consumer.name, frozenset()) == alone
