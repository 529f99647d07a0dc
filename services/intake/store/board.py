"""The board of a year: every participant whom somebody may see, and each of the year's duties."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import ESCALATED
from services.intake.domain.obligation import IS_OVERDUE, IS_REMINDED
from services.intake.domain.year import WAITING, CellState, Wanted
from services.intake.store.desk import seen_by
from services.intake.store.draft_tables import reopening
from services.intake.store.reminding import sent_on
from services.intake.store.tables import (
    MOMENT,
    judgement,
    obligation,
    participant,
    period,
    plan,
    reminder,
    report,
)
from shared.calendar import WARD_ZONE
from shared.folding import fold, folded, in_order
from shared.web.identity import Person
from shared.web.paging import keyset

_LAST = 2**53
"""The place of what has none."""
Place = tuple[int, str, str]
"""Of a row in its list: a number, letters, the participant's code."""


async def years(connection: AsyncConnection, ward: str) -> list[int]:
    """Years with a period, the newest first."""
    query = sa.select(period.c.year).where(period.c.ward == ward).distinct()
    return sorted(await connection.scalars(query), reverse=True)


async def periods(connection: AsyncConnection, ward: str, year: int) -> Sequence[Any]:
    """A year's periods, in the order of their dates: the columns of its board."""
    query = (
        sa.select(period)
        .where(period.c.ward == ward, period.c.year == year)
        .order_by(period.c.due, period.c.period)
    )
    return (await connection.execute(query)).all()


async def rows(
    connection: AsyncConnection,
    person: Person,
    wanted: Wanted,
    now: datetime,
    today: date,
    *,
    after: Place | None = None,
    limit: int = 0,
) -> Sequence[Any]:
    """Cells, row by row from `after` on: `limit` participants (0: all of them), each with all the
    year's duties in the order of its periods.
    """
    shown = _page(person, wanted, now, after, limit).cte("shown")
    cell = _cells(shown, wanted, now)
    query = (
        sa.select(shown, *cell.c, sent_on(cell.c.obligation, today).label("today"))
        .join(cell, sa.true())
        .order_by(*(shown.c[name] for name in _PLACE), cell.c.period_due, cell.c.period)
    )
    return (await connection.execute(query)).all()


_PLACE = ("number", "letters", "participant")


def place_of(row: Any) -> Place:
    """Where to go on behind a row."""
    return row.number, row.letters, row.participant


def _page(
    person: Person, wanted: Wanted, now: datetime, after: Place | None, limit: int
) -> sa.Select[Any]:
    place = _places(wanted, now)
    names = ("ward", "participant", "name", "kind", "block", "manner", "proposed_by")
    query = sa.select(
        *(participant.c[name] for name in names if name != "kind"),
        participant.c.kind.label("kind_of"),
        place[0].label("number"),
        place[1].label("letters"),
    ).where(seen_by(person), *_narrowed(wanted))
    if wanted.state:
        cell = _cells(participant, wanted, now)
        states = WAITING if wanted.state == "waiting" else {wanted.state}
        is_meant: sa.ColumnElement[bool] = cell.c.state.in_(sorted(states))
        if wanted.state == "escalated":
            is_meant = cell.c.escalated
        inside = sa.select(1).select_from(cell).where(is_meant)
        query = query.where(inside.correlate(participant).exists())
    placed = query.subquery("placed")
    columns = [placed.c[name] for name in _PLACE]
    if after is not None:
        after = (max(-_LAST, min(after[0], _LAST)), *after[1:])
    return keyset(sa.select(placed), columns, after).limit(limit or None)


def _places(
    wanted: Wanted, now: datetime
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[str], sa.ColumnElement[str]]:
    """What rows are sorted by; together unique, none NULL."""
    letters, code = in_order(participant.c.name), participant.c.participant
    if wanted.sort == "name":
        return sa.literal(0, sa.BigInteger), letters, code
    if wanted.sort == "due":
        return _presses(wanted, now), letters, code
    known = sa.literal(list(wanted.blocks), ARRAY(sa.Text))
    number = sa.func.array_position(known, participant.c.block)
    return sa.func.coalesce(number, _LAST).cast(sa.BigInteger), letters, code


