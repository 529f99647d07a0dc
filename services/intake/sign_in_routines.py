"""What the clock starts for the issuer: mails with links, the next signing key, tidying up."""

import logging
from datetime import timedelta

from services.intake import letters
from services.intake.commands import sign_in
from services.intake.commands.issuing import Issuer, rotate_keys
from services.intake.store import sign_in as store
from shared.mailbox import Mailbox
from shared.messaging import Works
from shared.post import Outcome, Post, Relay, Retry, SenderFault, Sent
from shared.routine import RARELY, Routine

log = logging.getLogger(__name__)

BATCH = 20
SESSIONS_KEPT = timedelta(days=90)
"""How long it can be asked who was signed in when."""
UPKEEP_EVERY = timedelta(seconds=30)


def link_mail(works: Works, issuer: Issuer, relay: Relay, sender: Mailbox) -> Routine:
    """Sends the links that were asked for, directly: they never travel through Kafka."""

    async def turn() -> int:
        if not await pending():
            return 0
        async with works.begin() as work:
            links, settled = await sign_in.take_links(work, BATCH)
        away = False
        async with Post(relay) as post:
            for link in links:
                outcome = None if away else await _send(post, link)
                again = away or isinstance(outcome, Retry | SenderFault)
                away = away or _is_away(outcome)
                async with works.begin() as work:
                    await sign_in.settle_mail(work, link.id, again=again)
        return settled

    async def _send(post: Post, link: sign_in.LinkToMail) -> Outcome | None:
        """None when it cannot be written: what is on file is no address."""
        try:
            mail = letters.compose(
                f"{issuer.origin}/intake/sign-in/{link.secret}",
                to=Mailbox(link.name, link.address),
                sender=sender,
                sent_at=works.system.now(),
                good_until=link.good_until,
            )
        except ValueError:
            log.error("a sign-in link could not be written: the address on file is no address")
            return None
        outcome = await post.send(mail, sender=sender.address, recipient=link.address)
        if not isinstance(outcome, Sent):
            log.warning("a sign-in link could not be mailed: %s", type(outcome).__name__)
        return outcome

    async def pending() -> int:
        async with works.look() as connection:
            return await store.count_asked(connection, works.system.now())

    return Routine("sign-in-mail", turn, pending)


def _is_away(outcome: Outcome | None) -> bool:
    """Whether the next mail would fare no better, so that it need not be tried now."""
    if isinstance(outcome, SenderFault):
        return outcome.pauses_everything
    return isinstance(outcome, Retry) and outcome.code is None


def upkeep(works: Works, issuer: Issuer) -> Routine:
    """Makes the next signing key in time, and deletes what is of no use any more."""
    due = works.system.now()

    async def turn() -> int:
        nonlocal due
        now = works.system.now()
        if now < due:
            return 0
        due = now + UPKEEP_EVERY
        async with works.begin() as work:
            await store.tidy(work.connection, now, now - SESSIONS_KEPT)
            return await rotate_keys(work, issuer)

    async def pending() -> int:
        return 0

    return Routine("sign-in-upkeep", turn, pending, rest=RARELY)
