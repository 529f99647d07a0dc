"""The issuer's queries: sessions, links, counted attempts."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.session import Session
from services.intake.domain.sign_in import Allowance
from services.intake.store.sign_in_tables import (
    attempt,
    oidc_round,
    oidc_subject,
    sign_in_link,
    sign_in_session,
)
from services.intake.store.tables import MOMENT, contact
from shared.rows import as_table

KEPT = timedelta(days=1)
"""How long links, rounds and counted attempts are kept after they are of no use."""


async def add_session(connection: AsyncConnection, session: Session, secret_hash: bytes) -> None:
    await connection.execute(
        sa.insert(sign_in_session).values(
            id=session.id,
            secret_hash=secret_hash,
            ward=session.ward,
            person=session.person,
            method=session.method,
            acting_for=session.acting_for,
            begun_at=session.begun_at,
            seen_at=session.seen_at,
        )
    )


async def session_of(connection: AsyncConnection, secret_hash: bytes) -> Session | None:
    query = sa.select(sign_in_session).where(sign_in_session.c.secret_hash == secret_hash)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Session(
        row.id,
        row.ward,
        row.person,
        row.method,
        row.begun_at,
        row.seen_at,
        row.ended_at,
        row.acting_for,
    )


async def see_session(connection: AsyncConnection, session: Session) -> None:
    """Write down when it was last seen, and for whom the person acts."""
    await connection.execute(
        sa.update(sign_in_session)
        .where(sign_in_session.c.id == session.id)
        .values(seen_at=session.seen_at, acting_for=session.acting_for)
    )


async def end_sessions(
    connection: AsyncConnection,
    ward: str,
    person: str,
    at: datetime,
    only: uuid.UUID | None = None,
) -> int:
    """End a person's sessions, or only one of them; returns how many were not ended yet."""
    statement = (
        sa.update(sign_in_session)
        .where(
            sign_in_session.c.ward == ward,
            sign_in_session.c.person == person,
            sign_in_session.c.ended_at.is_(None),
        )
        .values(ended_at=at)
    )
    if only is not None:
        statement = statement.where(sign_in_session.c.id == only)
    return (await connection.execute(statement)).rowcount


_ENDED: dict[str, sa.types.TypeEngine[Any]] = {
    "ward": sa.Text(),
    "person": sa.Text(),
    "session": sa.Text(),
    "at": MOMENT,
}


async def hear_of_ended(connection: AsyncConnection, ended: Sequence[Mapping[str, Any]]) -> None:
    """What our own topic says has ended (`ward`, `person`, `session` or "", `at`) stays ended."""
    given = as_table(ended, _ENDED)
    of_all = given.c.session == ""
    await connection.execute(
        sa.update(sign_in_session)
        .where(
            sign_in_session.c.ward == given.c.ward,
            sign_in_session.c.person == given.c.person,
            sa.or_(of_all, sa.cast(sign_in_session.c.id, sa.Text) == given.c.session),
            sign_in_session.c.begun_at < given.c.at,
            sign_in_session.c.ended_at.is_(None),
        )
        .values(ended_at=given.c.at)
    )


