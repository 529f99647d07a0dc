"""A contestant: the kernel's applier, driven by FastStream's batch subscriber."""

import asyncio
import os

from bench.contestants.ours import Counting, consumer_of, count_on, create_tables
from bench.contestants.protocol import Score, Told
from bench.spikes.subscriber import Subscribed
from shared.clock import BusinessClock, SystemClock
from shared.database import connect
from shared.messaging.alarm import Alarm


async def run(told: Told) -> None:
    """Drain the topic; ends when the harness closes standard input."""
    score, system = Score(told.events), SystemClock()
    engine = connect(told.sqlalchemy_url)
    if told.create:
        await create_tables(engine)
    count_on(engine, score)
    consumer = consumer_of(told)
    applier = Counting(
        consumer, engine, BusinessClock(system), system, lambda: None, Alarm(0.05, 5)
    )
    applier.score, applier.enough = score, asyncio.Event()
    instance = os.environ.get("INSTANCE", "0")
    subscribed = Subscribed(consumer, applier, engine, told.kafka, instance)
    running = asyncio.create_task(subscribed.run())
    score.ready()
    enough = asyncio.create_task(applier.enough.wait())
    await asyncio.wait({enough, running}, return_when=asyncio.FIRST_COMPLETED)
    score.end()
    subscribed.stop()
    await running
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(run(Told.here()))
