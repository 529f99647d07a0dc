"""Freezing a period's results: asked once more, then done as by HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.scoring import commands
from services.scoring.domain.assessment import State
from services.scoring.pages.results import pages, parts_of
from services.scoring.store import facts, periods, scopes
from services.scoring.store.periods import PeriodFile
from shared.contracts.base import Code
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.problems import Problem, not_found

router = APIRouter(tags=["pages"], include_in_schema=False)
faces = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)
"""What programs ask for at the same address."""


@router.get("/periods/{period}/freeze", response_class=HTMLResponse)
async def ask(period: Code, request: Request, person: SignedIn) -> Response:
    """What will be frozen, and what still stands in the way."""
    return pages.render(request, "freeze.html", await _values(request, period, person))


@faces.post("/periods/{period}/freeze")
async def freeze(period: Code, request: Request, person: SignedIn) -> Response:
    """Freeze and go back to the results."""
    form = await request.form()
    wrong = "" if form.get("confirmed") == "yes" else "Hãy đánh dấu vào ô xác nhận rồi gửi lại."
    if not wrong:
        parts = parts_of(request)
        async with parts.works.read() as connection:
            keys = await facts.keys_of_all(connection, person.ward, period)
        try:
            async with parts.works.begin(*keys) as work:
                await commands.freeze_results(work, period, person)
        except (Refusal, Problem) as refusal:
            wrong = refusal.detail
        else:
            return RedirectResponse(f"/scoring/?period={period}&done=frozen", 303)
    values = await _values(request, period, person)
    return pages.render(request, "freeze.html", {**values, "wrong": wrong}, 422)


async def _values(request: Request, period: str, person: Person) -> dict[str, Any]:
    async with parts_of(request).works.read() as connection:
        seen = scopes.seen_by(person)
        file = await periods.load(connection, person.ward, period, seen=seen)
    if file is None:
        raise not_found("kỳ thi đua này")
    return {"file": file, "wrong": "", **_readiness(file)}


def _readiness(file: PeriodFile) -> dict[str, Any]:
    """Who is ready to be ranked, and whose accepted report still awaits marks."""
    states = {one.participant.name: one.state for one in file.assessments.values()}
    return {
        "ready": sum(state is State.VERIFIED for state in states.values()),
        "waiting": [name for name, state in states.items() if state is State.ACCEPTED],
    }
