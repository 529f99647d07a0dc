"""Sessions: begun, renewed for some minutes at a time, ended here or everywhere."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid4

from services.intake.commands.issuing import Issuer, hash_of, new_secret, sign
from services.intake.domain.directory import Acting, Holdings
from services.intake.domain.session import Session, person_claims
from services.intake.store import people
from services.intake.store import sign_in as store
from shared.access import end_access
from shared.calendar import ward_day
from shared.contracts.intake import AccessEnded
from shared.messaging import UnitOfWork
from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Begun:
    """A session with the two secrets that its browser gets, and nobody else."""

    session: Session
    secret: str
    token: str


@dataclass(frozen=True, slots=True)
class Account:
    """Who has a session, and for whom they may act."""

    session: Session
    held: Holdings
    may_act_for: tuple[Acting, ...]

    @property
    def acting(self) -> Acting | None:
        """None also when it has ended meanwhile."""
        wanted = self.session.acting_for
        return next((one for one in self.may_act_for if one.principal == wanted), None)


async def begin_session(
    work: UnitOfWork, issuer: Issuer, who: tuple[str, str], method: str, former: str | None
) -> Begun:
    """A new session, never one that a browser came with: that one (`former`) ends.

    Raises Refusal when the person is not in the directory.
    """
    ward, person = who
    old = await store.session_of(work.connection, hash_of(former)) if former else None
    keys = {f"{one.ward}/{one.person}" for one in [old] if one is not None}
    await work.lock(f"{ward}/{person}", *keys)
    if old is not None and old.ended_at is None:
        await _end(work, old.ward, old.person, old.id)
    now = work.system.now()
    account = await _account(work, Session(uuid4(), ward, person, method, now, now))
    if not account.held.email:
        raise Refusal("not-in-the-directory", "Người này không còn trong danh bạ.")
    return await _begin(work, issuer, account)


async def _begin(work: UnitOfWork, issuer: Issuer, account: Account) -> Begun:
    secret = new_secret()
    await store.add_session(work.connection, account.session, hash_of(secret))
    return Begun(account.session, secret, await _token(work, issuer, account))


async def renew(work: UnitOfWork, issuer: Issuer, secret: str | None) -> str | None:
    """A new access token for a session that is good; None when there is none.

    The person's lock is held: whoever ends their sessions comes before, or after this token.
    """
    account = await _live(work, issuer, secret)
    if account is None:
        return None
    seen = replace(account.session, seen_at=work.system.now())
    if account.acting is None:
        seen = replace(seen, acting_for="")
    await store.see_session(work.connection, seen)
    return await _token(work, issuer, account)


async def act_for(
    work: UnitOfWork, issuer: Issuer, secret: str | None, principal: str
) -> Begun | None:
    """Act in somebody's place from now on, or in one's own when `principal` is empty.

    That is a new session, as old as the one it follows: nothing given out before goes on beside
    it. None without a session. Raises Refusal without a delegation.
    """
    account = await _live(work, issuer, secret)
    if account is None:
        return None
    former, now = account.session, work.system.now()
    session = replace(former, id=uuid4(), acting_for=principal, seen_at=now)
    account = replace(account, session=session)
    if principal and account.acting is None:
        raise Refusal(
            "no-delegation", "Bạn không có văn bản ủy quyền đang có hiệu lực.", "/principal"
        )
    await _end(work, former.ward, former.person, former.id)
    return await _begin(work, issuer, account)


async def account_of(work: UnitOfWork, issuer: Issuer, secret: str | None) -> Account | None:
    """Whose session it is, as long as it is good."""
    return await _live(work, issuer, secret)


async def end_session(work: UnitOfWork, secret: str | None, *, everywhere: bool = False) -> None:
    """Sign out of this browser, or of all; without a session there is nothing to do."""
    session = await store.session_of(work.connection, hash_of(secret)) if secret else None
    if session is None:
        return
    await work.lock(f"{session.ward}/{session.person}")
    only = None if everywhere else session.id
    await _end(work, session.ward, session.person, only)


async def end_all_access(work: UnitOfWork, ward: str, person: str) -> None:
    """End every session of a person, and every token of theirs; they may sign in again if they
    are still in the directory.
    """
    await work.lock(f"{ward}/{person}")
    await _end(work, ward, person, None)


async def _end(work: UnitOfWork, ward: str, person: str, only: UUID | None) -> None:
    await store.end_sessions(work.connection, ward, person, work.system.now(), only)
    await _say_ended(work, ward, person, only)


async def _say_ended(work: UnitOfWork, ward: str, person: str, session: UUID | None) -> None:
    """Tokens issued before now are believed no more: here at once, elsewhere with the event."""
    now = work.system.now()
    await end_access(work.connection, {(ward, person, str(session or "")): now}, now)
    event = AccessEnded(ward=ward, person=person, session=session, issued_before=now)
    work.publish(event)


async def _live(work: UnitOfWork, issuer: Issuer, secret: str | None) -> Account | None:
    """The account of a session that is good, with the person's lock held."""
    found = await store.session_of(work.connection, hash_of(secret)) if secret else None
    if found is None or secret is None:
        return None
    await work.lock(f"{found.ward}/{found.person}")
    session = await store.session_of(work.connection, hash_of(secret))
    if session is None or session.standing(work.system.now(), issuer.limits) != "live":
        return None
    account = await _account(work, session)
    if not account.held.email:
        await _end(work, session.ward, session.person, None)
        return None
    return account


async def _account(work: UnitOfWork, session: Session) -> Account:
    on = _today(work)
    held = await people.holdings(work.connection, session.ward, session.person, on)
    lent = await people.delegations_of(work.connection, session.ward, session.person, on)
    return Account(session, held, tuple(lent))


def _today(work: UnitOfWork) -> date:
    """Roles are held by the ward's calendar, tokens by the machine's clock."""
    return ward_day(work.business.now())


async def _token(work: UnitOfWork, issuer: Issuer, account: Account) -> str:
    return await sign(work, issuer, person_claims(account.session, account.held, account.acting))
