"""Tasks: the facts that they are worked out from, and the one way to them.

All that somebody's roles ask for is read with one statement, which is one consistent state by
itself. There is one for each set of roles that differs in it, made once: to make one and to find
its text again costs as much as to send it.

Each part of it goes through its rows once, even where PostgreSQL has no statistics yet and takes
every table for almost empty: participants are told once and not joined to each row, and words are
written out, so that a plan made for any ward can use the index of open reports.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum, auto
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, UUID, array
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain import task
from services.notify.domain.letter import ISSUED, Duty, Manner
from services.notify.domain.task import (
    OF_DOSSIERS,
    Asker,
    Dossier,
    Kind,
    Known,
    Owed,
    Progress,
    Report,
    ReportState,
    Task,
    Waiting,
    Whose,
)
from services.notify.store.tables import (
    MOMENT,
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

_REVIEWS = {Duty.MIDTERM_REPORT: "sơ kết ", Duty.FINAL_REPORT: "tổng kết "}
_OF_SESSIONS = frozenset({"council", "council-secretary"})


class ToDo(NamedTuple):
    """What presses most first; `years` is all the ward's periods in words: code -> "năm 2025",
    "sơ kết năm 2027"."""

    tasks: list[Task]
    years: Mapping[str, str]

    def when(self, one: Task) -> str:
        return self.years.get(one.period, one.period)


class _Wanted(NamedTuple):
    """Which parts of the statement somebody needs."""

    owed: bool
    drafts: bool
    received: bool
    accepted: bool
    periods: bool
    dossiers: bool


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


async def seen_by(connection: AsyncConnection, person: Person, today: date) -> ToDo:
    """What somebody has to do: the row scope of tasks.

    Lists, counts and searches all begin here; only rows that can be theirs are read.
    """
    asker = asker_of(person)
    asked = {
        "ward": person.ward,
        "units": sorted(asker.answers_for),
        "heads": sorted(asker.heads),
    }
    rows = await connection.execute(_all_of(_wanted(asker)), asked)
    known, years = _known(rows.all())
    return ToDo(task.tasks(known, asker, today), years)


def _wanted(asker: Asker) -> _Wanted:
    return _Wanted(
        owed=asker.has(Kind.REPORT) and bool(asker.answers_for),
        drafts=asker.has(Kind.ENDORSE) and bool(asker.heads),
        received=asker.has(Kind.LOOK),
        accepted=asker.has(Kind.MARK),
        periods=asker.has(Kind.SHEET),
        dossiers=any(map(asker.has, OF_DOSSIERS)),
    )


class _Part(StrEnum):
    WHOSE = auto()
    YEAR = auto()
    OWED = auto()
    DRAFT = auto()
    REPORT = auto()
    PERIOD = auto()
    DOSSIER = auto()


def _known(rows: Sequence[Any]) -> tuple[Known, dict[str, str]]:
    """What the statement found, and the ward's periods in words.

    What is said of a participant that is not registered yet is left out.
    """
    found: dict[str, list[Any]] = {part: [] for part in _Part}
    told = (whose for row in rows if row[0] == _Part.WHOSE for whose in row[-1] or ())
    about = {whose[0]: Whose(*whose) for whose in told}
    years: dict[str, str] = {}
    for part, when, code, word, of, at, due, day, said, numbers, _ in rows:
        whose = about.get(code)
        if part == _Part.YEAR:
            years[when] = f"{_REVIEWS.get(word, '')}năm {numbers[0]}"
        elif part == _Part.PERIOD:
            found[part].append(Progress(when, said, at, *numbers))
        elif whose is None:
            continue
        elif part == _Part.REPORT:
            asked = str(of) if of else ""
            found[part].append(Report(whose, when, word, at, due, asked, bool(said)))
        elif part == _Part.OWED:
            found[part].append(Owed(str(of), whose, Duty(word), said, when, due))
        elif part == _Part.DRAFT:
            found[part].append(Waiting(whose, when, at, due, said))
        else:
            found[part].append(Dossier(whose, when, day, said))
    order = (_Part.OWED, _Part.REPORT, _Part.PERIOD, _Part.DOSSIER, _Part.DRAFT)
    return Known(*(tuple(found[part]) for part in order)), years


# --- the statement ---

_WARD: sa.BindParameter[str] = sa.bindparam("ward", type_=sa.Text())
_UNITS: sa.BindParameter[Any] = sa.bindparam("units", type_=ARRAY(sa.Text()))
_HEADS: sa.BindParameter[Any] = sa.bindparam("heads", type_=ARRAY(sa.Text()))
_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {
        "period": sa.Text(),
        "participant": sa.Text(),
        "word": sa.Text(),
        "obligation": UUID(as_uuid=True),
        "at": MOMENT,
        "due": MOMENT,
        "day": sa.Date(),
        "said": sa.Boolean(),
        "numbers": ARRAY(sa.Integer()),
        "whose": ARRAY(sa.Text(), dimensions=2),
    }
)
"""What the parts say together; each says NULL where it has nothing to say."""


@cache
def _all_of(wanted: _Wanted) -> sa.CompoundSelect[Any]:
    parts = [_years()]
    if wanted.received or wanted.accepted or wanted.dossiers:
        parts.append(_whose())
    elif wanted.owed or wanted.drafts:
        parts.append(_whose(sa.or_(_of_units(_UNITS), _of_units(_HEADS))))
    if wanted.owed:
        parts += [_owed(), _reports("returned", _own(report.c.participant, _UNITS))]
    if wanted.drafts:
        parts.append(_drafts())
    if wanted.received:
        parts.append(_reports("received", _here(report.c.participant)))
    if wanted.accepted:
        parts.append(_unmarked())
    if wanted.periods:
        parts.append(_open_periods())
    if wanted.dossiers:
        parts.append(_open_dossiers())
    return sa.union_all(*parts)


def _part(part: _Part, **columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    said = (
        columns.get(name, sa.cast(sa.null(), kind)).label(name) for name, kind in _COLUMNS.items()
    )
    return sa.select(_word(part).label("part"), *said)


def _word(word: str) -> sa.ColumnElement[str]:
    """A word of ours, written out."""
    return sa.literal_column(f"'{word}'", sa.Text())


def _same(one: sa.FromClause, other: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(one.c[name] == other.c[name] for name in names))


_SUBJECT = ("ward", "participant", "period")
_NOT_MET = sa.and_(
    obligation.c.withdrawn.is_(None),
    ~sa.exists().where(met.c.obligation == obligation.c.obligation),
)


def _of_units(units: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """Participants that are one of these units or were proposed by one."""
    return sa.or_(
        participant.c.participant == units.any_(), participant.c.proposed_by == units.any_()
    )


def _codes(*which: sa.ColumnElement[bool]) -> Any:
    """Participants' codes, found once."""
    codes = sa.select(participant.c.participant).where(participant.c.ward == _WARD, *which)
    return sa.func.array(codes.scalar_subquery(), type_=ARRAY(sa.Text()))


