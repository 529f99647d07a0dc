"""What the desk does: note what is to be told, take mails in hand, settle what became of them."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4, uuid5

from services.notify.domain import telling
from services.notify.domain.delivery import (
    Answer,
    Command,
    Settlement,
    State,
    settle,
    transition,
    without_addresses,
    written_at,
)
from services.notify.domain.house import House
from services.notify.domain.letter import (
    AwardDecided,
    Letter,
    OfficeSummary,
    OwnResult,
    Sender,
    message_id,
)
from services.notify.domain.telling import Moot
from services.notify.store import facts, mails
from shared.calendar import ward_day
from shared.contracts.intake import (
    ApprovalAsked,
    ApprovalSettled,
    ObligationMoved,
    ObligationWithdrawn,
)
from shared.contracts.notify import MailFailed, MailSent
from shared.mailbox import AddressError, Mailbox
from shared.messaging import Received, UnitOfWork
from shared.messaging.envelope import Cause

log = logging.getLogger(__name__)

Told = TypeVar("Told", bound=telling.Told)

_NOTICES = UUID("2f6d1f53-0c0e-5a0b-8d8e-6a1b7a5c9e02")
LEASE = timedelta(seconds=60)
"""How long a claimed mail may wait for its turn, and how long after an answer is due."""
_LOST = "the sender stopped after the message was handed over and before the answer was kept"


def notice_id(event: str, kind: str, participant: str, addressee: str = "") -> UUID:
    """The same notice has the same id, however often its event comes."""
    parts = (event, kind, participant, addressee)
    return uuid5(_NOTICES, "\x1f".join(parts if addressee else parts[:3]))


async def note(work: UnitOfWork, events: Sequence[Received[Told]]) -> None:
    """Note facts that concern somebody; each becomes one notice, for ever."""
    now = work.business.now()
    await facts.add_notices(work.connection, [_notice(received, now) for received in events])


OfDraft = TypeVar("OfDraft", bound=ApprovalAsked | ApprovalSettled)


async def note_to_those_named(work: UnitOfWork, events: Sequence[Received[OfDraft]]) -> None:
    """Note facts about a draft, for everybody whom the fact names."""
    now = work.business.now()
    rows = [
        _notice(received, now, addressee)
        for received in events
        for addressee in telling.named_in(received.data)
    ]
    await facts.add_notices(work.connection, rows)


Changed = TypeVar("Changed", bound=ObligationMoved | ObligationWithdrawn)


async def note_to_all(work: UnitOfWork, events: Sequence[Received[Changed]]) -> None:
    """Note changes of duties: for the reporter, and for heads who were to be told of the duty."""
    now = work.business.now()
    heads = await facts.addressees(work.connection, {e.data.obligation for e in events})
    rows = [
        _notice(received, now, addressee)
        for received in events
        for addressee in ("", *heads.get(received.data.obligation, ()))
    ]
    await facts.add_notices(work.connection, rows)


def _notice(received: Received[Any], now: datetime, addressee: str = "") -> dict[str, Any]:
    event, envelope = received.data, received.envelope
    kind = telling.kind_of(event)
    named = getattr(event, "head", None) or getattr(event, "person", None)
    addressee = addressee or named or ""
    about, period = getattr(event, "participant", ""), getattr(event, "period", "")
    return {
        "id": notice_id(envelope.id, kind, about, addressee),
        "addressee": addressee,
        "ward": event.ward,
        "event_id": envelope.id,
        "kind": kind,
        "participant": about,
        "period": period,
        "obligation": getattr(event, "obligation", None),
        "needs_period": telling.needs_period(event),
        "facts": event.model_dump(mode="json", exclude=_UNTOLD.get(kind)),
        "source": envelope.source,
        "correlation": envelope.correlation,
        "traceparent": envelope.traceparent,
        "taken_at": now,
    }


_UNTOLD: Mapping[str, Any] = {
    "report-received": {"items": {"__all__": {"narrative"}}},
    "report-accepted": {"nominations"},
    "approval-asked": {"heads"},
    "approval-settled": {"authors"},
}
"""What no mail says is not kept."""


@dataclass(frozen=True, slots=True)
class Because:
    """The event that a mail was written for, as the cause of what is told about the mail."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class InHand:
    """A claimed mail, and the event that it was written for."""

    id: UUID
    ward: str
    person: str
    kind: str
    event: str
    attempts: int
    claim: UUID
    because: Because

    @property
    def key(self) -> str:
        return f"{self.ward}/{self.person}"


