"""What reports are decided by: read in one statement, of however many wards reports come."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.report import ReportState
from services.intake.store.desk import JUDGED, STORY, Key, state_of_story
from services.intake.store.tables import (
    judgement,
    movement,
    obligation,
    participant,
    period,
    report,
)

MOST_WHOLE = 64
"""Of how many wards' periods a process keeps the whole version of the movement at hand."""
MOST_RULES = 20_000
"""Of how many it keeps what reports are decided by; it is little, and mostly the same for all."""
_PROSE = frozenset({"text", "title", "place"})

Data = dict[str, Any]


@dataclass(slots=True)
class Known:
    """What stands about (participant, period) keys of one ward; what is not there is not named.

    `movements`: the version of each period's movement that is in force, as it was entered.
    `owed`: obligations that are asked for and not met.
    """

    participants: dict[str, Any] = field(default_factory=dict)
    periods: dict[str, Any] = field(default_factory=dict)
    movements: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[Key, ReportState] = field(default_factory=dict)
    owed: dict[Key, Any] = field(default_factory=dict)
    dues: dict[Key, datetime] = field(default_factory=dict)


class Versions:
    """Versions of movements that were read before: JSON as large as a plan is read once.

    By the ward and the period that they rule. A mark names one state of one row (PostgreSQL's own
    `xmin` with the code, the number and the moment), so what is kept under it cannot grow old.
    `kept_of`: what is kept of a version.
    """

    def __init__(self, most: int, kept_of: Callable[[Data], Data] = lambda data: data) -> None:
        self._most = most
        self._kept_of = kept_of
        self._kept: OrderedDict[Key, tuple[str, Data]] = OrderedDict()

    def find(self, key: Key) -> tuple[str, Data] | None:
        """The mark and what is kept of a (ward, period)."""
        return self._kept.get(key)

    def keep(self, key: Key, mark: str, data: Data) -> Data:
        kept = self._kept_of(data)
        self._kept[key] = mark, kept
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept


class WithoutProse:
    """What reports are decided by, without what only people read; equal parts are one object.

    Plans of wards follow one another: of thousands most parts are the same.
    """

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def __call__(self, data: Data) -> Data:
        if len(self._parts) > MOST_RULES:
            self._parts.clear()
        return {name: self._shared(part) for name, part in _bare(data).items()}

    def _shared(self, part: Any) -> Any:
        return self._parts.setdefault(json.dumps(part), part) if part else part


def _bare(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _bare(inner) for name, inner in part.items() if name not in _PROSE}
    return [_bare(inner) for inner in part] if isinstance(part, list) else part


WHOLE = Versions(MOST_WHOLE)
RULES = Versions(MOST_RULES, WithoutProse())
_ASKED = ("ward", "participant", "period", "mark")
_ONE = sa.select(*(sa.bindparam(name, type_=sa.Text()).label(name) for name in _ASKED)).subquery(
    "given"
)
"""The key of one report. PostgreSQL knows that it is one, and so plans the statement once: with
arrays it would plan it anew for each report, which takes longer than to answer it."""
_MANY = (
    sa.func.unnest(*(sa.bindparam(name, type_=ARRAY(sa.Text())) for name in _ASKED))
    .table_valued(*(sa.column(name, sa.Text()) for name in _ASKED))
    .render_derived(name="given")
)
_MARK = sa.func.concat_ws(
    "/",
    sa.literal_column("movement.xmin::text"),
    movement.c.movement,
    movement.c.version,
    movement.c.launched_at,
)


def _in_force(given: sa.FromClause) -> sa.FromClause:
    return (
        sa.select(
            _MARK.label("mark"),
            sa.case((given.c.mark != _MARK, movement.c.data)).label("data"),
        )
        .where(
            movement.c.ward == given.c.ward,
            movement.c.movement == period.c.movement,
            movement.c.state == "adopted",
        )
        .order_by(movement.c.version.desc())
        .limit(1)
        .correlate(period, given)
        .lateral("in_force")
    )


def _owed(given: sa.FromClause) -> sa.FromClause:
    """At most one. Joined as it is, PostgreSQL may look for all of a kind while it has no
    statistics, and throw away all but one."""
    return (
        sa.select(obligation)
        .where(
            _of(given, obligation, "participant", "period"),
            obligation.c.kind == period.c.kind,
        )
        .limit(1)
        .correlate(period, given)
        .lateral("owed")
    )


