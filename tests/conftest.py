"""Infrastructure for tests: real Apache Kafka and PostgreSQL, one of each a session.

Addresses come from THIDUA_TEST_KAFKA and THIDUA_TEST_POSTGRES where they are set; otherwise the
embedded stack's infrastructure is started.
"""

import itertools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from deploy.local.infrastructure import Provided
from deploy.local.stack import Infrastructure, infrastructure_from_environment
from tests.played import state_folder

_numbers = itertools.count(1)
SLOW_FIRST = ("e2e", "reliability", "component")
"""What takes long begins first, so that no worker is left alone with it at the end."""
PLAYED = "tests/e2e/"

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests run in one worker, and so do all that look at the one played year."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return PLAYED if file.startswith(PLAYED) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        slow = [
            SLOW_FIRST.index(mark.name) for mark in item.iter_markers() if mark.name in SLOW_FIRST
        ]
        return min(slow, default=len(SLOW_FIRST))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Provided]:
    """PostgreSQL and a broker for the whole session."""
    with (
        state_folder() as state,
        infrastructure_from_environment() or Infrastructure(state) as provided,
    ):
        yield provided


@pytest.fixture(scope="session")
def kafka(infrastructure: Provided) -> str:
    """Bootstrap servers, `host:port`."""
    return infrastructure.kafka


@pytest.fixture
def make_database(infrastructure: Provided) -> Iterator[Callable[[str], str]]:
    """Makes an empty database with a role of its own; returns its SQLAlchemy URL."""
    made: list[str] = []

    def make(prefix: str) -> str:
        name = f"{prefix}_{next(_numbers)}"
        made.append(name)
        return infrastructure.create_database(name)

    yield make
    for name in made:
        infrastructure.drop_database(name)


@pytest.fixture
def make_topic_name() -> Callable[[str], str]:
    """A topic name that no other test uses."""

    def make(prefix: str) -> str:
        return f"test.{prefix}.{next(_numbers)}"

    return make
