"""Whose rows somebody may see: the one condition that lists, counts, searches and files ask.

No scope opens `voter`, `urn` or `ballot`: nobody is shown a ballot.
"""

import sqlalchemy as sa

from services.awards.access import OF_SESSIONS, OF_THE_WARD, UNITS
from services.awards.store.tables import agenda, dossier, session
from shared.web.identity import Person

Condition = sa.ColumnElement[bool]


def reads_all(person: Person) -> bool:
    """Whether the ward's dossiers and sessions are all open to them."""
    return person.has(*OF_THE_WARD) or (person.has(*OF_SESSIONS) and not person.sessions)


def dossiers_in_full(person: Person) -> Condition:
    """Dossiers seen with their reason and counts: all, or those of one's sessions."""
    of_ward = dossier.c.ward == person.ward
    if reads_all(person):
        return of_ward
    names = sorted(person.sessions) if person.has(*OF_SESSIONS) else []
    item = agenda.alias("item")
    called = sa.exists().where(
        item.c.ward == dossier.c.ward,
        item.c.dossier == dossier.c.dossier,
        item.c.session.in_(names),
    )
    return sa.and_(of_ward, called)


def dossiers_seen_by(person: Person) -> Condition:
    """The above, and those of one's own units and of whom these proposed."""
    in_full = dossiers_in_full(person)
    if not person.has(*UNITS):
        return in_full
    return sa.or_(in_full, sa.and_(dossier.c.ward == person.ward, _of_own_unit(person)))


def sessions_seen_by(person: Person) -> Condition:
    """Every session, or those that one's role is held for."""
    of_ward = session.c.ward == person.ward
    if reads_all(person):
        return of_ward
    names = sorted(person.sessions) if person.has(*OF_SESSIONS) else []
    return sa.and_(of_ward, session.c.session.in_(names))


def _of_own_unit(person: Person) -> Condition:
    units = sorted(person.all_units)
    proposer = sa.func.coalesce(dossier.c.proposed_by, "")
    return sa.or_(dossier.c.participant.in_(units), proposer.in_(units))
