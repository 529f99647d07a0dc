"""Reports that are written here, by HTTP; and what becomes of reports after they are in."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.intake.commands import approving, drafting, judging, submitting
from services.intake.commands.attaching import with_files
from services.intake.commands.drafting import Desk, LostRace, NewerReport
from services.intake.domain.draft import NEVER, Clash, clashes
from services.intake.forms.desk import Acknowledged
from services.intake.forms.drafts import (
    ActForm,
    ApprovalRule,
    ApprovalRuleForm,
    DraftForm,
    DraftShown,
    DraftSubmissionForm,
    ReopeningForm,
    ReportMoved,
    WithdrawalForm,
)
from services.intake.uploading import parts_of
from shared.contracts.base import Code
from shared.fields import FieldProblem
from shared.messaging import Works
from shared.web.etag import Match, Tagged, tag_of
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.problems import Problem

router = APIRouter(tags=["reports"])

Name = Annotated[Code, Path()]
_SHOWN = 200
"""Characters of a text that a refusal repeats."""


def shown(desk: Desk) -> DraftShown:
    """A draft as a caller is told of it; its tag is of this."""
    row = desk.row
    return DraftShown(
        participant=desk.key[0],
        period=desk.key[1],
        side=desk.side,
        state=desk.state,
        version=desk.draft.version,
        fields=dict(desk.fields),
        locked=desk.locked(),
        based_on=row.based_on if row else desk.report.revision,
        revision=desk.report.revision,
        head_approves=desk.head_approves,
        said=row.said if row else "",
        saved_at=row.saved_at if row else None,
        saved_by=row.saved_by if row else "",
    )


@router.get("/drafts/{participant}/{period}")
async def show_draft(
    participant: Name, period: Name, request: Request, person: SignedIn, tagged: Tagged
) -> DraftShown:
    """What is written so far; before anything is, what a new draft begins with."""
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        desk = await drafting.load(connection, person, (participant, period))
    return tagged.says(shown(desk))


@router.put("/drafts/{participant}/{period}")
async def save_draft(
    participant: Name,
    period: Name,
    form: DraftForm,
    request: Request,
    response: Response,
    person: SignedIn,
    match: Match,
) -> DraftShown:
    """Save some of a draft's fields, and name files as evidence in it. Of a lost race (412) the
    fields that differ are named, with both texts; nothing is saved then.
    """
    works: Works = request.app.state.parts.works
    key = (participant, period)
    async with works.begin(f"{person.ward}/{participant}") as work:
        desk = await drafting.load(work.connection, person, key)
        _check_tag(match, desk, form)
        try:
            await drafting.check_saving(work.connection, desk, form.fields, form.revision)
            origin = parts_of(request).settings.origin
            fields = await with_files(
                work.connection, person, desk, form.fields, form.attach, origin
            )
            desk = await drafting.save(work, person, desk, fields, desk.draft.version)
        except LostRace as lost:
            raise _lost(lost.clashes) from None
        except NewerReport as newer:
            raise _newer(newer) from None
    answer = shown(desk)
    response.headers["ETag"] = tag_of(answer)
    return answer


def _check_tag(match: Match, desk: Desk, form: DraftForm | None = None) -> None:
    """Raises Problem (412, 428); where fields come with it, it says which differ and how."""
    try:
        match.check(tag_of(shown(desk)))
    except Problem as problem:
        if problem.status != HTTPStatus.PRECONDITION_FAILED or form is None:
            raise
        now = replace(desk.draft, fields=desk.fields)
        raise _lost(clashes(now, NEVER, form.fields)) from None


def _newer(newer: NewerReport) -> Problem:
    status, title = HTTPStatus.PRECONDITION_FAILED, "Đã có bản khác được gửi"
    return Problem(status, "newer-revision", title, newer.detail)


def _lost(found: list[Clash]) -> Problem:
    errors = [
        FieldProblem(
            f"/fields/{one.name}",
            f"Đang lưu: “{one.theirs[:_SHOWN]}”. Bạn gửi: “{one.mine[:_SHOWN]}”.",
        )
        for one in found
    ]
    return Problem(
        HTTPStatus.PRECONDITION_FAILED,
        "precondition-failed",
        "Nội dung đã thay đổi",
        f"Có người đã lưu trước; {len(found)} trường đang khác với bản bạn gửi. Chưa lưu gì;"
        " hãy xem bản mới nhất, chọn nội dung cho từng trường rồi gửi lại với ETag mới.",
        errors,
    )


@router.post("/drafts/{participant}/{period}/acts")
async def act_on_draft(
    participant: Name,
    period: Name,
    form: ActForm,
    request: Request,
    response: Response,
    person: SignedIn,
    match: Match,
) -> DraftShown:
    """Ask the head for approval, take that back, approve, send back with words, throw away."""
    works: Works = request.app.state.parts.works
    key = (participant, period)
    async with works.begin(f"{person.ward}/{participant}") as work:
        desk = await drafting.load(work.connection, person, key)
        _check_tag(match, desk)
        desk = await approving.act(work, person, key, form, desk.draft.version)
    answer = shown(desk)
    response.headers["ETag"] = tag_of(answer)
    return answer


@router.post("/drafts/{participant}/{period}/submission", status_code=HTTPStatus.CREATED)
async def submit_draft(
    participant: Name,
    period: Name,
    form: DraftSubmissionForm,
    person: SignedIn,
    once: Once,
    match: Match,
) -> Acknowledged:
    """Send a draft, with a commitment to its figures. The office names the document that it was
    entered from; the report then counts as received on the day of the document's receipt.
    """
    key = (participant, period)
    async with once.begin(f"{person.ward}/{participant}") as work:
        desk = await drafting.load(work.connection, person, key)
        _check_tag(match, desk)
        taken = await submitting.submit(work, person, key, form, desk.draft.version)
        return once.says(
            Acknowledged.model_validate(
                {
                    "participant": participant,
                    "period": period,
                    "report_id": taken.version.report_id,
                    "revision": taken.version.revision,
                    "received_at": taken.version.received_at,
                    "late": taken.version.lateness.late,
                    "days_late": taken.version.lateness.days,
                    "duplicate": taken.duplicate,
                }
            )
        )


@router.post("/participants/{participant}/approval")
async def set_approval_rule(
    participant: Name, form: ApprovalRuleForm, request: Request, person: SignedIn
) -> ApprovalRule:
    """Say whether a unit's head approves what is sent; the same again changes nothing."""
    works: Works = request.app.state.parts.works
    async with works.begin(f"{person.ward}/{participant}") as work:
        await approving.set_rule(work, person, participant, form)
    return ApprovalRule(participant=participant, head_approves=form.head_approves)


@router.post("/reports/withdrawals", status_code=HTTPStatus.CREATED)
async def withdraw_report(form: WithdrawalForm, person: SignedIn, once: Once) -> ReportMoved:
    """Take back a version that nobody has judged yet."""
    async with once.begin(f"{person.ward}/{form.participant}") as work:
        await judging.withdraw_report(work, form, person)
        return once.says(
            ReportMoved(participant=form.participant, revision=form.revision, outcome="withdrawn")
        )


@router.post("/reports/reopenings", status_code=HTTPStatus.CREATED)
async def reopen_report(form: ReopeningForm, person: SignedIn, once: Once) -> ReportMoved:
    """Ask for a new version of an accepted report; what rests on the acceptance opens again."""
    async with once.begin(f"{person.ward}/{form.participant}") as work:
        await judging.reopen_report(work, form, person)
        return once.says(
            ReportMoved(participant=form.participant, revision=form.revision, outcome="reopened")
        )
