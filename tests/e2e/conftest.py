from collections.abc import Iterator

import pytest

from tests.e2e import made
from tests.played import Played, up


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[made.MadeRun]:
    with made.made_run(tmp_path_factory.mktemp("run")) as run:
        yield run


@pytest.fixture(scope="session")
def ward(made_run: made.MadeRun) -> Iterator[Played]:
    """The sample ward after its 2025 cycle, as `make run` left it."""
    with up(made_run.state) as played:
        yield played
