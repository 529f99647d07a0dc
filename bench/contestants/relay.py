"""The kernel's relay in a process of its own; runs until standard input is closed."""

import asyncio
import sys

from bench.contestants.protocol import Score, Told
from shared.database import connect
from shared.memory import settle
from shared.messaging.relay import Relay
from shared.messaging.tables import kernel


async def run(told: Told) -> None:
    """It has nobody to wake it: it looks at the outbox by itself when it was empty."""
    engine = connect(told.sqlalchemy_url)
    if told.create:
        async with engine.begin() as connection:
            await connection.run_sync(kernel.create_all)
    relay = Relay(engine, told.kafka, "bench", told.group)
    running = asyncio.create_task(relay.run())
    settle()
    Score(0).ready()
    await asyncio.to_thread(sys.stdin.read)
    relay.stop()
    await running
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(run(Told.here()))