@dataclass(frozen=True, slots=True)
class Written:
    """What a mail says; `at` is the moment that it bears, business time."""

    letter: Letter
    to: Mailbox
    sender: Sender
    at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail to send. `content` is an answer when it could not be written."""

    mail: InHand
    content: Written | Answer


@dataclass(frozen=True, slots=True)
class Settled:
    """A mail in hand, how far it had come, and what is to become of it."""

    mail: InHand
    state: State
    settlement: Settlement
    answer: Answer | None


async def take_in_hand(
    work: UnitOfWork, house: House, worker: str, limit: int
) -> tuple[int, list[Claimed]]:
    """Address what can be addressed, claim what is due and write it.

    Returns how many mails were moved on without being sent, and those to send, in their order.
    """
    now = work.system.now()
    addressed = await mails.queue(work.connection, now, limit)
    token = uuid4()
    claimed = await mails.claim(
        work.connection, token=token, by=worker, now=now, until=now + LEASE, limit=limit
    )
    if not claimed:
        return addressed, []
    rows = await mails.cases(work.connection, claimed)
    movements = await facts.newest_movements(work.connection, {row.ward for row in rows})
    today = work.business.now()
    batch: list[Claimed] = []
    moot: dict[UUID, str] = {}
    for row in rows:
        content = _write(row, house, movements[row.ward], today)
        if isinstance(content, Moot):
            moot[row.id] = content.reason
        else:
            batch.append(Claimed(_in_hand(row, token), content))
    if moot:
        await mails.drop(work.connection, moot)
    written = [
        _noted(claimed.mail, claimed.content)
        for claimed in batch
        if isinstance(claimed.content, Written)
    ]
    await mails.note_written(work.connection, written)
    return addressed + len(moot), batch


def _write(row: Any, house: House, movement: Any, now: datetime) -> Written | Answer | Moot:
    if row.to_email is None:
        return telling.ERASED
    moment = written_at(row.written_at, now)
    chairman = house.chairman(movement.place)
    try:
        letter = telling.write(_case(row), chairman, ward_day(moment))
        if isinstance(letter, Moot):
            return letter
        to = Mailbox(row.to_name, row.to_email)
    except AddressError:
        return Answer("refused", None, "the contact's address is no address")
    except Exception as error:  # a fault in one mail must not hold the others
        log.exception("mail %s cannot be written", row.id)
        return Answer("fault", None, f"cannot be written: {error!r}")
    return Written(letter, to, house.sender(movement.place, movement.title), moment)


def _in_hand(row: Any, token: UUID) -> InHand:
    cause = Cause(row.source, row.event_id, row.correlation, row.traceparent)
    return InHand(
        row.id, row.ward, row.person, row.kind, row.event_id, row.attempts, token, Because(cause)
    )


def _case(row: Any) -> telling.Case:
    period = None
    if row.year is not None:
        period = telling.Period(row.year, row.report_by, row.report_by_text, row.period_kind)
    asked = None
    if row.asked_manner is not None:
        obligation = str(row.asked_obligation)
        asked = telling.Asked(row.asked_manner, row.due, row.due_text, obligation)
    return telling.Case(
        telling.read(row.kind, row.facts),
        _participant(row),
        period,
        asked,
        met=row.met_at is not None,
        stands=_stands(row),
        told=_told(row.told),
        superseded=row.superseded,
        criteria=tuple(item["criterion"] for item in row.items or ()),
        draft=row.draft or 0,
        names=row.names or {},
    )


def _told(found: Mapping[str, Any] | None) -> telling.BeforeIt | None:
    if found is None:
        return None
    due = found["due"]
    return telling.BeforeIt(found["kind"], datetime.fromisoformat(due) if due else None)


def _stands(row: Any) -> telling.Stands | None:
    """How the duty that a notice is about stands now, where it is about one that is known."""
    if row.own_due is None:
        return None
    return telling.Stands(row.own_manner, row.own_due, row.own_due_text, row.withdrawn or "")


def _participant(row: Any) -> telling.Participant:
    collective = row.collective is not False
    code, name = row.participant or "", row.name or ""
    return telling.Participant(
        code,
        name,
        row.manner or "",
        row.proposer or "",
        collective,
        has_left=row.left_on is not None,
    )


def _noted(mail: InHand, written: Written) -> dict[str, Any]:
    address, domain = written.to.address, written.sender.domain
    identity = message_id(mail.event, address, written.letter.kind, domain)
    due = None
    if not isinstance(written.letter, OfficeSummary | OwnResult | AwardDecided):
        due = written.letter.obligation.deadline.last_moment
    return {"which": mail.id, "at": written.at, "identity": identity, "due": due}


def settled(mail: InHand, state: State, answer: Answer) -> Settled:
    """What an answer makes of a mail that had come as far as `state`."""
    return Settled(mail, state, settle(answer, mail.attempts, mail.id), answer)


def released(mail: InHand) -> Settled:
    """A mail that was not tried after all."""
    return Settled(mail, State.SENDING, Settlement(Command.RELEASE, mail.attempts), None)


async def settle_mails(work: UnitOfWork, outcomes: Sequence[Settled]) -> int:
    """Write what became of mails and tell it, in one commit; returns how many were still ours."""
    if not outcomes:
        return 0
    await work.lock(*{outcome.mail.key for outcome in outcomes})
    now, business = work.system.now(), work.business.now()
    ours = await mails.settle(work.connection, [_row(o, now, business) for o in outcomes])
    for outcome in outcomes:
        if outcome.mail.id in ours:
            _tell(work, outcome, business)
        else:
            log.warning("mail %s was settled by another worker", outcome.mail.id)
    return len(ours)


def _row(outcome: Settled, now: datetime, business: datetime) -> dict[str, Any]:
    settlement = outcome.settlement
    status = transition(outcome.state, settlement.command)
    again = settlement.command in {Command.POSTPONE, Command.RELEASE}
    return {
        "id": outcome.mail.id,
        "claim": outcome.mail.claim,
        "status": status.value,
        "attempts": settlement.attempts,
        "reason": settlement.reason,
        "due_at": now + settlement.wait if again else None,
        "sent_at": business if status is State.SENT else None,
        "answer": shown(outcome.answer) if outcome.answer else None,
    }


def _tell(work: UnitOfWork, outcome: Settled, now: datetime) -> None:
    mail, command = outcome.mail, outcome.settlement.command
    about = {
        "ward": mail.ward,
        "mail": mail.id,
        "person": mail.person,
        "kind": mail.kind,
        "because_of": mail.event,
    }
    fact: MailSent | MailFailed
    if command is Command.CONFIRM:
        fact = MailSent.model_validate({**about, "sent_at": now})
    elif command in {Command.REFUSE, Command.LOSE}:
        failed = {"failed_at": now, "reason": outcome.settlement.reason}
        fact = MailFailed.model_validate({**about, **failed, "uncertain": command is Command.LOSE})
    else:
        return
    work.publish(fact, because_of=mail.because, discriminator=str(mail.id))


def shown(answer: Answer) -> str:
    """An answer as it may be kept: JSON, without addresses."""
    return json.dumps(asdict(answer) | {"reply": without_addresses(answer.reply)})


async def recover(work: UnitOfWork, worker: str, limit: int) -> int:
    """Settle what a worker that is gone left in hand; returns how many.

    Before DATA a mail is safe to send again. From DATA on its kept answer holds; without one,
    nobody can say whether it arrived, and it is never sent again by itself.
    """
    left = await mails.left_behind(work.connection, worker, work.system.now(), limit)
    outcomes: list[Settled] = []
    for row in left:
        mail, state = _in_hand(row, row.claim), State(row.status)
        if state is State.SENDING:
            outcomes.append(released(mail))
        else:
            answer = Answer(**row.answer) if row.answer else Answer("uncertain", None, _LOST)
            outcomes.append(settled(mail, state, answer))
    return await settle_mails(work, outcomes)
