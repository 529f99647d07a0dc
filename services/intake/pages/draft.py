"""Where a report is written, merged when two have written it, approved and sent."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands import approving, drafting
from services.intake.commands.attaching import with_files
from services.intake.commands.drafting import Desk, LostRace, NewerReport
from services.intake.domain.difference import LISTED
from services.intake.domain.draft import TRANSITIONS, Command
from services.intake.forms import report as forms
from services.intake.forms.drafts import (
    ActForm,
    ApprovalRuleForm,
    DraftForm,
)
from services.intake.forms.report import Asking, Section
from services.intake.pages import attaching
from services.intake.pages import file as files
from services.intake.pages.posted import Wrong, typed
from services.intake.pages.report import reasons_at
from services.intake.pages.words import Tone
from services.intake.store import duty as duties
from services.intake.store import evidence
from services.intake.uploading import parts_of
from shared.contracts.base import Code
from shared.fields import FieldProblem, field_problems
from shared.messaging import UnitOfWork, Works
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


@faces.get("/drafts/{participant}/{period}", response_class=HTMLResponse)
async def show_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> HTMLResponse:
    """With `check=yes`, what keeps the draft from being sent is said beside each field."""
    desk, back = await load(request, person, (participant, period))
    wrong = Wrong(labels_of(desk, {}), HTTPStatus.OK)
    if request.query_params.get("check") == "yes":
        at = works_of(request).business.now()
        _, read, problems = drafting.read_report(desk, person.ward, at)
        for problem in problems:
            wrong.add(read.name_of(problem.pointer), problem.detail)
    return await _show(request, person, desk, back, None, wrong)


@faces.post("/drafts/{participant}/{period}", response_class=HTMLResponse)
async def save_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """Save what was typed; where two have changed the same, both texts are shown (412)."""
    given, key = await typed(request), (participant, period)
    desk, back = await load(request, person, key)
    texts, chosen = attaching.split(
        {
            name: text.replace("\r\n", "\n")
            for name, text in given.items()
            if name not in _NOT_FIELDS
        }
    )
    wrong, seen = Wrong(labels_of(desk, texts)), Seen.of(given)
    form = _read_fields(texts, chosen, seen.revision, wrong)
    if form is None:
        return await _show(request, person, desk, back, texts, wrong, seen)
    try:
        async with works_of(request).begin(f"{person.ward}/{participant}") as work:
            await _save(request, work, person, key, form, seen.version)
    except LostRace as lost:
        return await _merge(request, person, lost)
    except NewerReport as newer:
        wrong.status = HTTPStatus.PRECONDITION_FAILED
        wrong.add("", newer.detail)
        seen = replace(seen, revision=newer.desk.report.revision)
        return await _show(request, person, newer.desk, back, newer.typed, wrong, seen)
    except (Refusal, Problem) as error:
        add_refused(wrong, error)
        return await _show(request, person, desk, back, texts, wrong, seen)
    onward = "/submission" if given.get("then") == "submission" else "?done=save"
    return RedirectResponse(f"{path_of(desk)}{onward}", HTTPStatus.SEE_OTHER)


async def _save(
    request: Request,
    work: UnitOfWork,
    person: Person,
    key: tuple[str, str],
    form: DraftForm,
    seen: int,
) -> None:
    connection, origin = work.connection, parts_of(request).settings.origin
    desk = await drafting.load(connection, person, key)
    await drafting.check_saving(connection, desk, form.fields, form.revision)
    fields = await with_files(connection, person, desk, form.fields, form.attach, origin)
    await drafting.save(work, person, desk, fields, seen)


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw when they began to type: a draft's version, a report's revision."""

    version: int
    revision: int

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Seen":
        return cls(seen_version(given), seen_version(given, "revision"))


_NOT_FIELDS = frozenset({"version", "revision", "then"})


