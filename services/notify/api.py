"""Mails by HTTP, for those who look after them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from services.notify.forms import KEEPERS, PAGE, MailFilter
from services.notify.store import mails
from shared.messaging import Works
from shared.web.identity import Person, one_of

router = APIRouter(tags=["notify"])

Keeper = Annotated[Person, Depends(one_of(*KEEPERS))]
Filter = Annotated[MailFilter, Query()]


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/counts")
async def count_mails(request: Request, person: Keeper) -> dict[str, Any]:
    """How many mails stand where."""
    async with _works(request).read() as connection:
        return await mails.counts(connection, person.ward)


@router.get("/mails")
async def list_mails(request: Request, person: Keeper, wanted: Filter) -> dict[str, Any]:
    """Mails, the newest first, with counts of all; `next` is the cursor of the next page."""
    async with _works(request).read() as connection:
        counted = await mails.counts(connection, person.ward)
        rows = await mails.listed(connection, person.ward, **wanted.model_dump(), limit=PAGE + 1)
    shown = [dict(row._mapping) for row in rows[:PAGE]]  # noqa: SLF001
    return {
        "counts": counted,
        "mails": shown,
        "next": shown[-1]["seq"] if len(rows) > PAGE else None,
    }
