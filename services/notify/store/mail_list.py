"""Mails as somebody may look at them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.store.mails import of_participant, of_period
from services.notify.store.tables import mail, notice, participant, period
from shared.roles import Role
from shared.web.identity import Person
from shared.web.paging import keyset

KEEPERS: tuple[Role, ...] = ("officer", "operator", "auditor")
"""Roles that see every mail; all others see those to themselves."""


def seen_by(person: Person) -> sa.ColumnElement[bool]:
    """The row scope of mails: those to oneself, all of the ward's for those who look after them."""
    of_ward = notice.c.ward == person.ward
    return of_ward if person.has(*KEEPERS) else sa.and_(of_ward, mail.c.person == person.id)


async def counts(connection: AsyncConnection, person: Person) -> dict[str, Any]:
    """Mails that somebody may see: {"total", "by_status": {status: n}, "by_kind": {kind: …}}."""
    query = (
        sa.select(notice.c.kind, mail.c.status, sa.func.count())
        .join(mail, mail.c.id == notice.c.id)
        .where(seen_by(person))
        .group_by(notice.c.kind, mail.c.status)
        .order_by(notice.c.kind, mail.c.status)
    )
    statuses: dict[str, int] = {}
    kinds: dict[str, dict[str, int]] = {}
    for kind, status, count in await connection.execute(query):
        statuses[status] = statuses.get(status, 0) + count
        kinds.setdefault(kind, {})[status] = count
    return {"total": sum(statuses.values()), "by_status": statuses, "by_kind": kinds}


async def listed(
    connection: AsyncConnection,
    person: Person,
    *,
    status: str | None = None,
    kind: str | None = None,
    after: tuple[int, ...] | None = None,
    limit: int,
) -> Sequence[Any]:
    """Mails that somebody may see, the newest first, behind the place (`seq`) of a page before."""
    query = (
        sa.select(
            *(mail.c[name] for name in ("id", "seq", "status", "person", "attempts", "reason")),
            mail.c.sent_at,
            *(notice.c[name] for name in ("kind", "participant", "period", "taken_at")),
            sa.func.coalesce(participant.c.name, notice.c.participant).label("name"),
            sa.func.coalesce(period.c.title, notice.c.period).label("period_title"),
        )
        .join(notice, notice.c.id == mail.c.id)
        .outerjoin(participant, of_participant)
        .outerjoin(period, of_period)
        .where(seen_by(person))
    )
    for column, wanted in ((mail.c.status, status), (notice.c.kind, kind)):
        if wanted is not None:
            query = query.where(column == wanted)
    query = keyset(query, (mail.c.seq,), after, descending=True).limit(limit)
    return (await connection.execute(query)).all()
