"""Reminding by hand: one duty, or many after it was shown what will be sent to whom."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.obligation import state_of
from services.intake.domain.reminding import Asked, check_may_remind, why_not
from services.intake.store import reminding as store
from shared.calendar import days_between, ward_day
from shared.contracts.intake import ReminderDue
from shared.messaging import UnitOfWork
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import not_found

CHANGED = Refusal("changed-meanwhile", "Có thay đổi sau khi bạn xem danh sách.")
GONE = Refusal("not-found", "Không tìm thấy việc này.")


@dataclass(frozen=True, slots=True)
class Pictured:
    """What would be sent of one duty (a row of `store.duties`), or why it may not.

    `digest` changes with whatever of it somebody was shown, and with each reminder of the day.
    """

    duty: Any
    days_left: int
    refusal: Refusal | None
    digest: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a choice: who was reminded, who was left out and why."""

    sent: Sequence[Pictured]
    left_out: Sequence[tuple[Pictured | None, Refusal]]


async def remind(work: UnitOfWork, identity: UUID, person: Person, most: int) -> Pictured:
    """Remind of one duty, at most `most` times a day. Raises Refusal, Problem (404)."""
    known = await store.duties(work.connection, person, [identity], _today(work))
    if identity not in known:
        raise not_found("việc này, hoặc việc này không thuộc về bạn")
    await work.lock(f"{person.ward}/{known[identity].participant}")
    now = work.business.now()
    duty = (await store.duties(work.connection, person, [identity], ward_day(now)))[identity]
    check_may_remind(_asked(duty), now, most)
    pictured = _picture(duty, now, most)
    await _send(work, [pictured], person)
    return pictured


async def picture(
    connection: AsyncConnection, person: Person, ids: Sequence[UUID], now: datetime, most: int
) -> list[Pictured]:
    """What reminding of these duties would do now; others than one's own scope are not there."""
    known = await store.duties(connection, person, ids, ward_day(now))
    return [_picture(duty, now, most) for duty in known.values()]


async def remind_many(
    work: UnitOfWork, chosen: Mapping[UUID, str], person: Person, most: int
) -> Done:
    """Remind of the duties that are still as they were shown (their digests), and of no other."""
    known = await store.duties(work.connection, person, chosen, _today(work))
    await work.lock(*(f"{person.ward}/{duty.participant}" for duty in known.values()))
    pictures = await picture(work.connection, person, [*chosen], work.business.now(), most)
    by_duty = {one.duty.id: one for one in pictures}
    sent: list[Pictured] = []
    left_out: list[tuple[Pictured | None, Refusal]] = []
    for identity, digest in chosen.items():
        one = by_duty.get(identity)
        if one is None:
            left_out.append((None, GONE))
        elif one.refusal is not None or one.digest != digest:
            left_out.append((one, one.refusal or CHANGED))
        else:
            sent.append(one)
    await _send(work, sent, person)
    return Done(sent, left_out)


def _today(work: UnitOfWork) -> date:
    return ward_day(work.business.now())


def _asked(duty: Any) -> Asked:
    state = state_of(duty.met_at, duty.withdrawn_why)
    return Asked(state, duty.manner, duty.due, duty.today)


def _picture(duty: Any, now: datetime, most: int) -> Pictured:
    left = days_between(now, duty.due)
    shown = (duty.id, duty.participant, duty.name, duty.title, duty.due_text, duty.manner)
    told = json.dumps([*map(str, shown), duty.reporter, duty.due.isoformat(), left, duty.today])
    digest = hashlib.sha256(told.encode()).hexdigest()[:32]
    return Pictured(duty, left, why_not(_asked(duty), now, most), digest)


async def _send(work: UnitOfWork, pictures: Sequence[Pictured], person: Person) -> None:
    """Record and publish; the participants' locks are held."""
    now = work.business.now()
    rows = []
    for one in pictures:
        duty = one.duty
        work.publish(_reminder(duty, one.days_left))
        rows.append(
            {
                "obligation": duty.id,
                "day": ward_day(now),
                "number": duty.today + 1,
                "ward": duty.ward,
                "participant": duty.participant,
                "days_left": one.days_left,
                "sent_at": now,
                "reminded_by": person.id,
                "acting_for": person.acting_for,
            }
        )
    await store.keep(work.connection, rows)


def _reminder(duty: Any, days_left: int) -> ReminderDue:
    return ReminderDue(
        ward=duty.ward,
        participant=duty.participant,
        obligation=duty.id,
        kind=duty.kind,
        period=duty.period,
        manner=duty.manner,
        due=duty.due,
        due_text=duty.due_text,
        offset_days=days_left,
        days_left=days_left,
        by_hand=True,
    )
