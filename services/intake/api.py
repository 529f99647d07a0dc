"""The desk by HTTP."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.intake import commands, store
from services.intake.domain.office import Subject, check_may_submit, may_see
from services.intake.domain.report import Refused
from services.intake.doors import Submission, take_submissions
from services.intake.forms import (
    AcceptanceForm,
    Acknowledged,
    BoardRow,
    MovementForm,
    ParticipantsForm,
    PeriodForm,
    PlanForm,
    ReturnForm,
)
from shared.contracts.inbound import RejectionCode, ReportSubmitted
from shared.fields import FieldProblem
from shared.messaging import Works
from shared.web.identity import Person, one_of, signed_in
from shared.web.problems import Problem, not_found

router = APIRouter(tags=["intake"])

Officer = Annotated[Person, Depends(one_of("officer"))]
Judge = Annotated[Person, Depends(one_of("officer", "substitute-officer"))]
Sender = Annotated[Person, Depends(one_of("reporter", "officer", "substitute-officer"))]

_STANDS_IN_THE_WAY: frozenset[RejectionCode] = frozenset({"revision-conflict", "already-accepted"})


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
    async with _works(request).begin(commands.roll_key(person.ward)) as work:
        new = await commands.register_participants(work, form.participants, person)
    return {"registered": new, "known": len(form.participants) - new}


@router.post("/periods", status_code=HTTPStatus.CREATED)
async def open_period(form: PeriodForm, request: Request, person: Officer) -> dict[str, Any]:
    async with _works(request).begin(commands.roll_key(person.ward)) as work:
        opened = await commands.open_period(work, form, person)
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
        submission = Submission(
            form, work.business.now(), door="http", publisher=None, by=person.id
        )
        [outcome] = await take_submissions(work, [submission])
    if isinstance(outcome, Refused):
        raise _problem(outcome)
    return Acknowledged(
        participant=form.participant,
        period=form.period,
        report_id=form.report_id,
        revision=form.revision,
        received_at=outcome.version.received_at,
        late=outcome.version.lateness.late,
        days_late=outcome.version.lateness.days,
        duplicate=outcome.duplicate,
    )


def _problem(refused: Refused) -> Problem:
    """409 where another version stands in the way, 422 where the report itself is wrong."""
    code = refused.reasons[0].code
    errors = [FieldProblem(reason.pointer, reason.detail) for reason in refused.reasons]
    status = HTTPStatus.CONFLICT if code in _STANDS_IN_THE_WAY else HTTPStatus(422)
    return Problem(status, code, "Không thực hiện được", "Báo cáo chưa nhận được.", errors)


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
) -> list[BoardRow]:
    """Who has reported: all for those who see all, else one's own unit and whom it proposes."""
    async with _works(request).read() as connection:
        if period not in await store.periods(connection, person.ward):
            raise not_found(f"kỳ mang mã {period}")
        rows = await store.board(connection, person.ward, period)
    return [BoardRow.model_validate(row) for row in rows if _may_see(person, row)]


def _may_see(person: Person, row: Any) -> bool:
    subject = Subject(row.participant, row.proposed_by)
    return may_see(person.unit, subject, sees_all=person.sees_all)
