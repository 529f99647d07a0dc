"""The roll as pages: who takes part, what is said anew of one, who has left."""

from collections.abc import Mapping
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
from services.intake.domain.roster import Place
from services.intake.forms.roster import (
    DepartureForm,
    EntryForm,
    EntryRow,
    PlacePreview,
    ReadmissionForm,
)
from services.intake.pages.board_words import KIND_WORDS
from services.intake.pages.posted import Wrong, carried_out, read, typed, works_of
from services.intake.pages.words import MANNERS
from services.intake.store import people as directory
from services.intake.store import roster as store
from shared.calendar import vietnamese_date
from shared.contracts.base import Code
from shared.messaging import UnitOfWork
from shared.refusal import Refusal
from shared.web.etag import tag_of
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.pages import Pages

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
pages = Pages("intake", Path(__file__).parents[1] / "templates")
F = TypeVar("F", bound=BaseModel)
Given = Mapping[str, str]
Who = Annotated[Code, InPath()]
ENTRY = {
    "name": "Tên",
    "group": "Mã nhóm",
    "block": "Mã khối",
    "kind": "Loại",
    "proposed_by": "Mã đơn vị đề nghị",
    "reporter": "Mã đầu mối",
    "reason": "Lý do",
    "document": "Số văn bản",
}
READMISSION = {
    "reporter": "Mã đầu mối",
    "proposed_by": "Mã đơn vị đề nghị",
    "reason": "Lý do",
    "document": "Số văn bản",
}
DEPARTURE = {"into": "Mã đơn vị nhận", "reason": "Lý do", "document": "Số văn bản"}
WHAT_WORDS = {
    "changed": "Sửa",
    "handed-over": "Chuyển sang đơn vị khác đề nghị",
    "left": "Thôi tham gia",
    "readmitted": "Tham gia lại",
}
FIELD_WORDS = {
    "name": "tên",
    "kind": "loại",
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
    "readmitted": "Đã ghi tham gia lại. Các việc còn hạn đã được giao.",
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
    async with works_of(request).read() as connection:
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
    chosen = {name: given.get(name) or None for name in ("kind", "preview", "proposed_by")}
    form = read(EntryForm, {**given, **chosen}, wrong)
    if form is not None and form.preview is None and (shown := await _moved(request, form, person)):
        return _move_page(request, shown, given, Wrong(ENTRY))

    async def act(work: UnitOfWork) -> None:
        await commands.locked(work, person.ward, participant, given.get("reporter"))
        seen = tag_of(await commands.detail_of(work.connection, person, participant))
        if given.get("seen") != seen:
            raise Refusal("changed-meanwhile", "Có người đã sửa trước; hãy mở lại rồi sửa.")
        if form is not None:
            await commands.change_entry(work, participant, form, person)

    if form is not None and await carried_out(request, wrong, [roll_key(person.ward)], act):
        return _on(f"/roster/{participant}", "changed")
    if form is not None and form.preview and (shown := await _moved(request, form, person)):
        return _move_page(request, shown, given, wrong)
    return await _entry_page(request, participant, person, given, wrong)


async def _moved(request: Request, form: EntryForm, person: Person) -> PlacePreview | None:
    """What the place that was typed changes of what is asked; None: nothing, or no such place."""
    works = works_of(request)
    where, code = Place(form.group, form.block), str(request.path_params["participant"])
    try:
        async with works.read() as connection:
            now, kind = works.business.now(), form.kind or ""
            shown = await commands.preview(connection, person, code, where, kind, now)
    except Refusal:
        return None
    return shown if shown.new or shown.moved or shown.withdrawn else None


def _move_page(request: Request, shown: PlacePreview, given: Given, wrong: Wrong) -> HTMLResponse:
    """What another place changes, to be confirmed as it is shown."""
    values = {
        "shown": shown,
        "parts": [
            ("Việc giao thêm", shown.new),
            ("Việc đổi hạn hoặc đổi mức độ", shown.moved),
            ("Việc không còn giao", shown.withdrawn),
            ("Giữ nguyên hạn riêng đã cho", shown.kept),
        ],
        "manners": MANNERS,
        "kept": {name: value for name, value in given.items() if name in {*ENTRY, "seen"}},
        "wrong": wrong,
    }
    status = int(wrong.status) if wrong else 200
    return pages.render(request, "roster-move.html", values, status)


@faces.post("/roster/{participant}/readmission", response_class=HTMLResponse)
async def readmit(participant: Who, request: Request, person: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(READMISSION)
    chosen = {name: given.get(name) or None for name in ("reporter", "proposed_by")}
    form = read(ReadmissionForm, {**given, **chosen}, wrong)

    async def act(work: UnitOfWork) -> None:
        if form is not None:
            await commands.readmit(work, participant, form, person)

    if form is not None and await carried_out(request, wrong, [roll_key(person.ward)], act):
        return _on(f"/roster/{participant}", "readmitted")
    return await _entry_page(request, participant, person, given, wrong)


@faces.post("/roster/{participant}/departure", response_class=HTMLResponse)
async def leave(participant: Who, request: Request, person: SignedIn) -> Response:
    """Asks once more: what waits is withdrawn."""
    given, wrong = await typed(request), Wrong(DEPARTURE)
    form = read(DepartureForm, {**given, "into": given.get("into") or None}, wrong)

    async def act(work: UnitOfWork) -> None:
        if form is not None:
            await commands.leave(work, participant, form, person)

    if form is not None and given.get("confirmed") != "yes":
        values = {"given": given, "participant": participant, "form": form}
        return pages.render(request, "roster-departure.html", values)
    if form is not None and await carried_out(request, wrong, [roll_key(person.ward)], act):
        return _on(f"/roster/{participant}", "left")
    return await _entry_page(request, participant, person, given, wrong)


async def _entry_page(
    request: Request,
    code: str,
    person: Person,
    given: Given | None = None,
    wrong: Wrong | None = None,
) -> Response:
    async with works_of(request).read() as connection:
        detail = await commands.detail_of(connection, person, code)
        reporter = await directory.find(connection, person.ward, detail.reporter)
    now = detail.model_dump(include=set(ENTRY))
    wrong = wrong or Wrong({})
    values = {
        "entry": detail,
        "manner": MANNERS[detail.manner],
        "kinds": KIND_WORDS,
        "reporter": reporter.name if reporter is not None else "",
        "changes": [
            (WHAT_WORDS[one.what], one, _lines(one.was, one.now)) for one in detail.changes
        ],
        "keeps": person.has(*OFFICER),
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


def _on(path: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"/intake{path}?done={done}", HTTPStatus.SEE_OTHER)
