"""The log of official acts: a chain of hashes over salted commitments (law 7).

The log holds no personal data: of each act it keeps a commitment to its facts. Whoever has the
facts and the salt can prove them; erasing the salt makes the commitment say nothing, and the
chain stays whole.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from shared.messaging.tables import act
from shared.messaging.unit_of_work import UnitOfWork

GENESIS = "0" * 64
LOG_LOCK = "act-log"


@dataclass(frozen=True, slots=True)
class Act:
    """One official act as the log has it; `at` is business time."""

    seq: int
    at: datetime
    name: str
    subject: str
    actor: str
    commitment: str
    previous: str
    hash: str


def commit_to(facts: Mapping[str, object], salt: bytes) -> str:
    """sha256 over the salt and the facts' canonical JSON, in hex."""
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(salt + text.encode()).hexdigest()


def link(previous: str, commitment: str, at: datetime, name: str, subject: str, actor: str) -> str:
    """The hash of an act, over all that the log shows of it and the hash before it."""
    instant = at.astimezone(UTC).isoformat()
    parts = (previous, commitment, instant, name, subject, actor)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def first_break(acts: Sequence[Act]) -> int | None:
    """The `seq` of the first act that does not follow from the one before it; None: whole."""
    previous = GENESIS
    for entry in acts:
        expected = link(
            previous, entry.commitment, entry.at, entry.name, entry.subject, entry.actor
        )
        if entry.previous != previous or entry.hash != expected:
            return entry.seq
        previous = entry.hash
    return None


async def record_act(
    work: UnitOfWork, name: str, subject: str, actor: str, facts: Mapping[str, object]
) -> None:
    """Enter an act, in the transaction that does it. Call it last: it serialises all acts."""
    await work.lock(LOG_LOCK)
    newest = sa.select(act.c.hash).order_by(act.c.seq.desc()).limit(1)
    previous = await work.connection.scalar(newest) or GENESIS
    salt = secrets.token_bytes(16)
    commitment = commit_to(facts, salt)
    at = work.business.now()
    await work.connection.execute(
        sa.insert(act).values(
            at=at,
            name=name,
            subject=subject,
            actor=actor,
            salt=salt,
            commitment=commitment,
            previous=previous,
            hash=link(previous, commitment, at, name, subject, actor),
        )
    )
