"""What the clock starts for the office: the word on a working morning of what waits for it."""

from collections.abc import Callable, Sequence

from services.intake.commands import summary as commands
from services.intake.store import summary as store
from shared.messaging import Works
from shared.routine import Routine

BATCH = 20
"""Wards a turn."""


def mornings(works: Works, heard: Callable[[], Sequence[str]]) -> Routine:
    """Looks at every ward whose morning has come; after an outage once, however many passed.

    `heard`: the topics that reports come from and our own, read first: what came during an outage
    is news, and what was told before a restore is not.
    """

    async def turn() -> int:
        async with works.look() as connection:
            wards = await store.wards_due(connection, works.business.now(), BATCH)
        for ward in wards:
            async with works.begin() as work:
                await commands.look(work, ward)
        return len(wards)

    async def pending() -> int:
        async with works.look() as connection:
            return await store.count_due(connection, works.business.now())

    return Routine("mornings", turn, pending, after_reading=heard)
