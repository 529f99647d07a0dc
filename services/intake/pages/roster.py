"""The roll as pages: who takes part, what is said anew of one, who has left."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from services.intake.access import OFFICER
from services.intake.commands import roster as commands
from services.intake.commands.desk import roll_key
from services.intake.forms.roster import DepartureForm, EntryForm, EntryRow
from services.intake.pages.posted import Wrong, read, typed
from services.intake.pages.words import MANNERS
from services.intake.store import people as directory
from services.intake.store import roster as store
from shared.calendar import vietnamese_date
from shared.contracts.base import Code
from shared.messaging import UnitOfWork, Works
from shared.refusal import Refusal
from shared.web.etag import tag_of
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import Problem

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
pages = Pages("intake", Path(__file__).parents[1] / "templates")
F = TypeVar("F", bound=BaseModel)
Given = Mapping[str, str]
Who = Annotated[Code, InPath()]
ENTRY = {
    "name": "Tên",
    "group": "Mã nhóm",
    "block": "Mã khối",
    "reporter": "Mã đầu mối",
    "reason": "Lý do",
    "document": "Số văn bản",
}
DEPARTURE = {"into": "Mã đơn vị nhận", "reason": "Lý do", "document": "Số văn bản"}
WHAT_WORDS = {
    "changed": "Sửa",
    "handed-over": "Chuyển sang đơn vị khác đề nghị",
    "left": "Thôi tham gia",
}
FIELD_WORDS = {
    "name": "tên",
    "group_code": "nhóm",
    "block": "khối",
    "reporter": "đầu mối",
    "proposed_by": "đơn vị đề nghị",
    "left_on": "thôi tham gia từ",
    "left_into": "nhập vào",
}
DONE = {
    "changed": "Đã sửa danh sách. Những gì đã ghi trước đây được giữ lại.",
    "left": "Đã ghi thôi tham gia. Các việc còn chờ đã được rút và báo cho đơn vị.",
}


def _state(row: EntryRow) -> str:
    return f"thôi từ {vietnamese_date(row.left_on)}" if row.left_on else "đang tham gia"


COLUMNS: tuple[Column[EntryRow], ...] = (
    Column("ten", "Tên", lambda row: row.name),
    Column("ma", "Mã", lambda row: row.participant),
    Column("nhom", "Nhóm", lambda row: row.group, chosen=True),
    Column("khoi", "Khối", lambda row: row.block, chosen=True),
    Column("cach", "Cách tham gia", lambda row: MANNERS[row.manner], chosen=True),
    Column("tinh-trang", "Tình trạng", _state),
)


@faces.get("/roster", response_class=HTMLResponse)
async def list_entries(request: Request, person: SignedIn) -> Response:
    async with _works(request).read() as connection:
        rows = [EntryRow.of(row) for row in await store.entries(connection, person)]
    view = Listing(COLUMNS, rows, dict(request.query_params))
    values = {"view": view, "states": _state, "manners": MANNERS}
    return export(view, "danh-sach-tham-gia") or pages.render(request, "roster.html", values)


@faces.get("/roster/{participant}", response_class=HTMLResponse)
async def show_entry(participant: Who, request: Request, person: SignedIn) -> Response:
    return await _entry_page(request, participant, person)


@faces.post("/roster/{participant}/change", response_class=HTMLResponse)
async def change_entry(participant: Who, request: Request, person: SignedIn) -> Response:
    """Nobody writes over what somebody else has changed meanwhile."""
    given, wrong = await typed(request), Wrong(ENTRY)
    form = read(EntryForm, given, wrong)

    async def act(work: UnitOfWork) -> None:
        await commands.locked(work, person.ward, participant)
        seen = tag_of(await commands.detail_of(work.connection, person, participant))
        if given.get("seen") != seen:
            raise Refusal("changed-meanwhile", "Có người đã sửa trước; hãy mở lại rồi sửa.")
        if form is not None:
            await commands.change_entry(work, participant, form, person)

    if form is not None and await _done(request, person, wrong, act):
        return _on(f"/roster/{participant}", "changed")
    return await _entry_page(request, participant, person, given, wrong)


@faces.post("/roster/{participant}/departure", response_class=HTMLResponse)
async def leave(participant: Who, request: Request, person: SignedIn) -> Response:
    """Asks once more: nobody comes back under a code that has left."""
    given, wrong = await typed(request), Wrong(DEPARTURE)
    form = read(DepartureForm, {**given, "into": given.get("into") or None}, wrong)

    async def act(work: UnitOfWork) -> None:
        if form is not None:
            await commands.leave(work, participant, form, person)

    if form is not None and given.get("confirmed") != "yes":
        values = {"given": given, "participant": participant, "form": form}
        return pages.render(request, "roster-departure.html", values)
    if form is not None and await _done(request, person, wrong, act):
        return _on(f"/roster/{participant}", "left")
    return await _entry_page(request, participant, person, given, wrong)


async def _entry_page(
    request: Request,
    code: str,
    person: Person,
    given: Given | None = None,
    wrong: Wrong | None = None,
) -> Response:
    async with _works(request).read() as connection:
        detail = await commands.detail_of(connection, person, code)
        reporter = await directory.find(connection, person.ward, detail.reporter)
    now = detail.model_dump(include=set(ENTRY))
    wrong = wrong or Wrong({})
    values = {
        "entry": detail,
        "manner": MANNERS[detail.manner],
        "reporter": reporter.name if reporter is not None else "",
        "changes": [
            (WHAT_WORDS[one.what], one, _lines(one.was, one.now)) for one in detail.changes
        ],
        "keeps": person.has(*OFFICER) and detail.left_on is None,
        "seen": tag_of(detail),
        "given": {**now, **(given or {})},
        "wrong": wrong,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    status = int(wrong.status) if wrong else 200
    return pages.render(request, "roster-entry.html", values, status)


def _lines(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What was changed, in words, field by field."""
    return [
        f"{FIELD_WORDS[name]}: {was.get(name) or 'chưa có'} → {value}"
        for name, value in now.items()
        if value is not None
    ]


async def _done(
    request: Request,
    person: Person,
    wrong: Wrong,
    act: Callable[[UnitOfWork], Awaitable[None]],
) -> bool:
    """Whether it was done; what the rules say against it is added to what is wrong."""
    try:
        async with _works(request).begin(roll_key(person.ward)) as work:
            await act(work)
    except (Refusal, Problem) as error:
        wrong.add_refused(error)
        return False
    return True


def _on(path: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"/intake{path}?done={done}", HTTPStatus.SEE_OTHER)


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works
