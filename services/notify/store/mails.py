"""Mails: addressing, claiming, handing over, settling."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.domain.delivery import FINAL, IN_HAND, MOVES, Command, State
from services.notify.domain.telling import ERASED
from services.notify.store.tables import (
    MOMENT,
    approval,
    contact,
    mail,
    met,
    movement,
    notice,
    obligation,
    participant,
    period,
    told,
)
from shared.rows import add_rows, as_table


def _able(command: Command) -> sa.ColumnElement[bool]:
    """The mail's state allows the command."""
    return mail.c.status.in_(sorted(MOVES[command].sources))


of_participant = sa.and_(
    participant.c.ward == notice.c.ward, participant.c.participant == notice.c.participant
)
_ADDRESSEE = sa.func.coalesce(sa.func.nullif(notice.c.addressee, ""), participant.c.reporter)
_of_addressee = sa.and_(contact.c.ward == notice.c.ward, contact.c.person == _ADDRESSEE)
of_period = sa.and_(period.c.ward == notice.c.ward, period.c.period == notice.c.period)
_of_draft = sa.and_(
    *(approval.c[name] == notice.c[name] for name in ("ward", "participant", "period"))
)

_READY = (
    sa.select(mail.c.id, _ADDRESSEE.label("addressee"), contact.c.email.is_(None).label("erased"))
    .join(notice, notice.c.id == mail.c.id)
    .outerjoin(participant, of_participant)
    .join(contact, _of_addressee)
    .where(
        mail.c.status == State.WAITING,
        sa.or_(notice.c.participant == "", participant.c.participant.is_not(None)),
        sa.exists().where(movement.c.ward == notice.c.ward),
        sa.or_(~notice.c.needs_period, sa.exists().where(of_period)),
    )
)
"""Waiting mails of which every fact that they need is known by now."""


_NOW: sa.BindParameter[datetime] = sa.bindparam("now", type_=MOMENT)
_MOST: sa.BindParameter[int] = sa.bindparam("most", type_=sa.Integer())


async def queue(connection: AsyncConnection, now: datetime, limit: int) -> int:
    """Address mails whose facts are all known; those to erased people are dropped."""
    result = await connection.execute(_queueing(), {"now": now, "most": limit})
    return result.rowcount


@cache
def _queueing() -> sa.Update:
    ready = (
        _READY.order_by(mail.c.seq)
        .limit(_MOST)
        .with_for_update(of=mail, skip_locked=True)
        .cte("ready")
    )
    return (
        sa.update(mail)
        .where(mail.c.id == ready.c.id, _able(Command.QUEUE))
        .values(
            status=sa.case(
                (ready.c.erased, MOVES[Command.DROP].target), else_=MOVES[Command.QUEUE].target
            ),
            reason=sa.case((ready.c.erased, ERASED.reason), else_=""),
            person=ready.c.addressee,
            due_at=_NOW,
        )
    )


async def claim(
    connection: AsyncConnection,
    *,
    token: UUID,
    by: str,
    now: datetime,
    until: datetime,
    limit: int,
) -> Sequence[UUID]:
    """Take mails that are due, oldest first; nobody else gets them until the lease ends."""
    asked = {"now": now, "most": limit, "token": token, "worker": by, "until": until}
    return (await connection.scalars(_claiming(), asked)).all()


@cache
def _claiming() -> sa.UpdateBase:
    due = (
        sa.select(mail.c.id)
        .where(_able(Command.CLAIM), mail.c.due_at <= _NOW)
        .order_by(mail.c.due_at, mail.c.seq)
        .limit(_MOST)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        sa.update(mail)
        .where(mail.c.id == due.c.id)
        .values(
            status=MOVES[Command.CLAIM].target,
            claim=sa.bindparam("token", type_=mail.c.claim.type),
            claimed_by=sa.bindparam("worker", type_=sa.Text()),
            lease_until=sa.bindparam("until", type_=MOMENT),
            answer=None,
        )
        .returning(mail.c.id)
    )


