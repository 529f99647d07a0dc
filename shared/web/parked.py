"""Parked events over HTTP, for operators, and only those of their own ward.

What names no ward, such as a record whose key cannot be read, is for the command line.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.contracts.base import Text
from shared.messaging.parked_rows import ParkedEvent, Selection, State
from shared.messaging.parking import AlreadyDiscarded, NoSuchParkedEvent, Parking, Retried
from shared.parked import in_full, in_short
from shared.web.identity import Person, SignedIn
from shared.web.problems import conflict, not_found

Number = Annotated[int, Field(ge=1, lt=2**63)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RetryForm(Form):
    """Which events; what is not given does not narrow it."""

    ids: Annotated[list[Number], Field(min_length=1, max_length=1000)] | None = None
    key: Text | None = None
    type: Text | None = None
    since: AwareDatetime | None = None


class DiscardForm(Form):
    id: Number
    reason: Annotated[Text, Field(min_length=1, max_length=1000)]


class Parked(BaseModel):
    """An event that was set aside, or that waits behind one."""

    id: int
    state: State
    key: str
    type: str
    event_id: str
    place: str = Field(description="Topic, partition and offset.")
    error: str
    message: str
    attempts: int = Field(description="0: never tried, it waits.")
    holds_its_key: bool
    first_at: AwareDatetime
    last_at: AwareDatetime
    reason: str | None
    discarded_by: str | None
    discarded_at: AwareDatetime | None


class ParkedInFull(Parked):
    """With all that the record held; bytes that are not UTF-8 are shown escaped."""

    appended_at: AwareDatetime
    headers: list[tuple[str, str | None]]
    body: str | None
    trace: str


class ParkedList(BaseModel):
    """Events in the order of parking."""

    events: list[Parked]


class Outcome(BaseModel):
    """How many could be applied, and which stopped their key again."""

    applied: int
    stopped_at: list[Parked]


def parked_router(parking: Parking) -> APIRouter:
    """`/parked` of one service."""
    router = APIRouter(prefix="/parked", tags=["operators"])

    @router.get("")
    async def look(
        person: SignedIn,
        key: str | None = None,
        type: str | None = None,  # noqa: A002
        since: AwareDatetime | None = None,
        state: State = "parked",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> ParkedList:
        """Events that were set aside, in the order of parking."""
        chosen = Selection(None, key, type, since, person.ward, state)
        found = await parking.find(chosen, limit)
        return ParkedList(events=[Parked.model_validate(in_short(event)) for event in found])

    @router.get("/{number}")
    async def show(number: Number, person: SignedIn) -> ParkedInFull:
        """One event with headers, body and trace."""
        async with _refusals():
            return ParkedInFull.model_validate(in_full(await _own(parking, number, person)))

    @router.post("/retries")
    async def retry(form: RetryForm, person: SignedIn) -> Outcome:
        """Apply them in order, with what is parked before and behind them in their keys."""
        chosen = Selection(form.ids, form.key, form.type, form.since, person.ward)
        return await _outcome(parking, await parking.retry(chosen))

    @router.post("/discards")
    async def discard(form: DiscardForm, person: SignedIn) -> Outcome:
        """Never apply this event, and try what waited behind it."""
        async with _refusals():
            await _own(parking, form.id, person)
            retried = await parking.discard(form.id, form.reason, person.id)
            return await _outcome(parking, retried)

    return router


async def _own(parking: Parking, number: int, person: Person) -> ParkedEvent:
    return await parking.show(number, person.ward)


async def _outcome(parking: Parking, retried: Retried) -> Outcome:
    stopped = [in_short(await parking.show(number)) for number in retried.stopped_at]
    return Outcome.model_validate({"applied": retried.applied, "stopped_at": stopped})


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    try:
        yield
    except NoSuchParkedEvent:
        raise not_found("sự kiện này trong số các sự kiện để riêng") from None
    except AlreadyDiscarded:
        why = "Sự kiện này đã được loại bỏ trước đó, với lý do khác hoặc do người khác."
        raise conflict("already-discarded", why) from None
