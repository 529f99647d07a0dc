"""What becomes of a duty after it was laid: another date, given up, opened again; and the days
that the ward works.

Whoever gives such a command holds the lock of the ward's roll first and the participants' after
it, so that a duty and the calendar that its reminders are planned by never miss each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.deadline import (
    NOTHING_BEFORE,
    Before,
    check_new_date,
    plan_reminders,
)
from services.intake.domain.obligation import (
    IS_OVERDUE,
    IS_REMINDED,
    Command,
    Giver,
    Standing,
    decide_order,
    order,
    state_of,
)
from services.intake.domain.office import Subject, check_may_judge
from services.intake.domain.workday import Planning, check_day
from services.intake.forms.planning import DayForm, DutyOrder, GraceForm
from services.intake.store import desk, tables
from services.intake.store import planning as store
from services.intake.store.movement import sent
from shared.calendar import last_moment_of, vietnamese_date, ward_day
from shared.contracts.intake import (
    Manner,
    ObligationMoved,
    ObligationOpened,
    ObligationWithdrawn,
)
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person
from shared.web.problems import not_found

Why = Literal["waived", "excused", "rule-changed", "left"]


@dataclass(frozen=True, slots=True)
class Order:
    """Who orders something of a duty, and why; `by` "" where what is adopted for all does it."""

    givers: frozenset[Giver] | frozenset[str]
    reason: str
    document: str = ""
    by: str = ""
    acting_for: str = ""


def order_of(person: Person, reason: str, document: str = "") -> Order:
    """Of somebody at the desk."""
    return Order(person.roles, reason, document, person.id, person.acting_for)


def planned_rows(
    identity: UUID,
    manner: Manner,
    due: datetime,
    offsets: Iterable[int],
    now: datetime,
    by: Planning,
    laid_at: datetime | None = None,
    before: Before = NOTHING_BEFORE,
) -> list[dict[str, Any]]:
    """Rows of `reminder` for a duty, as `plan_reminders` has them."""
    if manner not in IS_REMINDED:
        return []
    planned = plan_reminders(
        due,
        offsets,
        now,
        overdue=manner in IS_OVERDUE,
        by=by,
        laid_at=laid_at,
        before=before,
    )
    return [
        {
            "obligation": identity,
            "deadline": due,
            "offset_days": one.offset,
            "due_at": one.due_at,
            "state": "planned",
        }
        for one in planned
    ]


async def plan_anew(
    work: UnitOfWork, duties: Sequence[Any], offsets: Mapping[str, Sequence[int]], by: Planning
) -> None:
    """Plan open duties by their present dates instead of what was planned for them before.

    `offsets` by period. The locks of the participants are held.
    """
    now, ids = work.business.now(), [duty.id for duty in duties]
    before = await store.planned_before(work.connection, ids, now)
    await store.cancel_for_another_plan(work.connection, ids, now)
    rows: list[dict[str, Any]] = []
    for duty in duties:
        days, known = offsets.get(duty.period, ()), before.get(duty.id, NOTHING_BEFORE)
        rows += planned_rows(duty.id, duty.manner, duty.due, days, now, by, duty.opened_at, known)
    await store.put_reminders(work.connection, rows)


async def _plan_one(work: UnitOfWork, duty: Any) -> None:
    offsets = await store.offsets_by_period(work.connection, duty.ward)
    by = await store.planning_of(work.connection, duty.ward)
    await plan_anew(work, [duty], offsets, by)


async def move(
    work: UnitOfWork, duty: Any, due: datetime, due_text: str, by: Order, *, by_hand: bool
) -> None:
    """Give an open duty another date: its reminders follow, and whoever was told hears of it.

    `by_hand`: for this one alone, so that no rule moves it afterwards.
    """
    order(_state(duty), "move", duty.manner, by.givers)
    check_new_date(due, duty.due, work.business.now())
    await store.change_duty(
        work.connection, duty.id, due=due, due_text=due_text, by_hand=duty.by_hand or by_hand
    )
    moved = await _again(work, duty)
    await _plan_one(work, moved)
    await _note(work, moved, "move", by, was_due=duty.due)
    facts = _facts(moved) | {"was_due": duty.due, "why": by.reason}
    work.publish(ObligationMoved.model_validate(facts))


_WHY: Mapping[Command, Why] = {"waive": "waived", "excuse": "excused"}


async def withdraw(work: UnitOfWork, duty: Any, why: Why, by: Order) -> None:
    """Ask no more for a duty; nothing planned for it goes out."""
    commands = {meaning: command for command, meaning in _WHY.items()}
    command: Command = commands.get(why, "withdraw")
    order(_state(duty), command, duty.manner, by.givers)
    await store.change_duty(
        work.connection,
        duty.id,
        withdrawn_at=work.business.now(),
        withdrawn_why=why,
        withdrawn_reason=by.reason,
    )
    await store.cancel_reminders(work.connection, [duty.id])
    await _note(work, duty, command, by, was_due=duty.due)
    names = ("ward", "participant", "kind", "period")
    facts = {name: getattr(duty, name) for name in names}
    work.publish(
        ObligationWithdrawn.model_validate(
            {**facts, "obligation": duty.id, "why": why, "reason": by.reason}
        )
    )


async def reopen(
    work: UnitOfWork, duty: Any, due: datetime | None, due_text: str, by: Order
) -> None:
    """Ask for a duty again, by its old date or a new one; that date is still ahead.

    Raises Refusal where nobody could do it any more: it is in, or the participant has left.
    """
    decide_order(await standing_of(work.connection, duty), "reopen", by.givers)
    until = due or duty.due
    if until <= work.business.now():
        detail = "Hạn của nhiệm vụ này đã qua; muốn mở lại thì ghi hạn mới."
        raise Refusal("date-passed", detail, "/last_day")
    changed = {"due": until, "due_text": due_text, "by_hand": True} if due else {}
    nothing = {"withdrawn_at": None, "withdrawn_why": "", "withdrawn_reason": ""}
    await store.change_duty(work.connection, duty.id, **nothing, **changed)
    opened = await _again(work, duty)
    await _plan_one(work, opened)
    await _note(work, opened, "reopen", by, was_due=duty.due)
    work.publish(ObligationOpened.model_validate(_facts(opened)))


async def standing_of(connection: AsyncConnection, duty: Any) -> Standing:
    """What decides about an order, for whoever gives it and for the page that offers it."""
    rows = await desk.participants(connection, duty.ward, [duty.participant])
    is_sent = bool(await sent(connection, duty.ward, [duty.period], duty.participant))
    has_left = rows[duty.participant].left_on is not None
    return Standing(_state(duty), duty.manner, has_left, is_sent)


def _state(duty: Any) -> Any:
    return state_of(duty.met_at, duty.withdrawn_why)


async def _again(work: UnitOfWork, duty: Any) -> Any:
    return await store.duty(work.connection, duty.ward, duty.id)


def _facts(duty: Any) -> dict[str, Any]:
    names = ("ward", "participant", "kind", "period", "manner", "due", "due_text")
    return {"obligation": duty.id, **{name: getattr(duty, name) for name in names}}


async def _note(
    work: UnitOfWork, duty: Any, command: Command, by: Order, *, was_due: datetime
) -> None:
    row = {
        "obligation": duty.id,
        "ward": duty.ward,
        "participant": duty.participant,
        "command": command,
        "reason": by.reason,
        "document": by.document,
        "was_due": was_due,
        "due": duty.due,
        "due_text": duty.due_text,
        "done_at": work.business.now(),
        "done_by": by.by,
        "acting_for": by.acting_for,
    }
    await insert_rows(work.connection, tables.obligation_change, [row])


# --- what the office orders ---


async def give_order(work: UnitOfWork, which: UUID, form: DutyOrder, person: Person) -> Any:
    """Do with a duty what the office has decided; returns it as it is now.

    The lock of the roll is held. Raises Refusal for a unit of one's own, and for what the state
    does not allow.
    """
    found = await store.duty(work.connection, person.ward, which)
    if found is None:
        raise not_found("nhiệm vụ này")
    await work.lock(f"{person.ward}/{found.participant}")
    duty = await _again(work, found)
    await _check_not_own(work, duty, person)
    by = order_of(person, form.reason, form.document)
    due, text = _new_date(form)
    if form.command == "move":
        if due is None:
            raise Refusal("date-missing", "Ghi hạn mới.", "/last_day")
        await move(work, duty, due, text, by, by_hand=True)
    elif form.command == "reopen":
        await reopen(work, duty, due, text, by)
    else:
        await withdraw(work, duty, _WHY[form.command], by)
    facts = form.model_dump(mode="json") | {"obligation": str(which)}
    await record_act(work, f"obligation-{form.command}", duty.participant, person.actor, facts)
    return await _again(work, duty)


def _new_date(form: DutyOrder) -> tuple[datetime | None, str]:
    """The last on-time moment and its wording; None and "" where no day was given."""
    if form.last_day is None:
        return None, ""
    words = form.due_text or f"đến hết ngày {vietnamese_date(form.last_day)}"
    return last_moment_of(form.last_day), words


async def _check_not_own(work: UnitOfWork, duty: Any, person: Person) -> None:
    rows = await desk.participants(work.connection, person.ward, [duty.participant])
    row = rows[duty.participant]
    subject = Subject(row.participant, row.proposed_by, row.reporter)
    check_may_judge({person.id, person.acting_for}, person.stakes, subject)


# --- the ward's calendar ---


async def set_day(work: UnitOfWork, form: DayForm, person: Person) -> int:
    """Say of a day that the ward works, or does not; returns how many duties were planned anew.

    The lock of the roll is held.
    """
    now, ward = work.business.now(), person.ward
    check_day(form.day, ward_day(now))
    if await store.kind_of_day(work.connection, ward, form.day) == form.kind:
        return 0
    await insert_rows(work.connection, tables.calendar_day, [_set_by(form, person, now)])
    await record_act(
        work, "calendar-day-set", str(form.day), person.actor, form.model_dump(mode="json")
    )
    return await plan_ward_anew(work, ward)


async def set_grace(work: UnitOfWork, form: GraceForm, person: Person) -> int:
    """After how many working days the head of a unit is told. The lock of the roll is held."""
    ward = person.ward
    known = await store.newest_grace(work.connection, ward)
    if known is not None and known.grace == form.grace:
        return 0
    row = _set_by(form, person, work.business.now())
    await insert_rows(work.connection, tables.escalation_rule, [row])
    await record_act(work, "escalation-set", ward, person.actor, form.model_dump(mode="json"))
    return await plan_ward_anew(work, ward)


def _set_by(form: DayForm | GraceForm, person: Person, now: datetime) -> dict[str, Any]:
    done = {"set_at": now, "set_by": person.id, "acting_for": person.acting_for}
    return form.model_dump() | {"ward": person.ward} | done


async def plan_ward_anew(work: UnitOfWork, ward: str) -> int:
    """Plan all that is open by the ward's calendar as it is now; returns how many duties.

    The lock of the roll is held, so no duty is laid meanwhile.
    """
    duties = await store.open_duties(work.connection, ward)
    await work.lock(*(f"{ward}/{duty.participant}" for duty in duties))
    duties = await store.open_duties(work.connection, ward)
    offsets = await store.offsets_by_period(work.connection, ward)
    by = await store.planning_of(work.connection, ward)
    await plan_anew(work, duties, offsets, by)
    return len(duties)
