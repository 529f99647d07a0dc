"""Drafts, what was sent back or opened again, and reports on paper."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import Lateness, Return
from services.intake.domain.difference import SentBack
from services.intake.domain.report import ReportState
from services.intake.store.desk import JUDGED, Key
from services.intake.store.draft_tables import draft, paper, reopening
from services.intake.store.tables import judgement, participant, report

_VERSION = ("ward", "participant", "period", "revision")
_REOPENED = sa.and_(*(report.c[name] == reopening.c[name] for name in _VERSION))
_REASONS = sa.func.coalesce(reopening.c.reasons, judgement.c.reasons)
_UNTIL = sa.func.coalesce(reopening.c.correct_by, judgement.c.correct_by)


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a correction rests on: a report's state, and the version that it corrects."""

    state: ReportState
    sent_back: SentBack | None


async def recall(
    connection: AsyncConnection, ward: str, states: Mapping[Key, ReportState]
) -> dict[Key, Recalled]:
    """Complete the states of reports of which a version was sent back or accepted: whether it was
    opened again, and which version is to be corrected. The others cost nothing.
    """
    keys = [key for key, state in states.items() if state.returned or state.accepted]
    if not keys:
        return {key: Recalled(state, None) for key, state in states.items()}
    query = (
        sa.select(
            report.c.participant,
            report.c.period,
            report.c.revision,
            report.c.body,
            report.c.late,
            report.c.days_late,
            _REASONS.label("reasons"),
            _UNTIL.label("correct_by"),
        )
        .outerjoin(judgement, JUDGED)
        .outerjoin(reopening, _REOPENED)
        .where(
            report.c.ward == ward,
            sa.tuple_(report.c.participant, report.c.period).in_(sorted(keys)),
            sa.or_(judgement.c.outcome == "returned", reopening.c.revision.is_not(None)),
        )
        .ext(distinct_on(report.c.participant, report.c.period))
        .order_by(report.c.participant, report.c.period, report.c.revision.desc())
    )
    found = {(row.participant, row.period): row for row in await connection.execute(query)}
    return {key: _recalled(state, found.get(key)) for key, state in states.items()}


def _recalled(state: ReportState, row: Any) -> Recalled:
    if row is None:
        return Recalled(state, None)
    known = replace(
        state,
        returned=Return(row.correct_by, Lateness(row.late, row.days_late)),
        sent_back=row.revision,
    )
    if state.state == "accepted":
        if row.revision != state.revision:
            return Recalled(known, None)
        known = replace(known, state="reopened")
    pointers = tuple(reason["pointer"] for reason in row.reasons)
    texts = tuple(reason["text"] for reason in row.reasons)
    return Recalled(known, SentBack(row.revision, row.body, pointers, texts))


async def reopening_of(
    connection: AsyncConnection, ward: str, key: Key, revision: int
) -> sa.Row[Any] | None:
    """How an accepted version was opened again."""
    return await _of_version(connection, reopening, ward, key, revision)


async def paper_of(
    connection: AsyncConnection, ward: str, key: Key, revision: int
) -> sa.Row[Any] | None:
    """The document from which the office entered a version."""
    return await _of_version(connection, paper, ward, key, revision)


async def _of_version(
    connection: AsyncConnection, table: sa.Table, ward: str, key: Key, revision: int
) -> sa.Row[Any] | None:
    query = sa.select(table).where(
        table.c.ward == ward,
        table.c.participant == key[0],
        table.c.period == key[1],
        table.c.revision == revision,
    )
    return (await connection.execute(query)).one_or_none()


async def reopenings(connection: AsyncConnection, ward: str, key: Key) -> dict[int, sa.Row[Any]]:
    """How versions of a report were opened again, by revision."""
    query = sa.select(reopening).where(
        reopening.c.ward == ward, reopening.c.participant == key[0], reopening.c.period == key[1]
    )
    return {row.revision: row for row in await connection.execute(query)}


async def find_draft(
    connection: AsyncConnection, ward: str, key: Key, side: str
) -> sa.Row[Any] | None:
    query = sa.select(draft).where(*_draft(ward, key, side))
    return (await connection.execute(query)).one_or_none()


async def put_draft(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Write a draft down as it is now; who began it when stays."""
    keys = {column.name for column in draft.primary_key}
    statement = insert(draft).values(**row)
    others = {name: statement.excluded[name] for name in row if name not in {*keys, "begun_at"}}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=sorted(keys), set_=others)
    )


async def drop_draft(connection: AsyncConnection, ward: str, key: Key, side: str) -> None:
    await connection.execute(sa.delete(draft).where(*_draft(ward, key, side)))


def _draft(ward: str, key: Key, side: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        draft.c.ward == ward,
        draft.c.participant == key[0],
        draft.c.period == key[1],
        draft.c.side == side,
    )


async def set_head_approves(
    connection: AsyncConnection,
    ward: str,
    code: str,
    approves: bool,
) -> None:
    c = participant.c
    await connection.execute(
        sa.update(participant)
        .where(c.ward == ward, c.participant == code)
        .values(head_approves=approves)
    )
