"""What the directory of people holds, read for tests."""

from datetime import date

from services.intake.domain.directory import Holdings
from services.intake.store import people as store
from tests.component.directory_room import Directory

TODAY = date(2025, 8, 1)


async def held(room: Directory, person: str, on: date = TODAY) -> Holdings:
    async with room.room.works.read() as connection:
        return await store.holdings(connection, room.ward, person, on)


async def acts(room: Directory) -> list[tuple[str, str, str]]:
    rows = await room.room.rows("SELECT name, subject, actor FROM act ORDER BY seq")
    return [(name, subject, actor) for name, subject, actor in rows]
