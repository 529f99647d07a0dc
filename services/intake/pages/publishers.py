"""The register of publishers as pages; each act on a page of its own, the ends asked twice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from services.intake.access import OPERATOR
from services.intake.commands import publishers as commands
from services.intake.forms.publishers import (
    PublisherEndForm,
    PublisherForm,
    PublisherGrantForm,
    PublisherGrantRow,
    PublisherRow,
)
from services.intake.pages.posted import Wrong, carried_out, is_confirmed, read, typed, works_of
from shared.calendar import ward_day
from shared.contracts.base import Code
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
"""Pages at the addresses of the API."""
pages = Pages("intake", Path(__file__).parents[1] / "templates")

Name = Annotated[Code, InPath()]
Number = Annotated[int, InPath(ge=1, le=2**63 - 1)]
F = TypeVar("F", bound=BaseModel)
Given = Mapping[str, str]
DAYS = ("since", "until")
REGISTER = {"name": "Tên", "source": "ce_source", "document": "Số văn bản"}
GRANT = {
    "participants": "Gửi thay cho",
    "since": "Từ ngày",
    "until": "Đến hết ngày",
    "document": "Số văn bản",
}
END = {"reason": "Lý do"}
DONE = {
    "registered": "Đã đăng ký hệ thống. Người vận hành máy chủ còn phải tạo hai chủ đề (topic) dưới"
    " đây.",
    "granted": "Đã giao quyền gửi; có hiệu lực trong vài giây.",
    "revoked": "Đã thu hồi quyền gửi; có hiệu lực trong vài giây.",
    "ended": "Đã cho thôi; mọi báo cáo hệ thống này gửi đến đều bị từ chối.",
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a publisher's timeline."""

    at: datetime
    who: str
    what: str
    rule: str


def _read(model: type[F], given: Mapping[str, Any], wrong: Wrong) -> F | None:
    return read(model, given, wrong, DAYS)


def _page(request: Request, template: str, wrong: Wrong, **values: Any) -> Response:
    status = int(wrong.status) if wrong else 200
    done = DONE.get(request.query_params.get("done", ""), "")
    return pages.render(request, template, {"wrong": wrong, "done": done, **values}, status)


def _on(name: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"/intake/publishers/{name}?done={done}", HTTPStatus.SEE_OTHER)


@faces.get("/publishers")
async def show_list(request: Request, by: SignedIn) -> Response:
    return await _list_page(request, by, {}, Wrong(REGISTER))


