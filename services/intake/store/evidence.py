"""Queries about files of evidence."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.evidence import Filed
from services.intake.store.desk import Key, seen_by
from services.intake.store.draft_tables import draft, paper
from services.intake.store.evidence_tables import evidence
from services.intake.store.tables import participant, period, plan, report
from shared.web.identity import Person

_HERE = evidence.c.removed_at.is_(None)


def _of_its_file(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        *(table.c[name] == evidence.c[name] for name in ("ward", "participant", "period"))
    )


def _named_in(text: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a JSON document names the file anywhere, in small letters or capitals."""
    return sa.func.strpos(sa.func.lower(text.cast(sa.Text)), evidence.c.id.cast(sa.Text)) > 0


SENT = sa.or_(
    sa.exists().where(_of_its_file(report), _named_in(report.c.body)),
    sa.exists().where(paper.c.ward == evidence.c.ward, paper.c.scan == evidence.c.id),
    sa.exists().where(_of_its_file(plan), _named_in(plan.c.evidence)),
)
"""A report that was sent names it, or it is the scan of one that came on paper, or of a plan."""
_DRAFTED = sa.exists().where(_of_its_file(draft), _named_in(draft.c.fields))

_OF_ITS_PARTICIPANT = sa.and_(
    participant.c.ward == evidence.c.ward, participant.c.participant == evidence.c.participant
)


async def find(
    connection: AsyncConnection, person: Person, identity: uuid.UUID
) -> sa.Row[Any] | None:
    """A file that is here, inside the person's scope: as it was entered, whose it is
    (`proposed_by`, `reporter`), and whether a report that was sent names it (`sent`).
    """
    query = (
        sa.select(
            evidence,
            participant.c.proposed_by,
            participant.c.reporter,
            SENT.label("sent"),
        )
        .join(participant, _OF_ITS_PARTICIPANT)
        .where(seen_by(person), evidence.c.id == identity, _HERE)
    )
    return (await connection.execute(query)).one_or_none()


async def of_file(
    connection: AsyncConnection,
    person: Person,
    key: Key,
    after: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 0,
) -> Sequence[Any]:
    """The files of a participant for a period, in the order of upload; see `find`. From `after`
    on, `limit` rows (0: all of them).
    """
    query = (
        sa.select(evidence, SENT.label("sent"))
        .join(participant, _OF_ITS_PARTICIPANT)
        .where(
            seen_by(person),
            evidence.c.ward == person.ward,
            evidence.c.participant == key[0],
            evidence.c.period == key[1],
            _HERE,
        )
        .order_by(evidence.c.uploaded_at, evidence.c.id)
        .limit(limit or None)
    )
    if after is not None:
        here = sa.tuple_(evidence.c.uploaded_at, evidence.c.id)
        query = query.where(here > sa.tuple_(sa.literal(after[0]), sa.literal(after[1])))
    return (await connection.execute(query)).all()


async def held(connection: AsyncConnection, ward: str, key: Key) -> dict[str, sa.Row[Any]]:
    """The files of a participant for a period that are here, by digest."""
    query = sa.select(evidence).where(
        evidence.c.ward == ward,
        evidence.c.participant == key[0],
        evidence.c.period == key[1],
        _HERE,
    )
    return {row.sha256: row for row in await connection.execute(query)}


async def filed(
    connection: AsyncConnection, ward: str, files: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Filed]:
    """Of these files, those that are here; nothing is asked where none is named."""
    wanted = sorted(set(files))
    if not wanted:
        return {}
    query = sa.select(evidence).where(evidence.c.ward == ward, evidence.c.id.in_(wanted), _HERE)
    rows = await connection.execute(query)
    return {row.id: Filed(row.participant, row.period, row.sha256) for row in rows}


async def here(connection: AsyncConnection, files: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Of these files of any ward, those that have a row and were not removed."""
    query = sa.select(evidence.c.id).where(evidence.c.id.in_(sorted(set(files))), _HERE)
    return set(await connection.scalars(query))


async def mark_removed(
    connection: AsyncConnection, files: Iterable[uuid.UUID], at: datetime, by: str = ""
) -> None:
    await connection.execute(
        sa.update(evidence)
        .where(evidence.c.id.in_(sorted(files)), _HERE)
        .values(removed_at=at, removed_by=by)
    )


async def unused_since(
    connection: AsyncConnection, long_ago: datetime, limit: int
) -> Sequence[Any]:
    """Files uploaded before then whose period's deadline was before then as well, and that no
    report or draft names, the oldest first.
    """
    query = (
        sa.select(evidence)
        .outerjoin(
            period, sa.and_(period.c.ward == evidence.c.ward, period.c.period == evidence.c.period)
        )
        .where(
            _HERE,
            evidence.c.uploaded_at < long_ago,
            sa.or_(period.c.due.is_(None), period.c.due < long_ago),
            sa.not_(SENT),
            sa.not_(_DRAFTED),
        )
        .order_by(evidence.c.uploaded_at, evidence.c.id)
        .limit(limit)
    )
    return (await connection.execute(query)).all()
