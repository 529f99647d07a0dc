"""The desk's queries: the roll, periods, duties, reports, the board."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID, Insert, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import Lateness, Return
from services.intake.domain.report import ReportState, Version
from services.intake.store.draft_tables import OUTCOME, reopening
from services.intake.store.tables import (
    MOMENT,
    contact,
    judgement,
    movement,
    obligation,
    participant,
    period,
    plan,
    reminder,
    report,
)
from shared.calendar import WARD_ZONE
from shared.rows import arrays_of, insertion, insertion_of_one, values_of
from shared.web.identity import Person

_VERSION = ("ward", "participant", "period", "revision")

Key = tuple[str, str]
"""(participant, period)."""


def seen_by(person: Person) -> sa.ColumnElement[bool]:
    """The scope of all that the desk shows: rows of `participant` that somebody may see.

    All of their ward for those who see all, and for machines that may read the board; else their
    own units and whom these propose.
    """
    own_ward = participant.c.ward == person.ward
    if person.sees_all or "board:read" in person.scopes:
        return own_ward
    units = sorted(person.all_units)
    own_unit = sa.or_(participant.c.participant.in_(units), participant.c.proposed_by.in_(units))
    return sa.and_(own_ward, own_unit)


async def movements(connection: AsyncConnection, ward: str) -> dict[str, dict[str, Any]]:
    """The version in force of each of the ward's movements, as it was entered, by code."""
    query = sa.select(movement.c.movement, movement.c.data).where(
        movement.c.ward == ward, movement.c.state == "adopted"
    )
    return {row.movement: row.data for row in await connection.execute(query)}


async def movement_version(
    connection: AsyncConnection, ward: str, code: str, version: int
) -> dict[str, Any] | None:
    data: dict[str, Any] | None = await connection.scalar(
        sa.select(movement.c.data).where(
            movement.c.ward == ward, movement.c.movement == code, movement.c.version == version
        )
    )
    return data


async def participants(
    connection: AsyncConnection, ward: str, codes: Iterable[str] | None = None
) -> dict[str, sa.Row[Any]]:
    """Participants by code; all of the ward's without `codes`."""
    query = sa.select(participant).where(participant.c.ward == ward)
    if codes is not None:
        query = query.where(participant.c.participant.in_(sorted(set(codes))))
    rows = await connection.execute(query.order_by(participant.c.participant))
    return {row.participant: row for row in rows}


async def periods(connection: AsyncConnection, ward: str) -> dict[str, sa.Row[Any]]:
    """Open periods by code, the newest first."""
    rows = await connection.execute(
        sa.select(period).where(period.c.ward == ward).order_by(period.c.due.desc())
    )
    return {row.period: row for row in rows}


async def contacts(
    connection: AsyncConnection, ward: str, people: Iterable[str]
) -> dict[str, sa.Row[Any]]:
    """Contacts by person."""
    query = sa.select(contact).where(
        contact.c.ward == ward, contact.c.person.in_(sorted(set(people)))
    )
    return {row.person: row for row in await connection.execute(query)}


async def plan_of(
    connection: AsyncConnection, ward: str, participant_code: str, period_code: str
) -> sa.Row[Any] | None:
    """The plan that a participant recorded for a period."""
    query = sa.select(plan).where(
        plan.c.ward == ward,
        plan.c.participant == participant_code,
        plan.c.period == period_code,
    )
    return (await connection.execute(query)).one_or_none()


async def keep_copy(
    connection: AsyncConnection,
    ward: str,
    participant_code: str,
    period_code: str,
    copy: dict[str, Any],
) -> None:
    """Where the signed plan is to be seen."""
    await connection.execute(
        sa.update(plan)
        .where(
            plan.c.ward == ward,
            plan.c.participant == participant_code,
            plan.c.period == period_code,
        )
        .values(evidence=copy)
    )


_MADE_OF_IT = ("outcome", "reasons", "correct_by", "judged_at", "judged_by")
JUDGED = sa.and_(*(report.c[name] == judgement.c[name] for name in _VERSION))
STORY = (
    *(column for column in report.c if column.name != "body"),
    judgement.c.outcome,
    judgement.c.correct_by,
)
"""What `state_of_story` rests on, of each version."""


