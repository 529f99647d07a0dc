"""The desk by HTTP."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.intake import commands, store
from services.intake.domain.office import Subject, check_may_submit
from services.intake.domain.report import Refused
from services.intake.doors import Submission, take_submissions
from services.intake.forms import (
    AcceptanceForm,
    Acknowledged,
    MovementForm,
    ParticipantsForm,
    PeriodForm,
    PlanForm,
    ReturnForm,
)
from shared.contracts.inbound import ReportSubmitted
from shared.fields import FieldProblem
from shared.messaging import Works
from shared.web.identity import Person, one_of, signed_in
from shared.web.problems import not_found, refused

router = APIRouter(tags=["intake"])

Officer = Annotated[Person, Depends(one_of("officer"))]
Judge = Annotated[Person, Depends(one_of("officer", "substitute-officer"))]
Sender = Annotated[Person, Depends(one_of("reporter", "officer", "substitute-officer"))]


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.post("/movements", status_code=HTTPStatus.CREATED)
async def launch_movement(form: MovementForm, request: Request, person: Officer) -> dict[str, Any]:
    async with _works(request).begin(f"{person.ward}/{form.movement}") as work:
        await commands.launch_movement(work, form, person)
    return {"movement": form.movement, "version": form.version}


@router.post("/participants", status_code=HTTPStatus.CREATED)
async def register_participants(
    form: ParticipantsForm, request: Request, person: Officer
) -> dict[str, int]:
    keys = commands.participant_keys(person.ward, form.participants)
    async with _works(request).begin(*keys) as work:
        new = await commands.register_participants(work, form.participants, person)
    return {"registered": new, "known": len(form.participants) - new}


@router.post("/periods", status_code=HTTPStatus.CREATED)
async def open_period(form: PeriodForm, request: Request, person: Officer) -> dict[str, Any]:
    works = _works(request)
    async with works.read() as connection:
        codes = list(await store.participants(connection, person.ward))
    keys = [f"{person.ward}/{code}" for code in (form.period, *codes)]
    async with works.begin(*keys) as work:
        opened = await commands.open_period(work, form, person, codes)
    return {"period": form.period, "obligations": opened}


@router.post("/plans", status_code=HTTPStatus.CREATED)
async def record_plan(form: PlanForm, request: Request, person: Sender) -> dict[str, Any]:
    async with _works(request).begin(f"{person.ward}/{form.participant}") as work:
        on_time = await commands.record_plan(work, form, person)
    return {"participant": form.participant, "on_time": on_time}


@router.post("/reports", status_code=HTTPStatus.CREATED)
async def submit_report(form: ReportSubmitted, request: Request, person: Sender) -> Acknowledged:
    """Send a report, or a corrected version of it with a higher revision number."""
    if form.ward != person.ward:
        raise not_found(f"phường mang mã {form.ward}")
    async with _works(request).begin(form.key) as work:
        found = await store.participants(work.connection, form.ward, [form.participant])
        row = found.get(form.participant)
        if row is not None:
            subject = Subject(row.participant, row.proposed_by)
            is_officer = person.has("officer", "substitute-officer")
            check_may_submit(person.unit, subject, is_officer=is_officer)
        now = work.business.now()
        submission = Submission(form, now, door="http", publisher=None, by=person.id)
        [outcome] = await take_submissions(work, [submission])
    if isinstance(outcome, Refused):
        errors = [FieldProblem(reason.pointer, reason.detail) for reason in outcome.reasons]
        raise refused(outcome.reasons[0].code, "Báo cáo chưa nhận được.", errors)
    return Acknowledged(
        participant=form.participant,
        period=form.period,
        report_id=form.report_id,
        revision=form.revision,
        received_at=outcome.after.received_at or now,
        late=outcome.lateness.late,
        days_late=outcome.lateness.days,
        duplicate=outcome.duplicate,
    )


@router.post("/reports/returns", status_code=HTTPStatus.CREATED)
async def return_report(form: ReturnForm, request: Request, person: Judge) -> dict[str, Any]:
    async with _works(request).begin(f"{person.ward}/{form.participant}") as work:
        await commands.return_report(work, form, person)
    return {"participant": form.participant, "revision": form.revision, "outcome": "returned"}


@router.post("/reports/acceptances", status_code=HTTPStatus.CREATED)
async def accept_report(form: AcceptanceForm, request: Request, person: Judge) -> dict[str, Any]:
    async with _works(request).begin(f"{person.ward}/{form.participant}") as work:
        await commands.accept_report(work, form, person)
    return {"participant": form.participant, "revision": form.revision, "outcome": "accepted"}


@router.get("/board")
async def show_board(
    period: str, request: Request, person: Annotated[Person, Depends(signed_in)]
) -> list[dict[str, Any]]:
    """Who has reported: all for those who see all, else one's own unit."""
    async with _works(request).read() as connection:
        rows = await store.board(connection, person.ward, period)
    return [dict(row._mapping) for row in rows if may_see(person, row)]  # noqa: SLF001


def may_see(person: Person, row: Any) -> bool:
    return person.sees_all or Subject(row.participant, row.proposed_by).belongs_to(person.unit)
