"""What is planned for duties: reminders, changes of a duty's date, the ward's working days."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import Before
from services.intake.domain.rule import offsets_in
from services.intake.domain.workday import ESCALATION_GRACE, DayKind, Planning, WorkCalendar
from services.intake.store.desk import IS_OPEN, movements, periods, seen_by
from services.intake.store.tables import (
    MOMENT,
    calendar_day,
    contact,
    escalation_rule,
    obligation,
    obligation_change,
    participant,
    period,
    reminder,
    role_held,
)
from shared.calendar import WARD_ZONE
from shared.rows import as_table
from shared.web.identity import Person

# --- what comes due ---

_DUE = sa.and_(reminder.c.state == "planned", reminder.c.due_at <= sa.bindparam("now"))


_FIRST_DUE = (
    sa.select(reminder.c.obligation)
    .where(_DUE)
    .order_by(reminder.c.due_at)
    .limit(sa.bindparam("most", type_=sa.Integer()))
    .cte("first")
)
_TO_REMIND = (
    sa.select(obligation.c.id, obligation.c.ward, obligation.c.participant)
    .where(obligation.c.id.in_(sa.select(_FIRST_DUE.c.obligation)))
    .order_by(obligation.c.id)
)


async def duties_to_remind(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Any]:
    """Obligations (id, ward, participant) of the `limit` reminders that came due first.

    Only those are read, however many came due: of a whole country's they are a million.
    """
    return (await connection.execute(_TO_REMIND, {"now": now, "most": limit})).all()


_DUE_OF = (
    sa.select(obligation, reminder.c.deadline, reminder.c.offset_days, reminder.c.due_at)
    .join(reminder, reminder.c.obligation == obligation.c.id)
    .where(_DUE, obligation.c.id == sa.bindparam("which", type_=ARRAY(UUID(as_uuid=True))).any_())
    .order_by(reminder.c.due_at, obligation.c.id)
)


async def due_reminders(
    connection: AsyncConnection, now: datetime, obligations: Iterable[uuid.UUID]
) -> Sequence[sa.Row[Any]]:
    """All reminders of these obligations that came due, with the obligation, oldest first."""
    given = {"now": now, "which": sorted(obligations)}
    return (await connection.execute(_DUE_OF, given)).all()


async def count_due(connection: AsyncConnection, now: datetime) -> int:
    query = sa.select(sa.func.count()).select_from(reminder).where(_DUE)
    return await connection.scalar(query, {"now": now}) or 0


_SETTLED = {
    "which": obligation.c.id.type,
    "deadline": MOMENT,
    "offset": sa.Integer(),
    "became": sa.Text(),
}


async def settle_reminders(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record what became of reminders (`which`, `deadline`, `offset`, `became`)."""
    if not rows:
        return
    given = as_table(rows, _SETTLED)
    await connection.execute(
        sa.update(reminder)
        .where(
            reminder.c.obligation == given.c.which,
            reminder.c.deadline == given.c.deadline,
            reminder.c.offset_days == given.c.offset,
            reminder.c.state == "planned",
        )
        .values(state=given.c.became)
    )


_HEARD = sa.text(
    "UPDATE reminder SET state = CASE"
    " WHEN reminder.offset_days = told.offset_days THEN 'sent' ELSE 'superseded' END"
    " FROM unnest(:obligations, :deadlines, :offsets) AS said(obligation, deadline, offset_days)"
    " JOIN reminder AS told USING (obligation, deadline, offset_days)"
    " WHERE reminder.obligation = told.obligation AND reminder.deadline = told.deadline"
    " AND (reminder.offset_days = -2) = (told.offset_days = -2)"
    " AND reminder.due_at <= told.due_at AND reminder.state = 'planned'"
).bindparams(
    sa.bindparam("obligations", type_=ARRAY(UUID(as_uuid=True))),
    sa.bindparam("deadlines", type_=ARRAY(MOMENT)),
    sa.bindparam("offsets", type_=ARRAY(sa.Integer)),
)


