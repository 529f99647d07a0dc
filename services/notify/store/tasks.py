"""Tasks: the facts that they are worked out from, and the one way to them.

Statements are made once: to make one and to find its text again costs as much as to send it.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain import task
from services.notify.domain.letter import REPORTS, Duty, Manner
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
    Waiting,
    Whose,
)
from services.notify.store.tables import (
    OF_ANY,
    approval,
    candidate,
    conclusion,
    dossier,
    frozen,
    honour,
    marked,
    met,
    notice,
    obligation,
    participant,
    period,
    report,
    sheet,
)
from shared.web.identity import Person

_WARD: sa.BindParameter[str] = sa.bindparam("ward", type_=sa.Text())
_YEARS = sa.select(period.c.period, period.c.year, period.c.kind).where(period.c.ward == _WARD)
_REVIEWS = {Duty.MIDTERM_REPORT: "sơ kết ", Duty.FINAL_REPORT: "tổng kết "}
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
    return Asker(people, roles, frozenset(own | acted), person.stakes, person.heads)


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
        await _drafts(connection, ward, asker) if asker.has(Kind.ENDORSE) else (),
    )
    return task.tasks(known, asker, today)


async def years(connection: AsyncConnection, ward: str) -> dict[str, str]:
    """A ward's periods in words: code -> "năm 2025", "sơ kết năm 2027"."""
    rows = await connection.execute(_YEARS, {"ward": ward})
    return {row.period: f"{_REVIEWS.get(row.kind, '')}năm {row.year}" for row in rows}


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


_HERE = participant.c.left_on.is_(None)
"""Of whoever takes part no more nothing is to be done."""
_UNITS: sa.BindParameter[Any] = sa.bindparam("units", type_=ARRAY(sa.Text()))
_OWN = sa.or_(
    participant.c.participant == _UNITS.any_(), participant.c.proposed_by == _UNITS.any_()
)
"""Participants for which somebody answers."""


def _units(asker: Asker) -> list[str]:
    return sorted(asker.answers_for) if asker.has(Kind.REPORT) else []


_DUTIES = (
    sa.select(obligation, *_WHOSE[1:])
    .join(participant, _of(obligation))
    .where(
        obligation.c.ward == _WARD,
        _OWN,
        _HERE,
        obligation.c.withdrawn.is_(None),
        ~sa.exists().where(met.c.obligation == obligation.c.obligation),
    )
)


async def _duties(connection: AsyncConnection, ward: str, asker: Asker) -> Sequence[Any]:
    units = _units(asker)
    if not units:
        return ()
    return (await connection.execute(_DUTIES, {"ward": ward, "units": units})).all()


def _owed(row: Any) -> Owed:
    owes = Manner(row.manner) is Manner.OWES
    return Owed(str(row.obligation), _whose(row), Duty(row.kind), owes, row.period, row.due)


async def _reports(connection: AsyncConnection, ward: str, asker: Asker) -> Sequence[Any]:
    query = _reports_of(asker.has(Kind.LOOK), asker.has(Kind.MARK))
    rows = await connection.execute(query, {"ward": ward, "units": _units(asker)})
    return [*rows]


@cache
def _reports_of(looks: bool, marks: bool) -> sa.Select[Any]:
    settled = sa.or_(_marked(), _known_in(frozen))
    wanted = [sa.and_(report.c.state == "returned", _OWN)]
    if looks:
        wanted.append(report.c.state == "received")
    if marks:
        wanted.append(sa.and_(report.c.state == "accepted", ~settled))
    adopted = sa.exists().where(sheet.c.ward == report.c.ward, sheet.c.period == report.c.period)
    asked = sa.and_(
        obligation.c.ward == report.c.ward,
        obligation.c.participant == report.c.participant,
        obligation.c.period == report.c.period,
        obligation.c.kind.in_(REPORTS),
    )
    return (
        sa.select(*(report.c[name] for name in ("period", "state", "at", "due")), *_WHOSE)
        .add_columns(obligation.c.obligation, adopted.label("adopted"))
        .join(participant, _of(report))
        .outerjoin(obligation, asked)
        .where(report.c.ward == _WARD, _HERE, sa.or_(*wanted))
    )


def _known_in(table: sa.Table, *more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        table.c.ward == report.c.ward,
        table.c.participant == report.c.participant,
        table.c.period == report.c.period,
        *more,
    )


