from collections.abc import Iterator

import pytest

from tests.played import Played, played


@pytest.fixture(scope="session")
def ward() -> Iterator[Played]:
    """The sample ward after its 2025 cycle."""
    with played() as done:
        yield done