def _presses(wanted: Wanted, now: datetime) -> sa.ColumnElement[int]:
    """The first moment by which something that is still waited for is or was due."""
    cell = _cells(participant, wanted, now)
    first = sa.func.min(sa.extract("epoch", cell.c.due)).filter(cell.c.state.in_(sorted(WAITING)))
    found = sa.select(first).select_from(cell).correlate(participant).scalar_subquery()
    return sa.func.coalesce(found.cast(sa.BigInteger), _LAST).cast(sa.BigInteger)


def _narrowed(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    c = participant.c
    asked = ((c.block, wanted.block), (c.kind, wanted.kind), (c.manner, wanted.manner))
    found = [column == value for column, value in asked if value]
    if wanted.q:
        words = folded(c.name) + " " + c.participant
        found.append(sa.func.strpos(words, fold(wanted.q)) > 0)
    return found


async def counts(
    connection: AsyncConnection, person: Person, wanted: Wanted, now: datetime
) -> dict[tuple[str, CellState], int]:
    """How many duties (by kind) stand where, among the rows that the filters but `state` leave."""
    cell = _cells(participant, wanted, now)
    query = (
        sa.select(cell.c.kind, cell.c.state, sa.func.count())
        .select_from(participant)
        .join(cell, sa.true())
        .where(seen_by(person), *_narrowed(wanted))
        .group_by(cell.c.kind, cell.c.state)
    )
    found = await connection.execute(query)
    return {(kind, state): number for kind, state, number in found}


async def choices(connection: AsyncConnection, person: Person) -> Sequence[Any]:
    """(block, kind, manner) of the participants whom somebody may see: what they can choose."""
    c = participant.c
    query = sa.select(c.block, c.kind, c.manner).where(seen_by(person)).distinct()
    return (await connection.execute(query)).all()


async def escalated(connection: AsyncConnection, person: Person, year: int) -> int:
    """How many duties of a year of which the unit's head was told are still open."""
    query = (
        sa.select(sa.func.count())
        .select_from(obligation)
        .join(participant, _is_of(obligation, participant.c))
        .join(
            period,
            sa.and_(period.c.ward == obligation.c.ward, period.c.period == obligation.c.period),
        )
        .where(
            seen_by(person),
            period.c.year == year,
            _is_escalated(),
        )
    )
    return await connection.scalar(query) or 0


def _is_escalated() -> sa.ColumnElement[bool]:
    """Of a duty: it is still open after the unit's head was told of it."""
    told = (  # counted for each duty by its key: `EXISTS` may read the reminders of all wards
        sa.select(sa.func.count())
        .where(
            reminder.c.obligation == obligation.c.id,
            reminder.c.deadline == obligation.c.due,
            reminder.c.offset_days == ESCALATED,
            reminder.c.state == "sent",
        )
        .correlate(obligation)
        .scalar_subquery()
    )
    return sa.and_(obligation.c.met_at.is_(None), obligation.c.withdrawn_at.is_(None), told > 0)


async def received_by_day(
    connection: AsyncConnection, person: Person, kind: str, year: int
) -> Sequence[Any]:
    """Of a kind of duty up to a year: (period, year, due, days before the deadline's day or None,
    number) of those who owe it or are invited to it and are still asked.
    """
    zone = WARD_ZONE.key
    days = sa.cast(sa.func.timezone(zone, period.c.due), sa.Date) - sa.cast(
        sa.func.timezone(zone, obligation.c.met_at), sa.Date
    )
    query = (
        sa.select(
            *(period.c[name] for name in ("period", "year", "due")),
            days.label("days"),
            sa.func.count().label("number"),
        )
        .select_from(period)
        .join(
            obligation,
            sa.and_(
                obligation.c.ward == period.c.ward,
                obligation.c.kind == period.c.kind,
                obligation.c.period == period.c.period,
            ),
        )
        .join(participant, _is_of(obligation, participant.c))
        .where(
            seen_by(person),
            period.c.ward == person.ward,
            period.c.kind == kind,
            period.c.year <= year,
            obligation.c.manner.in_(sorted(IS_REMINDED)),
            obligation.c.withdrawn_at.is_(None),
        )
        .group_by(period.c.period, period.c.year, period.c.due, days)
    )
    return (await connection.execute(query)).all()


def _is_of(table: sa.Table, owner: Any) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.ward == owner.ward, table.c.participant == owner.participant)


