"""Signing in by a link: asked for by anybody, mailed to an address on file, used once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.intake.commands.issuing import Issuer, hash_of, new_secret
from services.intake.commands.sessions import Begun, begin_session
from services.intake.domain.sign_in import (
    LINK_LIFE,
    PER_ADDRESS,
    PER_SOURCE,
    LinkEvent,
    Verdict,
    local_path,
    move,
    plain_address,
)
from services.intake.store import people
from services.intake.store import sign_in as store
from shared.calendar import ward_day
from shared.messaging import UnitOfWork
from shared.refusal import Refusal

AGAIN = timedelta(seconds=5)
"""How long a mail waits that the relay did not take for now."""


class TooOften(Exception):
    """A limit is reached; `wait` is how long it stays so."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"too often; again in {wait}")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody who is signed out asks with; `browser` is the secret of its binding cookie."""

    address: str
    source: str
    browser: str
    next: str


@dataclass(frozen=True, slots=True)
class LinkToMail:
    """A link that has to go out now; its secret is nowhere else."""

    id: UUID
    secret: str
    address: str
    name: str
    good_until: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a link may sign in."""

    ward: str
    person: str
    name: str
    unit: str

    @property
    def code(self) -> str:
        return f"{self.ward}/{self.person}"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a browser finds behind a link; `people` is empty unless the verdict is GO."""

    verdict: Verdict
    next: str
    people: tuple[Candidate, ...] = ()


async def ask_for_link(work: UnitOfWork, issuer: Issuer, asked: Asked) -> None:
    """Note that a link is wanted. Whether the address is on file is looked up later, elsewhere:
    what is done here, and how long it takes, is the same for every address.

    Raises TooOften.
    """
    address, now = plain_address(asked.address), work.system.now()
    sealed = issuer.vault.seal("address", address)
    counted = {sealed: PER_ADDRESS, issuer.vault.seal("source", asked.source): PER_SOURCE}
    await work.lock(*(f"attempt/{whose.hex()}" for whose in counted))
    waits = [
        allowance.wait(await store.attempts(work.connection, whose, now, allowance), now)
        for whose, allowance in counted.items()
    ]
    if max(waits) > timedelta(0):
        raise TooOften(max(waits))
    await store.count_attempts(work.connection, counted, now)
    values = _link(asked.browser, asked.next, sealed) | {"asked_at": now, "mail_at": now}
    await store.add_link(work.connection, {**values, "state": "asked", "address": address})


def _link(browser: str, wanted: str, sealed: bytes) -> dict[str, Any]:
    return {
        "method": "link",
        "browser_hash": hash_of(browser),
        "address_hash": sealed,
        "address": "",
        "next": local_path(wanted),
        "people": [],
    }


async def take_links(work: UnitOfWork, limit: int) -> tuple[list[LinkToMail], int]:
    """Settle links that are asked for: whom they are for, and a secret for each.

    Returns those to be mailed, and how many were settled. From the commit on such a mail is out
    or lost, and never sent twice with one secret.
    """
    now = work.system.now()
    rows = await store.asked_links(work.connection, now, limit)
    letters = []
    for row in rows:
        found = await people.find_by_email(work.connection, row.address)
        event: LinkEvent = "mail" if found else "drop"
        moved = move(row.state, event, age=now - row.asked_at, here=False)
        if not found or moved.verdict is not Verdict.GO:
            await store.change_link(work.connection, row.id, state="dropped", address="")
            continue
        secret = new_secret()
        await store.change_link(
            work.connection,
            row.id,
            state=moved.state,
            secret_hash=hash_of(secret),
            people=[list(one) for one in found],
        )
        name = await _name(work, found)
        until = row.asked_at + LINK_LIFE
        letters.append(LinkToMail(row.id, secret, row.address, name, until))
    return letters, len(rows)


async def _name(work: UnitOfWork, found: Sequence[tuple[str, str]]) -> str:
    """Whom the mail greets: nobody by name when the address is of several."""
    if len(found) > 1:
        return ""
    [(ward, person)] = found
    held = await people.holdings(work.connection, ward, person, ward_day(work.business.now()))
    return held.name


