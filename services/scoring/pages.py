"""What the ward's staff see of scoring: results per khối, or one's own derivation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.domain.score import Line
from services.scoring.domain.standing import Standing, Viewer, by_block, standing
from services.scoring.store import periods, showing
from services.scoring.store.periods import PeriodFile
from shared.service import Parts
from shared.settings import Settings
from shared.web.identity import Person, visitor
from shared.web.pages import Pages
from shared.web.problems import Problem

router = APIRouter()
_pages = Pages("scoring", Path(__file__).parent / "templates")

STATES = {
    "waiting": "Chưa có báo cáo",
    "claimed": "Đã gửi báo cáo, chờ tiếp nhận",
    "accepted": "Đang thẩm định",
    "verified": "Đã thẩm định",
    "frozen": "Đã chốt",
}


@dataclass(frozen=True, slots=True)
class Own:
    """One participant's standing with every line of it."""

    standing: Standing
    block_title: str
    lines: tuple[Line, ...]


async def reader(request: Request) -> Person | None:
    """Whoever looks; a token that has run out is no token: the page says to sign in."""
    try:
        return await visitor(request)
    except Problem:
        return None


@router.get("/", response_class=HTMLResponse)
async def home(
    request: Request,
    person: Annotated[Person | None, Depends(reader)],
    period: str | None = None,
    participant: str | None = None,
) -> HTMLResponse:
    """Own derivation, or all results; a `participant` shows the derivation of that one."""
    request.state.person = person
    if person is None:
        return _pages.render(request, "sign-in.html", {})
    viewer = Viewer(person.unit, person.sees_all)
    parts: Parts[Settings] = request.app.state.parts
    async with parts.works.read() as connection:
        code = period or await periods.period_to_show(connection, person.ward)
        file = await periods.load(connection, person.ward, code) if code else None
        known = await periods.periods(connection, person.ward)
        if file is None:
            return _pages.render(request, "nothing.html", {"periods": known})
        values = await _values(connection, file, viewer, participant)
    page = "one.html" if "own" in values else "all.html"
    return _pages.render(
        request, page, {"file": file, "periods": known, "states": STATES, **values}
    )


async def _values(
    connection: AsyncConnection, file: PeriodFile, viewer: Viewer, participant: str | None
) -> dict[str, Any]:
    seen = {c: one for c, one in file.assessments.items() if viewer.may_see(one.participant)}
    standings = {
        code: standing(one, file.results.get(code), sees_all=viewer.sees_all)
        for code, one in seen.items()
    }
    if viewer.sees_all and participant not in standings:
        return {"blocks": by_block(standings.values(), file.blocks)}
    wanted = {code for code in standings if code == participant} or set(standings)
    lines = await showing.shown_lines(connection, file, wanted, sees_all=viewer.sees_all)
    own = [
        Own(one, file.blocks.get(one.participant.block, ""), lines.get(code, ()))
        for code, one in standings.items()
        if code in wanted
    ]
    own.sort(key=lambda one: (one.standing.participant.code != viewer.unit, one.block_title))
    return {"own": own}
