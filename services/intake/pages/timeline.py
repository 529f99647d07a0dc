"""A participant's timeline as a page: who did what when, under which rule."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import DIRECTORY_READERS
from services.intake.domain.timeline import Happened, What
from services.intake.pages.board_words import KIND_WORDS
from services.intake.pages.file import PLANNER, Act, href_of, names_of
from services.intake.pages.role_words import ROLE_WORDS
from services.intake.pages.words import DOCUMENTS, MANNERS, SECTIONS, lateness_words
from services.intake.store import desk
from services.intake.store import timeline as store
from shared.contracts.base import Code
from shared.messaging import Works
from shared.web.identity import SignedIn
from shared.web.page_route import PageRoute
from shared.web.pages import Pages
from shared.web.problems import not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

OFFICE = "Phòng Văn hóa - Xã hội"
_BY_NOBODY: Mapping[What, str] = {"registered": OFFICE, "opened": OFFICE}
"""What the office does as such; else the clock or a rule did it."""


@faces.get("/participants/{participant}/timeline")
async def show_timeline(
    participant: Annotated[Code, InPath()], request: Request, person: SignedIn
) -> Response:
    """What somebody owed and did, the oldest first."""
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        found = await store.of_participant(
            connection, person, participant, with_roles=person.has(*DIRECTORY_READERS)
        )
        if found is None:
            raise not_found("đơn vị này, hoặc đơn vị này không thuộc về bạn")
        row = found.participant
        people = {name for act in found.acts for name in (act.by, act.acting_for, _whose(act))}
        names = await names_of(connection, row.ward, people)
        values = {
            "name": row.name,
            "kind": KIND_WORDS.get(row.kind, row.kind),
            "manner": MANNERS[row.manner],
            "block": await _block(connection, row.ward, row.block),
            "proposer": await _proposer(connection, row.ward, row.proposed_by),
            "acts": [_act(act, names) for act in found.acts],
            "files": _files(row.participant, found.acts),
        }
    return _pages.render(request, "timeline.html", values)


async def _block(connection: AsyncConnection, ward: str, code: str) -> str:
    for data in (await desk.movements(connection, ward)).values():
        for block in data.get("blocks", ()):
            if block["code"] == code:
                return str(block["title"])
    return code


async def _proposer(connection: AsyncConnection, ward: str, code: str | None) -> str:
    if code is None:
        return ""
    row = (await desk.participants(connection, ward, [code])).get(code)
    return row.name if row else code


def _files(participant: str, acts: Sequence[Happened]) -> list[tuple[str, str]]:
    """The page of each duty, or of each period in which something was sent without one."""
    duties = {act.period: act for act in acts if act.period}
    duties |= {act.period: act for act in acts if act.obligation is not None}
    return [(href_of(participant, p, act.obligation), act.title) for p, act in duties.items()]


def _act(act: Happened, names: Mapping[str, str]) -> Act:
    who = names.get(act.by, act.by) or _BY_NOBODY.get(act.what, PLANNER)
    if act.publisher:
        who = f"Hệ thống {act.publisher}"
    if act.acting_for:
        who += f" (thay {names.get(act.acting_for, act.acting_for)})"
    about = f"{act.title}: " if act.title else ""
    return Act(act.at, who, about + _words(act, names), _rule(act))


_PLAIN: Mapping[What, str] = {
    "registered": "ghi vào danh sách tham gia",
    "opened": "giao việc, hạn {due_text}",
    "move": "chuyển hạn thành {due_text}",
    "waive": "miễn",
    "excuse": "tạm miễn",
    "reopen": "mở lại, hạn {due_text}",
    "withdraw": "không còn giao",
    "reminded": "nhắc trước hạn {days} ngày",
    "overdue": "báo đã quá hạn",
    "escalated": "báo quá hạn tới người đứng đầu",
    "plan-recorded": "ghi nhận {document} số {note}",
    "report-received": "gửi bản số {revision}",
    "report-returned": "trả lại bản số {revision}, {days} chỗ cần sửa",
    "report-accepted": "tiếp nhận chính thức bản số {revision}",
    "report-withdrawn": "rút lại bản số {revision}",
    "report-reopened": "yêu cầu bản mới thay bản số {revision} đã tiếp nhận",
}


def _whose(act: Happened) -> str:
    """Of a role: who was given it."""
    return act.note.partition(": ")[2] if act.what in {"role-granted", "role-ended"} else ""


def _words(act: Happened, names: Mapping[str, str]) -> str:
    if act.what == "met":
        return "hoàn thành" + (" sau hạn" if act.note else " đúng hạn")
    if act.what in {"role-granted", "role-ended"}:
        role, _, person = act.note.partition(": ")
        words = ROLE_WORDS.get(role, role)  # type: ignore[call-overload]
        verb = "giao" if act.what == "role-granted" else "thôi"
        return f"{verb} vai trò {words}: {names.get(person, person)}"
    if act.what == "reminded-by-hand":
        return f"nhắc bằng tay, {_days(act.days or 0)}"
    if act.what == "reminded" and not act.days:
        return "nhắc vào ngày cuối"
    words = _PLAIN[act.what].format(
        due_text=act.due_text,
        days=act.days,
        revision=act.revision,
        note=act.note,
        document=DOCUMENTS.get(act.kind, "văn bản"),  # type: ignore[call-overload]
    )
    if act.what == "report-received" and act.note == "paper":
        words = f"nhập thay từ văn bản, bản số {act.revision}"
    if act.what == "report-received" and act.days is not None:
        words += f", {lateness_words(act.days)}"
    if act.what == "plan-recorded" and act.days is not None:
        words += " (ban hành muộn)"
    if act.what in {"move", "waive", "excuse", "reopen", "withdraw"} and act.note:
        words += f" ({act.note})"
    return words


def _days(days: int) -> str:
    if days < 0:
        return f"quá hạn {-days} ngày"
    return f"còn {days} ngày" if days else "ngày cuối"


def _rule(act: Happened) -> str:
    version = act.movement_version
    parts = (
        SECTIONS.get(act.kind, ""),  # type: ignore[call-overload]
        f"hạn {act.due_text}" if act.what == "met" else "",
        f"phong trào, phiên bản {version}" if version is not None else "",
    )
    return ", ".join(text for text in parts if text)
