"""Where a duty mail leads: what is owed, what has happened, and what can be done next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import JUDGES, SENDERS
from services.intake.commands import desk as commands
from services.intake.domain.deadline import plan_on_time
from services.intake.domain.form import forms_of
from services.intake.domain.office import check_may_submit
from services.intake.domain.rule import BY_DOCUMENT
from services.intake.domain.standing import standing
from services.intake.forms.desk import PlanForm
from services.intake.pages import evidence
from services.intake.pages import file as files
from services.intake.pages.posted import DAY_WORDS, Wrong, read_day, typed
from services.intake.pages.report import place_words, places_of, reasons_of
from services.intake.pages.words import MANNERS, SECTIONS, time_left, words_of
from services.intake.store import desk as store
from services.intake.store import duty as duties
from shared.calendar import ward_day
from shared.contracts.base import Code
from shared.fields import field_problems
from shared.messaging import Works
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.pages import Pages
from shared.web.problems import Problem, not_found

router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")
_PLAN = {
    "number": "Số kế hoạch",
    "issued_on": "Ngày ban hành",
    "url": "Bản sao kế hoạch đã ký",
}
_DONE = {
    "plan": "Đã ghi nhận kế hoạch. Không cần làm gì thêm cho việc này.",
    "accepted": "Đã tiếp nhận chính thức báo cáo. Đơn vị được báo bằng thư.",
    "returned": "Đã trả lại báo cáo. Đơn vị được báo bằng thư, kèm lý do và hạn chỉnh sửa.",
    "sent": "Đã gửi báo cáo. Giấy xác nhận được gửi bằng thư; kết quả xem xét cũng vậy.",
    "withdrawn": "Đã rút lại báo cáo.",
    "reopened": "Đã mở lại báo cáo. Đơn vị được báo bằng thư, kèm lý do và hạn gửi bản mới.",
}

Name = Annotated[Code, InPath()]


@router.get("/duties/{obligation}", response_class=HTMLResponse)
async def show_duty(obligation: str, request: Request, person: SignedIn) -> Response:
    """A duty, by the id that is in every event about it."""
    async with _works(request).read() as connection:
        identity = _identity(obligation)
        file = await duties.of_duty(connection, person, identity) if identity else None
        if file is None:
            raise not_found("việc này, hoặc việc này không thuộc về bạn")
        return await _show(request, connection, person, file)


@router.get("/files/{participant}/{period}", response_class=HTMLResponse)
async def show_file(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """The same of somebody on whom no duty was laid."""
    async with _works(request).read() as connection:
        file = await _find(connection, person, (participant, period))
        return await _show(request, connection, person, file)


@router.post("/files/{participant}/{period}/plan", response_class=HTMLResponse)
async def record_plan(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """Take a plan's number and date of issue; asks once more before it is recorded."""
    given, works = await typed(request), _works(request)
    wrong = Wrong(_PLAN)
    async with works.read() as connection:
        file = await _find(connection, person, (participant, period))
        if file.duty_kind not in BY_DOCUMENT:
            raise not_found("kế hoạch trong kỳ này")
        form = None if "edit" in given else _read_plan(file, given, wrong, works.business.now())
        if form is None:
            return await _show(request, connection, person, file, given, wrong)
    if given.get("confirmed") != "yes":
        values = {"file": file, "form": form, "back": _href(file), "given": given}
        return _pages.render(request, "plan-confirm.html", values)
    try:
        async with works.begin(f"{person.ward}/{participant}") as work:
            await commands.record_plan(work, form, person)
    except (Refusal, Problem) as error:
        if isinstance(error, Refusal):
            wrong.add(error.pointer.rpartition("/")[2], error.detail)
        else:
            wrong.add_refused(error)
        async with works.read() as connection:
            file = await _find(connection, person, (participant, period))
            return await _show(request, connection, person, file, given, wrong)
    return RedirectResponse(f"{_href(file)}?done=plan", HTTPStatus.SEE_OTHER)


