"""The directory of people, empty."""

import pytest

from tests.component.directory_room import Directory
from tests.component.intake_desk import DeskRoom


@pytest.fixture
async def room(desk: DeskRoom) -> Directory:
    """Nobody on the roll, nobody in the directory, 01/08/2025."""
    await desk.begin_anew()
    return Directory(desk)
