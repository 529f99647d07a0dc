"""How the reports of a year come in, against the years before."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.year import BY_DAY, progress
from services.intake.store import board as store
from shared.calendar import days_between
from shared.web.charts import Chart, Number, lines
from shared.web.identity import Person

YEARS = 5
"""As many lines as there are dashes and colours for."""
_KIND = "annual-report"


async def progress_chart(
    connection: AsyncConnection, person: Person, year: int, now: datetime
) -> Chart | None:
    """The share of annual reports that came in by each day; None where one does not see all, or
    nothing was asked for.
    """
    if not person.sees_all:
        return None
    rows = await store.received_by_day(connection, person, _KIND, year)
    if not any(row.year == year for row in rows):
        return None
    received: dict[str, dict[int | None, int]] = {}
    periods: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: (-row.year, row.period)):
        received.setdefault(row.period, {})[row.days] = row.number
        periods[row.period] = row
    shown = list(periods.values())[:YEARS]
    return _drawn(
        tuple(
            (_name(row, shown), tuple(progress(received[row.period], days_between(now, row.due))))
            for row in shown
        )
    )


@lru_cache(maxsize=64)
def _drawn(series: tuple[tuple[str, tuple[Number | None, ...]], ...]) -> Chart:
    """To draw costs more than all else of the page; the same numbers are the same picture."""
    return lines(
        "Tỷ lệ báo cáo năm đã nhận, theo số ngày trước hạn (%)",
        "Mỗi đường là một năm; số liệu từng ngày ở bảng bên dưới. Tính trên các đơn vị có trách"
        " nhiệm hoặc được đề nghị báo cáo.",
        "Ngày so với hạn",
        [_day(day) for day in BY_DAY],
        dict(series),
        most=100,
    )


def _name(row: Any, shown: list[Any]) -> str:
    """The year, or the period where a year has more than one."""
    alone = sum(other.year == row.year for other in shown) == 1
    return f"Năm {row.year}" if alone else row.period


def _day(day: int) -> str:
    if day == 0:
        return "hạn"
    return f"-{day}" if day > 0 else f"+{-day}"