def _cells(owner: sa.FromClause, wanted: Wanted, now: datetime) -> sa.FromClause:
    """The year's duties of one participant, whether they are asked of it or not."""
    newest = (
        sa.select(*(report.c[name] for name in ("revision", "received_at", "late", "days_late")))
        .where(_is_of(report, owner.c), report.c.period == period.c.period)
        .order_by(report.c.revision.desc())
        .limit(1)
        .correlate(owner, period)
        .lateral()
    )
    query = (
        sa.select(
            period.c.period,
            period.c.kind,
            period.c.due.label("period_due"),
            obligation.c.id.label("obligation"),
            obligation.c.due,
            sa.func.coalesce(obligation.c.manner, owner.c.manner).label("asked_manner"),
            newest.c.revision,
            newest.c.received_at,
            newest.c.late,
            newest.c.days_late,
            _state(owner, newest, now).label("state"),
            (_is_escalated() if wanted.state == "escalated" else sa.false()).label("escalated"),
        )
        .select_from(period)
        .outerjoin(
            obligation,
            sa.and_(
                _is_of(obligation, owner.c),
                obligation.c.kind == period.c.kind,
                obligation.c.period == period.c.period,
            ),
        )
        .outerjoin(plan, sa.and_(_is_of(plan, owner.c), plan.c.period == period.c.period))
        .outerjoin(newest, sa.true())
        .outerjoin(judgement, _of_version(judgement, owner, newest))
        .outerjoin(reopening, _of_version(reopening, owner, newest))
        .where(period.c.ward == owner.c.ward, period.c.year == wanted.year)
    )
    if wanted.duty:
        query = query.where(period.c.kind == wanted.duty)
    return query.correlate(owner).lateral()


def _of_version(
    table: sa.Table, owner: sa.FromClause, newest: sa.FromClause
) -> sa.ColumnElement[bool]:
    return sa.and_(
        _is_of(table, owner.c),
        table.c.period == period.c.period,
        table.c.revision == newest.c.revision,
    )


def _state(
    owner: sa.FromClause, newest: sa.FromClause, now: datetime
) -> sa.ColumnElement[CellState]:
    """`domain.year.cell_state`, in the database's words."""
    manner = sa.func.coalesce(obligation.c.manner, owner.c.manner)
    last = sa.func.date_trunc("second", obligation.c.due) + sa.text("interval '999999 us'")
    late = sa.literal(now, MOMENT) > last
    why = sa.func.coalesce(obligation.c.withdrawn_why, "")
    return sa.case(
        (plan.c.on_time, "recorded"),
        (plan.c.on_time.is_not(None), "recorded-late"),
        (reopening.c.revision.is_not(None), "reopened"),
        (judgement.c.outcome == "withdrawn", "taken-back"),
        (newest.c.revision.is_not(None), sa.func.coalesce(judgement.c.outcome, "received")),
        (why.in_(("waived", "excused")), why),
        (obligation.c.withdrawn_at.is_not(None), "withdrawn"),
        (
            sa.or_(obligation.c.id.is_(None), manner.not_in(sorted(IS_REMINDED))),
            "free",
        ),
        (sa.and_(late, manner.in_(sorted(IS_OVERDUE))), "overdue"),
        else_="open",
    )
