"""Pages for what becomes of a duty after it was laid, and for the days that the ward works."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.intake.access import JUDGES, OFFICER
from services.intake.commands import planning as commands
from services.intake.commands.desk import roll_key
from services.intake.domain.obligation import Command, State, may_be_ordered
from services.intake.forms.planning import CalendarDay, DayForm, DutyOrder, GraceForm
from services.intake.pages import file as files
from services.intake.pages.posted import Wrong, carried_out, read, typed, works_of
from services.intake.pages.words import reminder_words
from services.intake.store import desk
from services.intake.store import planning as store
from shared.calendar import ward_day
from shared.messaging import UnitOfWork
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
pages = Pages("intake", Path(__file__).parents[1] / "templates")
Given = Mapping[str, str]
ORDER = {
    "command": "Quyết định",
    "last_day": "Ngày cuối cùng của hạn mới",
    "due_text": "Cách ghi hạn mới",
    "reason": "Lý do",
    "document": "Số văn bản",
}
DAY = {"day": "Ngày", "kind": "Phường làm việc hay nghỉ", "note": "Lý do", "document": "Số văn bản"}
GRACE = {"grace": "Số ngày làm việc", "document": "Số văn bản"}
COMMAND_WORDS: Mapping[str, str] = {
    "move": "Đổi hạn",
    "waive": "Miễn",
    "excuse": "Tạm miễn",
    "reopen": "Mở lại",
    "withdraw": "Rút, do quy định đổi hoặc đơn vị không còn tham gia",
}
STATE_WORDS: Mapping[State, tuple[str, str]] = {
    "open": ("Đang chờ thực hiện", "info"),
    "met": ("Đã thực hiện", "good"),
    "waived": ("Được miễn", "muted"),
    "excused": ("Đang được tạm miễn", "muted"),
    "withdrawn": ("Đã rút", "muted"),
}
KIND_WORDS = [("off", "Nghỉ"), ("working", "Làm việc"), ("usual", "Như lịch chung, bỏ điều đã đặt")]
REMINDER_WORDS: Mapping[str, str] = {
    "planned": "sẽ gửi",
    "sent": "đã gửi",
    "superseded": "bỏ qua, đã có thư sau",
    "cancelled": "đã hủy",
}
DONE = {
    "ordered": "Đã ghi quyết định. Ai đã được báo hạn cũ thì nhận thư báo hạn mới.",
    "day": "Đã đặt ngày; lịch nhắc việc theo ngày mới.",
    "grace": "Đã đặt thời gian chờ.",
}
BY_HAND: tuple[Command, ...] = ("move", "waive", "excuse", "reopen")


@faces.get("/obligations/{obligation}", response_class=HTMLResponse)
async def show_obligation(obligation: UUID, request: Request, person: SignedIn) -> Response:
    return await _duty_page(request, obligation, person, {}, Wrong(ORDER))


@faces.post("/obligations/{obligation}/orders", response_class=HTMLResponse)
async def give_order(obligation: UUID, request: Request, person: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(ORDER)
    form = read(DutyOrder, given, wrong, ("last_day",))

    async def act(work: UnitOfWork) -> None:
        if form is not None:
            await commands.give_order(work, obligation, form, person)

    if form is not None and await carried_out(request, wrong, [roll_key(person.ward)], act):
        return _on(f"/obligations/{obligation}", "ordered")
    return await _duty_page(request, obligation, person, given, wrong)


async def _duty_page(
    request: Request, which: UUID, person: Person, given: Given, wrong: Wrong
) -> Response:
    async with works_of(request).read() as connection:
        duty = await store.shown_duty(connection, person, which)
        if duty is None:
            raise not_found("nhiệm vụ này, hoặc nhiệm vụ này không thuộc về bạn")
        row = (await desk.participants(connection, duty.ward, [duty.participant]))[duty.participant]
        changes = await store.changes_of(connection, which)
        people = {one for change in changes for one in (change.done_by, change.acting_for)}
        names = await files.names_of(connection, duty.ward, people)
        reminders = await store.reminders_of(connection, which)
        standing = await commands.standing_of(connection, duty)
    state, roles = standing.state, person.roles
    options = [(c, COMMAND_WORDS[c]) for c in BY_HAND if may_be_ordered(standing, c, roles)]
    own = files.is_own(person, row)
    values = {
        "duty": duty,
        "state": STATE_WORDS[state],
        "changes": [(COMMAND_WORDS[change.command], change) for change in changes],
        "names": names,
        "reminders": [
            (reminder_words(one.offset_days), one, REMINDER_WORDS[one.state]) for one in reminders
        ],
        "options": options if person.has(*JUDGES) and not own else [],
        "own": own and person.has(*JUDGES),
        "given": given,
    }
    return _page(request, "obligation.html", wrong, values)


@faces.get("/calendar", response_class=HTMLResponse)
async def show_calendar(
    request: Request,
    person: SignedIn,
    year: Annotated[int | None, Query(ge=2020, le=2100)] = None,
) -> Response:
    return await _calendar_page(request, person, {}, Wrong({}), year)


@faces.post("/calendar/days", response_class=HTMLResponse)
async def set_day(request: Request, person: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(DAY)
    form = read(DayForm, given, wrong, ("day",))

    async def act(work: UnitOfWork) -> None:
        if form is not None:
            await commands.set_day(work, form, person)

    if form is not None and await carried_out(request, wrong, [roll_key(person.ward)], act):
        return _on(f"/calendar?year={form.day.year}", "day")
    return await _calendar_page(request, person, given, wrong)


@faces.post("/calendar/grace", response_class=HTMLResponse)
async def set_grace(request: Request, person: SignedIn) -> Response:
    """An empty number: heads are not told."""
    given, wrong = await typed(request), Wrong(GRACE)
    form = read(GraceForm, {**given, "grace": given.get("grace") or None}, wrong)

    async def act(work: UnitOfWork) -> None:
        if form is not None:
            await commands.set_grace(work, form, person)

    if form is not None and await carried_out(request, wrong, [roll_key(person.ward)], act):
        return _on("/calendar", "grace")
    return await _calendar_page(request, person, given, wrong)


async def _calendar_page(
    request: Request, person: Person, given: Given, wrong: Wrong, year: int | None = None
) -> Response:
    works = works_of(request)
    shown = year or ward_day(works.business.now()).year
    async with works.read() as connection:
        planning = await store.planning_of(connection, person.ward)
        rows = await store.set_days(connection, person.ward)
    values = {
        "year": shown,
        "years": [(f"/intake/calendar?year={n}", str(n), n == shown) for n in _around(shown)],
        "days": CalendarDay.of_year(shown, rows),
        "grace": planning.grace,
        "kinds": KIND_WORDS,
        "keeps": person.has(*OFFICER),
        "given": given,
    }
    return _page(request, "calendar.html", wrong, values)


def _around(year: int) -> range:
    return range(max(2020, year - 1), min(2100, year + 1) + 1)


def _on(path: str, done: str) -> RedirectResponse:
    mark = "&" if "?" in path else "?"
    return RedirectResponse(f"/intake{path}{mark}done={done}", HTTPStatus.SEE_OTHER)


def _page(request: Request, template: str, wrong: Wrong, values: dict[str, Any]) -> Response:
    done = DONE.get(request.query_params.get("done", ""), "")
    status = int(wrong.status) if wrong else 200
    return pages.render(request, template, {"wrong": wrong, "done": done, **values}, status)
