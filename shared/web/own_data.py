"""`GET /<service>/me`: everybody sees what the service holds about them, as a page or as data."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.unit_of_work import Works
from shared.own_data import HeldRow
from shared.web.access import SIGNED_IN, Route
from shared.web.entrance import wants_page
from shared.web.identity import Person, SignedIn
from shared.web.pages import TEMPLATES, Pages

OWN_DATA = Route("GET", "/me", SIGNED_IN, "chỉ thấy thông tin của chính mình")
"""The row of a service's table of routes."""
SERVICES = {
    "intake": "Danh bạ, báo cáo",
    "scoring": "Chấm điểm",
    "awards": "Khen thưởng",
    "notify": "Thư",
}
"""Every service that holds something about people, and what it does, in Vietnamese."""

Collect = Callable[[AsyncConnection, Person], Awaitable[Sequence[HeldRow]]]


class Held(BaseModel):
    """One thing that is held, and since when."""

    model_config = ConfigDict(from_attributes=True)

    what: str
    text: str
    at: datetime | date | None


class OwnData(BaseModel):
    """What one service holds about whoever asks; `elsewhere`: where the others tell the same."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "service": "intake",
                "person": "tieu-hoc-1.reporter",
                "held": [{"what": "Tên", "text": "Đầu mối báo cáo", "at": None}],
                "elsewhere": ["/scoring/me", "/awards/me", "/notify/me"],
            }
        }
    )

    service: str
    person: str
    held: tuple[Held, ...]
    elsewhere: tuple[str, ...]


def own_data_router(service: str, collect: Collect) -> APIRouter:
    """The route; `collect` reads what is held about the person, and nothing about others."""
    router = APIRouter(tags=["own data"])
    pages = Pages(service, TEMPLATES)
    others = {name: words for name, words in SERVICES.items() if name != service}

    @router.get("/me", response_model=OwnData)
    async def show_own_data(request: Request, person: SignedIn) -> OwnData | Response:
        """What this service holds about me."""
        works: Works = request.app.state.parts.works
        async with works.read() as connection:
            rows = await collect(connection, person)
        if wants_page(request):
            asked = request.query_params.get("done") == "asked"
            values = {"rows": rows, "services": SERVICES, "held_by": service, "asked": asked}
            return pages.render(request, "own-data.html", values)
        held = tuple(Held.model_validate(row) for row in rows)
        elsewhere = tuple(f"/{name}/me" for name in others)
        return OwnData(service=service, person=person.id, held=held, elsewhere=elsewhere)

    return router
