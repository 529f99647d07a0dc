"""What waits for the office itself; what each person has to do stands in notify."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import DIRECTORY_READERS
from services.intake.domain.year import WAITING, CellState, Wanted
from services.intake.pages.board_words import DUTY_WORDS
from services.intake.store import board as store
from services.intake.store import people
from shared.web.identity import Person


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many of what, and the list of them."""

    number: int
    words: str
    href: str


async def todo(
    connection: AsyncConnection,
    person: Person,
    year: int,
    now: datetime,
    counts: Mapping[tuple[str, CellState], int] | None = None,
) -> list[Waiting]:
    """What is not nought, in the order in which it presses.

    `counts`: the year's, without any filter, where somebody has them already.
    """
    if counts is None:
        counts = await store.counts(connection, person, Wanted(year), now)

    def how_many(*states: str, kind: str = "") -> int:
        of_kind = (
            number
            for (one, state), number in counts.items()
            if state in states and (not kind or one == kind)
        )
        return sum(of_kind)

    found = [
        Waiting(how_many("received"), "Báo cáo chờ xem xét", _href(year, state="received")),
        Waiting(
            how_many("overdue"), "Việc đã quá hạn, chưa thực hiện", _href(year, state="overdue")
        ),
        Waiting(
            how_many("returned"), "Báo cáo đã trả lại, chờ bản sửa", _href(year, state="returned")
        ),
        Waiting(how_many("reopened"), "Báo cáo mở lại, chờ bản mới", _href(year, state="reopened")),
        Waiting(
            how_many("taken-back"), "Báo cáo đơn vị đã rút lại", _href(year, state="taken-back")
        ),
        *(
            Waiting(
                how_many(*WAITING, kind=kind),
                f"{DUTY_WORDS[kind]}: còn thiếu",
                _href(year, duty=kind, state="waiting"),
            )
            for kind in DUTY_WORDS
            if kind != "annual-report"
        ),
        Waiting(
            await store.escalated(connection, person, year),
            "Trong các việc đã quá hạn: đã báo người đứng đầu",
            _href(year, state="escalated"),
        ),
    ]
    if person.has(*DIRECTORY_READERS):
        asked = await people.corrections(connection, person.ward, waiting=True)
        words = "Đề nghị sửa thông tin chờ trả lời"
        found.append(Waiting(len(asked), words, "/intake/corrections"))
    return [one for one in found if one.number]


def _href(year: int, **filters: str) -> str:
    return f"/intake/duties?{urlencode({'year': year, **filters})}"
