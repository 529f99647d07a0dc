"""The directory as pages: who is in it, one person with what they hold, requests for correction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import DIRECTORY
from services.intake.forms.desk import PersonId
from services.intake.forms.people import HeldRole, PersonDetail
from services.intake.pages.posted import Wrong, works_of
from services.intake.pages.role_words import ROLE_WORDS
from services.intake.store import people as store
from shared.calendar import ward_day
from shared.roles import Role
from shared.web.catalogue import vietnamese_order
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
"""Pages at the addresses of the API."""
pages = Pages("intake", Path(__file__).parents[1] / "templates")

Who = Annotated[PersonId, InPath()]
Number = Annotated[int, InPath(ge=1, le=2**63 - 1)]
ADMISSION = {
    "person": "Mã",
    "name": "Họ tên hoặc chức danh",
    "email": "Địa chỉ thư",
    "unit": "Đơn vị",
}
DONE = {
    "admitted": "Đã thêm vào danh bạ.",
    "changed": "Đã sửa thông tin.",
    "role": "Đã giao vai trò.",
    "ended": "Đã thôi vai trò. Quyền theo vai trò này hết hiệu lực trong vài giây.",
    "lent": "Đã ghi ủy quyền.",
    "lent-ended": "Đã thôi ủy quyền.",
    "out": "Đã đăng xuất người này ở mọi nơi.",
    "erased": "Đã xóa thông tin. Các nơi giữ bản sao cũng xóa theo.",
    "answered": "Đã trả lời.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list."""

    person: str
    name: str
    email: str
    unit: str
    roles: str
    state: str


COLUMNS: tuple[Column[Line], ...] = (
    Column("ten", "Họ tên hoặc chức danh", lambda line: line.name),
    Column("ma", "Mã", lambda line: line.person),
    Column("thu", "Địa chỉ thư", lambda line: line.email),
    Column("don-vi", "Đơn vị", lambda line: line.unit, chosen=True),
    Column("vai-tro", "Vai trò", lambda line: line.roles),
    Column("tinh-trang", "Tình trạng", lambda line: line.state, chosen=True),
)


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a person's timeline."""

    at: datetime
    who: str
    what: str
    rule: str


@faces.get("/people")
async def list_people(request: Request, person: SignedIn) -> Response:
    return await people_page(request, person, {}, Wrong(ADMISSION))


async def people_page(
    request: Request, person: Person, given: Mapping[str, str], wrong: Wrong
) -> Response:
    """The list, with a form for somebody new."""
    today = ward_day(works_of(request).business.now())
    async with works_of(request).read() as connection:
        units = await store.units_of(connection, person.ward)
        lines = await _lines(connection, person.ward, units, today)
        waiting = await store.corrections(connection, person.ward, waiting=True)
    view = Listing(COLUMNS, lines, request.query_params)
    if file := export(view, "danh-ba"):
        return file
    values = {
        "view": view,
        "units": sorted(units.items()),
        "given": given,
        "wrong": wrong,
        "waiting": len(waiting),
        "keeps": person.has(*DIRECTORY),
        "done": _done(request),
    }
    return pages.render(request, "people.html", values, int(wrong.status) if wrong else 200)


async def _lines(
    connection: AsyncConnection, ward: str, units: Mapping[str, str], today: date
) -> list[Line]:
    rows = await store.everybody(connection, ward, on=today)
    held = await store.held_by(connection, ward, [row.person for row in rows])
    lines = []
    for row in rows:
        roles = sorted({one.role for one in held.get(row.person, ()) if one.in_force(today)})
        state = "Đã xóa thông tin" if row.erased_on else "Có vai trò" if roles else "Không vai trò"
        words = "; ".join(ROLE_WORDS[role] for role in roles)
        unit = units.get(row.unit, row.unit)
        lines.append(Line(row.person, row.name or row.person, row.email, unit, words, state))
    return sorted(lines, key=lambda line: vietnamese_order(line.name))


def _done(request: Request) -> str:
    return DONE.get(request.query_params.get("done", ""), "")


@faces.get("/people/{person}")
async def show_person(person: Who, request: Request, by: SignedIn) -> Response:
    """What somebody holds and held, and what was done about it."""
    detail = await detail_of(request, by, person)
    values = {
        "detail": detail,
        "roles": [(role, role_words(role)) for role in detail.roles],
        "words": ROLE_WORDS,
        "happened": sorted(_happened(detail), key=lambda one: one.at, reverse=True),
        "keeps": by.has(*DIRECTORY) and detail.erased_on is None,
        "own": by.id == person,
        "done": _done(request),
    }
    return pages.render(request, "person.html", values)


async def detail_of(request: Request, by: Person, person: str) -> PersonDetail:
    """Raises Problem (404)."""
    works = works_of(request)
    async with works.read() as connection:
        row = await store.find(connection, by.ward, person)
        if row is None:
            raise not_found(f"người mang mã {person}")
        roles = await store.roles_of(connection, by.ward, [person])
        lent = await store.delegations_with(connection, by.ward, person)
    return PersonDetail.of(row, roles, lent, ward_day(works.business.now()))


def role_words(role: HeldRole) -> str:
    """A role with whom it is held for."""
    words = ROLE_WORDS[role.role]
    if role.scope == "ward":
        return words
    whose = "phiên họp" if role.scope == "session" else "đơn vị"
    return f"{words} ({whose} {role.scope_of})"


def _happened(detail: PersonDetail) -> Iterator[Happened]:
    for role in detail.roles:
        words = role_words(role)
        yield Happened(role.granted_at, role.granted_by, f"giao vai trò {words}", role.document)
        if role.ended_at is not None and role.ended_by is not None:
            why = f": {role.ended_why}" if role.ended_why else ""
            yield Happened(role.ended_at, role.ended_by, f"thôi vai trò {words}{why}", "")
    for lent in detail.delegations:
        names = lent_words(lent.roles)
        what = f"{lent.principal} ủy quyền cho {lent.delegate}: {names}"
        yield Happened(lent.granted_at, lent.granted_by, what, lent.document)
        if lent.ended_at is not None and lent.ended_by is not None:
            yield Happened(lent.ended_at, lent.ended_by, f"thôi ủy quyền: {names}", "")


def lent_words(roles: tuple[Role, ...]) -> str:
    return "; ".join(ROLE_WORDS[role] for role in roles)


@faces.get("/corrections")
async def list_corrections(request: Request, person: SignedIn) -> Response:
    """What people say is wrong about them and nobody has answered yet."""
    async with works_of(request).read() as connection:
        rows: Any = await store.corrections(connection, person.ward, waiting=True)
    values = {"rows": rows, "answers": person.has("officer"), "done": _done(request)}
    return pages.render(request, "corrections.html", values)
