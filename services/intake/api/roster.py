"""The roll over time, by HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath

from services.intake.commands import roster as commands
from services.intake.commands.desk import roll_key
from services.intake.domain.roster import Place
from services.intake.forms.roster import (
    DepartureForm,
    EntryDetail,
    EntryForm,
    EntryRow,
    Left,
    PlacePreview,
    ReadmissionForm,
    Readmitted,
)
from services.intake.store import roster as store
from shared.contracts.base import Code
from shared.messaging import Works
from shared.web.etag import Match, Tagged, tag_of
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging

router = APIRouter(tags=["roster"])
Who = Annotated[Code, InPath()]
Chosen = Annotated[str, Query(max_length=80, pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")]


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/roster")
async def list_entries(request: Request, person: SignedIn, paging: Paging) -> Page[EntryRow]:
    """The roll by code, with those who have left."""
    [after] = paging.after(tuple[str]) or ("",)
    async with _works(request).read() as connection:
        rows = await store.entries(connection, person, after, paging.limit + 1)
    return paging.page(rows, EntryRow.of, lambda row: (row.participant,))


@router.get("/roster/{participant}")
async def show_entry(
    participant: Who, request: Request, person: SignedIn, tagged: Tagged
) -> EntryDetail:
    """What the roll says of a participant, and what it said before."""
    async with _works(request).read() as connection:
        return tagged.says(await commands.detail_of(connection, person, participant))


@router.put("/roster/{participant}")
async def change_entry(
    participant: Who, form: EntryForm, request: Request, person: SignedIn, match: Match
) -> EntryDetail:
    """Say another name, group, khối, kind or reporter of a participant from today on; with its
    duties it does what `preview` stands for, or is refused."""
    async with _works(request).begin(roll_key(person.ward)) as work:
        await commands.locked(work, person.ward, participant, form.reporter)
        match.check(tag_of(await commands.detail_of(work.connection, person, participant)))
        await commands.change_entry(work, participant, form, person)
        return await commands.detail_of(work.connection, person, participant)


@router.get("/roster/{participant}/change")
async def preview_change(
    participant: Who,
    request: Request,
    person: SignedIn,
    group: Chosen = "",
    block: Chosen = "",
    kind: Chosen = "",
) -> PlacePreview:
    """What another group, khối or kind would change of what is asked; empty: as it is."""
    where = Place(group, block)
    works = _works(request)
    async with works.read() as connection:
        now = works.business.now()
        return await commands.preview(connection, person, participant, where, kind, now)


@router.post("/roster/{participant}/departure", status_code=HTTPStatus.CREATED)
async def leave(participant: Who, form: DepartureForm, person: SignedIn, once: Once) -> Left:
    """Take a participant off the roll, alone or into another unit; its open duties go."""
    async with once.begin(roll_key(person.ward)) as work:
        return once.says(await commands.leave(work, participant, form, person))


@router.post("/roster/{participant}/readmission", status_code=HTTPStatus.CREATED)
async def readmit(
    participant: Who, form: ReadmissionForm, person: SignedIn, once: Once
) -> Readmitted:
    """Whoever had left takes part again under the same code; what is still to come is asked."""
    async with once.begin(roll_key(person.ward)) as work:
        return once.says(await commands.readmit(work, participant, form, person))
