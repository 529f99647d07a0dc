"""The desk by HTTP."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.intake.commands import approving, judging
from services.intake.commands import desk as commands
from services.intake.domain.report import Refused
from services.intake.doors import Submission, take_submissions
from services.intake.forms.desk import (
    AcceptanceForm,
    Acknowledged,
    BoardRow,
    Judged,
    ParticipantsForm,
    PlanForm,
    PlanWasRecorded,
    Registered,
    ReturnForm,
)
from services.intake.store import desk as store
from shared.contracts.inbound import RejectionCode, ReportSubmitted
from shared.fields import FieldProblem
from shared.messaging import Works
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging
from shared.web.problems import Problem, not_found

router = APIRouter(tags=["intake"])

_STANDS_IN_THE_WAY: frozenset[RejectionCode] = frozenset({"revision-conflict", "already-accepted"})


@router.post("/participants", status_code=HTTPStatus.CREATED)
async def register_participants(form: ParticipantsForm, person: SignedIn, once: Once) -> Registered:
    """Enter participants on the roll, with who is told of their duties."""
    async with once.begin(commands.roll_key(person.ward)) as work:
        new = await commands.register_participants(work, form.participants, person)
        return once.says(Registered(registered=new, known=len(form.participants) - new))


@router.post("/plans", status_code=HTTPStatus.CREATED)
async def record_plan(form: PlanForm, person: SignedIn, once: Once) -> PlanWasRecorded:
    """Record a unit's own plan, with its number and date of issue."""
    async with once.begin(f"{person.ward}/{form.participant}") as work:
        on_time = await commands.record_plan(work, form, person)
        return once.says(PlanWasRecorded(participant=form.participant, on_time=on_time))


@router.post("/reports", status_code=HTTPStatus.CREATED)
async def submit_report(form: ReportSubmitted, person: SignedIn, once: Once) -> Acknowledged:
    """Send a report, or a corrected version of it with a higher revision number."""
    if form.ward != person.ward:
        raise not_found(f"phường mang mã {form.ward}")
    async with once.begin(form.key) as work:
        submission = Submission(
            form,
            work.business.now(),
            door="http",
            publisher=None,
            by=person.id,
            acting_for=person.acting_for,
        )
        theirs = partial(approving.check_may_send, person)
        [outcome] = await take_submissions(work, [submission], theirs)
        if isinstance(outcome, Refused):
            raise _problem(outcome)
        return once.says(
            Acknowledged(
                participant=form.participant,
                period=form.period,
                report_id=form.report_id,
                revision=form.revision,
                received_at=outcome.version.received_at,
                late=outcome.version.lateness.late,
                days_late=outcome.version.lateness.days,
                duplicate=outcome.duplicate,
            )
        )


def _problem(refused: Refused) -> Problem:
    """409 where another version stands in the way, 422 where the report itself is wrong."""
    code = refused.reasons[0].code
    errors = [FieldProblem(reason.pointer, reason.detail) for reason in refused.reasons]
    status = HTTPStatus.CONFLICT if code in _STANDS_IN_THE_WAY else HTTPStatus(422)
    return Problem(status, code, "Không thực hiện được", "Báo cáo chưa nhận được.", errors)


@router.post("/reports/returns", status_code=HTTPStatus.CREATED)
async def return_report(form: ReturnForm, person: SignedIn, once: Once) -> Judged:
    """Send a report back to be corrected."""
    async with once.begin(f"{person.ward}/{form.participant}") as work:
        await judging.return_report(work, form, person)
        return once.says(
            Judged(participant=form.participant, revision=form.revision, outcome="returned")
        )


@router.post("/reports/acceptances", status_code=HTTPStatus.CREATED)
async def accept_report(form: AcceptanceForm, person: SignedIn, once: Once) -> Judged:
    """Accept a report for good."""
    async with once.begin(f"{person.ward}/{form.participant}") as work:
        await judging.accept_report(work, form, person)
        return once.says(
            Judged(participant=form.participant, revision=form.revision, outcome="accepted")
        )


@router.get("/board")
async def show_board(
    period: Annotated[str, Query(max_length=80)], request: Request, person: SignedIn, paging: Paging
) -> Page[BoardRow]:
    """Where everybody stands whom one may see, by code."""
    works: Works = request.app.state.parts.works
    [after] = paging.after(tuple[str]) or ("",)
    async with works.read() as connection:
        chosen = (await store.periods(connection, person.ward)).get(period)
        if chosen is None:
            raise not_found(f"kỳ mang mã {period}")
        rows = await store.board(connection, person, period, after, paging.limit + 1)
    kind, now = chosen.kind, works.business.now()
    return paging.page(rows, lambda row: BoardRow.of(kind, row, now), lambda r: (r.participant,))
