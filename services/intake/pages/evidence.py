"""Files of evidence as pages: what was brought for a report, bringing one more, taking one away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import SENDERS
from services.intake.commands import desk
from services.intake.commands import evidence as commands
from services.intake.domain.evidence import TAKEN, check_may_be_removed
from services.intake.pages import file as files
from services.intake.pages.posted import Wrong, typed
from services.intake.store import duty as duties
from services.intake.store import evidence as store
from services.intake.uploading import BODY_LIMIT, parts_of, uploaded
from shared.calendar import vietnamese_time
from shared.contracts.base import Code
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages, vietnamese_number
from shared.web.problems import Problem, not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
"""Pages at the addresses of the API."""
router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

Name = Annotated[Code, InPath()]
LABELS = {"file": "Tệp", "criterion": "Mã tiêu chí"}
_DONE = {"brought": "Đã nhận tệp.", "removed": "Đã gỡ tệp."}


@dataclass(frozen=True, slots=True)
class Line:
    """One file, as a page tells of it."""

    id: UUID
    href: str
    address: str
    name: str
    about: str
    criterion: str
    uploaded_at: datetime
    by: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The files of a participant for a period, for `evidence-files.html`."""

    address: str
    lines: Sequence[Line]
    may_bring: bool
    most: str
    taken: str = TAKEN


async def shown(request: Request, connection: AsyncConnection, person: Person, file: Any) -> Shown:
    """What a page about a participant's file (a row of `store.duty`) shows of its evidence."""
    rows = await store.of_file(connection, person, (file.participant, file.period))
    people = {row.uploaded_by for row in rows} | {row.acting_for for row in rows}
    names = await files.names_of(connection, file.ward, people)
    settings = parts_of(request).settings
    return Shown(
        _address(file),
        [_line(row, names, settings.origin) for row in rows],
        may_bring(person, file),
        f"{settings.evidence_bytes >> 20} MB",
    )


def _line(row: Any, names: Mapping[str, str], origin: str) -> Line:
    by = names.get(row.uploaded_by, row.uploaded_by)
    if row.acting_for:
        by = f"{by} (thay {names.get(row.acting_for, row.acting_for)})"
    about = f"{row.kind.upper()}, {size_words(row.size)}"
    href = f"/intake/evidence/{row.id}"
    address = f"{origin}{href}"
    return Line(
        row.id, href, address, row.name, about, row.criterion, row.uploaded_at, by, row.sent
    )


def size_words(size: int) -> str:
    """1,2 MB; 340 KB; 12 byte."""
    if size >= 1 << 20:
        tenths = size * 10 >> 20
        return f"{vietnamese_number(tenths // 10)},{tenths % 10} MB"
    return f"{size >> 10} KB" if size >= 1 << 10 else f"{size} byte"


def may_bring(person: Person, file: Any) -> bool:
    if not person.has(*SENDERS):
        return False
    try:
        desk.check_is_theirs(person, file.participant, file)
    except Refusal:
        return False
    return True


def _address(file: Any) -> str:
    return f"/intake/files/{file.participant}/{file.period}/evidence"


@faces.get("/files/{participant}/{period}/evidence", response_class=HTMLResponse)
async def show_evidence(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    return await _show(request, person, (participant, period))


@faces.post(
    "/files/{participant}/{period}/evidence",
    response_class=HTMLResponse,
    max_body_size=BODY_LIMIT,
)
async def bring_evidence(
    participant: Name, period: Name, request: Request, person: SignedIn
) -> Response:
    """Takes the form of that page."""
    parts, key, wrong = parts_of(request), (participant, period), Wrong(LABELS)
    async with parts.works.read() as connection:
        await commands.check_may_bring(connection, key, person)
    shelf, most = parts.settings.shelf, parts.settings.evidence_files
    try:
        async with uploaded(request, person) as upload:
            delivery = await commands.deliver(shelf, upload.file, upload.looked, key, person.ward)
        await commands.enter_by_itself(parts.works, shelf, delivery, person, most)
    except (Refusal, Problem) as error:
        wrong.add_refused(error)
        return await _show(request, person, key, wrong)
    address = f"/intake/files/{participant}/{period}/evidence?done=brought"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def _show(
    request: Request, person: Person, key: tuple[str, str], wrong: Wrong | None = None
) -> Response:
    wrong = wrong or Wrong(LABELS)
    async with parts_of(request).works.read() as connection:
        file = await duties.of_period(connection, person, key)
        if file is None:
            raise not_found("hồ sơ này, hoặc hồ sơ này không thuộc về bạn")
        values = {
            "file": file,
            "back": files.href_of(file.participant, file.period, file.obligation),
            "evidence": await shown(request, connection, person, file),
            "wrong": wrong,
            "done": _DONE.get(request.query_params.get("done", ""), ""),
        }
    return _pages.render(request, "evidence.html", values, int(wrong.status) if wrong else 200)


@router.get("/evidence/{file}/removal", response_class=HTMLResponse)
async def ask_removal(file: UUID, request: Request, person: SignedIn) -> Response:
    """Asks once more before a file goes."""
    return await _ask(request, person, file)


@router.post("/evidence/{file}/removal", response_class=HTMLResponse)
async def remove_evidence(file: UUID, request: Request, person: SignedIn) -> Response:
    parts = parts_of(request)
    if (await typed(request)).get("confirmed") != "yes":
        return await _ask(request, person, file, HTTPStatus(422))
    async with parts.works.begin() as work:
        row = await commands.remove(work, file, person)
    await commands.take_away(parts.settings.shelf, [row])
    return RedirectResponse(f"{_address(row)}?done=removed", HTTPStatus.SEE_OTHER)


async def _ask(
    request: Request, person: Person, file: UUID, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    async with parts_of(request).works.read() as connection:
        row = await store.find(connection, person, file)
    if row is None or not may_bring(person, row):
        raise not_found("tệp này, hoặc tệp này không thuộc về bạn")
    check_may_be_removed(used=row.sent)
    values = {"row": row, "at": vietnamese_time(row.uploaded_at), "back": _address(row)}
    return _pages.render(request, "evidence-remove.html", values, int(status))
