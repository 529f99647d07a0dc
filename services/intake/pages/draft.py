"""Where a report is written, merged when two have written it, approved and sent."""

import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands import drafting
from services.intake.commands.drafting import Desk, LostRace
from services.intake.domain.difference import LISTED
from services.intake.domain.draft import TRANSITIONS, Command
from services.intake.forms import report as forms
from services.intake.forms.drafts import (
    ActForm,
    ApprovalRuleForm,
    DraftForm,
    DraftSubmissionForm,
)
from services.intake.forms.report import Asking, Section
from services.intake.pages import file as files
from services.intake.pages.posted import DAY_WORDS, Wrong, read_day, typed
from services.intake.pages.report import places_of, reasons_at
from services.intake.pages.words import Tone
from services.intake.store import duty as duties
from shared.contracts.base import Code
from shared.fields import FieldProblem, field_problems
from shared.messaging import Works
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import Problem, not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

Name = Annotated[Code, InPath()]
_STATES: Mapping[str, tuple[str, Tone]] = {
    "none": ("Chưa soạn", "muted"),
    "draft": ("Đang soạn", "info"),
    "awaiting-head": ("Chờ người đứng đầu duyệt", "warn"),
    "approved": ("Người đứng đầu đã duyệt, chưa gửi", "good"),
}
_ACTS: Mapping[Command, str] = {
    "ask": "Trình người đứng đầu duyệt",
    "take-back": "Rút về để sửa",
    "approve": "Duyệt",
    "send-back": "Trả lại cho người soạn",
    "discard": "Bỏ bản soạn này",
}
_DONE = {
    "save": "Đã lưu bản soạn.",
    "ask": "Đã trình người đứng đầu duyệt.",
    "take-back": "Đã rút bản soạn về để sửa.",
    "approve": "Đã duyệt. Bản soạn có thể gửi.",
    "send-back": "Đã trả lại cho người soạn.",
    "discard": "Đã bỏ bản soạn.",
    "rule": "Đã đổi cách duyệt báo cáo của đơn vị.",
}
_PAPER = {
    "number": "Số, ký hiệu văn bản",
    "dated": "Ngày của văn bản",
    "received_on": "Ngày nhận",
    "came_by": "Nhận bằng",
    "commitment": "Cam kết",
}
_EMPTY: Mapping[str, str] = {}


@faces.get("/drafts/{participant}/{period}", response_class=HTMLResponse)
async def show_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> HTMLResponse:
    desk, back = await _load(request, person, (participant, period))
    return await _show(request, person, desk, back)


@faces.post("/drafts/{participant}/{period}", response_class=HTMLResponse)
async def save_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """Save what was typed; where two have changed the same, both texts are shown (412)."""
    given, key = await typed(request), (participant, period)
    desk, back = await _load(request, person, key)
    texts = {
        name: text.replace("\r\n", "\n") for name, text in given.items() if name not in _NOT_FIELDS
    }
    wrong = Wrong(_labels(desk, texts))
    form = _read_fields(texts, wrong)
    if form is None:
        return await _show(request, person, desk, back, texts, wrong)
    try:
        async with _works(request).begin(f"{person.ward}/{participant}") as work:
            await drafting.save(work, person, key, form.fields, _seen(given))
    except LostRace as lost:
        return await _merge(request, person, lost)
    except (Refusal, Problem) as error:
        _add(wrong, error)
        return await _show(request, person, desk, back, texts, wrong)
    onward = "/submission" if given.get("then") == "submission" else "?done=save"
    return RedirectResponse(f"{_path(desk)}{onward}", HTTPStatus.SEE_OTHER)


_NOT_FIELDS = frozenset({"version", "then"})


@faces.post("/drafts/{participant}/{period}/acts", response_class=HTMLResponse)
async def act_on_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    given, key = await typed(request), (participant, period)
    wrong = Wrong({"said": "Lời nhắn"})
    try:
        form = ActForm.model_validate({n: given[n] for n in ("act", "said") if n in given})
        async with _works(request).begin(f"{person.ward}/{participant}") as work:
            await drafting.act(work, person, key, form, _seen(given))
    except ValidationError as error:
        wrong.add_invalid(error)
    except (Refusal, Problem) as error:
        _add(wrong, error)
    else:
        where = f"/intake/drafts/{participant}/{period}?done={form.act}"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER)
    desk, back = await _load(request, person, key)
    wrong.labels = _labels(desk, _EMPTY)
    return await _show(request, person, desk, back, None, wrong)


