"""One participant's file for a period: what is owed, what was sent, what became of it."""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.desk import DUE, Key, seen_by
from services.intake.store.draft_tables import OUTCOME, reopening
from services.intake.store.tables import (
    judgement,
    obligation,
    participant,
    period,
    plan,
    reminder,
    report,
)
from shared.web.identity import Person

_SAME_VERSION = sa.and_(
    *(report.c[name] == judgement.c[name] for name in ("ward", "participant", "period", "revision"))
)

_REOPENED = sa.and_(
    *(report.c[name] == reopening.c[name] for name in ("ward", "participant", "period", "revision"))
)

_WHOSE: list[sa.ColumnElement[Any]] = [
    *(column for column in participant.c if column.name != "manner"),
    sa.func.coalesce(obligation.c.manner, participant.c.manner).label("manner"),
]
"""The participant; the manner is that of the duty, where one was laid."""


async def of_duty(
    connection: AsyncConnection, person: Person, identity: uuid.UUID
) -> sa.Row[Any] | None:
    """The file that a duty is about, inside the person's scope; see `of_period`."""
    return await _file(connection, person, obligation.c.id == identity)


async def of_period(connection: AsyncConnection, person: Person, key: Key) -> sa.Row[Any] | None:
    """A participant's file for a period, inside the person's scope: participant, period, the duty
    (None where none was laid), the plan, and the newest revision with what became of it.
    """
    code, period_code = key
    return await _file(
        connection, person, participant.c.participant == code, period.c.period == period_code
    )


async def _file(
    connection: AsyncConnection, person: Person, *which: sa.ColumnElement[bool]
) -> sa.Row[Any] | None:
    newest = (
        sa.select(report.c.revision, OUTCOME.label("outcome"))
        .outerjoin(judgement, _SAME_VERSION)
        .outerjoin(reopening, _REOPENED)
        .where(
            report.c.ward == participant.c.ward,
            report.c.participant == participant.c.participant,
            report.c.period == period.c.period,
        )
        .order_by(report.c.revision.desc())
        .limit(1)
        .lateral("newest")
    )
    query = (
        sa.select(*_WHOSE)
        .add_columns(
            period.c.period,
            period.c.kind.label("duty_kind"),
            period.c.title,
            period.c.movement,
            period.c.form,
            sa.func.coalesce(obligation.c.due_text, period.c.due_text).label("due_text"),
            period.c.due.label("period_due"),
            obligation.c.id.label("obligation"),
            DUE,
            obligation.c.opened_at,
            plan.c.number.label("plan_number"),
            plan.c.issued_on.label("plan_issued_on"),
            plan.c.on_time.label("plan_on_time"),
            plan.c.evidence.label("plan_evidence"),
            plan.c.recorded_at.label("plan_recorded_at"),
            plan.c.recorded_by.label("plan_recorded_by"),
            plan.c.acting_for.label("plan_acting_for"),
            newest.c.revision,
            newest.c.outcome,
        )
        .join(period, period.c.ward == participant.c.ward)
        .outerjoin(obligation, _of_file(obligation))
        .outerjoin(plan, _of_file(plan))
        .outerjoin(newest, sa.true())
        .where(seen_by(person), *which)
    )
    return (await connection.execute(query)).one_or_none()


def _of_file(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.ward == participant.c.ward,
        table.c.participant == participant.c.participant,
        table.c.period == period.c.period,
    )


async def sent_reminders(connection: AsyncConnection, identity: uuid.UUID) -> Sequence[Any]:
    """When (due_at) what was told of a duty (offset_days), the oldest first."""
    query = (
        sa.select(reminder.c.offset_days, reminder.c.due_at)
        .where(reminder.c.obligation == identity, reminder.c.state == "sent")
        .order_by(reminder.c.due_at)
    )
    return (await connection.execute(query)).all()


async def versions(connection: AsyncConnection, ward: str, key: Key) -> Sequence[Any]:
    """All versions of a report without their bodies, with what became of each, oldest first."""
    query = (
        sa.select(
            *(column for column in report.c if column.name != "body"),
            judgement.c.outcome,
            judgement.c.reasons,
            judgement.c.correct_by,
            judgement.c.judged_at,
            judgement.c.judged_by,
            judgement.c.acting_for.label("judged_for"),
            reopening.c.reasons.label("reopened_for"),
            reopening.c.correct_by.label("reopened_until"),
            reopening.c.reopened_at,
            reopening.c.reopened_by,
            reopening.c.acting_for.label("reopened_acting_for"),
        )
        .outerjoin(judgement, _SAME_VERSION)
        .outerjoin(reopening, _REOPENED)
        .where(report.c.ward == ward, report.c.participant == key[0], report.c.period == key[1])
        .order_by(report.c.revision)
    )
    return (await connection.execute(query)).all()
