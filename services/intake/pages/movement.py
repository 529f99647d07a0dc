"""The movement as pages: its versions, one of them, what changed, what adopting it would do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse

from services.intake.access import OFFICER
from services.intake.commands import movement as commands
from services.intake.commands.movement_views import compare, detail_of, preview_of
from services.intake.domain.movement import State
from services.intake.forms.movement import (
    AdoptionForm,
    PlannedDuty,
    ReviewForm,
    VersionDetail,
    VersionForm,
    YearForm,
)
from services.intake.pages.board_words import KIND_WORDS
from services.intake.pages.movement_words import (
    DONE,
    FIELD_WORDS,
    SECTION_WORDS,
    STATE_WORDS,
    WHAT_WORDS,
    words,
)
from services.intake.pages.posted import F, Wrong, carried_out, is_confirmed, read, typed, works_of
from services.intake.pages.words import MANNERS
from services.intake.store import movement as store
from shared.calendar import ward_day
from shared.contracts.base import Code
from shared.messaging import UnitOfWork
from shared.web.etag import tag_of
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.pages import Pages

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
pages = Pages("intake", Path(__file__).parents[1] / "templates")
ADOPTION = {"number": "Số văn bản", "decided_on": "Ngày văn bản"}
YEAR = {"year": "Năm"}
REVIEW = {"phase": "Giai đoạn", "number": "Số văn bản", "reviewed_on": "Ngày văn bản"}
DAYS = ("decided_on", "reviewed_on")

Movement = Annotated[Code, InPath()]
Number = Annotated[int, InPath(ge=1, le=1000)]
Other = Annotated[int, Query(ge=1, le=1000)]


@dataclass(frozen=True, slots=True)
class Line:
    """One version in the list."""

    href: str
    title: str
    version: int
    state: State
    number: str
    decided_on: date | None


COLUMNS: tuple[Column[Line], ...] = (
    Column("ten", "Phong trào", lambda line: line.title),
    Column("phien-ban", "Phiên bản", lambda line: line.version, numeric=True),
    Column("tinh-trang", "Tình trạng", lambda line: STATE_WORDS[line.state][0], chosen=True),
    Column("van-ban", "Số văn bản", lambda line: line.number),
    Column("ngay", "Ngày văn bản", lambda line: line.decided_on),
)


@faces.get("/movements", response_class=HTMLResponse)
async def list_versions(request: Request, person: SignedIn) -> Response:
    return await _list_page(request, person)


async def _list_page(
    request: Request, person: Person, given: Mapping[str, str] | None = None, wrong: Any = None
) -> Response:
    async with works_of(request).read() as connection:
        rows: Sequence[Any] = await store.versions(connection, person.ward)
        in_force = [row for row in rows if row.state == "adopted"]
        ends = {
            row.movement: await store.phase_reviews(connection, person.ward, row.movement)
            for row in in_force
        }
    lines = [
        Line(href(r.movement, r.version), r.title, r.version, r.state, r.number, r.decided_on)
        for r in rows
    ]
    view = Listing(COLUMNS, lines, dict(request.query_params))
    wrong = wrong or Wrong({})
    values = {
        "view": view,
        "states": STATE_WORDS,
        "in_force": in_force,
        "reviews": [(row.title, ends[row.movement]) for row in in_force if ends[row.movement]],
        "keeps": person.has(*OFFICER),
        "given": given or {},
        "wrong": wrong,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    found = export(view, "phien-ban-phong-trao")
    return found or pages.render(
        request, "movements.html", values, int(wrong.status) if wrong else 200
    )


def href(movement: str, version: int) -> str:
    return f"/intake/movements/{movement}/versions/{version}"


def _read(model: type[F], given: Mapping[str, Any], wrong: Wrong) -> F | None:
    return read(model, given, wrong, DAYS)


def _on(path: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?done={done}", HTTPStatus.SEE_OTHER)


@faces.post("/movements/{movement}/years")
async def open_year(movement: Movement, request: Request, person: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(YEAR)
    form = _read(YearForm, given, wrong)
    keys = commands.keys_of(person.ward, movement)
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.open_year(work, movement, form.year, person)
    ):
        return _on("/intake/movements", "year")
    return await _list_page(request, person, given, wrong)


@faces.post("/movements/{movement}/reviews")
async def record_review(movement: Movement, request: Request, person: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(REVIEW)
    form = _read(ReviewForm, given, wrong)
    keys = commands.keys_of(person.ward, movement)
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.record_review(work, movement, form, person)
    ):
        return _on("/intake/movements", "review")
    return await _list_page(request, person, given, wrong)


@faces.get("/movements/{movement}/versions/{version}", response_class=HTMLResponse)
async def show_version(
    movement: Movement, version: Number, request: Request, person: SignedIn
) -> Response:
    async with works_of(request).read() as connection:
        row = await commands.existing(connection, person.ward, movement, version)
        others = await store.versions(connection, person.ward)
    detail = detail_of(row)
    values = {
        "detail": detail,
        "state": STATE_WORDS[detail.state],
        "rules": [
            (rule, _rule_facts(rule, detail.content)) for rule in detail.content.get("rules", ())
        ],
        "strictness": [
            (KIND_WORDS.get(one["kind"], one["kind"]), words("manner", one["manner"]))
            for one in detail.content.get("strictness", ())
        ],
        "sections": SECTION_WORDS,
        "earlier": [r.version for r in others if r.movement == movement and r.version < version],
        "keeps": person.has(*OFFICER),
        "here": href(movement, version),
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return pages.render(request, "movement.html", values)


def _rule_facts(rule: Mapping[str, Any], content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a rule says, in words; what it leaves open is left out."""
    titles = {
        "kinds": KIND_WORDS,
        "groups": {one["code"]: one["title"] for one in content["groups"]},
        "blocks": {one["code"]: one["title"] for one in content["blocks"]},
    }
    shown = ("kind", "due", "due_text", "manners", "kinds", "groups", "blocks", "years", "phase")
    names = (*shown, "offsets", "newcomer_days")
    said = [(name, rule.get(name)) for name in names]
    return [
        (FIELD_WORDS[name], words(name, _titled(value, titles.get(name))))
        for name, value in said
        if value or name == "due"
    ]