@faces.post("/publishers")
async def register(request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(REGISTER)
    form = _read(PublisherForm, given, wrong)
    if form is not None:
        keys = [commands.key_of(form.name)]
        if await carried_out(request, wrong, keys, lambda work: commands.register(work, form, by)):
            return _on(form.name, "registered")
    return await _list_page(request, by, given, wrong)


async def _list_page(request: Request, by: Person, given: Given, wrong: Wrong) -> Response:
    async with works_of(request).read() as connection:
        rows = await commands.rows_of(connection, by.ward)
    standing = {row.name: _standing(row, request) for row in rows}
    values = {"rows": rows, "standing": standing, "given": given, "keeps": by.has(*OPERATOR)}
    return _page(request, "publishers.html", wrong, **values)


def _standing(row: PublisherRow, request: Request) -> str:
    """Whom it may report for today, in words."""
    today = ward_day(works_of(request).business.now())
    open_ones = [one for one in row.grants if one.ended_at is None]
    now = [one for one in open_ones if one.since <= today and (one.until or today) >= today]
    return "; ".join(whom_of(one) for one in now)


def whom_of(one: PublisherGrantRow) -> str:
    return "mọi đơn vị, cá nhân" if one.participants == "all" else ", ".join(one.participants)


async def _row(request: Request, by: Person, name: str) -> PublisherRow:
    """Raises Problem (404)."""
    async with works_of(request).read() as connection:
        found = await commands.rows_of(connection, by.ward, name)
    if not found:
        raise not_found(f"hệ thống mang tên {name}")
    return found[0]


@faces.get("/publishers/{publisher}")
async def show_one(publisher: Name, request: Request, by: SignedIn) -> Response:
    """What it may send and could, and who let it."""
    row = await _row(request, by, publisher)
    values = {
        "row": row,
        "grants": [(one, whom_of(one)) for one in row.grants],
        "happened": sorted(_happened(row), key=lambda one: one.at, reverse=True),
        "keeps": by.has(*OPERATOR) and row.ended_at is None,
    }
    return _page(request, "publisher.html", Wrong({}), **values)


def _happened(row: PublisherRow) -> Iterator[Happened]:
    yield Happened(row.registered_at, row.registered_by, "đăng ký hệ thống", row.document)
    if row.ended_at is not None:
        yield Happened(row.ended_at, row.ended_by or "", f"cho thôi: {row.ended_why}", "")
    for one in row.grants:
        yield Happened(
            one.granted_at, one.granted_by, f"giao gửi thay cho {whom_of(one)}", one.document
        )
        if one.ended_at is not None:
            what = f"thu hồi quyền gửi thay cho {whom_of(one)}: {one.ended_why}"
            yield Happened(one.ended_at, one.ended_by or "", what, "")


@faces.get("/publishers/{publisher}/grants")
async def show_grant(publisher: Name, request: Request, by: SignedIn) -> Response:
    return await _grant_page(request, publisher, by, {}, Wrong(GRANT))


@faces.post("/publishers/{publisher}/grants")
async def grant(publisher: Name, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(GRANT)
    form = _read(PublisherGrantForm, given, wrong)
    keys = [commands.key_of(publisher)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.grant(work, publisher, form, by)
    ):
        return _on(publisher, "granted")
    return await _grant_page(request, publisher, by, given, wrong)


async def _grant_page(
    request: Request, publisher: str, by: Person, given: Given, wrong: Wrong
) -> Response:
    """Also for one that another ward has registered, which this ward does not see in its list."""
    return _page(request, "publisher-grant.html", wrong, name=publisher, given=given)


@faces.get("/publishers/{publisher}/grants/{number}/end")
async def ask_revoke(publisher: Name, number: Number, request: Request, by: SignedIn) -> Response:
    return await _revoke_page(request, publisher, number, by, {}, Wrong(END))


@faces.post("/publishers/{publisher}/grants/{number}/end")
async def revoke(publisher: Name, number: Number, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(END)
    form = _confirmed(given, wrong)
    keys = [commands.key_of(publisher)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.revoke(work, publisher, number, form.reason, by)
    ):
        return _on(publisher, "revoked")
    return await _revoke_page(request, publisher, number, by, given, wrong)


def _confirmed(given: Given, wrong: Wrong) -> PublisherEndForm | None:
    return _read(PublisherEndForm, given, wrong) if is_confirmed(given, wrong) else None


async def _revoke_page(
    request: Request, publisher: str, number: int, by: Person, given: Given, wrong: Wrong
) -> Response:
    row = await _row(request, by, publisher)
    found = next((one for one in row.grants if one.id == number), None)
    if found is None:
        raise not_found(f"quyền số {number} của hệ thống {publisher}")
    about = {
        "title": "Thu hồi quyền gửi?",
        "what": f"{publisher}: {whom_of(found)}",
        "then": "Báo cáo hệ thống này gửi thay các đơn vị đó bị từ chối, trong vài giây; báo cáo đã"
        " nhận vẫn còn.",
        "action": f"/intake/publishers/{publisher}/grants/{number}/end",
        "button": "Thu hồi",
        "back": f"/intake/publishers/{publisher}",
        "labels": END,
    }
    return _page(request, "person-confirm.html", wrong, about=about, given=given)


@faces.get("/publishers/{publisher}/end")
async def ask_end(publisher: Name, request: Request, by: SignedIn) -> Response:
    return await _end_page(request, publisher, by, {}, Wrong(END))


@faces.post("/publishers/{publisher}/end")
async def end(publisher: Name, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(END)
    form = _confirmed(given, wrong)
    keys = [commands.key_of(publisher)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.end(work, publisher, form.reason, by)
    ):
        return _on(publisher, "ended")
    return await _end_page(request, publisher, by, given, wrong)


async def _end_page(
    request: Request, publisher: str, by: Person, given: Given, wrong: Wrong
) -> Response:
    row = await _row(request, by, publisher)
    about = {
        "title": "Cho thôi hệ thống này?",
        "what": f"{row.name} ({row.source})",
        "then": "Mọi báo cáo hệ thống này gửi đến đều bị từ chối, ở mọi phường. Tên này không dùng"
        " lại được.",
        "action": f"/intake/publishers/{publisher}/end",
        "button": "Cho thôi",
        "back": f"/intake/publishers/{publisher}",
        "labels": END,
    }
    return _page(request, "person-confirm.html", wrong, about=about, given=given)