async def report_states(
    connection: AsyncConnection, ward: str, keys: Iterable[Key]
) -> dict[Key, ReportState]:
    """What became of each participant's report for a period, where there is one."""
    query = (
        sa.select(*STORY)
        .outerjoin(judgement, JUDGED)
        .where(
            report.c.ward == ward,
            sa.tuple_(report.c.participant, report.c.period).in_(sorted(set(keys))),
        )
        .order_by(report.c.participant, report.c.period, report.c.revision)
    )
    rows: Iterable[Any] = await connection.execute(query)
    stories = groupby(rows, key=lambda row: (row.participant, row.period))
    return {key: state_of_story(list(versions)) for key, versions in stories}


def state_of_story(rows: Sequence[Any]) -> ReportState:
    """A report's state by its versions, the oldest first, with what was made of each."""
    returned = [row for row in rows if row.outcome == "returned"]
    of_it = [Return(row.correct_by, Lateness(row.late, row.days_late)) for row in returned[-1:]]
    return ReportState(
        rows[-1].outcome or "received",
        tuple(_version(row) for row in rows),
        of_it[0] if of_it else None,
        returned[-1].revision if returned else 0,
        max((row.revision for row in rows if row.outcome == "accepted"), default=0),
    )


def _version(row: Any) -> Version:
    lateness = Lateness(row.late, row.days_late)
    received_at = row.received_at.astimezone(WARD_ZONE)
    return Version(row.revision, str(row.report_id), row.digest, received_at, lateness)


async def judged_version(
    connection: AsyncConnection, ward: str, key: Key, revision: int
) -> sa.Row[Any] | None:
    """One version of a report with what the office made of it."""
    query = (
        sa.select(report, *(judgement.c[name] for name in _MADE_OF_IT))
        .outerjoin(judgement, JUDGED)
        .where(
            report.c.ward == ward,
            report.c.participant == key[0],
            report.c.period == key[1],
            report.c.revision == revision,
        )
    )
    return (await connection.execute(query)).one_or_none()


IS_OPEN = sa.and_(obligation.c.met_at.is_(None), obligation.c.withdrawn_at.is_(None))
DUE = sa.case((obligation.c.withdrawn_at.is_(None), obligation.c.due)).label("due")
"""Of a duty that is not asked for any more: None."""


async def open_obligations(
    connection: AsyncConnection, ward: str, keys: Iterable[Key], kind: str
) -> dict[Key, sa.Row[Any]]:
    """Obligations of a kind that are asked for and not met, by (participant, period)."""
    query = sa.select(obligation).where(
        obligation.c.ward == ward,
        obligation.c.kind == kind,
        IS_OPEN,
        sa.tuple_(obligation.c.participant, obligation.c.period).in_(sorted(set(keys))),
    )
    rows = await connection.execute(query)
    return {(row.participant, row.period): row for row in rows}


_MET_OF: Mapping[str, sa.types.TypeEngine[Any]] = {
    "which": UUID(as_uuid=True),
    "at": MOMENT,
    "timely": sa.Boolean(),
}
_MET = tuple(sa.bindparam(name, type_=ARRAY(kind)) for name, kind in _MET_OF.items())
_MEET = sa.text(
    "WITH given AS (SELECT * FROM unnest(:which, :at, :timely) AS given(which, at, timely)),"
    " met AS (UPDATE obligation SET met_at = given.at, on_time = given.timely FROM given"
    " WHERE obligation.id = given.which AND obligation.met_at IS NULL)"
    " UPDATE reminder SET state = 'cancelled' FROM given"
    " WHERE reminder.obligation = given.which AND reminder.state = 'planned'"
).bindparams(*_MET)


async def meet(connection: AsyncConnection, met: Sequence[Mapping[str, Any]]) -> None:
    """Mark obligations (`which`, `at`, `timely`) met and cancel what was planned for them."""
    if not met:
        return
    await connection.execute(_MEET, _met(met))


def _met(met: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [one[name] for one in met] for name in _MET_OF}