def _titled(value: Any, titles: Mapping[str, str] | None) -> Any:
    """Codes by their titles, where they have any."""
    return value if titles is None else [titles.get(code, code) for code in value]


@faces.get("/movements/{movement}/versions/{version}/differences", response_class=HTMLResponse)
async def show_differences(
    movement: Movement,
    version: Number,
    request: Request,
    person: SignedIn,
    since: Other | None = None,
) -> Response:
    async with works_of(request).read() as connection:
        found = await compare(connection, person.ward, movement, version, since)
        versions = await store.versions(connection, person.ward)
    values = {
        "found": found,
        "sections": SECTION_WORDS,
        "what": WHAT_WORDS,
        "fields": FIELD_WORDS,
        "kinds": KIND_WORDS,
        "words": words,
        "others": [
            (f"?since={r.version}", str(r.version), r.version == found.older)
            for r in versions
            if r.movement == movement and r.version != version
        ],
        "here": href(movement, version),
    }
    return pages.render(request, "movement-changes.html", values)


@faces.get("/movements/{movement}/versions/{version}/adoption", response_class=HTMLResponse)
async def ask_adoption(
    movement: Movement, version: Number, request: Request, person: SignedIn
) -> Response:
    return await _adoption_page(request, person, movement, version, {}, Wrong(ADOPTION))


@faces.post("/movements/{movement}/versions/{version}/adoption")
async def adopt(
    movement: Movement, version: Number, request: Request, person: SignedIn
) -> Response:
    given, wrong = await typed(request), Wrong(ADOPTION)
    form = _read(AdoptionForm, given, wrong)
    keys = commands.keys_of(person.ward, movement)
    if is_confirmed(given, wrong) and form is not None:
        digest = form.preview

        async def act(work: UnitOfWork) -> None:
            await commands.adopt(work, movement, version, form, digest, person)

        if await carried_out(request, wrong, keys, act):
            return _on(href(movement, version), "adopted")
    return await _adoption_page(request, person, movement, version, given, wrong)


