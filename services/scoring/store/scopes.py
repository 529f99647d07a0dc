"""Whose rows somebody may see: the one condition that lists, counts, searches and files ask."""

from typing import Any

import sqlalchemy as sa

from services.scoring.store.tables import participant
from shared.web.identity import Person

Condition = sa.ColumnElement[bool]


def seen_by(person: Person) -> Condition:
    """Whose standing and result they see: all, or their own units' and of whom these proposed."""
    return _of_ward(person) if person.sees_all else sa.and_(_of_ward(person), _own(person))


def assessed_by(person: Person) -> Condition:
    """Participants whose marks they see in the making: never those of their own unit (law 10).

    Whoever sees all results anyway sees these too.
    """
    if person.sees_all:
        return _of_ward(person)
    return sa.and_(_of_ward(person), sa.not_(_own(person)))


def _of_ward(person: Person) -> Condition:
    return participant.c.ward == person.ward


def _own(person: Person) -> Condition:
    units = sorted(person.all_units)
    proposer: sa.ColumnElement[Any] = sa.func.coalesce(participant.c.proposed_by, "")
    return sa.or_(participant.c.participant.in_(units), proposer.in_(units))
