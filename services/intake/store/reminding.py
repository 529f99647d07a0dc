"""Reminders that the office sent by hand, and the duties that it may want to remind of."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.desk import seen_by
from services.intake.store.tables import MOMENT, obligation, participant, period, tables
from shared.rows import insert_rows
from shared.web.identity import Person

hand_reminder = sa.Table(
    "hand_reminder",
    tables,
    sa.Column("obligation", UUID(as_uuid=True), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("ward", sa.Text, nullable=False),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("days_left", sa.Integer, nullable=False),
    sa.Column("sent_at", MOMENT, nullable=False),
    sa.Column("reminded_by", sa.Text, nullable=False),
    sa.Column("acting_for", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_hand_reminder_participant", "ward", "participant"),
)
"""Of a duty and a day (the ward's) numbered from one; rows are only added."""


def sent_on(identity: sa.ColumnElement[Any], day: date) -> sa.ScalarSelect[int]:
    """How often somebody was reminded of a duty by hand on a day."""
    return (
        sa.select(sa.func.count())
        .where(hand_reminder.c.obligation == identity, hand_reminder.c.day == day)
        .scalar_subquery()
    )


async def duties(
    connection: AsyncConnection, person: Person, ids: Iterable[uuid.UUID], today: date
) -> dict[uuid.UUID, sa.Row[Any]]:
    """Duties inside the person's scope, with the participant, and how often it was told today."""
    query = (
        sa.select(
            obligation,
            participant.c.name,
            participant.c.reporter,
            period.c.title,
            sent_on(obligation.c.id, today).label("today"),
        )
        .join(
            participant,
            sa.and_(
                participant.c.ward == obligation.c.ward,
                participant.c.participant == obligation.c.participant,
            ),
        )
        .join(
            period,
            sa.and_(period.c.ward == obligation.c.ward, period.c.period == obligation.c.period),
        )
        .where(seen_by(person), obligation.c.id.in_(sorted(set(ids))))
        .order_by(obligation.c.due, participant.c.participant)
    )
    return {row.id: row for row in await connection.execute(query)}


async def of_duty(connection: AsyncConnection, identity: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """When whom who reminded of a duty by hand, the oldest first."""
    query = (
        sa.select(hand_reminder)
        .where(hand_reminder.c.obligation == identity)
        .order_by(hand_reminder.c.sent_at)
    )
    return (await connection.execute(query)).all()


async def keep(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    await insert_rows(connection, hand_reminder, rows)
