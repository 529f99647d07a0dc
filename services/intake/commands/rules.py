"""What the rules of a movement ask of the roll: laid, moved and withdrawn in bulk.

Whoever calls holds the lock of the ward's roll; the locks of all on it are taken before anything
is read that a decision rests on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands.planning import plan_anew, planned_rows
from services.intake.domain.obligation import obligation_id
from services.intake.domain.rule import (
    BY_DOCUMENT,
    Duty,
    Laid,
    Member,
    Occurrence,
    Replan,
    Rules,
    Standing,
    duties,
    is_settled,
    occurrences,
    replan,
)
from services.intake.forms.movement import VersionForm
from services.intake.store import desk, planning, tables
from services.intake.store import movement as store
from shared.calendar import ward_day
from shared.contracts.intake import (
    ObligationKind,
    ObligationMoved,
    ObligationOpened,
    ObligationWithdrawn,
    PeriodOpened,
)
from shared.messaging import UnitOfWork
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.problems import conflict


@dataclass(frozen=True, slots=True)
class Picture:
    """What rules say of the opened years, beside what there is; `touched`: periods not past."""

    movement: str
    rules: Rules
    occurrences: Mapping[str, Occurrence]
    periods: Mapping[str, Any]
    touched: frozenset[str]
    plan: Replan


def rules_of(data: Mapping[str, Any]) -> Rules:
    """Of a version as it was entered."""
    known = {name: value for name, value in data.items() if name in VersionForm.model_fields}
    return VersionForm.model_validate(known).to_rules()


async def lock_roll(work: UnitOfWork, ward: str) -> None:
    """Take the locks of everybody on the roll, whose own lock is held."""
    codes = await store.codes_on_roll(work.connection, ward)
    await work.lock(*(f"{ward}/{code}" for code in codes))


async def draw(
    connection: AsyncConnection,
    ward: str,
    movement: str,
    rules: Rules,
    ended: Mapping[int, date],
    now: datetime,
    year: int | None = None,
) -> Picture:
    """The picture of one year, or of all that were opened.

    Raises Refusal when a period by the rules stands in the way of one that there is, or an open
    duty would get a date that has passed.
    """
    known = await desk.periods(connection, ward)
    years = {year} if year is not None else _opened_years(known, movement, rules, ended)
    wanted_periods = {
        occurrence.period: occurrence
        for one in sorted(years)
        for occurrence in occurrences(rules, one, ended)
    }
    mine = {
        code: row
        for code, row in known.items()
        if code in wanted_periods or (row.movement == movement and row.rule and row.year in years)
    }
    for code, row in mine.items():
        _check_same(row, movement, wanted_periods.get(code))
    touched = frozenset(
        code
        for code in mine.keys() | wanted_periods.keys()
        if not is_settled(_due(mine.get(code)), _due(wanted_periods.get(code)), now)
    )
    roll = await members(connection, ward)
    wanted = {k: d for k, d in duties(rules, years, ended, roll).items() if d.period in touched}
    there = {one.key: one for one in map(laid_of, await store.laid(connection, ward, touched))}
    plan = replan(there, wanted, now, await store.sent(connection, ward, touched))
    return Picture(movement, rules, wanted_periods, mine, touched, plan)


def _opened_years(
    known: Mapping[str, Any], movement: str, rules: Rules, ended: Mapping[int, date]
) -> set[int]:
    """Years that rules have laid duties in, or that were opened by hand under the same codes."""
    mine = [row for row in known.values() if row.movement == movement]
    by_rule = {row.year for row in mine if row.rule}
    by_hand = {
        row.year
        for row in mine
        if any(one.period == row.period for one in occurrences(rules, row.year, ended))
    }
    return by_rule | by_hand


def _due(dated: Any) -> datetime | None:
    due: datetime | None = None if dated is None else dated.due
    return due


def _check_same(row: Any, movement: str, occurrence: Occurrence | None) -> None:
    if row.movement != movement or (occurrence is not None and occurrence.rule.kind != row.kind):
        detail = f"Kỳ {row.period} đã mở với nội dung khác."
        raise Refusal("period-exists", detail)


async def members(
    connection: AsyncConnection, ward: str, codes: Iterable[str] | None = None
) -> list[Member]:
    """The roll as the rules see it, without those who have left."""
    rows = await desk.participants(connection, ward, codes)
    return [member_of(r) for r in rows.values() if r.left_on is None]


def member_of(row: Any) -> Member:
    """Somebody on the roll; whoever came back is as new as whoever came for the first time."""
    came = row.rejoined_at or row.registered_at
    return Member(row.participant, row.kind, row.group_code, row.block, row.manner, came)


def laid_of(row: Any) -> Laid:
    """A duty as it stands; what went with a participant that left can come back with it."""
    standing: Standing = "open"
    if row.met_at is not None:
        standing = "met"
    elif row.withdrawn_at is not None:
        standing = "withdrawn" if row.withdrawn_why in _COMES_BACK else "released"
    return Laid(
        row.participant,
        row.kind,
        row.period,
        row.manner,
        row.due,
        row.due_text,
        standing,
        row.by_hand,
    )


_COMES_BACK = frozenset({"rule-changed", "left"})


@dataclass(frozen=True, slots=True)
class Because:
    """Why rules change what is asked: in words, and the document."""

    words: str
    document: str


async def apply(work: UnitOfWork, ward: str, picture: Picture, why: Because) -> None:
    """Do what the picture shows; the locks of the roll and of all on it are held."""
    await _write_periods(work, ward, picture)
    offsets = {
        code: picture.rules.offsets_of(one.rule.code) for code, one in picture.occurrences.items()
    }
    await carry_out(work, ward, picture.plan, picture.touched, offsets, why)


def check_shown(plan: Replan, digest: str, shown: str | None) -> None:
    """Raises Problem (409) unless what is done was shown, or nothing is done; `shown`: the digest
    of what was.
    """
    counts = f"thêm {len(plan.new)}, đổi {len(plan.moved)} và rút {len(plan.withdrawn)} nhiệm vụ"
    if shown is None and plan:
        detail = f"Việc này sẽ {counts}; hãy xem trước rồi xác nhận kèm mã xem trước {digest}."
        raise conflict("preview-needed", detail)
    if shown is not None and shown != digest:
        detail = f"Tình hình đã đổi sau khi xem trước: nay sẽ {counts}. Hãy xem lại rồi xác nhận."
        raise conflict("picture-changed", detail)


async def carry_out(
    work: UnitOfWork,
    ward: str,
    plan: Replan,
    touched: Iterable[str],
    offsets: Mapping[str, Sequence[int]],
    why: Because,
    of: Iterable[str] | None = None,
) -> None:
    """Lay, move and withdraw as planned, tell it, and plan the reminders of all that is open in
    the periods that are `touched`; `of` these participants only, where given.
    """
    now, periods = work.business.now(), frozenset(touched)
    known = {row.id for row in await store.laid(work.connection, ward, periods, of)}
    again = [duty for duty in plan.new if _id(ward, duty) in known]
    await store.reopen_duties(work.connection, [_changed(ward, duty) for duty in again])
    await _insert(work, ward, [duty for duty in plan.new if _id(ward, duty) not in known])
    await store.move_duties(work.connection, [_changed(ward, duty) for _, duty in plan.moved])
    gone = [_id(ward, one) for one in plan.withdrawn]
    await store.withdraw_duties(work.connection, gone, now, why.words)
    await planning.cancel_reminders(work.connection, gone)
    _tell(work, ward, plan, why)
    await insert_rows(
        work.connection, tables.obligation_change, _notes(ward, plan, again, why, now)
    )
    rows = await store.laid(work.connection, ward, periods, of)
    waiting = [row for row in rows if laid_of(row).standing == "open"]
    await plan_anew(work, waiting, offsets, await planning.planning_of(work.connection, ward))


async def _write_periods(work: UnitOfWork, ward: str, picture: Picture) -> None:
    """Open what is not open, and give what has not passed its new date."""
    await work.lock(*(f"{ward}/{code}" for code in picture.occurrences))
    now = work.business.now()
    for code, one in picture.occurrences.items():
        row = picture.periods.get(code)
        said = {
            "title": one.title,
            "due": one.due,
            "due_text": one.due_text,
            "rule": one.rule.code,
            "form": one.rule.form,
        }
        if row is None:
            values = {
                "ward": ward,
                "period": code,
                "movement": picture.movement,
                "kind": one.rule.kind,
                "year": one.year,
                "opened_at": now,
            }
            await insert_rows(work.connection, tables.period, [values | said])
        elif code in picture.touched and any(getattr(row, n) != v for n, v in said.items()):
            await store.change_period(work.connection, ward, code, **said)
        else:
            continue
        if one.rule.kind not in BY_DOCUMENT:
            opened_at = row.opened_at if row else now
            publish_period(work, ward, picture.movement, one, one.rule.kind, opened_at)


def publish_period(
    work: UnitOfWork,
    ward: str,
    movement: str,
    period: Any,
    kind: ObligationKind,
    opened_at: datetime,
) -> None:
    """That a period (a form, or an occurrence) is open, or has another date."""
    work.publish(
        PeriodOpened(
            ward=ward,
            period=period.period,
            movement=movement,
            title=period.title,
            year=period.year,
            opened_on=ward_day(opened_at),
            report_by=period.due,
            report_by_text=period.due_text,
            kind=kind,
        )
    )


def _id(ward: str, duty: Duty | Laid) -> UUID:
    return obligation_id(ward, duty.participant, duty.kind, duty.period)


def _changed(ward: str, duty: Duty) -> dict[str, Any]:
    which = _id(ward, duty)
    return {"which": which, "due": duty.due, "text": duty.due_text, "manner": duty.manner}


def _facts(duty: Duty) -> dict[str, Any]:
    names = ("participant", "kind", "period", "manner", "due", "due_text")
    return {name: getattr(duty, name) for name in names}


async def _insert(work: UnitOfWork, ward: str, new: Sequence[Duty]) -> None:
    now = work.business.now()
    rows = [{"id": _id(ward, one), "ward": ward, "opened_at": now, **_facts(one)} for one in new]
    await insert_rows(work.connection, tables.obligation, rows)


def _opened(work: UnitOfWork, ward: str, duty: Duty) -> None:
    facts = {"ward": ward, "obligation": _id(ward, duty), **_facts(duty)}
    work.publish(ObligationOpened.model_validate(facts))


def _tell(work: UnitOfWork, ward: str, plan: Replan, why: Because) -> None:
    for duty in plan.new:
        _opened(work, ward, duty)
    for before, duty in plan.moved:
        told = {"ward": ward, "obligation": _id(ward, duty), "was_due": before.due}
        work.publish(ObligationMoved.model_validate({**told, **_facts(duty), "why": why.words}))
    for one in plan.withdrawn:
        work.publish(
            ObligationWithdrawn(
                ward=ward,
                participant=one.participant,
                obligation=_id(ward, one),
                kind=one.kind,
                period=one.period,
                why="rule-changed",
                reason=why.words,
            )
        )


def _notes(
    ward: str, plan: Replan, again: Sequence[Duty], why: Because, now: datetime
) -> list[dict[str, Any]]:
    """Rows of what was ordered for duties; nobody at the desk did it, a rule."""
    done: list[tuple[str, Duty | Laid, datetime]] = [
        *(("move", duty, before.due) for before, duty in plan.moved),
        *(("withdraw", one, one.due) for one in plan.withdrawn),
        *(("reopen", duty, duty.due) for duty in again),
    ]
    return [
        {
            "obligation": _id(ward, duty),
            "ward": ward,
            "participant": duty.participant,
            "command": command,
            "reason": why.words,
            "document": why.document,
            "was_due": was,
            "due": duty.due,
            "due_text": duty.due_text,
            "done_at": now,
            "done_by": "",
        }
        for command, duty, was in done
    ]


async def lay(
    work: UnitOfWork, ward: str, new: Sequence[Duty], offsets: Mapping[str, Sequence[int]]
) -> None:
    """Lay new duties with their reminders; `offsets` by period. Participants' locks are held."""
    now, by = work.business.now(), await planning.planning_of(work.connection, ward)
    await _insert(work, ward, new)
    rows: list[dict[str, Any]] = []
    for duty in new:
        _opened(work, ward, duty)
        identity, days = _id(ward, duty), offsets[duty.period]
        rows += planned_rows(identity, duty.manner, duty.due, days, now, by)
    await insert_rows(work.connection, tables.reminder, rows)


def asked_by_hand(period: Any, asked: Iterable[Any]) -> list[Duty]:
    """The duties of a period (a form, or a row) that no rule laid."""
    return [
        Duty(
            one.participant,
            period.kind,
            period.period,
            one.manner,
            period.due,
            period.due_text,
            "",
        )
        for one in asked
    ]
