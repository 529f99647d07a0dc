"""Giving events to their handlers: many at once, or one alone that may fail by itself."""

import asyncio
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from shared.messaging.consumer import Consumer, Inbound, Received
from shared.messaging.errors import Fault, Permanent, Unreadable, fault_of
from shared.messaging.reading import Reading
from shared.messaging.unit_of_work import UnitOfWork

WAITS = (0.05, 0.2)
"""Seconds before the second and third try of an event that fails for an unknown reason."""
PATIENCE = 5.0
"""Seconds that such waits may take in one transaction; later tries follow at once."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event could not be applied, and how often that was tried."""

    error: Exception
    tries: int

    @property
    def trace(self) -> str:
        return "".join(traceback.format_exception(self.error))


class Trying:
    """Hands readings of one unit of work to one consumer's handlers."""

    def __init__(self, consumer: Consumer, work: UnitOfWork) -> None:
        self._consumer = consumer
        self._work = work
        self._patience = PATIENCE

    async def together(self, readings: Sequence[Reading]) -> None:
        """Events of one type, or inbound records; what the handler raises is raised."""
        inbound = [r.inbound for r in readings if isinstance(r.inbound, Inbound)]
        if inbound:
            if self._consumer.inbound_handler is None:
                raise Permanent("no handler for inbound records")
            await self._consumer.inbound_handler(inbound, self._work)
        else:
            events = [r.received for r in readings if isinstance(r.received, Received)]
            subscription = self._consumer.subscriptions[readings[0].event_type]
            await subscription.handler(events, self._work)

    async def alone(self, reading: Reading) -> Failure | None:
        """One event with its effects and facts in a savepoint; nothing of it stays if it fails.

        What fails for an unknown reason is tried a few times. Raises transient faults.
        """
        if reading.outcome == "unreadable":
            return Failure(Unreadable(reading.problem), 1)
        tries = 0
        while True:
            error = await self._once(reading)
            tries += 1
            if error is None:
                return None
            if fault_of(error) is not Fault.UNKNOWN or tries > len(WAITS):
                return Failure(error, tries)
            await self._wait(WAITS[tries - 1])

    async def _once(self, reading: Reading) -> Exception | None:
        mark = self._work.mark()
        savepoint = await self._work.connection.begin_nested()
        try:
            await self.together([reading])
            await self._work.store_published()
            await savepoint.commit()
        except Exception as error:
            if fault_of(error) is Fault.TRANSIENT:
                raise
            await savepoint.rollback()
            self._work.take_back(mark)
            return error
        return None

    async def _wait(self, seconds: float) -> None:
        if seconds <= self._patience:
            self._patience -= seconds
            await asyncio.sleep(seconds)
