"""Awards on a database of the module's own."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.infrastructure import Provided
from tests.component.awards_world import Story, World, open_world


@pytest.fixture(scope="module")
async def world(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url = infrastructure.create_database("awards_refusing")
    async with open_world(url, tmp_path_factory.mktemp("awards")) as opened:
        yield opened
    infrastructure.drop_database("awards_refusing")


@pytest.fixture
def story(world: World) -> Story:
    return Story(world, world.ward())