def _own(of: sa.Column[str], units: sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    return of == sa.any_(_codes(participant.c.left_on.is_(None), _of_units(units)))


def _here(of: sa.Column[str]) -> sa.ColumnElement[bool]:
    """Of whoever takes part no more nothing is to be done, but for what was proposed before."""
    return of != sa.all_(_codes(participant.c.left_on.is_not(None)))


def _one(column: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """Looked up for each row by all that is known of it; a join is free to know only the ward."""
    return sa.select(column).where(*where).limit(sa.literal_column("1")).scalar_subquery()


def _years() -> sa.Select[Any]:
    year = array([period.c.year])
    columns = _part(_Part.YEAR, period=period.c.period, word=period.c.kind, numbers=year)
    return columns.where(period.c.ward == _WARD)


def _whose(*which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """All participants in one row."""
    proposed_by = sa.func.coalesce(participant.c.proposed_by, _word(""))
    one = array(
        [participant.c.participant, participant.c.name, proposed_by, participant.c.reporter]
    )
    every = sa.func.array_agg(one, type_=_COLUMNS["whose"])
    return _part(_Part.WHOSE, whose=every).where(participant.c.ward == _WARD, *which)


def _owed() -> sa.Select[Any]:
    columns = _part(
        _Part.OWED,
        period=obligation.c.period,
        participant=obligation.c.participant,
        word=obligation.c.kind,
        obligation=obligation.c.obligation,
        due=obligation.c.due,
        said=obligation.c.manner == _word(Manner.OWES),
    )
    own = _own(obligation.c.participant, _UNITS)
    return columns.where(obligation.c.ward == _WARD, own, _NOT_MET)


def _reports(state: ReportState, *more: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Each with what asked for it; a period is for reports of one kind."""
    of_reports = (obligation.c.kind != _word(kind) for kind in sorted(ISSUED))
    asked = _one(obligation.c.obligation, _same(obligation, report, *_SUBJECT), *of_reports)
    return _standing(state, obligation=asked, due=report.c.due).where(*more)


def _unmarked() -> sa.Select[Any]:
    adopted = _one(sa.true(), _same(sheet, report, "ward", "period"))
    settled = sa.or_(_marked(), _known_in(frozen))
    return _standing("accepted", said=adopted).where(_here(report.c.participant), ~settled)


def _standing(state: ReportState, **more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = _part(
        _Part.REPORT,
        period=report.c.period,
        participant=report.c.participant,
        word=report.c.state,
        at=report.c.at,
        **more,
    )
    return columns.where(report.c.ward == _WARD, report.c.state == _word(state))


def _known_in(table: sa.Table, *more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(_same(table, report, *_SUBJECT), *more)


def _marked() -> sa.ColumnElement[bool]:
    """The version that counts has its marks; marks of one before it are not its own.

    Nor are those of a version that was not told, once the report was opened again.
    """
    of_reopening = notice.c.kind == _word("report-reopened")
    reopened = _one(sa.true(), _same(notice, report, *_SUBJECT), of_reopening)
    of_any = sa.literal_column(str(OF_ANY), sa.Integer())
    return sa.or_(
        _known_in(marked, marked.c.revision >= report.c.revision),
        sa.and_(_known_in(marked, marked.c.revision == of_any), reopened.is_(None)),
    )


def _drafts() -> sa.Select[Any]:
    """Drafts that wait for somebody's approval, and until when their reports are to be sent."""
    returned = sa.case((report.c.state == _word("returned"), report.c.due))
    again = _one(returned, _same(report, approval, *_SUBJECT))
    asked = (_same(obligation, approval, *_SUBJECT, "kind"), _NOT_MET)
    owes = _one(obligation.c.manner == _word(Manner.OWES), *asked)
    columns = _part(
        _Part.DRAFT,
        period=approval.c.period,
        participant=approval.c.participant,
        at=approval.c.waits_since,
        due=sa.func.coalesce(again, _one(obligation.c.due, *asked)),
        said=sa.func.coalesce(owes, sa.true()),
    )
    return columns.where(
        approval.c.ward == _WARD,
        _own(approval.c.participant, _HEADS),
        approval.c.waits_since.is_not(None),
    )


def _open_periods() -> sa.Select[Any]:
    """The ward's periods without a final result, and how far their reports are."""
    gone = sa.exists().where(
        _same(participant, report, "ward", "participant"), participant.c.left_on.is_not(None)
    )
    here = sa.and_(_same(report, period, "ward", "period"), ~gone)
    adopted = sa.exists().where(_same(sheet, period, "ward", "period"))
    final = sa.exists().where(_same(frozen, period, "ward", "period"))
    accepted = report.c.state == _word("accepted")
    counts = array(
        [
            sa.func.count().filter(report.c.state == _word("received")),
            sa.func.count().filter(accepted),
            sa.func.count().filter(accepted, _marked()),
        ]
    )
    columns = _part(
        _Part.PERIOD,
        period=period.c.period,
        at=period.c.report_by,
        said=adopted,
        numbers=sa.cast(counts, _COLUMNS["numbers"]),
    )
    return (
        columns.select_from(period.outerjoin(report, here))
        .where(period.c.ward == _WARD, period.c.kind == _word(Duty.ANNUAL_REPORT), ~final)
        .group_by(period.c.ward, period.c.period)
    )


def _open_dossiers() -> sa.Select[Any]:
    """The ward's dossiers that are neither decided nor voted down."""

    def its(table: sa.Table) -> sa.ColumnElement[bool]:
        return _same(table, dossier, "ward", "dossier")

    columns = _part(
        _Part.DOSSIER,
        period=dossier.c.period,
        participant=dossier.c.participant,
        day=candidate.c.window_until,
        said=conclusion.c.passed,
    )
    known = dossier.outerjoin(candidate, its(candidate)).outerjoin(conclusion, its(conclusion))
    return columns.select_from(known).where(
        dossier.c.ward == _WARD,
        ~sa.exists().where(its(honour)),
        conclusion.c.passed.is_not(False),
    )
