"""What people hold, for whoever asks whether they may hold more."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.domain.directory import own_units, stands_in_for
from services.intake.store import people as store
from shared.roles import Role


class Known(NamedTuple):
    """What somebody holds or was lent, today or later: roles, the units that they answer for, the
    units whose files they take.
    """

    roles: frozenset[Role]
    own: frozenset[str]
    stands_in: frozenset[str]


async def known_of(
    connection: AsyncConnection, ward: str, people: Iterable[str], on: date
) -> dict[str, Known]:
    """By person; also of whoever holds nothing."""
    everybody = sorted(set(people))
    rows = await store.lent_to(connection, ward, everybody)
    lent = [one for one in map(store.delegation_of, rows) if not one.ended_on and on <= one.until]
    held = await store.held_by(connection, ward, {*everybody, *(one.principal for one in lent)})
    found: dict[str, Known] = {}
    for person in everybody:
        own = [one for one in held.get(person, ()) if one.is_open(on)]
        mine = [one for one in lent if one.delegate == person]
        theirs = [
            holding
            for one in mine
            for holding in held.get(one.principal, ())
            if holding.role in one.roles and holding.is_open(on)
        ]
        roles = {one.role for one in own}.union(*(one.roles for one in mine))
        every = [*own, *theirs]
        found[person] = Known(frozenset(roles), own_units("", every, on), stands_in_for(every, on))
    return found
