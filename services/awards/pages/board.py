"""The page of awards: what the public may see, and the dossiers and sessions of whoever looks."""

from collections import Counter
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.awards import views
from services.awards.access import CHAIRMAN, CLERK, READERS
from services.awards.answers import DossierRow
from services.awards.domain.dossier import WORDS, State
from services.awards.settings import AwardsSettings
from services.awards.store import dossiers as dossier_store
from shared.calendar import vietnamese_date, ward_day
from shared.service import Parts
from shared.web.export import export
from shared.web.identity import Person, Visitor
from shared.web.listing import Column, Listing
from shared.web.pages import Pages

router = APIRouter(tags=["pages"], include_in_schema=False)
pages = Pages("awards", Path(__file__).parents[1] / "templates")

TONES = {
    State.PUBLISHED: "info",
    State.IN_SESSION: "info",
    State.FAILED: "bad",
    State.APPROVED: "good",
    State.DECIDED: "good",
}


def _decision(row: DossierRow) -> str:
    if row.decision is None:
        return ""
    return f"Số {row.decision.number} ngày {vietnamese_date(row.decision.decided_on)}"


COLUMNS: tuple[Column[DossierRow], ...] = (
    Column("ten", "Tập thể, cá nhân", lambda row: row.name),
    Column("don-vi", "Đơn vị", lambda row: row.unit),
    Column("hinh-thuc", "Hình thức", lambda row: row.form_title, chosen=True),
    Column("buoc", "Trạng thái", lambda row: WORDS[row.state], chosen=True),
    Column("den", "Công khai đến hết ngày", lambda row: row.window_until),
    Column("quyet-dinh", "Quyết định", _decision, chosen=True),
)


def parts_of(request: Request) -> Parts[AwardsSettings]:
    parts: Parts[AwardsSettings] = request.app.state.parts
    return parts


@router.get("/", response_class=HTMLResponse)
async def home(request: Request, person: Visitor) -> Response:
    """Candidates and awards for everybody; dossiers and sessions for whom they are."""
    parts = parts_of(request)
    values: dict[str, Any] = {"words": WORDS, "tones": TONES, "listing": None, "inside": False}
    values |= {"sessions": [], "counts": [], "may": {"approve": False, "number": False}}
    values["just_approved"] = request.query_params.get("done") == "approved"
    async with parts.works.read() as connection:
        today = ward_day(parts.business.now())
        values["candidates"] = await dossier_store.candidates_on(connection, today)
        values["awards"] = await dossier_store.decided(connection)
        if person is not None:
            found = await dossier_store.seen_of(connection, person)
            rows = [DossierRow.of(row) for row in found]
            values |= _dossiers(request, person, rows)
            values["sessions"] = await views.sessions(connection, person)
    listing = values["listing"]
    if listing is not None and (file := export(listing, "ho-so-khen-thuong")):
        return file
    return pages.render(request, "home.html", values)


def _dossiers(request: Request, person: Person, rows: list[DossierRow]) -> dict[str, Any]:
    """The table of what they may see; none for whom no dossier is."""
    inside = person.has(*READERS)
    if not (inside or rows):
        return {}
    numbers = Counter(row.state for row in rows)
    return {
        "inside": inside,
        "listing": Listing(COLUMNS, rows, request.query_params),
        "counts": [(numbers[state], WORDS[state]) for state in State] if inside else [],
        "may": {"approve": person.has(*CHAIRMAN), "number": person.has(*CLERK)},
    }
