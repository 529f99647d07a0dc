"""The board of a year: every duty of everybody, what waits for the office, how reports come in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import JUDGES
from services.intake.domain.obligation import State
from services.intake.domain.reminding import Asked, why_not
from services.intake.domain.year import STATES, WAITING, Sort, Wanted
from services.intake.pages.board_words import (
    DUTY_WORDS,
    ESCALATED_WORDS,
    KIND_WORDS,
    SORT_WORDS,
    STATE_WORDS,
    WAITING_WORDS,
)
from services.intake.pages.file import href_of
from services.intake.pages.progress import progress_chart
from services.intake.pages.todo import todo
from services.intake.pages.words import MANNERS, Tone, lateness_words, time_left
from services.intake.store import board as store
from services.intake.store import desk
from shared.calendar import ward_day
from shared.messaging import Works
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.paging import Pager, cursor_of

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
"""Pages at the addresses of the API."""
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

SIZE = 50
"""Participants a page."""
_SORTS: tuple[Sort, ...] = get_args(Sort)
_DONE = {"reminded": "Đã ghi lại và gửi thư nhắc."}


@dataclass(frozen=True, slots=True)
class Cell:
    """A duty as the board shows it; `left` is what is said of its date or its lateness.

    `told`: how often somebody was reminded by hand today. `remind`: the duty's id where one may.
    """

    href: str
    words: str
    tone: Tone
    left: str
    told: int
    remind: str

    @property
    def text(self) -> str:
        """The cell of a file for a spreadsheet."""
        return f"{self.words} ({self.left})" if self.left else self.words


@dataclass(frozen=True, slots=True)
class Line:
    """One participant; `href` leads to its timeline."""

    participant: str
    name: str
    block: str
    kind: str
    manner: str
    cells: Sequence[Cell]
    href: str = field(init=False)

    def __post_init__(self) -> None:
        href = f"/intake/participants/{self.participant}/timeline"
        object.__setattr__(self, "href", href)


@dataclass(frozen=True, slots=True)
class Year:
    """A year's frame: its periods (columns), the titles of its khối in their order."""

    year: int
    periods: Sequence[Any]
    blocks: Mapping[str, str]


@faces.get("/duties")
async def board_of_year(request: Request, person: SignedIn) -> Response:
    """Every participant whom one may see with every duty of the year."""
    works: Works = request.app.state.parts.works
    most: int = request.app.state.parts.settings.hand_reminders_a_day
    now = works.business.now()
    query = dict(request.query_params)
    async with works.read() as connection:
        known = await store.years(connection, person.ward)
        if not known:
            return _pages.render(request, "board-year.html", {"frame": None})
        frame = await _frame(connection, person, _year(query, known, now))
        wanted = wanted_of(query, frame)
        columns = [row for row in frame.periods if wanted.duty in {"", row.kind}]
        file = query.get("format") in {"csv", "xlsx"}
        pager = Pager(request, Response(), SIZE, query.get("cursor"))
        after = None if file else pager.after(tuple[int, str, str])
        limit = 0 if file else SIZE + 1
        found = await store.rows(
            connection, person, wanted, now, ward_day(now), after=after, limit=limit
        )
        lines = _lines(person, frame, found, now, most)
        if answer := _file(query, frame, columns, lines):
            return answer
        values = await _around(connection, person, frame, wanted, now)
    return _pages.render(
        request,
        "board-year.html",
        {
            "frame": frame,
            "known": known,
            "columns": columns,
            "wanted": wanted,
            "groups": _groups(lines[:SIZE], wanted),
            "sorts": SORT_WORDS.items(),
            "following": _following(query, found) if len(lines) > SIZE else "",
            "link": _link(query),
            "reminds": person.has(*JUDGES),
            "done": _DONE.get(query.get("done", ""), ""),
            "back": urlencode({name: value for name, value in query.items() if name != "done"}),
            "now": now,
            **values,
        },
    )


_FILTERS = ("block", "kind", "manner", "duty", "state", "q")
_KEPT = ("year", "sort", *_FILTERS)


async def _frame(connection: AsyncConnection, person: Person, year: int) -> Year:
    periods = await store.periods(connection, person.ward, year)
    movements = await desk.movements(connection, person.ward)
    blocks = {
        block["code"]: block["title"]
        for row in periods
        for block in movements.get(row.movement, {}).get("blocks", ())
    }
    return Year(year, periods, blocks)


def _year(query: Mapping[str, str], known: Sequence[int], now: datetime) -> int:
    """The year that is asked for, else this one, else the newest."""
    asked = query.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else now.year
    return year if year in known else known[0]


def wanted_of(query: Mapping[str, str], frame: Year) -> Wanted:
    """What the address asks for; a wrong value counts as none."""

    def one(name: str, known: Any) -> Any:
        value = query.get(name, "")
        return value if value in known else ""

    return Wanted(
        frame.year,
        tuple(frame.blocks),
        block=one("block", frame.blocks),
        kind=one("kind", KIND_WORDS),
        manner=one("manner", MANNERS),
        duty=one("duty", {row.kind for row in frame.periods}),
        state=one("state", (*STATES, "waiting", "escalated")),
        q=query.get("q", "").strip()[:80],
        sort=one("sort", _SORTS) or "block",
    )


