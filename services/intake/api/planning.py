"""Duties after they were laid, and the ward's working days, by HTTP."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.intake.commands import planning as commands
from services.intake.commands.desk import roll_key
from services.intake.forms.planning import (
    CalendarDay,
    CalendarYear,
    DayForm,
    DutyDetail,
    DutyOrder,
    DutyOrdered,
    GraceForm,
    PlannedAnew,
)
from services.intake.store import planning as store
from shared.calendar import ward_day
from shared.messaging import Works
from shared.web.etag import Tagged
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.problems import not_found

router = APIRouter(tags=["planning"])


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/obligations/{obligation}")
async def show_obligation(
    obligation: UUID, request: Request, person: SignedIn, tagged: Tagged
) -> DutyDetail:
    """A duty: how it stands, what was ordered for it, what is planned for it."""
    async with _works(request).read() as connection:
        row = await store.shown_duty(connection, person, obligation)
        if row is None:
            raise not_found("nhiệm vụ này")
        changes = await store.changes_of(connection, obligation)
        reminders = await store.reminders_of(connection, obligation)
    return tagged.says(DutyDetail.of(row, changes, reminders))


@router.post("/obligations/{obligation}/orders", status_code=HTTPStatus.CREATED)
async def give_order(
    obligation: UUID, form: DutyOrder, person: SignedIn, once: Once
) -> DutyOrdered:
    """Move a duty's date, give it up, excuse somebody from it, or ask for it again."""
    async with once.begin(roll_key(person.ward)) as work:
        duty = await commands.give_order(work, obligation, form, person)
        return once.says(DutyOrdered.of(duty))


@router.get("/calendar")
async def show_calendar(
    request: Request,
    person: SignedIn,
    tagged: Tagged,
    year: Annotated[
        int | None, Query(ge=2020, le=2100, description="Để trống: năm nay.", examples=[2026])
    ] = None,
) -> CalendarYear:
    """A year's days off and swap days: the country's, and those that the ward has set."""
    works = _works(request)
    shown = year or ward_day(works.business.now()).year
    async with works.read() as connection:
        planning = await store.planning_of(connection, person.ward)
        days = await store.set_days(connection, person.ward)
    return tagged.says(
        CalendarYear(year=shown, grace=planning.grace, days=CalendarDay.of_year(shown, days))
    )


@router.post("/calendar/days", status_code=HTTPStatus.CREATED)
async def set_day(form: DayForm, person: SignedIn, once: Once) -> PlannedAnew:
    """Say of a day that the ward works, or does not; reminders are planned anew by it."""
    async with once.begin(roll_key(person.ward)) as work:
        return once.says(PlannedAnew(duties=await commands.set_day(work, form, person)))


@router.post("/calendar/grace", status_code=HTTPStatus.CREATED)
async def set_grace(form: GraceForm, person: SignedIn, once: Once) -> PlannedAnew:
    """Say after how many working days the head of a unit is told of what is overdue."""
    async with once.begin(roll_key(person.ward)) as work:
        return once.says(PlannedAnew(duties=await commands.set_grace(work, form, person)))
