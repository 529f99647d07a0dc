from collections.abc import Iterator

import pytest

from tests.played import Played, played


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The sample ward after its 2025 cycle."""
    with played(tmp_path_factory.mktemp("ward")) as done:
        yield done
