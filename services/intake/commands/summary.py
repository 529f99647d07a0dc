"""On a working morning the office is told how much waits for it, once something new does."""

from dataclasses import asdict
from datetime import datetime

from services.intake.domain.summary import last_morning, next_morning, summaries
from services.intake.store import planning
from services.intake.store import summary as store
from shared.calendar import ward_day
from shared.contracts.intake import SummaryDue
from shared.messaging import UnitOfWork


async def look(work: UnitOfWork, ward: str) -> None:
    """Tell those who judge what waited for them at the newest 07:30, once: what came or was done
    later is not counted, whenever this runs.
    """
    connection, now = work.connection, work.business.now()
    since = await store.looked_at(connection, ward)
    if since is None:
        return
    calendar = (await planning.planning_of(connection, ward)).calendar
    at = last_morning(calendar, now)
    if at > since:
        await _tell(work, ward, since, at)
    await store.put(connection, ward, max(at, since), next_morning(calendar, now))


async def _tell(work: UnitOfWork, ward: str, since: datetime, at: datetime) -> None:
    connection = work.connection
    judges = await store.judges(connection, ward, ward_day(at))
    received = await store.received(connection, ward, at)
    overdue = await store.overdue(connection, ward, at)
    found = summaries(judges, received, overdue, since)
    await work.lock(*(f"{ward}/{one.person}" for one in found))
    for one in found:
        work.publish(SummaryDue.model_validate({"ward": ward, "at": at, **asdict(one)}))
