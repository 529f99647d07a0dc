"""The public page of honours, and the page of mails."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from services.notify.forms import KEEPERS, PAGE, MailFilter
from services.notify.store import facts, mails
from shared.calendar import ward_day
from shared.messaging import Works
from shared.web.identity import Person, visitor
from shared.web.pages import Pages

router = APIRouter(include_in_schema=False)
_pages = Pages("notify", Path(__file__).parent / "templates")

Visitor = Annotated[Person | None, Depends(visitor)]

KIND_WORDS = {
    "obligation-opened": "Thông báo nhiệm vụ",
    "reminder": "Nhắc việc",
    "overdue": "Báo quá hạn",
    "report-received": "Đã nhận báo cáo",
    "report-returned": "Trả lại để chỉnh sửa",
    "report-accepted": "Chấp nhận báo cáo",
    "own-result": "Kết quả của đơn vị",
    "award-decided": "Quyết định khen thưởng",
}
STATUS_WORDS = {
    "waiting": ("Chờ đủ thông tin", "muted"),
    "queued": ("Chờ gửi", "muted"),
    "sending": ("Đang gửi", "muted"),
    "data": ("Đang chuyển thư", "muted"),
    "sent": ("Đã gửi", "good"),
    "retry": ("Sẽ gửi lại", "warn"),
    "refused": ("Bị từ chối", "bad"),
    "uncertain": ("Chưa rõ đã đến chưa", "bad"),
    "dropped": ("Không cần gửi nữa", "muted"),
}
REASON_WORDS = {
    "obligation-met": "nhiệm vụ đã hoàn thành",
    "superseded": "đã có lần nhắc mới hơn",
    "deadline-passed": "đã qua hạn, có thư báo quá hạn riêng",
    "contact-erased": "thông tin liên hệ đã được xóa",
}


@router.get("/honours", response_class=HTMLResponse)
async def honours(request: Request, person: Visitor, ward: str = "") -> HTMLResponse:
    """Who is honoured, and who is proposed and open to opinion; for everybody."""
    request.state.person = person
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        movements = await facts.newest_movements(connection)
        chosen = ward if ward in movements else next(iter(movements), "")
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
            "service": "honours",
            "movement": movement.title if movement else "",
            "periods": by_period,
            "candidates": proposed,
            "today": ward_day(works.business.now()),
        },
    )


@router.get("/", response_class=HTMLResponse)
async def mail_list(
    request: Request, person: Visitor, wanted: Annotated[MailFilter, Query()]
) -> HTMLResponse:
    """Mails to oneself; all of the ward's for those who look after them."""
    request.state.person = person
    if person is None:
        return _pages.render(request, "signed-out.html", {})
    keeper = person.has(*KEEPERS)
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        counted = await mails.counts(connection, person.ward) if keeper else {}
        rows = await mails.listed(
            connection,
            person.ward,
            person=None if keeper else person.id,
            **wanted.model_dump(),
            limit=PAGE + 1,
        )
    shown = rows[:PAGE]
    return _pages.render(
        request,
        "mails.html",
        {
            "keeper": keeper,
            "counts": counted,
            "mails": shown,
            "next": shown[-1].seq if len(rows) > PAGE else None,
            "wanted": wanted,
            "kinds": KIND_WORDS,
            "statuses": STATUS_WORDS,
            "reasons": REASON_WORDS,
        },
    )
