"""The publishers that intake's tests find in its register."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from services.intake.domain.publisher import Grant, Publisher
from services.intake.store import publishers as store

WARD = "tu-minh"
ALWAYS = date(2025, 1, 1)
REGISTER = (
    Publisher("e-office", "urn:thidua:publisher:e-office", (Grant(WARD, None, ALWAYS),)),
    Publisher(
        "trial", "urn:thidua:publisher:trial", (Grant(WARD, frozenset({"tieu-hoc-1"}), ALWAYS),)
    ),
)
_WHEN = datetime(2025, 8, 1, 1, tzinfo=UTC)


async def enter_publishers(engine: AsyncEngine, *publishers: Publisher) -> None:
    """Into the register, with their grants."""
    async with engine.begin() as connection:
        for one in publishers:
            row: dict[str, Any] = {"name": one.name, "ce_source": one.source, "ward": WARD}
            who = {"document": "1/QĐ", "registered_by": "operator", "registered_at": _WHEN}
            await store.add(connection, row | who)
            for grant in one.grants:
                whom = None if grant.participants is None else sorted(grant.participants)
                row = {"publisher": one.name, "ward": grant.ward, "participants": whom}
                days = {"since": grant.since, "until": grant.until}
                who = {"document": "1/QĐ", "granted_by": "operator", "granted_at": _WHEN}
                await store.add_grant(connection, row | days | who)