@faces.post("/drafts/{participant}/{period}/acts", response_class=HTMLResponse)
async def act_on_draft(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    given, key = await typed(request), (participant, period)
    wrong = Wrong({"said": "Lời nhắn"})
    try:
        form = ActForm.model_validate({n: given[n] for n in ("act", "said") if n in given})
        async with works_of(request).begin(f"{person.ward}/{participant}") as work:
            await approving.act(work, person, key, form, seen_version(given))
    except ValidationError as error:
        wrong.add_invalid(error)
    except (Refusal, Problem) as error:
        add_refused(wrong, error)
    else:
        where = f"/intake/drafts/{participant}/{period}?done={form.act}"
        return RedirectResponse(where, HTTPStatus.SEE_OTHER)
    desk, back = await load(request, person, key)
    wrong.labels = labels_of(desk, {})
    return await _show(request, person, desk, back, None, wrong)


@faces.post("/participants/{participant}/approval", response_class=HTMLResponse)
async def set_approval_rule(participant: Name, request: Request, person: SignedIn) -> Response:
    given = await typed(request)
    try:
        form = ApprovalRuleForm.model_validate({"head_approves": given.get("head_approves")})
    except ValidationError:
        raise not_found("cách duyệt này") from None
    async with works_of(request).begin(f"{person.ward}/{participant}") as work:
        await approving.set_rule(work, person, participant, form)
    period = given.get("period", "")
    where = f"/intake/drafts/{participant}/{period}?done=rule" if period.isascii() else "/intake/"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


async def load(request: Request, person: Person, key: tuple[str, str]) -> tuple[Desk, str]:
    """The desk, and the page that leads to it."""
    async with works_of(request).read() as connection:
        desk = await drafting.load(connection, person, key)
        file = await duties.of_period(connection, person, key)
    if file is None:
        return desk, files.href_of(*key, None)
    return replace(desk, due_text=file.due_text), files.href_of(*key, file.obligation)


def labels_of(desk: Desk, typed_in: Mapping[str, str]) -> dict[str, str]:
    """Field -> its place in words: "Tiêu chí a1: Thuyết minh"."""
    return {
        one.name: one.label if part.title == one.label else f"{part.title}: {one.label}"
        for section in forms.sections(desk.asked, {**desk.fields, **typed_in})
        for part in section.parts
        for one in part.fields
    }


def _read_fields(
    texts: Mapping[str, str], chosen: Sequence[Mapping[str, str]], revision: int, wrong: Wrong
) -> DraftForm | None:
    try:
        return DraftForm.model_validate({"fields": texts, "attach": chosen, "revision": revision})
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            wrong.add(problem.pointer.removeprefix("/fields/"), problem.detail)
        return None


def add_refused(wrong: Wrong, error: Refusal | Problem) -> list[FieldProblem]:
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
    seen: Seen | None = None,
) -> HTMLResponse:
    """`seen`: over what `texts` were typed, where they are shown again."""
    words, tone = _STATES[desk.state]
    if desk.side == "unit" and desk.report.state == "accepted":
        words, tone = "Báo cáo đã được tiếp nhận chính thức", "good"
    fields = {**desk.fields, **(texts or {})}
    wrong = wrong or Wrong({})
    writes = _may(desk, "save") and desk.may_be_sent
    async with works_of(request).read() as connection:
        author = await _author(connection, person, desk)
        rows = await evidence.of_file(connection, person, desk.key)
    values = {
        "desk": desk,
        "path": path_of(desk),
        "back": back,
        "version": desk.draft.version,
        "seen": seen or Seen(desk.draft.version, desk.report.revision),
        "offers": attaching.offers(desk, fields, rows),
        "words": words,
        "tone": tone,
        "author": author,
        "fields": fields,
        "sections": _to_show(desk, fields) if writes else _written(desk),
        "locked": frozenset(desk.locked()),
        "kept": lambda one: _kept(desk, one),
        "reasons": reasons_at(desk.sent_back),
        "writes": writes,
        "sends": _may(desk, "submit") and desk.may_be_sent,
        "acts": [(code, label) for code, label in _ACTS.items() if _may(desk, code)],
        "sets_rule": desk.author == "head",
        "wrong": wrong,
        "done": _DONE.get(request.query_params.get("done", ""), ""),
    }
    return _pages.render(request, "draft.html", values, int(wrong.status) if wrong else 200)


def _written(desk: Desk) -> list[Section]:
    """What stands in the draft, for whoever only reads it."""
    shown = (
        replace(
            section,
            parts=tuple(
                part
                for part in section.parts
                if any(desk.fields.get(one.name) for one in part.fields)
            ),
        )
        for section in forms.sections(desk.asked, desk.fields)
    )
    return [section for section in shown if section.parts]


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
                or (section.code not in LISTED and section.code != "indicators")
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
    if one.kind == "reached":
        return forms.REACHED.get(text, text)
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


async def _merge(request: Request, person: Person, lost: LostRace) -> HTMLResponse:
    """Both texts of each field that two have changed; all else that was typed goes along."""
    desk = lost.desk
    fields = {**desk.fields, **lost.typed}
    places = labels_of(desk, lost.typed)
    asked = {
        one.name: one
        for section in forms.sections(desk.asked, fields)
        for part in section.parts
        for one in part.fields
    }
    differ = {one.name for one in lost.clashes}
    async with works_of(request).read() as connection:
        author = await _author(connection, person, desk)
    values = {
        "desk": desk,
        "path": path_of(desk),
        "version": desk.draft.version,
        "author": author or f"bản số {desk.report.revision} đã gửi",
        "pairs": [(asked[c.name], places[c.name], c.theirs, c.mine) for c in lost.clashes],
        "others": {
            name: text
            for name, text in lost.typed.items()
            if name not in differ and text != desk.fields.get(name, "")
        },
    }
    return _pages.render(request, "draft-merge.html", values, HTTPStatus.PRECONDITION_FAILED)


def seen_version(given: Mapping[str, str], name: str = "version") -> int:
    """What a page says that its reader has seen; 0 where it says nothing sensible."""
    text = given.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def path_of(desk: Desk) -> str:
    return f"/intake/drafts/{desk.key[0]}/{desk.key[1]}"


def works_of(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works