async def hear_of(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what our own topic says of mails (`told`'s columns) that have not ended here."""
    ended = await connection.scalars(
        sa.select(mail.c.id).where(
            mail.c.id.in_([row["mail"] for row in rows]), mail.c.status.in_(sorted(FINAL))
        )
    )
    known = set(ended)
    await add_rows(connection, told, [row for row in rows if row["mail"] not in known])


async def recall(connection: AsyncConnection) -> int:
    """End the mails of which our own topic said what became of them; returns how many."""
    return (await connection.execute(_recalling())).rowcount


@cache
def _recalling() -> sa.Update:
    able = sa.or_(
        *(
            sa.and_(told.c.status == MOVES[command].target, _able(command))
            for command in (Command.RECALL_SENT, Command.RECALL_REFUSED, Command.RECALL_UNCERTAIN)
        )
    )
    heard = sa.delete(told).where(mail.c.id == told.c.mail, able).returning(*told.c).cte("heard")
    kept = {name: heard.c[name] for name in ("status", "person", "reason", "sent_at")}
    nobodys = dict.fromkeys(("claim", "claimed_by", "lease_until", "answer"))
    return sa.update(mail).where(mail.c.id == heard.c.mail).values(recalled=True, **kept, **nobodys)


def _criteria() -> sa.ScalarSelect[Any]:
    """The items of the newest receipt of the same version of the report."""
    receipt = notice.alias("receipt")
    return (
        sa.select(receipt.c.facts["items"])
        .where(
            notice.c.kind.in_(("report-returned", "report-reopened")),
            receipt.c.kind == "report-received",
            receipt.c.ward == notice.c.ward,
            receipt.c.participant == notice.c.participant,
            receipt.c.period == notice.c.period,
            receipt.c.facts["revision"] == notice.c.facts["revision"],
        )
        .order_by(receipt.c.taken_at.desc())
        .limit(1)
        .scalar_subquery()
    )


def _superseded() -> sa.ColumnElement[bool]:
    """A later reminder of the same duty has come in; or a later summary for the same person."""
    later, its_mail = notice.alias("later"), mail.alias("its_mail")
    of_duty = (
        later.c.obligation == notice.c.obligation,
        later.c.kind.in_(("reminder", "overdue")),
    )
    subject = ("ward", "participant", "period", "kind", "addressee")
    of_office = (
        notice.c.kind == "office-summary",
        *(later.c[name] == notice.c[name] for name in subject),
    )
    found = (
        sa.select(sa.literal(1))
        .select_from(later)
        .join(its_mail, its_mail.c.id == later.c.id)
        .where(its_mail.c.seq > mail.c.seq, *same)
        for same in (of_duty, of_office)
    )
    return sa.or_(*map(sa.exists, found))


def _names() -> sa.ScalarSelect[Any]:
    """Names of those who entered a report from a document, {id: name}."""
    who = contact.alias("who")
    paper = notice.c.facts["paper"]
    return (
        sa.select(sa.func.jsonb_object_agg(who.c.person, who.c.name))
        .where(
            who.c.ward == notice.c.ward,
            who.c.person.in_((paper["recorded_by"].astext, paper["acting_for"].astext)),
            who.c.name.is_not(None),
        )
        .scalar_subquery()
    )


_REACHED = ("sent", "uncertain", "sending", "data")


def _told() -> sa.ScalarSelect[Any]:
    """The last mail about the same duty that its addressee has, or has in hand: {"kind", "due"}.

    Where only our own topic says that it went out, it told its fact's date; withdrawals have none.
    """
    before, its_mail = notice.alias("before"), mail.alias("told_by")
    due = sa.case(
        (its_mail.c.recalled, sa.cast(before.c.facts["due"].astext, MOMENT)),
        else_=its_mail.c.told_due,
    )
    return (
        sa.select(sa.func.jsonb_build_object("kind", before.c.kind, "due", due))
        .select_from(before)
        .join(its_mail, its_mail.c.id == before.c.id)
        .where(
            before.c.obligation == notice.c.obligation,
            before.c.addressee == notice.c.addressee,
            before.c.id != notice.c.id,
            its_mail.c.status.in_(_REACHED),
            sa.or_(due.is_not(None), its_mail.c.recalled & (before.c.kind == "duty-withdrawn")),
        )
        .order_by(its_mail.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )


async def cases(connection: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Any]:
    """Mails with all that is known about them, in the order in which they are to be sent."""
    own = obligation.alias("own")
    asked = sa.and_(
        obligation.c.ward == notice.c.ward,
        obligation.c.participant == notice.c.participant,
        obligation.c.period == notice.c.period,
        obligation.c.kind == period.c.kind,
    )
    query = (
        sa.select(
            *(mail.c[name] for name in ("id", "person", "attempts", "written_at")),
            *(notice.c[name] for name in ("ward", "event_id", "kind", "facts")),
            *(notice.c[name] for name in ("source", "correlation", "traceparent")),
            participant.c.participant,
            participant.c.name,
            participant.c.manner,
            participant.c.proposer,
            participant.c.collective,
            participant.c.left_on,
            contact.c.name.label("to_name"),
            contact.c.email.label("to_email"),
            period.c.year,
            period.c.report_by,
            period.c.report_by_text,
            period.c.kind.label("period_kind"),
            obligation.c.obligation.label("asked_obligation"),
            obligation.c.manner.label("asked_manner"),
            obligation.c.due,
            obligation.c.due_text,
            met.c.met_at,
            approval.c.draft,
            own.c.manner.label("own_manner"),
            own.c.due.label("own_due"),
            own.c.due_text.label("own_due_text"),
            own.c.withdrawn,
            _told().label("told"),
            _superseded().label("superseded"),
            _criteria().label("items"),
            _names().label("names"),
        )
        .join(notice, notice.c.id == mail.c.id)
        .outerjoin(participant, of_participant)
        .join(contact, sa.and_(contact.c.ward == notice.c.ward, contact.c.person == mail.c.person))
        .outerjoin(period, of_period)
        .outerjoin(obligation, asked)
        .outerjoin(own, own.c.obligation == notice.c.obligation)
        .outerjoin(met, met.c.obligation == notice.c.obligation)
        .outerjoin(approval, _of_draft)
        .where(mail.c.id.in_(ids))
        .order_by(mail.c.seq)
    )
    return (await connection.execute(query)).all()


_WRITTEN = {"which": mail.c.id.type, "at": MOMENT, "identity": sa.Text(), "due": MOMENT}


async def note_written(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what a repeated attempt must say again: `which`, `at`, `identity`, and `due`, the
    deadline that it tells."""
    if not rows:
        return
    given = as_table(rows, _WRITTEN)
    await connection.execute(
        sa.update(mail)
        .where(mail.c.id == given.c.which)
        .values(written_at=given.c.at, message_id=given.c.identity, told_due=given.c.due)
    )


async def drop(connection: AsyncConnection, reasons: Mapping[UUID, str]) -> None:
    """Claimed mails that need not be sent any more, with the reason of each."""
    rows = [{"id": which, "reason": reason} for which, reason in reasons.items()]
    moot = as_table(rows, {"id": mail.c.id.type, "reason": mail.c.reason.type})
    await connection.execute(
        sa.update(mail)
        .where(mail.c.id == moot.c.id, _able(Command.DROP))
        .values(
            status=MOVES[Command.DROP].target,
            reason=moot.c.reason,
            claim=None,
            claimed_by=None,
            lease_until=None,
        )
    )


_HAND_OVER = sa.text(
    "UPDATE mail SET"
    " status = CASE WHEN id = :this THEN :target ELSE status END,"
    " answer = CASE WHEN id = :this THEN NULL ELSE CAST(:answer AS jsonb) END,"
    " lease_until = :until"
    " WHERE claim = :claim"
    " AND ((id = :this AND status = :source) OR (id = :previous AND status = :target))"
    " RETURNING id"
).bindparams(
    sa.bindparam("this", type_=PG_UUID(as_uuid=True)),
    sa.bindparam("previous", type_=PG_UUID(as_uuid=True)),
    sa.bindparam("claim", type_=PG_UUID(as_uuid=True)),
    sa.bindparam("until", type_=MOMENT),
    sa.bindparam("answer", type_=sa.Text),
    sa.bindparam("source", State.SENDING.value, type_=sa.Text),
    sa.bindparam("target", MOVES[Command.HAND_OVER].target.value, type_=sa.Text),
)


async def hand_over(
    connection: AsyncConnection,
    *,
    this: UUID,
    claim: UUID,
    until: datetime,
    previous: UUID | None,
    answer: str | None,
) -> bool:
    """Note that `this` is about to be handed over, and how the one before it was answered.

    One statement, so on an autocommit connection one commit. False: the claim was lost.
    """
    rows = await connection.scalars(
        _HAND_OVER,
        {"this": this, "claim": claim, "until": until, "previous": previous, "answer": answer},
    )
    return this in set(rows)


async def left_behind(
    connection: AsyncConnection, by: str, now: datetime, limit: int
) -> Sequence[Any]:
    """Mails in the hand of a worker that is gone: `by` itself before it started anew, or anybody
    whose lease has ended."""
    asked = {"worker": by, "now": now, "most": limit}
    return [*await connection.execute(_left_behind(), asked)]


@cache
def _left_behind() -> sa.Select[Any]:
    names = ("id", "status", "person", "attempts", "claim", "answer")
    about = ("ward", "event_id", "kind", "source", "correlation", "traceparent")
    return (
        sa.select(*(mail.c[name] for name in names), *(notice.c[name] for name in about))
        .join(notice, notice.c.id == mail.c.id)
        .where(
            mail.c.status.in_(sorted(IN_HAND)),
            sa.or_(mail.c.lease_until < _NOW, mail.c.claimed_by == sa.bindparam("worker")),
        )
        .order_by(mail.c.seq)
        .limit(_MOST)
    )


_SETTLED: Mapping[str, sa.types.TypeEngine[Any]] = {
    "id": PG_UUID(as_uuid=True),
    "claim": PG_UUID(as_uuid=True),
    "status": sa.Text(),
    "attempts": sa.Integer(),
    "reason": sa.Text(),
    "due_at": MOMENT,
    "sent_at": MOMENT,
    "answer": sa.Text(),
}


async def settle(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Write what became of mails in hand, in one statement; returns those whose claim held."""
    became = as_table(rows, _SETTLED)
    settled = await connection.scalars(
        sa.update(mail)
        .where(
            mail.c.id == became.c.id,
            mail.c.claim == became.c.claim,
            mail.c.status.in_(sorted(IN_HAND)),
        )
        .values(
            **{name: became.c[name] for name in ("status", "attempts", "reason", "sent_at")},
            answer=sa.cast(became.c.answer, JSONB),
            due_at=sa.func.coalesce(became.c.due_at, mail.c.due_at),
            claim=None,
            claimed_by=None,
            lease_until=None,
        )
        .returning(mail.c.id)
    )
    return set(settled)


async def count_pending(connection: AsyncConnection, now: datetime) -> int:
    """Mails that can be sent now or are being sent."""
    due = sa.select(sa.func.count()).where(
        sa.or_(
            mail.c.status.in_(sorted(IN_HAND)),
            sa.and_(_able(Command.CLAIM), mail.c.due_at <= now),
        )
    )
    ready = sa.select(sa.func.count()).select_from(_READY.subquery())
    total: int | None = await connection.scalar(
        sa.select(due.scalar_subquery() + ready.scalar_subquery())
    )
    return total or 0
