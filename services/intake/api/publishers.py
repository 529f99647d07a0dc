"""The register of publishers by HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.intake.commands import publishers as commands
from services.intake.forms.publishers import (
    PublisherEnded,
    PublisherEndForm,
    PublisherForm,
    PublisherGranted,
    PublisherGrantForm,
    PublisherRegistered,
    PublisherRow,
)
from shared.contracts.base import Code
from shared.messaging import Works
from shared.web.etag import Tagged
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.problems import not_found

router = APIRouter(tags=["publishers"])

Name = Annotated[Code, Path()]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/publishers")
async def list_publishers(request: Request, person: SignedIn) -> list[PublisherRow]:
    """Other systems that this ward has registered or granted something, also those that ended."""
    async with _works(request).read() as connection:
        return await commands.rows_of(connection, person.ward)


@router.get("/publishers/{publisher}")
async def show_publisher(
    publisher: Name, request: Request, person: SignedIn, tagged: Tagged
) -> PublisherRow:
    """One of them, with what this ward has granted it."""
    async with _works(request).read() as connection:
        found = await commands.rows_of(connection, person.ward, publisher)
    if not found:
        raise not_found(f"hệ thống mang tên {publisher}")
    return tagged.says(found[0])


@router.post("/publishers", status_code=HTTPStatus.CREATED)
async def register(form: PublisherForm, person: SignedIn, once: Once) -> PublisherRegistered:
    """Let another system be known; it may send for nobody before something is granted to it."""
    async with once.begin(commands.key_of(form.name)) as work:
        new = await commands.register(work, form, person)
        return once.says(PublisherRegistered.of(form.name, new=new))


@router.post("/publishers/{publisher}/grants", status_code=HTTPStatus.CREATED)
async def grant(
    publisher: Name, form: PublisherGrantForm, person: SignedIn, once: Once
) -> PublisherGranted:
    """Let it report for some or all of this ward's participants; holds within seconds."""
    async with once.begin(commands.key_of(publisher)) as work:
        number, new = await commands.grant(work, publisher, form, person)
        return once.says(PublisherGranted(publisher=publisher, id=number, new=new))


@router.post("/publishers/{publisher}/grants/{number}/end")
async def revoke(
    publisher: Name, number: Number, form: PublisherEndForm, person: SignedIn, once: Once
) -> PublisherEnded:
    """Take back what was granted; what it sends is refused as `not-granted` from then on."""
    async with once.begin(commands.key_of(publisher)) as work:
        at = await commands.revoke(work, publisher, number, form.reason, person)
        return once.says(PublisherEnded(publisher=publisher, ended_at=at))


@router.post("/publishers/{publisher}/end")
async def end(
    publisher: Name, form: PublisherEndForm, person: SignedIn, once: Once
) -> PublisherEnded:
    """Nothing that it sends is taken any more; its name is not given to another system."""
    async with once.begin(commands.key_of(publisher)) as work:
        at = await commands.end(work, publisher, form.reason, person)
        return once.says(PublisherEnded(publisher=publisher, ended_at=at))
