"""The mail routine: claims what is due and hands it over, batch by batch, over one connection."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import commands
from services.notify.commands import Claimed, InHand, Settled, Written
from services.notify.domain.delivery import Answer, Breaker, State
from services.notify.domain.house import House
from services.notify.letters import compose
from services.notify.store import mails
from shared.clock import Clock
from shared.contracts.notify import MailSent
from shared.messaging import Works
from shared.post import Outcome, Post, Refused, Relay, Retry, SenderFault, Sent, Uncertain
from shared.routine import Routine

log = logging.getLogger(__name__)

BATCH = 100
TURN = timedelta(seconds=5)
"""A turn sends no further mail after this long; the rest goes back to the queue."""
SERVICE_UNAVAILABLE = 421


class ClaimLost(RuntimeError):
    """Somebody else has the mail in hand by now: it must not be sent here."""


@dataclass(slots=True)
class Journal:
    """What must be committed before the first byte of a message leaves.

    One commit a mail, on an autocommit connection, and nothing less: it says that this message
    is about to be handed over, and keeps the answer to the one before. So after a crash at any
    moment at most one answered mail is in doubt.
    """

    connection: AsyncConnection
    clock: Clock
    patience: timedelta
    _last: tuple[UUID, Answer] | None = None
    handed: UUID | None = None

    async def hand_over(self, mail: InHand) -> None:
        """Raises ClaimLost: then nothing is sent."""
        previous, answer = self._last or (None, None)
        held = await mails.hand_over(
            self.connection,
            this=mail.id,
            claim=mail.claim,
            until=self.clock.now() + self.patience,
            previous=previous,
            answer=commands.shown(answer) if answer else None,
        )
        if not held:
            raise ClaimLost(f"mail {mail.id} is in another's hand")
        self.handed, self._last = mail.id, None

    def answered(self, mail: InHand, answer: Answer) -> State:
        """How far the mail had come; a handed-over one's answer is kept with the next commit."""
        if self.handed != mail.id:
            return State.SENDING
        self._last = (mail.id, answer)
        return State.DATA


@dataclass(slots=True)
class MailRoom:
    """Sends a service's mails. `worker`: its name, unique among those that run at one time."""

    works: Works
    house: House
    relay: Relay
    worker: str
    batch: int = BATCH
    breaker: Breaker = field(default_factory=Breaker)
    _unsettled: list[Settled] = field(default_factory=list)

    async def turn(self) -> int:
        """One batch; returns how many mails were moved on.

        Answers that could not be written down (the database was away) are written down first.
        """
        await self._settle()
        async with self.works.begin() as work:
            moved = await mails.recall(work.connection)
            moved += await commands.recover(work, self.worker, self.batch)
            if self._must_stop():
                return moved
            addressed, batch = await commands.take_in_hand(
                work, self.house, self.worker, self.batch
            )
        if batch:
            await self._send_all(batch)
        return moved + addressed + len(batch)

    async def pending(self) -> int:
        """Mails that are due now, or being sent."""
        async with self.works.engine.connect() as connection:
            return await mails.count_pending(connection, self.works.system.now())

    async def _send_all(self, batch: list[Claimed]) -> None:
        end = self.works.system.now() + TURN
        patience = timedelta(seconds=self.relay.answer_timeout) + commands.LEASE
        async with Post(self.relay) as post, self.works.engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            journal = Journal(connection, self.works.system, patience)
            for number, claimed in enumerate(batch):
                if self._must_stop() or self.works.system.now() > end:
                    self._unsettled += [commands.released(other.mail) for other in batch[number:]]
                    break
                await self._send(post, journal, claimed)
        await self._settle()

    def _must_stop(self) -> bool:
        return self.breaker.is_open(self.works.system.now())

    async def _send(self, post: Post, journal: Journal, claimed: Claimed) -> None:
        mail, content = claimed.mail, claimed.content
        try:
            if isinstance(content, Written):
                answer = await self._try(post, journal, mail, content)
            else:
                answer = content
        except ClaimLost as lost:
            log.warning("%s", lost)
            return
        self._unsettled.append(commands.settled(mail, journal.answered(mail, answer), answer))
        if answer.pauses:
            self.breaker = self.breaker.trip(self.works.system.now())
            log.error("sending pauses until %s: %s", self.breaker.until, commands.shown(answer))
        elif answer.verdict == "sent":
            self.breaker = Breaker()

    async def _try(self, post: Post, journal: Journal, mail: InHand, content: Written) -> Answer:
        try:
            message = compose(
                content.letter,
                to=content.to,
                sender=content.sender,
                event=mail.event,
                sent_at=content.at,
            )
        except Exception as error:  # a fault in one mail must not hold the others
            log.exception("mail %s cannot be composed", mail.id)
            return Answer("fault", None, f"cannot be composed: {error!r}")
        outcome = await post.send(
            message,
            sender=content.sender.mailbox.address,
            recipient=content.to.address,
            before_data=partial(journal.hand_over, mail),
        )
        return understood(outcome)

    async def _settle(self) -> None:
        if not self._unsettled:
            return
        async with self.works.begin() as work:
            await commands.settle_mails(work, self._unsettled)
        self._unsettled = []


def understood(outcome: Outcome) -> Answer:
    """The sender's typed outcome as the desk's answer. No reply, and 421, concern every mail."""
    match outcome:
        case Sent(code, reply):
            return Answer("sent", code, reply)
        case Retry(code, reply):
            return Answer("retry", code, reply, pauses=code in {None, SERVICE_UNAVAILABLE})
        case Refused(code, reply, _):
            return Answer("refused", code, reply)
        case Uncertain(reason):
            return Answer("uncertain", None, reason)
        case SenderFault(code, reply, _):
            return Answer("fault", code, reply, pauses=outcome.pauses_everything)


def mail_routine(room: MailRoom) -> Routine:
    """The routine under which the service sends mail, once it knows what it has sent before."""
    return Routine("mail", room.turn, room.pending, after_reading=(MailSent.TOPIC,))
