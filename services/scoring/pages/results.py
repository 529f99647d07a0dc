"""Results per khối, or one's own derivation; and the freezing of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring.access import MARKERS, ONLOOKERS, SECRETARY
from services.scoring.domain.assessment import State
from services.scoring.domain.score import Line
from services.scoring.domain.standing import Standing, by_block, standing
from services.scoring.store import periods, scopes, showing
from services.scoring.store.periods import PeriodFile
from shared.contracts.base import Code
from shared.service import Parts
from shared.settings import Settings
from shared.web.charts import Chart, bars
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.pages import Pages

router = APIRouter(tags=["pages"], include_in_schema=False)
pages = Pages("scoring", Path(__file__).parents[1] / "templates")

STATES = {
    State.WAITING: "Chưa có báo cáo",
    State.CLAIMED: "Đã gửi báo cáo, chờ tiếp nhận",
    State.ACCEPTED: "Đang thẩm định",
    State.VERIFIED: "Đã thẩm định",
    State.FROZEN: "Đã chốt",
}
TONES = {State.ACCEPTED: "warn", State.VERIFIED: "good", State.FROZEN: "good"}
NO_RESULT = "Không có kết quả trong kỳ"


@dataclass(frozen=True, slots=True)
class Own:
    """One participant's standing with every line of it."""

    standing: Standing
    block_title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of all results."""

    block: str
    standing: Standing

    @property
    def rank(self) -> str:
        one = self.standing
        return f"{one.rank}/{one.ranked}" if one.rank else ""

    @property
    def state(self) -> str:
        one = self.standing
        return NO_RESULT if one.state is State.FROZEN and not one.rank else STATES[one.state]


COLUMNS: tuple[Column[Row], ...] = (
    Column("khoi", "Khối", lambda row: row.block, chosen=True),
    Column("hang", "Hạng", lambda row: row.standing.rank, numeric=True),
    Column("ten", "Đơn vị, cá nhân", lambda row: row.standing.participant.name),
    Column("diem", "Điểm", lambda row: row.standing.total, numeric=True),
    Column("muc", "Mức", lambda row: row.standing.grade, chosen=True),
    Column("trang-thai", "Trạng thái", lambda row: row.state, chosen=True),
    Column("muon", "Nộp", lambda row: "muộn" if row.standing.late else "đúng hạn", sortable=False),
)


def parts_of(request: Request) -> Parts[Settings]:
    parts: Parts[Settings] = request.app.state.parts
    return parts


@router.get("/", response_class=HTMLResponse)
async def home(
    request: Request,
    person: SignedIn,
    period: Code | None = None,
    participant: Code | None = None,
) -> Response:
    """Own derivation, or all results; a `participant` shows the derivation of that one."""
    async with parts_of(request).works.read() as connection:
        code = period or await periods.period_to_show(connection, person.ward)
        known = await periods.periods(connection, person.ward)
        seen = scopes.seen_by(person)
        file = await periods.load(connection, person.ward, code, seen=seen) if code else None
        if file is None:
            return pages.render(request, "nothing.html", {"periods": known})
        about = {"file": file, "periods": known, "states": STATES, "tones": TONES}
        about |= {"may": _may(person, file), "no_result": NO_RESULT}
        if person.sees_all and participant not in file.assessments:
            return _all(request, file, about)
        own = await _own(connection, file, person, participant)
    return pages.render(request, "one.html", {**about, "own": own, "of_all": person.sees_all})


def _may(person: Person, file: PeriodFile) -> dict[str, bool]:
    """Which ways on the page shows."""
    open_ = file.adoption is not None and file.frozen_at is None
    return {
        "look": open_ and person.has(*ONLOOKERS),
        "mark": open_ and person.has(*MARKERS),
        "freeze": open_ and person.has(*SECRETARY),
    }


def _all(request: Request, file: PeriodFile, about: dict[str, Any]) -> Response:
    standings = [
        standing(one, file.results.get(code), sees_all=True)
        for code, one in file.assessments.items()
    ]
    rows = [
        Row(block.title, one)
        for block in by_block(standings, file.blocks)
        for one in block.standings
    ]
    listing = Listing(COLUMNS, rows, request.query_params)
    if file_asked := export(listing, f"ket-qua-{file.code}"):
        return file_asked
    frozen = request.query_params.get("done") == "frozen"
    values = {**about, "listing": listing, "chart": _progress(rows), "just_frozen": frozen}
    return pages.render(request, "all.html", values)


def _progress(rows: Sequence[Row]) -> Chart | None:
    """How far each khối is; it compares nobody's points across khối."""
    blocks = list(dict.fromkeys(row.block for row in rows))
    if not blocks:
        return None
    done = {State.VERIFIED, State.FROZEN}
    counts = {
        "Đã thẩm định": [_count(rows, block, done) for block in blocks],
        "Đang thẩm định": [_count(rows, block, {State.ACCEPTED}) for block in blocks],
        "Chưa tiếp nhận báo cáo": [
            _count(rows, block, {State.WAITING, State.CLAIMED}) for block in blocks
        ],
    }
    about = "Số đơn vị, cá nhân của từng khối theo bước thẩm định."
    return bars("Tiến độ thẩm định theo khối", about, "Khối", blocks, counts)


def _count(rows: Sequence[Row], block: str, states: set[State]) -> int:
    return sum(row.block == block and row.standing.state in states for row in rows)


async def _own(
    connection: AsyncConnection, file: PeriodFile, person: Person, participant: str | None
) -> list[Own]:
    sees_all = person.sees_all
    standings = {
        code: standing(one, file.results.get(code), sees_all=sees_all)
        for code, one in file.assessments.items()
    }
    wanted = {code for code in standings if code == participant} or set(standings)
    lines = await showing.shown_lines(connection, file, wanted, sees_all=sees_all)
    own = [
        Own(one, file.blocks.get(one.participant.block, ""), lines.get(code, ()))
        for code, one in standings.items()
        if code in wanted
    ]
    own.sort(key=lambda one: (one.standing.participant.code != person.unit, one.block_title))
    return own
