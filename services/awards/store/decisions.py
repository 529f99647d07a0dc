"""Decisions, the awards in them, and their printed certificates."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.store.scopes import dossiers_seen_by
from services.awards.store.tables import award, decision, document, dossier
from shared.rows import insert_rows
from shared.web.identity import Person

Values = dict[str, Any]


async def find(connection: AsyncConnection, ward: str, session: str) -> sa.Row[Any] | None:
    """The decision on a session's dossiers."""
    query = sa.select(decision).where(decision.c.ward == ward, decision.c.session == session)
    return (await connection.execute(query)).one_or_none()


async def with_number(
    connection: AsyncConnection, ward: str, year: int, slug: str
) -> sa.Row[Any] | None:
    query = sa.select(decision).where(
        decision.c.ward == ward, decision.c.year == year, decision.c.slug == slug
    )
    return (await connection.execute(query)).one_or_none()


async def add(connection: AsyncConnection, values: Values, dossiers: Sequence[str]) -> None:
    """Enter a decision; the dossiers get the ordinals 1, 2, 3 …"""
    await connection.execute(sa.insert(decision).values(values))
    key = {"ward": values["ward"], "session": values["session"]}
    rows = [{**key, "dossier": d, "ordinal": n} for n, d in enumerate(dossiers, 1)]
    await insert_rows(connection, award, rows)


async def ordinals_of(connection: AsyncConnection, ward: str, session: str) -> dict[str, int]:
    query = (
        sa.select(award.c.dossier, award.c.ordinal)
        .where(award.c.ward == ward, award.c.session == session)
        .order_by(award.c.ordinal)
    )
    return {row.dossier: row.ordinal for row in await connection.execute(query)}


def _newest() -> sa.Subquery:
    return (
        sa.select(document)
        .ext(distinct_on(document.c.ward, document.c.dossier))
        .order_by(document.c.ward, document.c.dossier, document.c.edition.desc())
        .subquery("newest")
    )


async def awards_to_print(
    connection: AsyncConnection, *, unprinted_only: bool, limit: int | None = None
) -> Sequence[sa.Row[Any]]:
    """Awards with all that a certificate says, and their newest document, if any."""
    newest = _newest()
    joined = (
        award.join(
            decision,
            sa.and_(decision.c.ward == award.c.ward, decision.c.session == award.c.session),
        )
        .join(
            dossier, sa.and_(dossier.c.ward == award.c.ward, dossier.c.dossier == award.c.dossier)
        )
        .outerjoin(
            newest, sa.and_(newest.c.ward == award.c.ward, newest.c.dossier == award.c.dossier)
        )
    )
    query = (
        sa.select(
            award.c.ordinal,
            decision.c.number,
            decision.c.slug,
            decision.c.year,
            decision.c.decided_on,
            decision.c.signer_lines,
            dossier,
            newest.c.edition,
            newest.c.path,
            newest.c.sha256,
        )
        .select_from(joined)
        .order_by(award.c.ward, decision.c.year, decision.c.slug, award.c.ordinal)
        .limit(limit)
    )
    if unprinted_only:
        query = query.where(newest.c.edition.is_(None))
    return (await connection.execute(query)).all()


async def count_unprinted(connection: AsyncConnection) -> int:
    printed = sa.exists().where(
        document.c.ward == award.c.ward, document.c.dossier == award.c.dossier
    )
    query = sa.select(sa.func.count()).select_from(award).where(~printed)
    return await connection.scalar(query) or 0


async def add_document(connection: AsyncConnection, values: Values) -> None:
    await connection.execute(sa.insert(document).values(values))


async def find_document(
    connection: AsyncConnection, person: Person, name: str
) -> sa.Row[Any] | None:
    """The newest document of a dossier; None also where it is not for this person to see."""
    newest = _newest()
    query = (
        sa.select(newest)
        .select_from(
            newest.join(
                dossier,
                sa.and_(dossier.c.ward == newest.c.ward, dossier.c.dossier == newest.c.dossier),
            )
        )
        .where(dossiers_seen_by(person), newest.c.dossier == name)
    )
    return (await connection.execute(query)).one_or_none()
