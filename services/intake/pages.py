"""The board: who owes, who has reported, who is late."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.intake import store
from services.intake.domain.office import Subject
from shared.messaging import Works
from shared.web.identity import Person, visitor
from shared.web.pages import Pages

router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parent / "templates")

_WORDS = {
    "accepted": ("Đã tiếp nhận chính thức", "good"),
    "returned": ("Trả lại để chỉnh sửa", "warn"),
    "received": ("Đã gửi, chờ xem xét", "good"),
    "open": ("Chưa gửi", "muted"),
    "overdue": ("Quá hạn, chưa gửi", "bad"),
    "free": ("Tự nguyện, chưa gửi", "muted"),
}


@router.get("/", response_class=HTMLResponse)
async def board(
    request: Request,
    person: Annotated[Person | None, Depends(visitor)],
    period: str = "",
) -> HTMLResponse:
    """The board of a period; the newest annual one unless named."""
    request.state.person = person
    if person is None:
        return _pages.render(request, "signed-out.html", {})
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        periods = await store.periods(connection, person.ward)
        annual = [code for code, row in periods.items() if row.kind == "annual-report"]
        chosen = period if period in periods else next(iter(annual), "")
        rows = await store.board(connection, person.ward, chosen)
        movement = await store.newest_movement(connection, person.ward) or {}
    seen = [row for row in rows if person.sees_all or _own(person, row)]
    now = works.business.now()
    lines = [(row, *_WORDS[_state(row, now)]) for row in seen]
    titles = {block["code"]: block["title"] for block in movement.get("blocks", ())}
    return _pages.render(
        request,
        "board.html",
        {
            "title": movement.get("title", ""),
            "now": now,
            "periods": list(periods.values()),
            "chosen": periods.get(chosen),
            "lines": lines,
            "blocks": titles,
            "counts": Counter(words for _, words, _ in lines),
            "late": sum(bool(row.late) for row in seen),
        },
    )


def _own(person: Person, row: Any) -> bool:
    return Subject(row.participant, row.proposed_by).belongs_to(person.unit)


def _state(row: Any, now: Any) -> str:
    if row.revision is not None:
        return row.outcome or "received"
    if row.due is None or row.manner in {"voluntary", "proposed"}:
        return "free"
    if row.met_at is None and row.due < now and row.manner == "owes":
        return "overdue"
    return "open" if row.met_at is None else "received"
