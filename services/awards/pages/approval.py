"""The Chairman's approval of a session: asked once more, then done as by HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.awards import views
from services.awards.answers import DossierRow
from services.awards.commands import decisions
from services.awards.commands.keys import dossier_keys, session_key
from services.awards.domain.dossier import State
from services.awards.pages.board import pages, parts_of
from services.awards.store import dossiers as dossier_store
from services.awards.store import sessions as session_store
from shared.contracts.base import Code
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute

router = APIRouter(tags=["pages"], include_in_schema=False)
faces = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)
"""What programs ask for at the same address."""


@router.get("/sessions/{session}/approval", response_class=HTMLResponse)
async def ask(session: Code, request: Request, person: SignedIn) -> Response:
    """What will be approved, with the council's counts."""
    return pages.render(request, "approval.html", await _values(request, session, person))


@faces.post("/sessions/{session}/approval")
async def approve(session: Code, request: Request, person: SignedIn) -> Response:
    """Approve and go back to the page of awards."""
    form = await request.form()
    wrong = "" if form.get("confirmed") == "yes" else "Hãy đánh dấu vào ô xác nhận rồi gửi lại."
    if not wrong:
        parts, ward = parts_of(request), person.ward
        async with parts.works.read() as connection:
            agenda = await session_store.agenda_of(connection, ward, session)
        keys = [session_key(ward, session), *dossier_keys(ward, agenda)]
        try:
            async with parts.works.begin(*keys) as work:
                await decisions.approve_session(work, session, person)
        except Refusal as refusal:
            wrong = refusal.detail
        else:
            return RedirectResponse("/awards/?done=approved", 303)
    values = await _values(request, session, person)
    return pages.render(request, "approval.html", {**values, "wrong": wrong}, 422)


async def _values(request: Request, session: str, person: Person) -> dict[str, Any]:
    async with parts_of(request).works.read() as connection:
        sitting = await views.session(connection, person, session)
        found = await dossier_store.seen_of(connection, person, sitting.period)
    rows = [DossierRow.of(row) for row in found if row.session == session]
    passed = [row for row in rows if row.state in {State.PASSED, State.APPROVED, State.DECIDED}]
    return {"sitting": sitting, "passed": passed, "wrong": ""}
