"""The board: who owes, who has reported, who is late."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.intake import store
from services.intake.domain.deadline import lateness
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED
from services.intake.domain.office import Subject, may_see
from shared.messaging import Works
from shared.web.identity import Person, visitor
from shared.web.pages import Pages

router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parent / "templates")

_REPORT = {
    "accepted": ("Đã tiếp nhận chính thức", "good"),
    "returned": ("Trả lại để chỉnh sửa", "warn"),
    "received": ("Đã gửi, chờ xem xét", "good"),
    "open": ("Chưa gửi", "muted"),
    "overdue": ("Quá hạn, chưa gửi", "bad"),
    "free": ("Không bắt buộc, chưa gửi", "muted"),
}
_PLAN = {
    "met": ("Đã ban hành", "good"),
    "met-late": ("Đã ban hành, muộn", "warn"),
    "open": ("Chưa có kế hoạch", "muted"),
    "overdue": ("Quá hạn, chưa có kế hoạch", "bad"),
    "free": ("Không thuộc diện ban hành", "muted"),
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
        chosen = periods.get(period) or periods.get(next(iter(annual), ""))
        rows = await store.board(connection, person.ward, chosen.period) if chosen else []
        movements = await store.movements(connection, person.ward)
    movement = movements.get(chosen.movement, {}) if chosen else {}
    now = works.business.now()
    seen = [row for row in rows if _may_see(person, row)]
    lines = [(row, *_words(chosen, row, now)) for row in seen]
    return _pages.render(
        request,
        "board.html",
        {
            "title": movement.get("title", ""),
            "now": now,
            "periods": list(periods.values()),
            "chosen": chosen,
            "lines": lines,
            "blocks": {block["code"]: block["title"] for block in movement.get("blocks", ())},
            "counts": Counter(words for _, words, _ in lines),
            "late": sum(bool(row.late) for row in seen),
        },
    )


def _may_see(person: Person, row: Any) -> bool:
    subject = Subject(row.participant, row.proposed_by)
    return may_see(person.unit, subject, sees_all=person.sees_all)


def _words(period: Any, row: Any, now: datetime) -> tuple[str, str]:
    """What the board says of a participant, and in which tone."""
    if period.kind == "unit-plan":
        return _PLAN[_state_of_plan(row, now)]
    return _REPORT[_state_of_report(row, now)]


def _state_of_report(row: Any, now: datetime) -> str:
    if row.revision is not None:
        return row.outcome or "received"
    return _state_of_duty(row, now)


def _state_of_plan(row: Any, now: datetime) -> str:
    if row.met_at is not None:
        return "met" if row.on_time else "met-late"
    return _state_of_duty(row, now)


def _state_of_duty(row: Any, now: datetime) -> str:
    if row.due is None or row.manner not in IS_REMINDED:
        return "free"
    overdue = row.manner in IS_OVERDUE and lateness(row.due, now).late
    return "overdue" if overdue else "open"
