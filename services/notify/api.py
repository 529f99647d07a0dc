"""Tasks and mails by HTTP: one's own, and all mails for those who look after them."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.answers import MailAnswer, MailCounts, TaskAnswer, TaskCounts
from services.notify.forms import MailFilter, TaskFilter
from services.notify.store import mail_list, tasks
from services.notify.store.own_data import held_about
from shared.calendar import ward_day
from shared.messaging import Works
from shared.own_data import HeldRow
from shared.web.identity import Person, SignedIn
from shared.web.own_data import own_data_router
from shared.web.paging import Page, Paging

router = APIRouter(tags=["notify"])


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/tasks")
async def list_tasks(
    request: Request, person: SignedIn, wanted: Annotated[TaskFilter, Query()], paging: Paging
) -> Page[TaskAnswer]:
    """What I have to do, what presses most first."""
    works = _works(request)
    async with works.look() as connection:
        found = await tasks.seen_by(connection, person, ward_day(works.business.now()))
    after = paging.after(tuple[int, date, int, float, str])
    rows = [
        (task, answer)
        for task in found.tasks
        if (after is None or task.place > after) and wanted.kind in {None, task.kind}
        if _says(answer := TaskAnswer.of(task, found.when(task)), wanted.q)
    ]
    return paging.page(rows, lambda row: row[1], lambda row: row[0].place)


def _says(answer: TaskAnswer, words: str) -> bool:
    return words.casefold() in f"{answer.title} {answer.about}".casefold()


@router.get("/tasks/counts")
async def count_tasks(request: Request, person: SignedIn) -> TaskCounts:
    """How many things I have to do, of each kind."""
    works = _works(request)
    async with works.look() as connection:
        found = await tasks.seen_by(connection, person, ward_day(works.business.now()))
    return TaskCounts(
        total=len(found.tasks),
        by_urgency=Counter(task.urgency for task in found.tasks),
        by_kind=Counter(task.kind for task in found.tasks),
    )


@router.get("/mails")
async def list_mails(
    request: Request, person: SignedIn, wanted: Annotated[MailFilter, Query()], paging: Paging
) -> Page[MailAnswer]:
    """Mails, the newest first: those to me; all of the ward's for those who look after them."""
    after = paging.after(tuple[int])
    async with _works(request).read() as connection:
        rows = await mail_list.listed(
            connection, person, **wanted.model_dump(), after=after, limit=paging.limit + 1
        )
    return paging.page(rows, MailAnswer.model_validate, lambda row: (row.seq,))


@router.get("/counts")
async def count_mails(request: Request, person: SignedIn) -> MailCounts:
    """How many mails stand where, of those that I may see."""
    async with _works(request).read() as connection:
        return MailCounts.model_validate(await mail_list.counts(connection, person))


async def _collect(connection: AsyncConnection, person: Person) -> Sequence[HeldRow]:
    return await held_about(connection, person.ward, person.id)


own_data = own_data_router("notify", _collect)
