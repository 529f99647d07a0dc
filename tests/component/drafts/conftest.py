"""A year that is open on the first of December."""

import pytest

from tests.component.draft_room import UNIT, enter_scans
from tests.component.intake_desk import DeskRoom, moment, open_the_year


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    """With the scan of a document of two units among their files."""
    await desk.begin_anew()
    await open_the_year(desk)
    desk.clock.time = moment("2025-12-01 09:00")
    await enter_scans(desk, UNIT, "thcs-1")
    return desk
