"""Accepts reports at a rate, as a service does: a unit of work, the outbox, its relay.

Arrivals are set beforehand and never wait for answers; what has arrived meanwhile is accepted in
one transaction, as from an inbound topic. `OUT` gets report id -> when it arrived, in seconds.
"""

import asyncio
import json
import os
import random
import time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from bench.backlog import FEW, WARD
from bench.contestants.protocol import Score, Told
from bench.events import Mark, ReportMarked
from shared.clock import BusinessClock, SystemClock
from shared.database import connect
from shared.memory import settle
from shared.messaging.relay import Relay
from shared.messaging.tables import kernel
from shared.messaging.unit_of_work import Works


def report(participant: str, dice: random.Random, system: SystemClock) -> ReportMarked:
    points = Decimal(dice.randrange(1, 80)) / 2
    return ReportMarked(
        ward=WARD,
        participant=participant,
        period="2025-annual",
        report_id=UUID(int=dice.getrandbits(128), version=4),
        revision=1,
        marked_at=system.now(),
        points=points,
        parts=(Mark(criterion="a1", points=points),),
        note="Báo cáo đủ minh chứng, đúng hạn.",
    )


async def accept(works: Works, arrivals: list[float], system: SystemClock) -> dict[str, float]:
    """Accept one report at each of these moments (seconds since 1970), as soon as can be."""
    dice = random.Random(1)
    accepted: dict[str, float] = {}
    place = 0
    while place < len(arrivals):
        await asyncio.sleep(max(0.0, arrivals[place] - time.time()))
        first, now = place, time.time()
        while place < len(arrivals) and arrivals[place] <= now:
            place += 1
        reports = [report(f"p-{dice.randrange(FEW)}", dice, system) for _ in range(first, place)]
        async with works.begin(*(one.key for one in reports)) as work:
            for one in reports:
                work.publish(one)
        for one, arrived in zip(reports, arrivals[first:place], strict=True):
            accepted[str(one.report_id)] = arrived
    return accepted


async def run(told: Told) -> None:
    """`RATE` reports a second at random moments, `EVENTS` of them."""
    score = Score(told.events)
    ReportMarked.TOPIC = told.topic
    engine, system = connect(told.sqlalchemy_url), SystemClock()
    async with engine.begin() as connection:
        await connection.run_sync(kernel.create_all)
    relay = Relay(engine, told.kafka, "accept", "0")
    works = Works(engine, "accept", BusinessClock(system), system, relay.wake)
    relaying = asyncio.create_task(relay.run())
    settle()
    score.ready()
    dice, moment = random.Random(2), time.time() + 1
    arrivals: list[float] = []
    for _ in range(told.events):
        moment += dice.expovariate(float(os.environ["RATE"]))
        arrivals.append(moment)
    score.received()
    accepted = await accept(works, arrivals, system)
    Path(os.environ["OUT"]).write_text(json.dumps(accepted))
    score.committed(len(accepted))
    await asyncio.to_thread(score.end)
    relay.stop()
    await relaying
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(run(Told.here()))
