"""What the clock starts for files of evidence: nothing is kept that nobody uses."""

import logging
from datetime import timedelta

from services.intake.commands import evidence as commands
from services.intake.shelf import Shelf, ShelfAway
from shared.messaging import Works
from shared.routine import RARELY, Routine

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)


def sweep(works: Works, shelf: Shelf, unused_days: int) -> Routine:
    """Removes files that nothing names for long, and bytes of which no row speaks."""
    due = works.system.now()

    async def turn() -> int:
        nonlocal due
        now = works.system.now()
        if now < due:
            return 0
        try:
            swept = await commands.sweep_unused(works, shelf, unused_days)
            if not swept:
                swept = await commands.sweep_bytes(works, shelf)
                due = now + EVERY
        except ShelfAway:
            log.warning("files could not be swept; it is tried again in an hour")
            due = now + EVERY
            return 0
        return swept

    async def pending() -> int:
        return 0

    return Routine("evidence-sweep", turn, pending, rest=RARELY)