@faces.get("/drafts/{participant}/{period}/submission", response_class=HTMLResponse)
async def ask_submission(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> HTMLResponse:
    """The report as it will be, and what still keeps it from being sent."""
    desk, _ = await _load(request, person, (participant, period))
    _check_next(desk)
    return _show_submission(request, person, desk, {}, Wrong(_PAPER))


@faces.post("/drafts/{participant}/{period}/submission", response_class=HTMLResponse)
async def submit_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    given, key = await typed(request), (participant, period)
    desk, back = await _load(request, person, key)
    wrong = Wrong(_PAPER)
    form = _read_submission(desk, given, wrong)
    if form is None:
        return _show_submission(request, person, desk, given, wrong)
    try:
        async with _works(request).begin(f"{person.ward}/{participant}") as work:
            taken = await drafting.submit(work, person, key, form, _seen(given))
    except (Refusal, Problem) as error:
        found = _add(wrong, error)
        return _show_submission(request, person, desk, given, wrong, found)
    if form.paper is not None:
        revision = taken.version.revision
        where = f"/intake/reports/{participant}/{period}/{revision}/receipt"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER)
    return RedirectResponse(f"{back}?done=sent", HTTPStatus.SEE_OTHER)


@faces.post("/participants/{participant}/approval", response_class=HTMLResponse)
async def set_approval_rule(participant: Name, request: Request, person: SignedIn) -> Response:
    given = await typed(request)
    try:
        form = ApprovalRuleForm.model_validate({"head_approves": given.get("head_approves")})
    except ValidationError:
        raise not_found("cách duyệt này") from None
    async with _works(request).begin(f"{person.ward}/{participant}") as work:
        await drafting.set_rule(work, person, participant, form)
    period = given.get("period", "")
    where = f"/intake/drafts/{participant}/{period}?done=rule" if period.isascii() else "/intake/"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


async def _load(request: Request, person: Person, key: tuple[str, str]) -> tuple[Desk, str]:
    """The desk, and the page that leads to it."""
    async with _works(request).read() as connection:
        desk = await drafting.load(connection, person, key)
        file = await duties.of_period(connection, person, key)
    return desk, files.href_of(*key, file.obligation if file else None)


def _labels(desk: Desk, typed_in: Mapping[str, str]) -> dict[str, str]:
    """Field -> its place in words: "Tiêu chí a1: Thuyết minh"."""
    return {
        one.name: one.label if part.title == one.label else f"{part.title}: {one.label}"
        for section in forms.sections(desk.asked, {**desk.fields, **typed_in})
        for part in section.parts
        for one in part.fields
    }


def _read_fields(texts: Mapping[str, str], wrong: Wrong) -> DraftForm | None:
    try:
        return DraftForm.model_validate({"fields": texts})
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            wrong.add(problem.pointer.removeprefix("/fields/"), problem.detail)
        return None


def _read_submission(
    desk: Desk, given: Mapping[str, str], wrong: Wrong
) -> DraftSubmissionForm | None:
    fields: dict[str, Any] = {"commitment": given.get("commitment") == "true"}
    if desk.side == "office":
        days = {name: read_day(given.get(name, "")) or "" for name in ("dated", "received_on")}
        about = {name: given.get(name, "") for name in ("number", "came_by")}
        fields["paper"] = about | days
    try:
        return DraftSubmissionForm.model_validate(fields)
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            name = problem.pointer.rpartition("/")[2]
            if name == "commitment":
                wrong.add(name, "Đánh dấu vào ô cam kết trước khi gửi.")
            else:
                wrong.add(name, DAY_WORDS if name in {"dated", "received_on"} else problem.detail)
        return None


def _add(wrong: Wrong, error: Refusal | Problem) -> list[FieldProblem]:
    """Tell what was refused; returns what is said of the report's own fields."""
    if isinstance(error, Refusal):
        wrong.add(error.pointer.rpartition("/")[2], error.detail)
        return []
    if error.status not in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, 422}:
        raise error
    wrong.status = error.status
    own = [one for one in error.errors if one.pointer.startswith("/fields/")]
    for one in own:
        name = one.pointer.removeprefix("/fields/")
        wrong.add(name if name in wrong.labels else "", one.detail)
    for one in error.errors:
        if one not in own:
            wrong.add("", one.detail)
    if not error.errors:
        wrong.add("", error.detail)
    return own