async def take_in(
    connection: AsyncConnection,
    reports: Sequence[Mapping[str, Any]],
    met: Sequence[Mapping[str, Any]],
) -> None:
    """Store versions of reports and do what `meet` does, in one statement."""
    if len(reports) == 1 and len(met) <= 1:
        one: dict[str, Any] = dict(met[0]) if met else dict.fromkeys(_MET_OF)
        await connection.execute(_taking_in_one(tuple(reports[0])), values_of(reports[0]) | one)
    elif reports:
        parameters = arrays_of(reports) | _met(met)
        await connection.execute(_taking_in(tuple(reports[0])), parameters)


@cache
def _taking_in(names: tuple[str, ...]) -> Insert:
    columns = (sa.column(name, kind) for name, kind in _MET_OF.items())
    return _and_meeting(
        insertion(report, names), sa.func.unnest(*_MET).table_valued(*columns).render_derived()
    )


@cache
def _taking_in_one(names: tuple[str, ...]) -> Insert:
    """PostgreSQL plans it once; with arrays of one it would plan it anew for each report."""
    met = (sa.bindparam(name, type_=kind).label(name) for name, kind in _MET_OF.items())
    return _and_meeting(insertion_of_one(report, names), sa.select(*met).subquery())


def _and_meeting(storing: Insert, given: sa.FromClause) -> Insert:
    met = (
        sa.update(obligation)
        .where(obligation.c.id == given.c.which, obligation.c.met_at.is_(None))
        .values(met_at=given.c.at, on_time=given.c.timely)
    )
    cancelled = (
        sa.update(reminder)
        .where(reminder.c.obligation == given.c.which, reminder.c.state == "planned")
        .values(state="cancelled")
    )
    return storing.add_cte(met.cte("met"), cancelled.cte("cancelled"))


async def count_obligations(connection: AsyncConnection, ward: str, period_code: str) -> int:
    query = sa.select(sa.func.count()).where(
        obligation.c.ward == ward, obligation.c.period == period_code
    )
    return await connection.scalar(query) or 0


async def board(
    connection: AsyncConnection, person: Person, period_code: str, after: str = "", limit: int = 0
) -> Sequence[Any]:
    """One row for each participant whom somebody may see, by code: its obligation, its plan, its
    newest report and what became of it. From `after` on, `limit` rows (0: all of them).
    """
    ward = person.ward
    newest = (
        sa.select(report)
        .where(report.c.ward == ward, report.c.period == period_code)
        .ext(distinct_on(report.c.participant))
        .order_by(report.c.participant, report.c.revision.desc())
        .subquery("newest")
    )
    same_version = sa.and_(
        judgement.c.ward == ward,
        judgement.c.period == period_code,
        judgement.c.participant == newest.c.participant,
        judgement.c.revision == newest.c.revision,
    )
    opened_again = sa.and_(*(judgement.c[name] == reopening.c[name] for name in _VERSION))
    query = (
        sa.select(
            participant.c.participant,
            participant.c.name,
            participant.c.block,
            sa.func.coalesce(obligation.c.manner, participant.c.manner).label("manner"),
            participant.c.proposed_by,
            obligation.c.id.label("obligation"),
            DUE,
            obligation.c.met_at,
            obligation.c.on_time,
            plan.c.on_time.label("plan_on_time"),
            newest.c.revision,
            newest.c.received_at,
            newest.c.late,
            newest.c.days_late,
            newest.c.door,
            newest.c.publisher,
            OUTCOME.label("outcome"),
        )
        .outerjoin(obligation, _of_period(obligation, period_code))
        .outerjoin(plan, _of_period(plan, period_code))
        .outerjoin(newest, newest.c.participant == participant.c.participant)
        .outerjoin(judgement, same_version)
        .outerjoin(reopening, opened_again)
        .where(seen_by(person), participant.c.participant > after)
        .order_by(participant.c.participant)
        .limit(limit or None)
    )
    return (await connection.execute(query)).all()


def _of_period(table: sa.Table, period_code: str) -> sa.ColumnElement[bool]:
    """What a table has of a participant for a period."""
    return sa.and_(
        table.c.ward == participant.c.ward,
        table.c.participant == participant.c.participant,
        table.c.period == period_code,
    )
