"""What a place on the roll asks of one participant: of a newcomer, of one that is moved to another
group, khối or kind, of one that comes back.

Whoever calls holds the lock of the ward's roll, and those of the participants.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands.rules import (
    Because,
    asked_by_hand,
    carry_out,
    laid_of,
    lay,
    members,
    rules_of,
)
from services.intake.domain.obligation import is_still_asked
from services.intake.domain.rule import (
    Duty,
    Laid,
    Member,
    Replan,
    duty_of,
    is_settled,
    occurrences,
    offsets_in,
    replan,
)
from services.intake.store import desk
from services.intake.store import movement as store
from shared.messaging import UnitOfWork


@dataclass(frozen=True, slots=True)
class Placing:
    """What changes for one participant; `touched`: the periods that it may change anything in,
    `offsets` of each period.
    """

    participant: str
    plan: Replan
    touched: frozenset[str]
    offsets: Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Desk:
    """The ward's open periods, and the version in force of each movement."""

    periods: Mapping[str, Any]
    movements: Mapping[str, Mapping[str, Any]]

    @property
    def offsets(self) -> dict[str, Sequence[int]]:
        return {
            code: offsets_in(self.movements[row.movement], row.rule)
            for code, row in self.periods.items()
        }


async def _desk(connection: AsyncConnection, ward: str) -> _Desk:
    return _Desk(await desk.periods(connection, ward), await desk.movements(connection, ward))


async def lay_open_duties(work: UnitOfWork, ward: str, codes: Sequence[str]) -> None:
    """Whoever comes onto the roll late owes what is still to come, or has days of their own."""
    now, connection = work.business.now(), work.connection
    newcomers = await members(connection, ward, codes)
    known = await _desk(connection, ward)
    new = await _still_asked(connection, ward, known, newcomers, now)
    laid = {laid_of(row).key for row in await store.laid(connection, ward, known.periods, codes)}
    await lay(work, ward, [duty for duty in new if duty.key not in laid], known.offsets)


async def draw_move(
    connection: AsyncConnection, ward: str, member: Member, now: datetime
) -> Placing:
    """What the rules in force make of somebody who stands on the roll as `member` from now on: as
    another version of the rules would, of the periods that are not past.
    """
    known = await _desk(connection, ward)
    touched = frozenset(
        code for code, row in known.periods.items() if row.rule and not _is_past(row, now)
    )
    asked = await _asked_by_rules(connection, ward, known, [member])
    wanted = [duty for duty in asked if duty.period in touched]
    laid = [laid_of(row) for row in await _laid(connection, ward, member, touched)]
    return await _placing(connection, ward, member, known, wanted, laid, now)


async def draw_return(
    connection: AsyncConnection, ward: str, member: Member, now: datetime
) -> Placing:
    """What is asked of somebody who comes back now, like of a newcomer; nothing is taken away."""
    known = await _desk(connection, ward)
    wanted = await _still_asked(connection, ward, known, [member], now)
    keys = {duty.key for duty in wanted}
    rows = await _laid(connection, ward, member, known.periods)
    laid = [one for one in map(laid_of, rows) if one.key in keys]
    return await _placing(connection, ward, member, known, wanted, laid, now)


async def _placing(
    connection: AsyncConnection,
    ward: str,
    member: Member,
    known: _Desk,
    wanted: Iterable[Duty],
    laid: Iterable[Laid],
    now: datetime,
) -> Placing:
    asked, there = {duty.key: duty for duty in wanted}, {one.key: one for one in laid}
    touched = frozenset(period for _, _, period in asked.keys() | there.keys())
    sent = await store.sent(connection, ward, touched, member.participant)
    plan = replan(there, asked, now, sent)
    return Placing(member.participant, plan, touched, known.offsets)


async def place(work: UnitOfWork, ward: str, placing: Placing, why: Because) -> None:
    """Do what was drawn."""
    await carry_out(
        work,
        ward,
        placing.plan,
        placing.touched,
        placing.offsets,
        why,
        of=[placing.participant],
    )


def _is_past(period: Any, now: datetime) -> bool:
    return is_settled(period.due, period.due, now)


async def _laid(
    connection: AsyncConnection, ward: str, member: Member, periods: Iterable[str]
) -> Sequence[Any]:
    return await store.laid(connection, ward, periods, [member.participant])


async def _still_asked(
    connection: AsyncConnection, ward: str, known: _Desk, newcomers: Sequence[Member], now: datetime
) -> list[Duty]:
    """Of somebody who comes now: what is still to come, of every open period."""
    asked = await _asked_by_rules(connection, ward, known, newcomers)
    found = [duty for duty in asked if duty.due >= now]
    for period in known.periods.values():
        if not period.rule:
            here = [m for m in newcomers if is_still_asked(period.kind, m.manner, period.due, now)]
            found += asked_by_hand(period, here)
    return found


async def _asked_by_rules(
    connection: AsyncConnection, ward: str, known: _Desk, asked: Sequence[Member]
) -> list[Duty]:
    found: list[Duty] = []
    opened: dict[str, dict[str, Any]] = {}
    for row in known.periods.values():
        if row.rule:
            opened.setdefault(row.movement, {})[row.period] = row
    for code, rows in opened.items():
        rules = rules_of(known.movements[code])
        ended = await store.ended_phases(connection, ward, code)
        for year in sorted({row.year for row in rows.values()}):
            for one in occurrences(rules, year, ended):
                if one.period in rows:
                    duties = (duty_of(rules, one, member) for member in asked)
                    found += [duty for duty in duties if duty is not None]
    return found
