"""What an undisturbed year tells; disturbed ones must tell the same."""

import pytest

from tests.played import Fact, played
from tests.reliability.stories import TOPICS


@pytest.fixture(scope="session")
def undisturbed() -> list[Fact]:
    with played() as done:
        return done.facts(*TOPICS)