async def _show(
    request: Request,
    person: Person,
    desk: Desk,
    back: str,
    texts: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
) -> HTMLResponse:
    words, tone = _STATES[desk.state]
    if desk.side == "unit" and desk.report.state == "accepted":
        words, tone = "Báo cáo đã được tiếp nhận chính thức", "good"
    fields = {**desk.fields, **(texts or {})}
    wrong = wrong or Wrong({})
    async with _works(request).read() as connection:
        author = await _author(connection, person, desk)
    values = {
        "desk": desk,
        "path": _path(desk),
        "back": back,
        "version": desk.draft.version,
        "words": words,
        "tone": tone,
        "author": author,
        "fields": fields,
        "sections": _to_show(desk, fields),
        "locked": frozenset(desk.locked()),
        "kept": lambda one: _kept(desk, one),
        "reasons": reasons_at(desk.sent_back),
        "writes": _may(desk, "save") and desk.may_be_sent,
        "sends": _may(desk, "submit") and desk.may_be_sent,
        "acts": [(code, label) for code, label in _ACTS.items() if _may(desk, code)],
        "sets_rule": desk.author == "head",
        "wrong": wrong,
        "done": _DONE.get(request.query_params.get("done", ""), ""),
    }
    return _pages.render(request, "draft.html", values, int(wrong.status) if wrong else 200)


def _to_show(desk: Desk, fields: Mapping[str, str]) -> list[Section]:
    """The form, without empty rows where none may be added."""
    locked = frozenset(desk.locked())
    return [
        replace(
            section,
            parts=tuple(
                part
                for part in section.parts
                if part.code not in locked
                or section.code not in LISTED
                or any(fields.get(one.name) for one in part.fields)
            ),
        )
        for section in forms.sections(desk.asked, fields)
    ]


async def _author(connection: AsyncConnection, person: Person, desk: Desk) -> str:
    if desk.row is None:
        return ""
    names = await files.names_of(connection, person.ward, [desk.row.saved_by])
    return names[desk.row.saved_by]


def _kept(desk: Desk, one: Asking) -> str:
    text = desk.fields.get(one.name, "")
    if one.kind == "standing":
        return forms.STANDINGS.get(text, text)
    if one.kind == "reward":
        return dict(desk.asked.rewards).get(text, text)
    return text


def _may(desk: Desk, command: Command) -> bool:
    step = TRANSITIONS.get((desk.state, command))
    if step is None or desk.author not in step.who:
        return False
    if command == "ask":
        return desk.head_approves
    try:
        desk.next(command)
    except Refusal:
        return False
    return True


def _check_next(desk: Desk) -> None:
    """Raises Refusal where it cannot be sent now."""
    desk.next("submit")


async def _merge(request: Request, person: Person, lost: LostRace) -> HTMLResponse:
    """Both texts of each field that two have changed; all else that was typed goes along."""
    desk = lost.desk
    fields = {**desk.fields, **lost.typed}
    places = _labels(desk, lost.typed)
    asked = {
        one.name: one
        for section in forms.sections(desk.asked, fields)
        for part in section.parts
        for one in part.fields
    }
    differ = {one.name for one in lost.clashes}
    async with _works(request).read() as connection:
        author = await _author(connection, person, desk)
    values = {
        "desk": desk,
        "path": _path(desk),
        "version": desk.draft.version,
        "author": author,
        "pairs": [(asked[c.name], places[c.name], c.theirs, c.mine) for c in lost.clashes],
        "others": {
            name: text
            for name, text in lost.typed.items()
            if name not in differ and text != desk.fields.get(name, "")
        },
    }
    return _pages.render(request, "draft-merge.html", values, HTTPStatus.PRECONDITION_FAILED)


def _show_submission(
    request: Request,
    person: Person,
    desk: Desk,
    given: Mapping[str, str],
    wrong: Wrong,
    found: list[FieldProblem] | None = None,
) -> HTMLResponse:
    at = _works(request).business.now()
    report, read, errors = drafting.read_report(desk, person.ward, at)
    labels = _labels(desk, _EMPTY)
    if report is None:
        told = [(read.name_of(one.pointer), one.detail) for one in field_problems(errors)]
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
        "path": _path(desk),
        "version": given.get("version") or desk.draft.version,
        "given": given,
        "wrong": wrong,
        "incomplete": [
            ((name, labels.get(name, "Báo cáo")), words) for name, words in dict(told).items()
        ],
        "read": places_of(report.model_dump(mode="json"), movement) if report else [],
    }
    return _pages.render(request, "draft-submit.html", values, int(wrong.status) if wrong else 200)


def _seen(given: Mapping[str, str]) -> int:
    text = given.get("version", "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def _path(desk: Desk) -> str:
    return f"/intake/drafts/{desk.key[0]}/{desk.key[1]}"


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works