def _read_plan(file: Any, given: Mapping[str, str], wrong: Wrong, now: datetime) -> PlanForm | None:
    """The form that was typed, or None, with what is wrong with it."""
    fields = {
        "participant": file.participant,
        "period": file.period,
        "number": given.get("number", ""),
        "issued_on": read_day(given.get("issued_on", "")) or "",
    }
    if given.get("url", "").strip():
        title = f"Kế hoạch số {given.get('number', '').strip()}"
        fields["evidence"] = {"title": title, "url": given["url"].strip()}
    try:
        form = PlanForm.model_validate(fields)
        plan_on_time(file.due or file.period_due, form.issued_on, ward_day(now))
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            name = problem.pointer.rpartition("/")[2]
            wrong.add(name, DAY_WORDS if name == "issued_on" else problem.detail)
    except Refusal as error:
        wrong.add_refused(error)
    else:
        return form
    return None


async def _show(
    request: Request,
    connection: AsyncConnection,
    person: Person,
    file: Any,
    given: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
) -> HTMLResponse:
    now = _works(request).business.now()
    versions = await duties.versions(connection, file.ward, (file.participant, file.period))
    acts, reporter = await files.story(connection, file, versions)
    stands = standing(file.duty_kind, file, now)
    words, tone = words_of(file.duty_kind, stands)
    waited_for = file.due is not None and stands in {"open", "overdue", "free"}
    wrong = wrong or Wrong(_PLAN)
    values = {
        "file": file,
        "section": SECTIONS[file.duty_kind],
        "form": forms_of(file.duty_kind, file.form)[-1],
        "manner": MANNERS[file.manner],
        "words": words,
        "tone": tone,
        "left": time_left(file.manner, file.due, now) if waited_for else None,
        "reporter": reporter,
        "acts": acts,
        "versions": versions,
        "evidence": await evidence.shown(request, connection, person, file),
        "returned": await _newest_return(connection, file, versions),
        "next": _next(person, file),
        "for_unit": files.subject_of(file).belongs_to(commands.speaks_for(person)),
        "given": given or {},
        "wrong": wrong,
        "done": _DONE.get(request.query_params.get("done", ""), ""),
    }
    return _pages.render(request, "duty.html", values, int(wrong.status) if wrong else 200)


async def _newest_return(
    connection: AsyncConnection, file: Any, versions: Sequence[Any]
) -> dict[str, Any] | None:
    """Why the newest version went back, or was opened again, by its places, where it did."""
    if file.outcome not in {"returned", "reopened"}:
        return None
    key, newest = (file.participant, file.period), versions[-1]
    version: Any = await store.judged_version(connection, file.ward, key, file.revision)
    if file.outcome == "returned":
        return {"reasons": reasons_of(version), "correct_by": newest.correct_by}
    titles = {place.pointer: place.title for place in places_of(version.body, {})}
    told = [(place_words(one["pointer"], titles), one["text"]) for one in newest.reopened_for]
    return {"reasons": told, "correct_by": newest.reopened_until}


def _next(person: Person, file: Any) -> str:
    """What the person can do next: a word for the template."""
    if file.duty_kind in BY_DOCUMENT:
        if file.plan_evidence is not None or not _may_send(person, file):
            return ""
        return "record-plan" if file.plan_on_time is None else "hand-in-copy"
    if file.outcome == "accepted":
        return "nothing"
    if file.revision is not None and file.outcome is None and person.has(*JUDGES):
        return "somebody-else-reviews" if files.is_own(person, file) else "review"
    if not _may_send(person, file):
        return ""
    return "send" if file.revision is None or file.outcome is not None else "wait"


def _may_send(person: Person, file: Any) -> bool:
    if not person.has(*SENDERS):
        return False
    try:
        check_may_submit(
            commands.speaks_for(person),
            files.subject_of(file),
            is_officer=commands.speaks_for_all(person),
        )
    except Refusal:
        return False
    return True


async def _find(connection: AsyncConnection, person: Person, key: store.Key) -> Any:
    """Raises Problem (404) outside the person's scope, as where there is nothing."""
    file = await duties.of_period(connection, person, key)
    if file is None:
        raise not_found("hồ sơ này, hoặc hồ sơ này không thuộc về bạn")
    return file


def _identity(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _href(file: Any) -> str:
    return files.href_of(file.participant, file.period, file.obligation)


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works
