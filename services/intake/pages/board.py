"""The board: who owes, who has reported, who is late."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from services.intake.domain.rule import BY_DOCUMENT
from services.intake.domain.standing import standing
from services.intake.pages.file import href_of
from services.intake.pages.words import Tone, door_words, lateness_words, words_of
from services.intake.store import desk as store
from shared.messaging import Works
from shared.web.export import export
from shared.web.identity import SignedIn
from shared.web.listing import Column, Listing
from shared.web.pages import Pages

router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")


@dataclass(frozen=True, slots=True)
class Line:
    """One participant as the board shows it; `href` leads to what it owes and has sent."""

    name: str
    block: str
    words: str
    tone: Tone
    late: str
    days_late: int | None
    received_at: datetime | None
    door: str
    revision: int | None
    href: str


_STANDING: tuple[Column[Line], ...] = (
    Column("name", "Đơn vị, cá nhân", lambda line: line.name),
    Column("block", "Khối", lambda line: line.block, chosen=True),
    Column("standing", "Tình trạng", lambda line: line.words, chosen=True),
)
_OF_REPORT: tuple[Column[Line], ...] = (
    *_STANDING,
    Column("late", "Muộn (ngày)", lambda line: line.days_late, numeric=True),
    Column("received", "Nhận lúc", lambda line: line.received_at),
    Column("door", "Cách gửi", lambda line: line.door),
    Column("revision", "Bản số", lambda line: line.revision, numeric=True),
)


@router.get("/", response_class=HTMLResponse)
async def board(request: Request, person: SignedIn, period: str = "") -> Response:
    """The board of a period; the newest annual one unless named."""
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        periods = await store.periods(connection, person.ward)
        annual = [code for code, row in periods.items() if row.kind == "annual-report"]
        chosen = periods.get(period) or periods.get(next(iter(annual), ""))
        rows = await store.board(connection, person, chosen.period) if chosen else []
        movements = await store.movements(connection, person.ward)
    now = works.business.now()
    if chosen is None:
        return _pages.render(request, "board.html", {"chosen": None, "now": now})
    movement = movements.get(chosen.movement, {})
    lines = _lines(chosen, rows, movement, now)
    columns = _STANDING if chosen.kind in BY_DOCUMENT else _OF_REPORT
    view = Listing(columns, lines, dict(request.query_params))
    return export(view, f"bang-theo-doi-{chosen.period}") or _pages.render(
        request,
        "board.html",
        {
            "title": movement.get("title", ""),
            "now": now,
            "periods": list(periods.values()),
            "chosen": chosen,
            "view": view,
            "counts": _counts(chosen, lines),
        },
    )


def _lines(
    period: Any, rows: Sequence[Any], movement: Mapping[str, Any], now: datetime
) -> list[Line]:
    titles = {block["code"]: block["title"] for block in movement.get("blocks", ())}
    places = {code: number for number, code in enumerate(titles)}
    rows = sorted(rows, key=lambda row: (places.get(row.block, len(places)), row.participant))
    return [_line(period, row, titles, now) for row in rows]


def _line(period: Any, row: Any, blocks: Mapping[str, str], now: datetime) -> Line:
    words, tone = words_of(period.kind, standing(period.kind, row, now))
    return Line(
        name=row.name,
        block=blocks.get(row.block, row.block),
        words=words,
        tone=tone,
        late=lateness_words(row.days_late) if row.late else "",
        days_late=row.days_late if row.late else None,
        received_at=row.received_at,
        door=door_words(row.door, row.publisher),
        revision=row.revision,
        href=href_of(row.participant, period.period, row.obligation),
    )


def _counts(period: Any, lines: Sequence[Line]) -> list[tuple[int, str]]:
    """How many stand where; for reports also how many came late."""
    counts = [(count, words) for words, count in Counter(line.words for line in lines).items()]
    if period.kind not in BY_DOCUMENT:
        counts.append((sum(bool(line.late) for line in lines), "Gửi muộn"))
    return counts