async def hear_of_reminders(
    connection: AsyncConnection, said: Iterable[tuple[uuid.UUID, datetime, int]]
) -> None:
    """What our own topic says was sent (obligation, deadline, offset) is not sent again, nor what
    it superseded: the word to the head (offset -2) supersedes nothing, and nothing it.
    """
    given = list(said)
    if not given:
        return
    obligations, deadlines, offsets = (list(column) for column in zip(*given, strict=True))
    await connection.execute(
        _HEARD, {"obligations": obligations, "deadlines": deadlines, "offsets": offsets}
    )


async def heads_of(
    connection: AsyncConnection, on: date, units: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[str]]:
    """Who heads each (ward, unit) on a day, by id; people who were erased head nothing."""
    rows = [{"ward": ward, "unit": unit} for ward, unit in sorted(set(units))]
    asked = as_table(rows, {"ward": sa.Text(), "unit": sa.Text()})
    query = (
        sa.select(role_held.c.ward, role_held.c.scope_of, role_held.c.person)
        .join(
            asked,
            sa.and_(role_held.c.ward == asked.c.ward, role_held.c.scope_of == asked.c.unit),
        )
        .join(
            contact,
            sa.and_(contact.c.ward == role_held.c.ward, contact.c.person == role_held.c.person),
        )
        .where(
            role_held.c.role == "head",
            role_held.c.since <= on,
            sa.or_(role_held.c.until.is_(None), role_held.c.until >= on),
            sa.or_(role_held.c.ended_on.is_(None), role_held.c.ended_on > on),
            contact.c.erased_on.is_(None),
        )
        .distinct()
        .order_by(role_held.c.person)
    )
    found: dict[tuple[str, str], list[str]] = {}
    for row in await connection.execute(query):
        found.setdefault((row.ward, row.scope_of), []).append(row.person)
    return found


# --- what is planned ---


async def planning_of(connection: AsyncConnection, ward: str) -> Planning:
    """The ward's working days and its grace, as they are to be planned by."""
    exceptions = {
        row.day: row.kind == "working"
        for row in await set_days(connection, ward)
        if row.kind != "usual"
    }
    rule = await newest_grace(connection, ward)
    return Planning(WorkCalendar(exceptions), ESCALATION_GRACE if rule is None else rule.grace)


async def set_days(
    connection: AsyncConnection, ward: str, since: date = date.min
) -> Sequence[sa.Row[Any]]:
    """What holds of each day that the ward has ever set, from a day on, in their order."""
    query = (
        sa.select(calendar_day)
        .where(calendar_day.c.ward == ward, calendar_day.c.day >= since)
        .ext(distinct_on(calendar_day.c.day))
        .order_by(calendar_day.c.day, calendar_day.c.id.desc())
    )
    return (await connection.execute(query)).all()


async def kind_of_day(connection: AsyncConnection, ward: str, day: date) -> DayKind:
    query = (
        sa.select(calendar_day.c.kind)
        .where(calendar_day.c.ward == ward, calendar_day.c.day == day)
        .order_by(calendar_day.c.id.desc())
        .limit(1)
    )
    kind: DayKind | None = await connection.scalar(query)
    return kind or "usual"


async def newest_grace(connection: AsyncConnection, ward: str) -> sa.Row[Any] | None:
    query = (
        sa.select(escalation_rule)
        .where(escalation_rule.c.ward == ward)
        .order_by(escalation_rule.c.id.desc())
        .limit(1)
    )
    return (await connection.execute(query)).one_or_none()


async def offsets_by_period(connection: AsyncConnection, ward: str) -> dict[str, Sequence[int]]:
    """Days before a deadline, of each open period by the movement that is in force."""
    rules = await movements(connection, ward)
    found = await periods(connection, ward)
    return {
        code: offsets_in(rules[row.movement], row.rule)
        for code, row in found.items()
        if row.movement in rules
    }


async def open_duties(connection: AsyncConnection, ward: str) -> Sequence[sa.Row[Any]]:
    """All duties of a ward that are still asked for."""
    query = sa.select(obligation).where(obligation.c.ward == ward, IS_OPEN)
    return (await connection.execute(query.order_by(obligation.c.id))).all()


async def duty(connection: AsyncConnection, ward: str, which: uuid.UUID) -> sa.Row[Any] | None:
    query = sa.select(obligation).where(obligation.c.ward == ward, obligation.c.id == which)
    return (await connection.execute(query)).one_or_none()


