"""Everybody's to-do list, the page of mails, and the public page of honours."""

from collections.abc import Mapping
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from services.notify.domain.delivery import State
from services.notify.domain.kind_words import KIND_WORDS
from services.notify.domain.task import Task, Urgency, title
from services.notify.forms import MailFilter
from services.notify.store import facts, mail_list, tasks
from shared.calendar import ward_day
from shared.messaging import Works
from shared.web.export import export
from shared.web.identity import SignedIn, Visitor
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.paging import Paging, cursor_of

router = APIRouter(tags=["pages"], include_in_schema=False)
faces = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)
"""What programs ask for at the same address."""
_pages = Pages("notify", Path(__file__).parent / "templates")

URGENCY_WORDS: Mapping[Urgency, tuple[str, str]] = {
    Urgency.LATE: ("Đã quá hạn", "bad"),
    Urgency.SOON: ("Sắp đến hạn", "warn"),
    Urgency.OPEN: ("Đang chờ", "info"),
}
STATUS_WORDS: Mapping[State, tuple[str, str]] = {
    State.WAITING: ("Chờ đủ thông tin", "muted"),
    State.QUEUED: ("Chờ gửi", "muted"),
    State.SENDING: ("Đang gửi", "muted"),
    State.DATA: ("Đang chuyển thư", "muted"),
    State.SENT: ("Đã gửi", "good"),
    State.RETRY: ("Sẽ gửi lại", "warn"),
    State.REFUSED: ("Bị từ chối", "bad"),
    State.UNCERTAIN: ("Chưa rõ đã đến chưa", "bad"),
    State.DROPPED: ("Không cần gửi nữa", "muted"),
}
REASON_WORDS = {
    "obligation-met": "nhiệm vụ đã hoàn thành",
    "superseded": "đã có lần nhắc mới hơn",
    "deadline-passed": "đã qua hạn, có thư báo quá hạn riêng",
    "contact-erased": "thông tin liên hệ đã được xóa",
    "obligation-withdrawn": "nhiệm vụ đã được miễn hoặc rút lại",
    "deadline-moved": "hạn đã đổi, có thư báo riêng",
    "asked-again": "nhiệm vụ lại được giao",
    "told-before": "đã báo hạn này trước đó",
    "nobody-told": "chưa ai được báo hạn cũ",
    "not-owed": "nay chỉ còn là lời mời",
    "participant-left": "đã thôi tham gia",
    "draft-changed": "bản soạn đã được rút, trình lại hoặc gửi sau đó",
}


class Line(NamedTuple):
    """A task as the list shows it; `when` is its period in words."""

    task: Task
    when: str
    days_left: int | None

    @property
    def title(self) -> str:
        return title(self.task, self.when)

    @property
    def status(self) -> tuple[str, str]:
        """Words and tone."""
        return URGENCY_WORDS[self.task.urgency]


COLUMNS: tuple[Column[Line], ...] = (
    Column("viec", "Việc", lambda line: line.title),
    Column("don-vi", "Đơn vị, cá nhân", lambda line: line.task.about),
    Column("tu", "Chờ từ", lambda line: line.task.since),
    Column("han", "Hạn", lambda line: line.task.due),
    Column("tinh-trang", "Tình trạng", lambda line: line.status[0], chosen=True),
)
_drawn = _pages.rows("task.html", "line", COLUMNS)


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/", response_class=HTMLResponse)
async def to_do(request: Request, person: SignedIn) -> Response:
    """What somebody has to do, what presses most first."""
    works = _works(request)
    today = ward_day(works.business.now())
    async with works.look() as connection:
        found = await tasks.seen_by(connection, person, today)
    lines = [_line(task, found.when(task), today) for task in found.tasks]
    listing = Listing(COLUMNS, lines, request.query_params)
    if file := export(listing, "viec-cua-toi"):
        return file
    late = sum(line.task.urgency is Urgency.LATE for line in lines)
    values = {"listing": listing, "late": late, "drawn": _drawn}
    return _pages.render(request, "tasks.html", values)


def _line(task: Task, when: str, today: date) -> Line:
    left = (task.due - today).days if task.due else None
    return Line(task, when, left)


@faces.get("/mails", response_class=HTMLResponse)
async def list_of_mails(
    request: Request, person: SignedIn, wanted: Annotated[MailFilter, Query()], paging: Paging
) -> HTMLResponse:
    """Mails to oneself; all of the ward's for those who look after them."""
    after = paging.after(tuple[int])
    async with _works(request).read() as connection:
        counted = await mail_list.counts(connection, person)
        rows = await mail_list.listed(
            connection, person, **wanted.model_dump(), after=after, limit=paging.limit + 1
        )
    shown = rows[: paging.limit]
    return _pages.render(
        request,
        "mails.html",
        {
            "keeper": person.has(*mail_list.KEEPERS),
            "counts": counted,
            "mails": shown,
            "next": cursor_of((shown[-1].seq,)) if len(rows) > paging.limit else None,
            "wanted": wanted,
            "kinds": KIND_WORDS,
            "statuses": STATUS_WORDS,
            "reasons": REASON_WORDS,
        },
    )


@router.get("/honours", response_class=HTMLResponse)
async def honours(request: Request, person: Visitor, ward: str = "") -> HTMLResponse:
    """Who is honoured, and who is proposed and open to opinion; for everybody."""
    works = _works(request)
    async with works.read() as connection:
        movements = await facts.newest_movements(connection)
        own = person.ward if person else ""
        chosen = next((one for one in (ward, own, *movements) if one in movements), "")
        decided = await facts.honours(connection, chosen)
        proposed = await facts.candidates(connection, chosen)
    by_period = [
        (title, list(rows)) for title, rows in groupby(decided, lambda row: str(row.period_title))
    ]
    movement = movements.get(chosen)
    return _pages.render(
        request,
        "honours.html",
        {
            "movement": movement.title if movement else "",
            "periods": by_period,
            "candidates": proposed,
            "today": ward_day(works.business.now()),
        },
    )
