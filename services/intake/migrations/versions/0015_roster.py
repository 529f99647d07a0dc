"""Whoever comes back under a code that left; the word to the head for duties that were laid before
heads were told of any (0008)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from shared.calendar import morning_of, ward_day
from shared.working_days import is_national_working_day

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ESCALATED = -2
_GRACE = 3
_UNTOLD = sa.text(
    "SELECT id, ward, due, opened_at FROM obligation"
    " WHERE met_at IS NULL AND withdrawn_at IS NULL AND manner = 'owes'"
    " AND ward NOT IN (SELECT ward FROM escalation_rule)"
    " AND NOT EXISTS (SELECT FROM reminder WHERE reminder.obligation = obligation.id"
    " AND reminder.deadline = obligation.due AND offset_days = -2)"
)
_DAYS = sa.text(
    "SELECT DISTINCT ON (ward, day) ward, day, kind FROM calendar_day ORDER BY ward, day, id DESC"
)
_PLAN = sa.text(
    "INSERT INTO reminder (obligation, deadline, offset_days, due_at, state)"
    " VALUES (:obligation, :deadline, :offset_days, :due_at, 'planned')"
)


def upgrade() -> None:
    op.add_column("participant", sa.Column("rejoined_at", sa.DateTime(timezone=True)))
    _plan_words_to_heads(op.get_bind())


def _plan_words_to_heads(connection: sa.Connection) -> None:
    """A ward that has set a grace of its own has planned all that is open by it since."""
    days = {
        (row.ward, row.day): row.kind == "working"
        for row in connection.execute(_DAYS)
        if row.kind != "usual"
    }
    rows = []
    for duty in connection.execute(_UNTOLD).all():
        own = {day: worked for (ward, day), worked in days.items() if ward == duty.ward}
        at = _told_at(duty.due, own)
        if at > duty.opened_at:
            told = {"obligation": duty.id, "deadline": duty.due, "due_at": at}
            rows.append({**told, "offset_days": _ESCALATED})
    if rows:
        connection.execute(_PLAN, rows)


def _told_at(due: datetime, own: Mapping[date, bool]) -> datetime:
    """The morning of the working day after the grace."""
    day, left = ward_day(due), _GRACE + 1
    while left:
        day += timedelta(days=1)
        left -= own.get(day, is_national_working_day(day))
    return morning_of(day)


def downgrade() -> None:
    raise NotImplementedError("the record only grows; restore a backup instead")
