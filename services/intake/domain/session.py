"""Sessions: how long one is good, and what its access tokens say."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from services.intake.domain.directory import Acting, Holdings
from shared.tokens import MACHINE

Standing = Literal["live", "ended", "idle", "old"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)


@dataclass(frozen=True, slots=True)
class Limits:
    """`idle`: a working day without a request; `absolute`: a week, however busy.

    OWASP's session guide asks for both and leaves the lengths to the risk [design reading].
    """

    idle: timedelta = timedelta(hours=8)
    absolute: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's sign-in in one browser. `acting_for`: in whose place they act, or "".

    `method` is how they proved who they are.
    """

    id: UUID
    ward: str
    person: str
    method: str
    begun_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    acting_for: str = ""

    def standing(self, now: datetime, limits: Limits) -> Standing:
        """Good only while "live"."""
        if self.ended_at is not None:
            return "ended"
        if now - self.begun_at >= limits.absolute:
            return "old"
        return "idle" if now - self.seen_at >= limits.idle else "live"


def person_claims(session: Session, held: Holdings, acting: Acting | None) -> dict[str, Any]:
    """What a person's token says of them, apart from its times.

    Who acts for somebody has the roles lent to them and none of their own; their own units stay,
    for nobody judges the file of a unit of theirs (law 10).
    """
    roles = acting.roles if acting else held.roles
    return {
        "sub": session.person,
        "sid": str(session.id),
        "ward": session.ward,
        "name": held.name,
        "unit": held.unit,
        "roles": sorted(roles),
        "units": sorted(held.units | acting.units if acting else held.units),
        "sessions": sorted(acting.sessions if acting else held.sessions),
        "heads": sorted(acting.heads if acting else held.heads),
        "act_for": acting.principal if acting else "",
        "act_unit": acting.unit if acting else "",
        "act_units": sorted(acting.stakes) if acting else [],
        "scope": "",
    }


def machine_claims(machine: str, ward: str, title: str, scopes: frozenset[str]) -> dict[str, Any]:
    """What the token of another system says."""
    return {
        "sub": machine_subject(machine),
        "sid": "",
        "ward": ward,
        "name": title,
        "unit": "",
        "roles": [],
        "scope": " ".join(sorted(scopes)),
    }


def machine_subject(machine: str) -> str:
    return f"{MACHINE}{machine}"
