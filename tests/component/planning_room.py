"""Duties of one year on intake's desk, for tests: laid, ordered otherwise, told of by the clock."""

from collections.abc import Sequence
from typing import Any

from services.intake import routines
from shared.calendar import ward_day
from shared.messaging.unit_of_work import Works
from tests.component.intake_desk import (
    ANNUAL,
    MOVEMENT,
    OFFICER,
    PERIOD,
    DeskRoom,
    Said,
    moment,
    participant,
)

STORM = {"reason": "Ảnh hưởng của bão.", "document": "45/UBND-VHXH"}
TO_THE_PARTICIPANT = {"reminder-due", "obligation-overdue"}
TOLD = {*TO_THE_PARTICIPANT, "obligation-escalated"}


async def one_school(room: DeskRoom, *codes: str) -> None:
    """The year's report is asked for; nothing of it is news."""
    await room.must(OFFICER, "/movements", MOVEMENT)
    roll = [participant(code) for code in codes or ("thcs-1",)]
    await room.must(OFFICER, "/participants", {"participants": roll})
    await room.must(OFFICER, "/periods", ANNUAL)
    await room.news()


async def duty_of(room: DeskRoom, code: str = "thcs-1") -> str:
    [(found,)] = await room.rows(
        f"SELECT id FROM obligation WHERE participant = '{code}' AND period = '{PERIOD}'"
    )
    return str(found)


async def order(
    room: DeskRoom, command: str, code: str = "thcs-1", by: str = OFFICER, **more: str
) -> dict[str, Any]:
    path = f"/obligations/{await duty_of(room, code)}/orders"
    return await room.must(by, path, {"command": command, **STORM, **more})


async def told_at(room: DeskRoom, when: str) -> list[tuple[str, int]]:
    """(event, days) that the clock brings when it reads `when`."""
    room.clock.time = moment(when)
    while await room.planner.turn():
        pass
    assert await room.planner.pending() == 0
    return [(f.name, days(f)) for f in await room.news() if f.name in TOLD]


def days(fact: Said) -> int:
    found: int = fact.data["days_left" if fact.name == "reminder-due" else "days_late"]
    return found


async def planned(room: DeskRoom) -> list[tuple[int, str]]:
    """(offset, day) of what is planned, in the order of time."""
    rows = await room.rows(
        "SELECT offset_days, due_at FROM reminder WHERE state = 'planned' ORDER BY due_at"
    )
    return [(offset, ward_day(at).isoformat()[5:]) for offset, at in rows]


async def has_read(_: Sequence[str]) -> bool:
    return True


def another_planner(room: DeskRoom, engine: Any) -> Any:
    """Of another process, over the same database."""
    return routines.planner(Works(engine, "intake", room.clock, room.works.system))
