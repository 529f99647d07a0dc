"""The page of awards: what the public may see, and for the staff, every dossier by state."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.awards import views
from services.awards.domain.dossier import WORDS, State
from services.awards.settings import AwardsSettings
from services.awards.store import dossiers as dossier_store
from shared.calendar import ward_day
from shared.service import Parts
from shared.web.identity import Person, visitor
from shared.web.pages import Pages
from shared.web.problems import Problem

router = APIRouter(tags=["pages"])
_pages = Pages("awards", Path(__file__).parent / "templates")


async def _whoever(request: Request) -> Person | None:
    """Somebody whose sign-in has run out sees what the public sees."""
    try:
        return await visitor(request)
    except Problem:
        return None


@router.get("/", response_class=HTMLResponse)
async def home(
    request: Request, person: Annotated[Person | None, Depends(_whoever)]
) -> HTMLResponse:
    request.state.person = person
    parts: Parts[AwardsSettings] = request.app.state.parts
    inside = person is not None and (person.sees_all or person.has("clerk"))
    values: dict[str, Any] = {"inside": inside, "words": WORDS, "groups": {}, "sessions": []}
    async with parts.works.read() as connection:
        today = ward_day(parts.business.now())
        values["candidates"] = await dossier_store.candidates_on(connection, today)
        values["awards"] = await dossier_store.decided(connection)
        if person is not None and inside:
            found = await views.dossiers(connection, person.ward)
            values["groups"] = {
                state: [dossier for dossier in found if dossier["state"] == state]
                for state in State
            }
            values["sessions"] = await views.sessions(connection, person.ward)
    return _pages.render(request, "home.html", values)