def _marked() -> sa.ColumnElement[bool]:
    """The version that counts has its marks; marks of one before it are not its own.

    Nor are those of a version that was not told, once the report was opened again.
    """
    reopened = _known_in(notice, notice.c.kind == "report-reopened")
    return sa.or_(
        _known_in(marked, marked.c.revision >= report.c.revision),
        sa.and_(_known_in(marked, marked.c.revision == OF_ANY), ~reopened),
    )


def _report(row: Any) -> Report:
    asked = "" if row.obligation is None else str(row.obligation)
    return Report(_whose(row), row.period, row.state, row.at, row.due, asked, row.adopted)


_RETURNED = sa.and_(
    report.c.ward == approval.c.ward,
    report.c.participant == approval.c.participant,
    report.c.period == approval.c.period,
    report.c.state == "returned",
)
_OWED = sa.and_(
    obligation.c.ward == approval.c.ward,
    obligation.c.participant == approval.c.participant,
    obligation.c.period == approval.c.period,
    obligation.c.kind == approval.c.kind,
    obligation.c.withdrawn.is_(None),
    ~sa.exists().where(met.c.obligation == obligation.c.obligation),
)
_DRAFTS = (
    sa.select(approval.c.period, approval.c.waits_since, *_WHOSE)
    .add_columns(sa.func.coalesce(report.c.due, obligation.c.due).label("due"))
    .add_columns(obligation.c.manner)
    .select_from(approval)
    .join(participant, _of(approval))
    .outerjoin(report, _RETURNED)
    .outerjoin(obligation, _OWED)
    .where(approval.c.ward == _WARD, _OWN, _HERE, approval.c.waits_since.is_not(None))
)


async def _drafts(connection: AsyncConnection, ward: str, asker: Asker) -> tuple[Waiting, ...]:
    """Drafts that wait for somebody's approval, and until when their reports are to be sent."""
    rows = await connection.execute(_DRAFTS, {"ward": ward, "units": sorted(asker.heads)})
    return tuple(
        Waiting(
            _whose(row), row.period, row.waits_since, row.due, row.manner in {None, Manner.OWES}
        )
        for row in rows
    )


async def _progress(connection: AsyncConnection, ward: str) -> tuple[Progress, ...]:
    """The ward's periods without a final result."""
    rows = await connection.execute(_open_periods(), {"ward": ward})
    return tuple(
        Progress(r.period, r.adopted, r.report_by, r.received, r.accepted, r.marked) for r in rows
    )


@cache
def _open_periods() -> sa.Select[Any]:
    gone = sa.exists().where(_of(report), participant.c.left_on.is_not(None))
    here = sa.and_(report.c.ward == period.c.ward, report.c.period == period.c.period, ~gone)
    adopted = sa.exists().where(sheet.c.ward == period.c.ward, sheet.c.period == period.c.period)
    final = sa.exists().where(frozen.c.ward == period.c.ward, frozen.c.period == period.c.period)
    accepted = report.c.state == "accepted"
    return (
        sa.select(
            period.c.period,
            period.c.report_by,
            adopted.label("adopted"),
            sa.func.count().filter(report.c.state == "received").label("received"),
            sa.func.count().filter(accepted).label("accepted"),
            sa.func.count().filter(accepted, _marked()).label("marked"),
        )
        .select_from(period)
        .outerjoin(report, here)
        .where(period.c.ward == _WARD, period.c.kind == Duty.ANNUAL_REPORT, ~final)
        .group_by(period.c.ward, period.c.period)
    )


async def _dossiers(connection: AsyncConnection, ward: str) -> tuple[Dossier, ...]:
    """The ward's dossiers that are neither decided nor voted down."""
    rows = await connection.execute(_open_dossiers(), {"ward": ward})
    return tuple(Dossier(_whose(r), r.period, r.window_until, r.passed) for r in rows)


@cache
def _open_dossiers() -> sa.Select[Any]:
    def same(table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.ward == dossier.c.ward, table.c.dossier == dossier.c.dossier)

    return (
        sa.select(dossier.c.period, candidate.c.window_until, conclusion.c.passed, *_WHOSE)
        .join(participant, _of(dossier))
        .outerjoin(candidate, same(candidate))
        .outerjoin(conclusion, same(conclusion))
        .where(
            dossier.c.ward == _WARD,
            ~sa.exists().where(same(honour)),
            conclusion.c.passed.is_not(False),
        )
    )
