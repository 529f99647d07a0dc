"""Reminding by hand from the board: one duty with one click, many after a look at what is sent."""

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.intake.commands import reminding as commands
from services.intake.commands.reminding import Pictured
from services.intake.pages.board_year import remindable
from services.intake.pages.file import names_of
from shared.messaging import Works
from shared.refusal import Refusal
from shared.web.identity import SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

MOST = 500
"""Duties that are reminded of at once."""


@faces.post("/duties/reminders")
async def remind_many(request: Request, person: SignedIn) -> Response:
    """Shows whom what would be sent to; once confirmed, does just that."""
    form = await request.form()
    works: Works = request.app.state.parts.works
    most: int = request.app.state.parts.settings.hand_reminders_a_day
    chosen = [value for value in form.getlist("duty") if isinstance(value, str)]
    back = _back(str(form.get("back", "")))
    if "all" in form:
        now, query = works.business.now(), dict(parse_qsl(back))
        async with works.read() as connection:
            chosen = await remindable(connection, person, query, now, most)
    if not chosen:
        raise Refusal("nothing-chosen", "Chưa chọn việc nào; hãy đánh dấu việc cần nhắc.")
    if len(chosen) > MOST:
        raise Refusal("too-many", f"Mỗi lần nhắc nhiều nhất {MOST} việc; hãy chọn ít hơn.")
    pairs = [_read(value) for value in chosen]
    if form.get("confirmed") == "yes":
        async with works.begin() as work:
            done = await commands.remind_many(work, dict(pairs), person, most)
        return _pages.render(request, "board-reminded.html", {"made": done, "back": back})
    async with works.read() as connection:
        ids = [identity for identity, _ in pairs]
        shown = await commands.picture(connection, person, ids, works.business.now(), most)
        names = await names_of(connection, person.ward, (one.duty.reporter for one in shown))
    values = {
        "sent": [(one, words_of(one), names[one.duty.reporter]) for one in shown if _may(one)],
        "refused": [one for one in shown if not _may(one)],
        "gone": len(set(ids)) - len(shown),
        "back": back,
    }
    return _pages.render(request, "board-remind.html", values)


@faces.post("/duties/{obligation}/reminders")
async def remind(obligation: UUID, request: Request, person: SignedIn) -> Response:
    """One click."""
    form = await request.form()
    works: Works = request.app.state.parts.works
    most: int = request.app.state.parts.settings.hand_reminders_a_day
    async with works.begin() as work:
        await commands.remind(work, obligation, person, most)
    query = dict(parse_qsl(_back(str(form.get("back", "")))))
    address = f"/intake/duties?{urlencode({**query, 'done': 'reminded'})}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def words_of(one: Pictured) -> str:
    """What the mail says: true on the day on which it is sent."""
    if one.days_left < 0:
        return f"Báo quá hạn {-one.days_left} ngày, đề nghị làm ngay"
    left = f"còn {one.days_left} ngày" if one.days_left else "hôm nay là ngày cuối"
    return f"{'Nhắc' if one.duty.manner == 'owes' else 'Mời'}: {left}"


def _may(one: Pictured) -> bool:
    return one.refusal is None


def _read(value: str) -> tuple[UUID, str]:
    """A duty's id, and after a colon the digest of what was shown. Raises Refusal."""
    identity, _, digest = value.partition(":")
    try:
        return UUID(identity), digest
    except ValueError:
        raise Refusal("invalid-field", "Không có việc này.", "/duty") from None


def _back(query: str) -> str:
    """The query of the board that one came from, nothing else."""
    pairs: Sequence[tuple[str, str]] = parse_qsl(query[:1000])
    return urlencode([(name, value) for name, value in pairs if name not in {"done", "format"}])
