"""A draft as the report that it will be: what keeps it from being sent, and sending it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from services.intake.commands import drafting, submitting
from services.intake.commands.drafting import Desk
from services.intake.domain.evidence import TAKEN
from services.intake.forms.drafts import DraftSubmissionForm
from services.intake.pages.draft import (
    Name,
    add_refused,
    labels_of,
    load,
    path_of,
    seen_version,
    works_of,
)
from services.intake.pages.evidence import size_words
from services.intake.pages.posted import DAY_WORDS, Wrong, read_day, typed
from services.intake.pages.report import places_of
from services.intake.store import evidence as files
from services.intake.uploading import BODY_LIMIT, form_of, keep, parts_of
from shared.fields import FieldProblem, field_problems
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import Problem, not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")
_COMMITMENT = {"commitment": "Cam kết"}
_PAPER = {
    "number": "Số, ký hiệu văn bản",
    "dated": "Ngày của văn bản",
    "received_on": "Ngày nhận",
    "came_by": "Nhận bằng",
    "file": "Bản chụp văn bản",
    "scan": "Bản chụp văn bản",
    **_COMMITMENT,
}
_DAYS = ("dated", "received_on")
_MISSING = {
    "commitment": "Đánh dấu vào ô cam kết trước khi gửi.",
    "scan": "Chọn tệp bản chụp văn bản của đơn vị.",
    **dict.fromkeys(_DAYS, DAY_WORDS),
}
_FIELDS = 12
"""Of the form that the office sends, at most."""


@faces.get("/drafts/{participant}/{period}/submission", response_class=HTMLResponse)
async def ask_submission(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> HTMLResponse:
    """The report as it will be, and what still keeps it from being sent."""
    desk, _ = await load(request, person, (participant, period))
    desk.next("submit")
    return await _show(request, person, desk, {}, Wrong(_PAPER))


@faces.post("/drafts/{participant}/{period}/submission", response_class=HTMLResponse)
async def submit_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """A unit sends its own."""
    given, key = await typed(request), (participant, period)
    desk, back = await load(request, person, key)
    wrong = Wrong(_COMMITMENT)
    form = _read({"commitment": given.get("commitment") == "true"}, wrong)
    if form is None:
        return await _show(request, person, desk, given, wrong)
    try:
        async with works_of(request).begin(f"{person.ward}/{participant}") as work:
            await submitting.submit(work, person, key, form, seen_version(given))
    except (Refusal, Problem) as error:
        return await _show(request, person, desk, given, wrong, add_refused(wrong, error))
    return RedirectResponse(f"{back}?done=sent", HTTPStatus.SEE_OTHER)


@faces.post(
    "/drafts/{participant}/{period}/paper",
    response_class=HTMLResponse,
    max_body_size=BODY_LIMIT,
)
async def enter_paper(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """The office sends what it entered, with the document's scan. Whatever else is wrong, a scan
    that came is kept among the files, so that it need not be brought twice.
    """
    key, wrong = (participant, period), Wrong(_PAPER)
    desk, _ = await load(request, person, key)
    if desk.side != "office":
        raise not_found("việc nhập thay này; đơn vị gửi báo cáo của mình")
    async with form_of(request, person, _FIELDS) as typed_in:
        given = {name: text for name, text in typed_in.items() if isinstance(text, str)}
        try:
            if brought := await keep(request, person, key, typed_in.get("file")):
                given["scan"] = str(brought.id)
        except Refusal as error:
            add_refused(wrong, error)
    form = None if wrong else _read(_with_paper(given), wrong)
    if form is None:
        return await _show(request, person, desk, given, wrong)
    try:
        async with works_of(request).begin(f"{person.ward}/{participant}") as work:
            taken = await submitting.submit(work, person, key, form, seen_version(given))
    except (Refusal, Problem) as error:
        return await _show(request, person, desk, given, wrong, add_refused(wrong, error))
    where = f"/intake/reports/{participant}/{period}/{taken.version.revision}/receipt"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


def _with_paper(given: Mapping[str, str]) -> dict[str, Any]:
    days = {name: read_day(given.get(name, "")) or "" for name in _DAYS}
    about = {name: given.get(name, "") for name in ("number", "came_by", "scan")}
    return {"commitment": given.get("commitment") == "true", "paper": about | days}


def _read(fields: Mapping[str, Any], wrong: Wrong) -> DraftSubmissionForm | None:
    try:
        return DraftSubmissionForm.model_validate(fields)
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            name = problem.pointer.rpartition("/")[2]
            wrong.add(name, _MISSING.get(name, problem.detail))
        return None


async def _show(
    request: Request,
    person: Person,
    desk: Desk,
    given: Mapping[str, str],
    wrong: Wrong,
    found: list[FieldProblem] | None = None,
) -> HTMLResponse:
    at = works_of(request).business.now()
    report, read, problems = drafting.read_report(desk, person.ward, at)
    labels = labels_of(desk, {})
    if report is None:
        told = [(read.name_of(one.pointer), one.detail) for one in problems]
    else:
        told = [(one.pointer.removeprefix("/fields/"), one.detail) for one in found or ()]
    movement = {
        "contents": [{"number": number, "text": text} for number, text in desk.asked.contents],
        "groups": [
            {"criteria": [{"code": code, "text": text} for code, text in desk.asked.criteria]}
        ],
        "forms": [{"code": code, "title": title} for code, title in desk.asked.rewards],
    }
    values = {
        "desk": desk,
        "path": path_of(desk),
        "version": given.get("version") or desk.draft.version,
        "given": given,
        "wrong": wrong,
        "incomplete": [
            ((name, labels.get(name, "Báo cáo")), words) for name, words in dict(told).items()
        ],
        "read": places_of(report.model_dump(mode="json"), movement) if report else [],
        "scans": await _scans(request, person, desk),
        "taken": TAKEN,
        "most": f"{parts_of(request).settings.evidence_bytes >> 20} MB",
    }
    return _pages.render(request, "draft-submit.html", values, int(wrong.status) if wrong else 200)


async def _scans(request: Request, person: Person, desk: Desk) -> Sequence[tuple[str, str]]:
    """The files among which the scan may be already (id, words)."""
    if desk.side == "unit":
        return ()
    async with works_of(request).read() as connection:
        rows = await files.of_file(connection, person, desk.key)
    return [(str(row.id), f"{row.name} ({size_words(row.size)})") for row in rows]