async def remindable(
    connection: AsyncConnection, person: Person, query: Mapping[str, str], now: datetime, most: int
) -> list[str]:
    """Ids of the duties, on all pages of what an address asks for, that may be reminded of now.

    A row is there for any of its duties; of them only those in the state that is asked for.
    """
    known = await store.years(connection, person.ward)
    if not known:
        return []
    frame = await _frame(connection, person, _year(query, known, now))
    wanted = wanted_of(query, frame)
    found = await store.rows(connection, person, wanted, now, ward_day(now))
    meant = WAITING if wanted.state in {"", "waiting", "escalated"} else {wanted.state}
    only = wanted.state == "escalated"
    asked = [cell for cell in found if cell.state in meant and (cell.escalated or not only)]
    lines = _lines(person, frame, asked, now, most)
    return [cell.remind for line in lines for cell in line.cells if cell.remind]


async def _around(
    connection: AsyncConnection, person: Person, frame: Year, wanted: Wanted, now: datetime
) -> dict[str, Any]:
    """What stands above and below the table."""
    counts = await store.counts(connection, person, wanted, now)
    chosen = await store.choices(connection, person)
    office = person.has(*JUDGES)
    narrowed = any(getattr(wanted, name) for name in _FILTERS if name != "state")
    whole = None if narrowed else counts
    return {
        "counts": [
            (state, number, *STATE_WORDS[state])
            for state in STATES
            if (number := sum(n for (_, one), n in counts.items() if one == state))
        ],
        "choices_of": _choices(frame, chosen),
        "todo": await todo(connection, person, frame.year, now, whole) if office else (),
        "chart": await progress_chart(connection, person, frame.year, now),
    }


def _choices(frame: Year, found: Sequence[Any]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The filters: name, label, (value, words)."""
    kinds, manners, blocks = ({row[at] for row in found} for at in (1, 2, 0))
    return [
        ("block", "Khối", [(code, t) for code, t in frame.blocks.items() if code in blocks]),
        ("kind", "Loại", [(code, words) for code, words in KIND_WORDS.items() if code in kinds]),
        ("manner", "Cách tham gia", [(c, words) for c, words in MANNERS.items() if c in manners]),
        (
            "duty",
            "Loại việc",
            [
                (kind, DUTY_WORDS.get(kind, kind))
                for kind in dict.fromkeys(r.kind for r in frame.periods)
            ],
        ),
        (
            "state",
            "Tình trạng",
            [
                ("waiting", WAITING_WORDS),
                ("escalated", ESCALATED_WORDS),
                *((s, STATE_WORDS[s][0]) for s in STATES),
            ],
        ),
    ]


def _lines(
    person: Person, frame: Year, found: Sequence[Any], now: datetime, most: int
) -> list[Line]:
    reminds = person.has(*JUDGES)
    lines = []
    for _, cells in groupby(found, key=lambda cell: cell.participant):
        row = list(cells)
        first = row[0]
        lines.append(
            Line(
                first.participant,
                first.name,
                frame.blocks.get(first.block, first.block),
                KIND_WORDS.get(first.kind_of, first.kind_of),
                MANNERS[first.manner],
                [_cell(cell, now, most, reminds=reminds) for cell in row],
            )
        )
    return lines


def _groups(lines: Sequence[Line], wanted: Wanted) -> list[tuple[str, list[Line]]]:
    """By khối with its title where they are in that order; else all together, with none."""
    if wanted.sort != "block":
        return [("", list(lines))] if lines else []
    return [(title, list(found)) for title, found in groupby(lines, key=lambda line: line.block)]


def _cell(cell: Any, now: datetime, most: int, *, reminds: bool) -> Cell:
    words, tone = STATE_WORDS[cell.state]
    waiting = cell.state in WAITING
    left = ""
    if waiting:
        left = time_left(cell.asked_manner, cell.due, now)[0]
    elif cell.late:
        left = lateness_words(cell.days_late)
    state: State = "open" if waiting else "met"
    may = reminds and waiting
    if may:
        asked = Asked(state, cell.asked_manner, cell.due, cell.today)
        may = why_not(asked, now, most) is None
    return Cell(
        href_of(cell.participant, cell.period, cell.obligation),
        words,
        tone,
        left,
        cell.today,
        str(cell.obligation) if may else "",
    )


def _file(
    query: Mapping[str, str], frame: Year, columns: Sequence[Any], lines: Sequence[Line]
) -> Response | None:
    """Exactly what the filters leave, in the same order, all pages of it."""
    titles: list[Column[Line]] = [
        Column("block", "Khối", lambda line: line.block),
        Column("name", "Đơn vị, cá nhân", lambda line: line.name),
        Column("kind", "Loại", lambda line: line.kind),
        Column("manner", "Cách tham gia", lambda line: line.manner),
    ]
    for at, row in enumerate(columns):
        title = f"{row.title} – {row.due_text}"
        titles.append(Column(row.period, title, lambda line, at=at: line.cells[at].text))  # type: ignore[misc]
    view = Listing(titles, lines, {"format": query.get("format", "")})
    return export(view, f"bang-theo-doi-nam-{frame.year}")


def _following(query: Mapping[str, str], found: Sequence[Any]) -> str:
    """The address of the next page."""
    codes = list(dict.fromkeys(row.participant for row in found))
    last = next(row for row in found if row.participant == codes[SIZE - 1])
    return _link(query)(cursor=cursor_of(store.place_of(last)))


def _link(query: Mapping[str, str]) -> Callable[..., str]:
    """An address of this page with some of its query changed; it begins at the first row again."""

    def link(**changes: str) -> str:
        kept = {name: value for name, value in query.items() if name in _KEPT}
        wanted = {**kept, **changes}
        return "?" + urlencode({name: value for name, value in wanted.items() if value})

    return link
