"""A version that is in: to be read, compared, printed; withdrawing it, opening it again."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.intake.commands import judging
from services.intake.domain.deadline import check_correction_date
from services.intake.domain.difference import differences
from services.intake.forms.drafts import ReopeningForm, WithdrawalForm
from services.intake.pages import file as files
from services.intake.pages.posted import Wrong, typed
from services.intake.pages.report import (
    Case,
    Name,
    Revision,
    case_of,
    read_return,
    reasons_of,
    return_labels,
    spot_words,
    text_words,
    told,
)
from services.intake.pages.report_files import paper_and_files
from services.intake.pages.words import lateness_words, words_of
from services.intake.store import desk as store
from shared.messaging import Works
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.pages import Pages
from shared.web.problems import Problem, conflict, forbidden, not_found

router = APIRouter(prefix="/reports/{participant}/{period}/{revision}", include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")


@router.get("", response_class=HTMLResponse)
async def show_report(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> HTMLResponse:
    async with _works(request).read() as connection:
        case = await case_of(connection, person, (participant, period), revision)
        paper, named = await paper_and_files(connection, person, case)
    version = case.version
    outcome = case.file.outcome if version.revision == case.file.revision else version.outcome
    words, tone = words_of(case.file.duty_kind, outcome or "received")
    values = {
        "case": case,
        "paper": paper,
        "files": named,
        "words": words,
        "tone": tone,
        "late": lateness_words(version.days_late) if version.late else "",
        "reasons": reasons_of(version) if version.outcome == "returned" else [],
        "judges": case.may_be_judged_by(person),
        "withdraws": case.may_be_withdrawn_by(person),
        "reopens": case.may_be_reopened_by(person),
        "before": [one for one in case.revisions if one < version.revision],
    }
    return _pages.render(request, "report.html", values)


@router.get("/withdrawal", response_class=HTMLResponse)
async def ask_withdrawal(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> HTMLResponse:
    case = await _case(request, person, (participant, period), revision)
    if not case.may_be_withdrawn_by(person):
        raise forbidden("Chỉ đơn vị mới rút lại được báo cáo của mình, khi chưa được xem xét.")
    return _pages.render(request, "report-withdraw.html", {"case": case})


@router.post("/withdrawal", response_class=HTMLResponse)
async def withdraw_report(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> Response:
    if (await typed(request)).get("confirmed") != "yes":
        case = await _case(request, person, (participant, period), revision)
        return _pages.render(request, "report-withdraw.html", {"case": case}, 422)
    form = WithdrawalForm(participant=participant, period=period, revision=revision)
    async with _works(request).begin(f"{person.ward}/{participant}") as work:
        await judging.withdraw_report(work, form, person)
    case = await _case(request, person, (participant, period), revision)
    return RedirectResponse(f"{case.back}?done=withdrawn", HTTPStatus.SEE_OTHER)


@router.get("/reopening", response_class=HTMLResponse)
async def ask_reopening(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> HTMLResponse:
    case = await _case(request, person, (participant, period), revision)
    _check_may_reopen(case, person)
    return _show_reopening(request, case, {}, Wrong(return_labels(case)))


@router.post("/reopening", response_class=HTMLResponse)
async def reopen_report(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> Response:
    """Takes reasons by places and a day; asks once more before it is opened again."""
    given = await typed(request)
    case = await _case(request, person, (participant, period), revision)
    _check_may_reopen(case, person)
    wrong = Wrong(return_labels(case))
    form = None if "edit" in given else read_return(ReopeningForm, case, given, wrong)
    if form is None:
        return _show_reopening(request, case, given, wrong)
    try:
        if given.get("confirmed") != "yes":
            check_correction_date(form.correct_by, _works(request).business.now())
            values = {
                "case": case,
                "form": form,
                "given": {name: given[name] for name in wrong.labels if given.get(name)},
                "reasons": told(case, form),
            }
            return _pages.render(request, "report-reopen-confirm.html", values)
        async with _works(request).begin(f"{person.ward}/{participant}") as work:
            await judging.reopen_report(work, form, person)
    except (Refusal, Problem) as error:
        wrong.add_refused(error)
        return _show_reopening(request, case, given, wrong)
    return RedirectResponse(f"{case.back}?done=reopened", HTTPStatus.SEE_OTHER)


def _show_reopening(
    request: Request, case: Case, given: Mapping[str, str], wrong: Wrong
) -> HTMLResponse:
    values = {"case": case, "given": given, "wrong": wrong}
    status = int(wrong.status) if wrong else 200
    return _pages.render(request, "report-reopen.html", values, status)


@router.get("/differences", response_class=HTMLResponse)
async def show_differences(
    participant: Name,
    period: Name,
    revision: Revision,
    request: Request,
    person: SignedIn,
    since: Annotated[int, Query(alias="from", ge=1, le=1000)] = 1,
) -> HTMLResponse:
    """What a version changed of an earlier one, by place."""
    key = (participant, period)
    case = await _case(request, person, key, revision)
    async with _works(request).read() as connection:
        before = await store.judged_version(connection, person.ward, key, since)
    if before is None:
        raise not_found(f"báo cáo này, bản số {since}")
    changes = [
        (
            spot_words(change.place),
            text_words(change.place, change.old),
            text_words(change.place, change.new),
        )
        for change in differences(before.body, case.version.body)
    ]
    values = {"case": case, "since": since, "changes": changes}
    return _pages.render(request, "report-differences.html", values)


@router.get("/receipt", response_class=HTMLResponse)
async def show_receipt(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> HTMLResponse:
    """That the office has a version, and since when: to be printed."""
    key = (participant, period)
    case = await _case(request, person, key, revision)
    async with _works(request).read() as connection:
        paper, named = await paper_and_files(connection, person, case)
    values = {"case": case, "paper": paper, "files": named, "digest": case.version.digest}
    return _pages.render(request, "report-receipt.html", values)


def _check_may_reopen(case: Case, person: Person) -> None:
    """Raises Problem when there is nothing here for the person to open."""
    if files.is_own(person, case.file):
        raise forbidden("Không ai tự xét hồ sơ của đơn vị mình; người thay thế sẽ xét.")
    if not case.may_be_reopened_by(person):
        words = "Chỉ mở lại được bản mới nhất, khi đã được tiếp nhận chính thức."
        raise conflict("cannot-reopen", words)


async def _case(request: Request, person: Person, key: store.Key, revision: int) -> Case:
    async with _works(request).read() as connection:
        return await case_of(connection, person, key, revision)


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works
