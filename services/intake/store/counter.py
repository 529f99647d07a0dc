"""What reports are decided by: read in one statement, however many reports there are."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

MOST_WARDS = 64
MOST_VERSIONS = 8
"""How many movements' versions a process keeps at hand, of each ward."""


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


class _Versions:
    """Versions of movements that were read before: JSON as large as a plan is read once.

    A mark names one state of one row (PostgreSQL's own `xmin` with the code, the number and the
    moment), so what is kept under it cannot grow old.
    """

    def __init__(self) -> None:
        self._by_ward: OrderedDict[str, dict[str, dict[str, Any]]] = OrderedDict()

    def of(self, ward: str) -> Mapping[str, dict[str, Any]]:
        """A ward's versions by mark."""
        return self._by_ward.get(ward, {})

    def keep(self, ward: str, versions: Mapping[str, dict[str, Any]]) -> None:
        kept = {**self.of(ward), **versions}
        self._by_ward[ward] = dict(versions) if len(kept) > MOST_VERSIONS else kept
        self._by_ward.move_to_end(ward)
        while len(self._by_ward) > MOST_WARDS:
            self._by_ward.popitem(last=False)


_versions = _Versions()
_WARD: sa.BindParameter[str] = sa.bindparam("ward", type_=sa.Text())
_MARKS: sa.BindParameter[Any] = sa.bindparam("marks", type_=ARRAY(sa.Text()))
_GIVEN = (
    sa.func.unnest(
        sa.bindparam("participants", type_=ARRAY(sa.Text())),
        sa.bindparam("periods", type_=ARRAY(sa.Text())),
    )
    .table_valued(sa.column("participant", sa.Text()), sa.column("period", sa.Text()), name="given")
    .render_derived()
)
_MARK = sa.func.concat_ws(
    "/",
    sa.literal_column("movement.xmin::text"),
    movement.c.movement,
    movement.c.version,
    movement.c.launched_at,
)
_IN_FORCE = (
    sa.select(
        _MARK.label("mark"),
        sa.case((sa.not_(sa.any_(_MARKS) == _MARK), movement.c.data)).label("data"),
    )
    .where(
        movement.c.ward == _WARD,
        movement.c.movement == period.c.movement,
        movement.c.state == "adopted",
    )
    .order_by(movement.c.version.desc())
    .limit(1)
    .correlate(period)
    .lateral("in_force")
)


def _of(table: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    """A ward's rows of a table that are about a given key."""
    same = (table.c[name] == _GIVEN.c[name] for name in names)
    return sa.and_(table.c.ward == _WARD, *same)


_OWED = sa.and_(
    _of(obligation, "participant", "period"),
    obligation.c.kind == sa.bindparam("kind", type_=sa.Text()),
)
_PARTS: Sequence[Sequence[sa.ColumnElement[Any]]] = (
    (_GIVEN.c.participant, _GIVEN.c.period),
    tuple(participant.c),
    tuple(period.c),
    (_IN_FORCE.c.mark, _IN_FORCE.c.data),
    tuple(obligation.c),
    STORY,
)
_QUERY = (
    sa.select(*(column for part in _PARTS for column in part))
    .select_from(
        _GIVEN.outerjoin(participant, _of(participant, "participant"))
        .outerjoin(period, _of(period, "period"))
        .outerjoin(_IN_FORCE, sa.true())
        .outerjoin(obligation, _OWED)
        .outerjoin(report, _of(report, "participant", "period"))
        .outerjoin(judgement, JUDGED)
    )
    .order_by(_GIVEN.c.participant, _GIVEN.c.period, report.c.revision)
)
_NAMES = [[str(column.key) for column in part] for part in _PARTS]


async def known_about(
    connection: AsyncConnection, ward: str, keys: Iterable[Key], kind: str
) -> Known:
    """All that reports of these keys are decided by; `kind` is of the obligations."""
    asked = sorted(set(keys))
    before = _versions.of(ward)
    rows = await connection.execute(
        _QUERY,
        {
            "ward": ward,
            "participants": [code for code, _ in asked],
            "periods": [code for _, code in asked],
            "marks": list(before),
            "kind": kind,
        },
    )
    known, versions = Known(), dict[str, dict[str, Any]]()
    for key, grouped in groupby(rows, key=lambda row: (row[0], row[1])):
        stories = [list(_parts(row)) for row in grouped]
        _enter(known, key, stories, before, versions)
    if versions.keys() - before.keys():
        _versions.keep(ward, versions)
    return known


def _parts(row: Sequence[Any]) -> Iterator[Any]:
    """What each table has of a key, as something with its columns' names."""
    place = 0
    for names in _NAMES:
        yield SimpleNamespace(**dict(zip(names, row[place : place + len(names)], strict=True)))
        place += len(names)


def _enter(
    known: Known,
    key: Key,
    stories: Sequence[Sequence[Any]],
    before: Mapping[str, dict[str, Any]],
    versions: dict[str, dict[str, Any]],
) -> None:
    """`stories`: the rows of one key, one for each version of its report."""
    _, of, when, rules, owed, _ = stories[0]
    if of.participant is not None:
        known.participants[of.participant] = of
    if when.period is not None:
        known.periods[when.period] = when
    if rules.mark is not None:
        versions[rules.mark] = before[rules.mark] if rules.data is None else rules.data
        known.movements[when.movement] = versions[rules.mark]
    if owed.id is not None:
        known.dues[key] = owed.due
        if owed.met_at is None and owed.withdrawn_at is None:
            known.owed[key] = owed
    sent = [story[-1] for story in stories if story[-1].revision is not None]
    if sent:
        known.reports[key] = state_of_story(sent)