def _of(given: sa.FromClause, table: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    """A ward's rows of a table that are about a given key."""
    return sa.and_(*(table.c[name] == given.c[name] for name in ("ward", *names)))


def _query(given: sa.FromClause) -> tuple[sa.Select[Any], list[list[str]]]:
    """The statement, and the columns' names of each of its parts."""
    in_force, owed = _in_force(given), _owed(given)
    key = (given.c.ward, given.c.participant, given.c.period)
    parts = (key, participant.c, period.c, in_force.c, owed.c, STORY)
    statement = (
        sa.select(*(column for part in parts for column in part))
        .select_from(
            given.outerjoin(participant, _of(given, participant, "participant"))
            .outerjoin(period, _of(given, period, "period"))
            .outerjoin(in_force, sa.true())
            .outerjoin(owed, sa.true())
            .outerjoin(report, _of(given, report, "participant", "period"))
            .outerjoin(judgement, JUDGED)
        )
        .order_by(*key, report.c.revision)
    )
    return statement, [[str(column.key) for column in part] for part in parts]


_OF_ONE, _NAMES = _query(_ONE)
_OF_MANY, _ = _query(_MANY)


async def known_about(connection: AsyncConnection, ward: str, keys: Iterable[Key]) -> Known:
    """All that reports of these keys are decided by, and what people read of the movement."""
    return (await known_in_wards(connection, {ward: keys}, WHOLE))[ward]


async def known_in_wards(
    connection: AsyncConnection,
    keys: Mapping[str, Iterable[Key]],
    versions: Versions = RULES,
) -> dict[str, Known]:
    """All that reports of these keys are decided by, ward by ward."""
    asked = [(ward, *key) for ward in sorted(keys) for key in sorted(set(keys[ward]))]
    before = {(w, code): versions.find((w, code)) for w, _, code in asked}
    rows = await _rows(connection, asked, _marks(asked, before))
    known = {ward: Known() for ward in keys}
    for (ward, code, of), grouped in groupby(rows, key=lambda row: (row[0], row[1], row[2])):
        stories = [list(_parts(row)) for row in grouped]
        _enter(known[ward], (code, of), stories)
        when, rules = stories[0][2], stories[0][3]
        if rules.data is not None:
            before[ward, of] = rules.mark, versions.keep((ward, of), rules.mark, rules.data)
        kept = before[ward, of]
        if rules.mark is not None and kept is not None:
            known[ward].movements[when.movement] = kept[1]
    return known


async def _rows(
    connection: AsyncConnection,
    asked: Sequence[tuple[str, str, str]],
    marks: Sequence[str | None],
) -> Sequence[Any]:
    given = [(*key, mark) for key, mark in zip(asked, marks, strict=True)]
    statement: sa.Select[Any] = _OF_MANY
    values: dict[str, Any] = {n: [row[at] for row in given] for at, n in enumerate(_ASKED)}
    if len(given) == 1:
        statement, values = _OF_ONE, dict(zip(_ASKED, given[0], strict=True))
    rows: Sequence[Any] = (await connection.execute(statement, values)).all()
    return rows


def _marks(
    asked: Sequence[tuple[str, str, str]], before: Mapping[Key, tuple[str, Data] | None]
) -> list[str | None]:
    """What is kept for each key, "" for nothing; for a period once, so that it comes once."""
    seen: set[Key] = set()
    told: list[str | None] = []
    for ward, _, code in asked:
        kept = before[ward, code]
        told.append(None if (ward, code) in seen else kept[0] if kept else "")
        seen.add((ward, code))
    return told


def _parts(row: Sequence[Any]) -> Iterator[Any]:
    """What each table has of a key, as something with its columns' names."""
    place = 0
    for names in _NAMES:
        yield SimpleNamespace(**dict(zip(names, row[place : place + len(names)], strict=True)))
        place += len(names)


def _enter(known: Known, key: Key, stories: Sequence[Sequence[Any]]) -> None:
    """`stories`: the rows of one key, one for each version of its report."""
    _, of, when, _, owed, _ = stories[0]
    if of.participant is not None:
        known.participants[of.participant] = of
    if when.period is not None:
        known.periods[when.period] = when
    if owed.id is not None:
        known.dues[key] = owed.due
        if owed.met_at is None and owed.withdrawn_at is None:
            known.owed[key] = owed
    sent = [story[-1] for story in stories if story[-1].revision is not None]
    if sent:
        known.reports[key] = state_of_story(sent)