async def settle_mail(work: UnitOfWork, which: UUID, *, again: bool) -> None:
    """The mail is out, or nobody knows; `again`: the relay did not take it for now."""
    if again:
        later = work.system.now() + AGAIN
        await store.change_link(
            work.connection, which, state="asked", secret_hash=None, mail_at=later, people=[]
        )
    else:
        await store.change_link(work.connection, which, address="")


async def open_link(work: UnitOfWork, issuer: Issuer, secret: str, browser: str | None) -> Opened:
    """What a link would do in this browser. Changes nothing."""
    row = await store.link_of(work.connection, hash_of(secret))
    return await _opened(work, issuer, row, browser, "open")


async def use_link(
    work: UnitOfWork,
    issuer: Issuer,
    secret: str,
    browser: str | None,
    chosen: str,
    former: str | None,
) -> tuple[Opened, Begun | None]:
    """Sign in by a link, once; without a session where the verdict is not GO.

    Raises Refusal when several people share the address and `chosen` (`ward/person`) is none of
    them, or nobody has it any more.
    """
    row = await store.link_of(work.connection, hash_of(secret), to_use=True)
    opened = await _opened(work, issuer, row, browser, "use")
    if opened.verdict is not Verdict.GO or row is None:
        return opened, None
    who = _chosen(opened.people, chosen)
    begun = await begin_session(work, issuer, (who.ward, who.person), row.method, former)
    await store.change_link(work.connection, row.id, state="used", address="")
    if row.known_as is not None:
        identity, subject = row.known_as
        at, person = work.system.now(), (who.ward, who.person)
        await store.bind_subject(work.connection, identity, subject, person, at)
    return opened, begun


def _chosen(candidates: Sequence[Candidate], chosen: str) -> Candidate:
    if not candidates:
        raise Refusal("not-in-the-directory", "Địa chỉ này không còn trong danh bạ.")
    if len(candidates) == 1 and not chosen:
        return candidates[0]
    for one in candidates:
        if one.code == chosen:
            return one
    raise Refusal("nobody-chosen", "Hãy chọn bạn đăng nhập với tư cách nào.", "/who")


async def _opened(
    work: UnitOfWork, issuer: Issuer, row: Any, browser: str | None, event: LinkEvent
) -> Opened:
    if row is None:
        return Opened(Verdict.UNKNOWN, local_path(None))
    here = browser is not None and hash_of(browser) == row.browser_hash
    moved = move(row.state, event, age=work.system.now() - row.asked_at, here=here)
    if moved.verdict is not Verdict.GO:
        return Opened(moved.verdict, row.next if here else local_path(None))
    named = [(ward, person) for ward, person in row.people]
    candidates = await _still_on_file(work, issuer, named, row.address_hash)
    return Opened(moved.verdict, row.next, candidates)


async def _still_on_file(
    work: UnitOfWork, issuer: Issuer, named: Sequence[tuple[str, str]], sealed: bytes
) -> tuple[Candidate, ...]:
    """Those whose address is still the one that the link went to."""
    on = ward_day(work.business.now())
    found = []
    for ward, person in named:
        held = await people.holdings(work.connection, ward, person, on)
        if held.email and issuer.vault.seal("address", plain_address(held.email)) == sealed:
            found.append(Candidate(ward, person, held.name, held.unit))
    return tuple(found)


async def offer_choice(
    work: UnitOfWork,
    issuer: Issuer,
    browser: str,
    wanted: str,
    email: str,
    found: Sequence[tuple[str, str]],
    known_as: tuple[str, str],
) -> str:
    """A link of a sign-in by OpenID Connect whose address is of several people, or not yet tied
    to one; returns its secret, which is not mailed.
    """
    secret, now = new_secret(), work.system.now()
    sealed = issuer.vault.seal("address", plain_address(email))
    values = _link(browser, wanted, sealed) | {
        "state": "mailed",
        "method": "oidc",
        "secret_hash": hash_of(secret),
        "people": [list(one) for one in found],
        "known_as": list(known_as),
        "asked_at": now,
        "mail_at": now,
    }
    await store.add_link(work.connection, values)
    return secret
