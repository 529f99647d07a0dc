"""Tasks: the facts that they are worked out from, and the one way to them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain import task
from services.notify.domain.letter import Duty, Manner
from services.notify.domain.task import (
    OF_DOSSIERS,
    Asker,
    Dossier,
    Kind,
    Known,
    Owed,
    Progress,
    Report,
    Task,
    Whose,
)
from services.notify.store.tables import (
    candidate,
    conclusion,
    dossier,
    frozen,
    honour,
    marked,
    met,
    obligation,
    participant,
    period,
    report,
    sheet,
)
from shared.web.identity import Person

_OF_SESSIONS = frozenset({"council", "council-secretary"})


def asker_of(person: Person) -> Asker:
    """Somebody signed in, as tasks ask for them.

    Which dossier is before which session is not published, so whoever sits in some sessions only
    has none of the council's tasks: awards shows them theirs.
    """
    own = person.units or {person.unit} - {""}
    acted = {person.acting_for_unit} - {""}
    roles = person.roles - _OF_SESSIONS if person.sessions else person.roles
    people = frozenset({person.id, person.acting_for} - {""})
    return Asker(people, roles, frozenset(own | acted), person.all_units)


async def seen_by(connection: AsyncConnection, person: Person, today: date) -> list[Task]:
    """What somebody has to do, what presses most first: the row scope of tasks.

    Lists, counts and searches all begin here; only rows that can be theirs are read.
    """
    asker = asker_of(person)
    ward = person.ward
    known = Known(
        tuple(_owed(row) for row in await _duties(connection, ward, asker)),
        tuple(_report(row) for row in await _reports(connection, ward, asker)),
        await _progress(connection, ward) if asker.has(Kind.SHEET) else (),
        await _dossiers(connection, ward) if any(map(asker.has, OF_DOSSIERS)) else (),
    )
    return task.tasks(known, asker, today)


async def years(connection: AsyncConnection, ward: str) -> dict[str, str]:
    """A ward's periods in words: code -> "năm 2025"."""
    query = sa.select(period.c.period, period.c.year).where(period.c.ward == ward)
    return {row.period: f"năm {row.year}" for row in await connection.execute(query)}


def _of(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        participant.c.ward == table.c.ward, participant.c.participant == table.c.participant
    )


_WHOSE = (
    participant.c.participant,
    participant.c.name,
    participant.c.proposed_by,
    participant.c.reporter,
)


def _whose(row: Any) -> Whose:
    return Whose(row.participant, row.name, row.proposed_by or "", row.reporter)


def _own(asker: Asker) -> sa.ColumnElement[bool]:
    """Participants for which somebody answers."""
    units = sorted(asker.answers_for) if asker.has(Kind.REPORT) else []
    return sa.or_(participant.c.participant.in_(units), participant.c.proposed_by.in_(units))


async def _duties(connection: AsyncConnection, ward: str, asker: Asker) -> Sequence[Any]:
    query = (
        sa.select(obligation, *_WHOSE[1:])
        .join(participant, _of(obligation))
        .where(
            obligation.c.ward == ward,
            _own(asker),
            ~sa.exists().where(met.c.obligation == obligation.c.obligation),
        )
    )
    return (await connection.execute(query)).all()


def _owed(row: Any) -> Owed:
    owes = Manner(row.manner) is Manner.OWES
    return Owed(str(row.obligation), _whose(row), Duty(row.kind), owes, row.period, row.due)


async def _reports(connection: AsyncConnection, ward: str, asker: Asker) -> Sequence[Any]:
    settled = sa.or_(_known_in(marked), _known_in(frozen))
    wanted = [sa.and_(report.c.state == "returned", _own(asker))]
    if asker.has(Kind.LOOK):
        wanted.append(report.c.state == "received")
    if asker.has(Kind.MARK):
        wanted.append(sa.and_(report.c.state == "accepted", ~settled))
    adopted = sa.exists().where(sheet.c.ward == report.c.ward, sheet.c.period == report.c.period)
    asked = sa.and_(
        obligation.c.ward == report.c.ward,
        obligation.c.participant == report.c.participant,
        obligation.c.period == report.c.period,
        obligation.c.kind == Duty.ANNUAL_REPORT,
    )
    query = (
        sa.select(*(report.c[name] for name in ("period", "state", "at", "due")), *_WHOSE)
        .add_columns(obligation.c.obligation, adopted.label("adopted"))
        .join(participant, _of(report))
        .outerjoin(obligation, asked)
        .where(report.c.ward == ward, sa.or_(*wanted))
    )
    return (await connection.execute(query)).all()


def _known_in(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        table.c.ward == report.c.ward,
        table.c.participant == report.c.participant,
        table.c.period == report.c.period,
    )


def _report(row: Any) -> Report:
    asked = "" if row.obligation is None else str(row.obligation)
    return Report(_whose(row), row.period, row.state, row.at, row.due, asked, row.adopted)


async def _progress(connection: AsyncConnection, ward: str) -> tuple[Progress, ...]:
    """The ward's periods without a final result."""
    here = sa.and_(report.c.ward == period.c.ward, report.c.period == period.c.period)
    adopted = sa.exists().where(sheet.c.ward == period.c.ward, sheet.c.period == period.c.period)
    final = sa.exists().where(frozen.c.ward == period.c.ward, frozen.c.period == period.c.period)
    accepted = report.c.state == "accepted"
    query = (
        sa.select(
            period.c.period,
            period.c.report_by,
            adopted.label("adopted"),
            sa.func.count().filter(report.c.state == "received").label("received"),
            sa.func.count().filter(accepted).label("accepted"),
            sa.func.count().filter(accepted, _known_in(marked)).label("marked"),
        )
        .outerjoin(report, here)
        .where(period.c.ward == ward, ~final)
        .group_by(period.c.ward, period.c.period)
    )
    rows = await connection.execute(query)
    return tuple(
        Progress(r.period, r.adopted, r.report_by, r.received, r.accepted, r.marked) for r in rows
    )


async def _dossiers(connection: AsyncConnection, ward: str) -> tuple[Dossier, ...]:
    """The ward's dossiers that are neither decided nor voted down."""

    def same(table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.ward == dossier.c.ward, table.c.dossier == dossier.c.dossier)

    query = (
        sa.select(dossier.c.period, candidate.c.window_until, conclusion.c.passed, *_WHOSE)
        .join(participant, _of(dossier))
        .outerjoin(candidate, same(candidate))
        .outerjoin(conclusion, same(conclusion))
        .where(
            dossier.c.ward == ward,
            ~sa.exists().where(same(honour)),
            conclusion.c.passed.is_not(False),
        )
    )
    rows = await connection.execute(query)
    return tuple(Dossier(_whose(r), r.period, r.window_until, r.passed) for r in rows)