async def _adoption_page(
    request: Request,
    person: Person,
    movement: str,
    version: int,
    given: Mapping[str, str],
    wrong: Wrong,
) -> Response:
    works = works_of(request)
    async with works.read() as connection:
        found = await preview_of(connection, person.ward, movement, version, works.business.now())
        row = await commands.existing(connection, person.ward, movement, version)
    values = {
        "found": found,
        "title": row.data["title"],
        "manners": {manner: words("manner", manner) for manner in MANNERS},
        "parts": [
            ("Nhiệm vụ giao thêm", found.new, _summary(found.new)),
            ("Nhiệm vụ đổi hạn hoặc đổi mức độ", found.moved, _summary(found.moved)),
            ("Nhiệm vụ không còn giao", found.withdrawn, _summary(found.withdrawn)),
            ("Giữ nguyên hạn riêng đã cho", found.kept, _summary(found.kept)),
        ],
        "here": href(movement, version),
        "given": given,
        "wrong": wrong,
        "today": ward_day(works.business.now()),
    }
    status = int(wrong.status) if wrong else 200
    return pages.render(request, "movement-adoption.html", values, status)


def _summary(duties: Sequence[PlannedDuty]) -> list[tuple[str, str, Any, int]]:
    """By period and date: period, new wording, old date (None: unchanged), how many."""
    counted = Counter((d.period, d.due_text, d.was_due) for d in duties)
    return [(*told, count) for told, count in counted.items()]


@faces.post("/movements/{movement}/versions/{version}/copies")
async def copy_version(
    movement: Movement, version: Number, request: Request, person: SignedIn
) -> Response:
    """A draft with the next number, to be edited."""
    async with works_of(request).begin(*commands.keys_of(person.ward, movement)) as work:
        number = await commands.copy(work, movement, version, person)
    return _on(href(movement, number), "copied")


DROP = {
    "title": "Bỏ bản nháp?",
    "then": "Bản nháp mất hẳn; phiên bản đang có hiệu lực không đổi.",
    "button": "Bỏ bản nháp",
    "labels": {},
}


@faces.get("/movements/{movement}/versions/{version}/drop", response_class=HTMLResponse)
async def ask_drop(
    movement: Movement, version: Number, request: Request, person: SignedIn
) -> Response:
    return await _drop_page(request, person, movement, version, Wrong({}))


@faces.post("/movements/{movement}/versions/{version}/drop")
async def drop(movement: Movement, version: Number, request: Request, person: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong({})

    async def act(work: UnitOfWork) -> None:
        known = await commands.existing(work.connection, person.ward, movement, version)
        await commands.drop(work, known, person)

    keys = commands.keys_of(person.ward, movement)
    if is_confirmed(given, wrong) and await carried_out(request, wrong, keys, act):
        return _on("/intake/movements", "dropped")
    return await _drop_page(request, person, movement, version, wrong)


async def _drop_page(
    request: Request, person: Person, movement: str, version: int, wrong: Wrong
) -> Response:
    async with works_of(request).read() as connection:
        row = await commands.existing(connection, person.ward, movement, version)
    commands.check_draft(row)
    here = href(movement, version)
    what = f"{row.data['title']} ({version})"
    about = {**DROP, "what": what, "action": f"{here}/drop", "back": here}
    values = {"wrong": wrong, "about": about, "given": {}}
    return pages.render(request, "person-confirm.html", values, int(wrong.status) if wrong else 200)


def tag_seen(detail: VersionDetail) -> str:
    """What a form carries along, so that nobody writes over what somebody else has changed."""
    return tag_of(detail).strip('"')


def form_of(data: Mapping[str, Any]) -> VersionForm:
    """A version as it was entered, as the form that enters it."""
    known = {name: value for name, value in data.items() if name in VersionForm.model_fields}
    return VersionForm.model_validate(known)
