"""Composition root. `TINY_TOPIC` is the topic it reads; it tells on `<TINY_TOPIC>.told`."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends
from sqlalchemy import insert

from shared.messaging import Consumer, Permanent, Received, UnitOfWork
from shared.routine import Routine
from shared.service import Parts, Service
from shared.settings import Settings
from shared.web.access import SIGNED_IN, Route
from shared.web.identity import Person, signed_in
from tests.component.kernel_bench import seen
from tests.kernel import Counted, Renamed

_TOPIC = os.environ.get("TINY_TOPIC", "thidua.tiny.v1")
SLOW = 50
"""A thing with this number takes a second."""
BAD = 13
"""A thing with this number cannot be counted, when `TINY_BUG` is set."""


class Given(Counted):
    TOPIC: ClassVar[str] = _TOPIC


class Told(Renamed):
    TYPE: ClassVar[str] = "vn.thidua.tiny.thing-told.v1"
    TOPIC: ClassVar[str] = f"{_TOPIC}.told"


consumer = Consumer(f"tiny-{_TOPIC}")
router = APIRouter()


@consumer.on(Given)
async def take(events: Sequence[Received[Given]], work: UnitOfWork) -> None:
    for event in events:
        data = event.data
        if data.number == BAD and os.environ.get("TINY_BUG"):
            raise Permanent("thirteen is not a number")
        await work.connection.execute(insert(seen).values(thing=data.thing, number=data.number))
        if data.number == SLOW:
            await asyncio.sleep(1)
        told = Told(ward=data.ward, thing=data.thing, number=data.number)
        work.publish(told, because_of=event)


@router.get("/me")
async def me(person: Annotated[Person, Depends(signed_in)]) -> dict[str, str]:
    return {"name": person.name}


def routines(_: Parts[Settings]) -> Sequence[Routine]:
    async def nothing() -> int:
        return 0

    return [Routine("nothing", nothing, nothing)]


service = Service(
    name="tiny",
    settings=Settings,
    migrations=Path(__file__).parent / "migrations",
    consumer=consumer,
    publishes=(Told,),
    routers=(router,),
    routes=(Route("GET", "/me", SIGNED_IN),),
    routines=routines,
)