async def add_link(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    await connection.execute(sa.insert(sign_in_link).values(id=uuid.uuid4(), **values))


async def link_of(
    connection: AsyncConnection, secret_hash: bytes, *, to_use: bool = False
) -> sa.Row[Any] | None:
    """The link of a secret; `to_use` keeps others from it until the commit."""
    query = sa.select(sign_in_link).where(sign_in_link.c.secret_hash == secret_hash)
    if to_use:
        query = query.with_for_update()
    return (await connection.execute(query)).one_or_none()


async def asked_links(
    connection: AsyncConnection, now: datetime, limit: int
) -> Sequence[sa.Row[Any]]:
    """Links whose mail is due, the longest waiting first; nobody else sends them meanwhile."""
    query = (
        sa.select(sign_in_link)
        .where(sign_in_link.c.state == "asked", sign_in_link.c.mail_at <= now)
        .order_by(sign_in_link.c.mail_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await connection.execute(query)).all()


async def count_asked(connection: AsyncConnection, now: datetime) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(sign_in_link)
        .where(sign_in_link.c.state == "asked", sign_in_link.c.mail_at <= now)
    )
    return await connection.scalar(query) or 0


async def change_link(connection: AsyncConnection, which: uuid.UUID, **values: Any) -> None:
    await connection.execute(
        sa.update(sign_in_link).where(sign_in_link.c.id == which).values(**values)
    )


async def attempts(
    connection: AsyncConnection, whose: bytes, now: datetime, allowance: Allowance
) -> list[datetime]:
    """When an address or source was counted, inside the window."""
    query = sa.select(attempt.c.at).where(
        attempt.c.whose == whose, attempt.c.at > now - allowance.window
    )
    return list((await connection.execute(query)).scalars())


async def count_attempts(
    connection: AsyncConnection, whose: Iterable[bytes], now: datetime
) -> None:
    await connection.execute(sa.insert(attempt), [{"whose": one, "at": now} for one in whose])


async def put_round(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Begin a browser's round trip to the provider; an earlier one of its is over."""
    await take_round(connection, values["browser_hash"])
    await connection.execute(sa.insert(oidc_round).values(**values))


async def take_round(connection: AsyncConnection, browser_hash: bytes) -> sa.Row[Any] | None:
    """What a browser set out with, once."""
    statement = (
        sa.delete(oidc_round).where(oidc_round.c.browser_hash == browser_hash).returning(oidc_round)
    )
    return (await connection.execute(statement)).one_or_none()


async def person_of_subject(
    connection: AsyncConnection, issuer: str, subject: str
) -> tuple[str, str] | None:
    """(ward, person) of a subject of the provider."""
    query = sa.select(oidc_subject.c.ward, oidc_subject.c.person).where(
        oidc_subject.c.issuer == issuer, oidc_subject.c.subject == subject
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.ward, row.person)


async def bind_subject(
    connection: AsyncConnection, issuer: str, subject: str, who: tuple[str, str], at: datetime
) -> None:
    """Raises IntegrityError when the subject is somebody already."""
    ward, person = who
    await connection.execute(
        sa.insert(oidc_subject).values(
            issuer=issuer, subject=subject, ward=ward, person=person, bound_at=at
        )
    )


async def forget_person(connection: AsyncConnection, ward: str, person: str) -> None:
    """Delete all that the issuer holds of a person."""
    for table in (sign_in_session, oidc_subject):
        await connection.execute(
            sa.delete(table).where(table.c.ward == ward, table.c.person == person)
        )
    named = sign_in_link.c.people.contains([[ward, person]])
    await connection.execute(sa.delete(sign_in_link).where(named))


async def tidy(connection: AsyncConnection, now: datetime, sessions_until: datetime) -> None:
    """Delete what is of no use any more; sessions that began before `sessions_until`."""
    limit = now - KEPT
    for table, column in (
        (sign_in_link, sign_in_link.c.asked_at),
        (oidc_round, oidc_round.c.begun_at),
        (attempt, attempt.c.at),
    ):
        await connection.execute(sa.delete(table).where(column < limit))
    await connection.execute(
        sa.delete(sign_in_session).where(sign_in_session.c.begun_at < sessions_until)
    )


async def on_file(connection: AsyncConnection) -> dict[str, list[Any]]:
    """Everyone in the directory, by ward, in the order of their names."""
    query = (
        sa.select(contact.c.ward, contact.c.person, contact.c.name, contact.c.unit)
        .where(contact.c.erased_on.is_(None))
        .order_by(contact.c.ward, contact.c.name, contact.c.person)
    )
    found: dict[str, list[Any]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.ward, []).append(row)
    return found