async def due_of(
    connection: AsyncConnection, ward: str, code: str, period_code: str, kind: str
) -> datetime | None:
    """The deadline of a participant's own duty, whatever became of it."""
    due: datetime | None = await connection.scalar(
        sa.select(obligation.c.due).where(
            obligation.c.ward == ward,
            obligation.c.participant == code,
            obligation.c.period == period_code,
            obligation.c.kind == kind,
        )
    )
    return due


async def cancel_reminders(connection: AsyncConnection, obligations: Iterable[uuid.UUID]) -> None:
    """What was planned for these obligations is not sent."""
    await connection.execute(
        sa.update(reminder)
        .where(reminder.c.obligation.in_(sorted(obligations)), reminder.c.state == "planned")
        .values(state="cancelled")
    )


async def planned_before(
    connection: AsyncConnection, obligations: Iterable[uuid.UUID], now: datetime
) -> dict[uuid.UUID, Before]:
    """What was planned for the deadlines that hold, and what of it was said, by obligation."""
    ahead = sa.and_(reminder.c.state == "planned", reminder.c.due_at > now)
    query = (
        sa.select(*(reminder.c[name] for name in ("obligation", "offset_days", "due_at", "state")))
        .join(obligation, obligation.c.id == reminder.c.obligation)
        .where(
            obligation.c.id.in_(sorted(obligations)),
            reminder.c.deadline == obligation.c.due,
            reminder.c.offset_days >= 0,
            sa.or_(ahead, reminder.c.state == "sent"),
        )
    )
    found: dict[uuid.UUID, list[Any]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.obligation, []).append(row)
    return {
        which: Before(
            frozenset(row.offset_days for row in rows if row.state == "planned"),
            frozenset(row.due_at.astimezone(WARD_ZONE) for row in rows if row.state == "sent"),
        )
        for which, rows in found.items()
    }


async def cancel_for_another_plan(
    connection: AsyncConnection, obligations: Iterable[uuid.UUID], now: datetime
) -> None:
    """What was planned for these is planned again; what came due before the deadline that still
    holds, and was not said yet, stays.
    """
    came_due = sa.and_(
        reminder.c.due_at <= now,
        reminder.c.deadline == obligation.c.due,
        reminder.c.offset_days >= 0,
    )
    await connection.execute(
        sa.update(reminder)
        .where(
            reminder.c.obligation == obligation.c.id,
            obligation.c.id.in_(sorted(obligations)),
            reminder.c.state == "planned",
            sa.not_(came_due),
        )
        .values(state="cancelled")
    )


async def put_reminders(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Plan reminders (all columns of `reminder`); those that went out stay as they are."""
    if not rows:
        return
    names = ("obligation", "deadline", "offset_days", "due_at", "state")
    given = as_table(rows, {name: reminder.c[name].type for name in names})
    statement = insert(reminder).from_select(names, sa.select(*(given.c[n] for n in names)))
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["obligation", "deadline", "offset_days"],
            set_={"due_at": statement.excluded.due_at, "state": statement.excluded.state},
            where=reminder.c.state.in_(("planned", "cancelled")),
        )
    )


async def change_duty(connection: AsyncConnection, which: uuid.UUID, **values: Any) -> None:
    await connection.execute(sa.update(obligation).where(obligation.c.id == which).values(**values))


# --- what is shown ---


async def shown_duty(
    connection: AsyncConnection, person: Person, which: uuid.UUID
) -> sa.Row[Any] | None:
    """A duty inside the person's scope, with its participant, and its period's title and form."""
    query = (
        sa.select(obligation, participant.c.name, participant.c.proposed_by)
        .add_columns(period.c.title, period.c.form)
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
        .where(obligation.c.id == which, seen_by(person))
    )
    return (await connection.execute(query)).one_or_none()


async def changes_of(connection: AsyncConnection, which: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """What was ordered for a duty, the oldest first."""
    query = sa.select(obligation_change).where(obligation_change.c.obligation == which)
    return (await connection.execute(query.order_by(obligation_change.c.id))).all()


async def reminders_of(connection: AsyncConnection, which: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """All that was ever planned for a duty, in the order of time."""
    query = sa.select(reminder).where(reminder.c.obligation == which)
    return (await connection.execute(query.order_by(reminder.c.due_at, reminder.c.deadline))).all()
