"""Comparing what two years told."""

import json
from collections import Counter
from typing import Any

from tests.played import Fact, Played

TOPICS = (
    *(f"thidua.{name}.v1" for name in ("intake", "scoring", "awards", "notify")),
    "thidua.intake.contacts.v1",
    "thidua.outbound.e-office.v1",
    "thidua.outbound.trial.v1",
)
_CHANGING = {"mail", "because_of", "sent_at", "failed_at", "record", "uncertain", "reason"}
"""What follows from random ids or from the machine's time."""
_SETTLED = {"mail-sent": "mail-settled", "mail-failed": "mail-settled"}
"""A mail whose sending was cut off is uncertain, and never sent again blindly: SMTP gives no more.
It is one mail of one reason all the same, and it is never there twice."""


def story_of(facts: list[Fact]) -> Counter[str]:
    """What happened, without what is different in each run."""
    return Counter(
        json.dumps([fact.topic, fact.key, _name(fact), _steady(fact.data)], sort_keys=True)
        for fact in facts
    )


def _name(fact: Fact) -> str:
    return _SETTLED.get(fact.name, fact.name)


def _steady(data: dict[str, Any] | None) -> dict[str, Any] | None:
    return data and {name: value for name, value in data.items() if name not in _CHANGING}


def mails_sent_twice(done: Played) -> list[str]:
    """Message-IDs that reached the mailboxes more than once."""
    identities = Counter(str(mail["Message-ID"]) for mail in done.mails())
    return [identity for identity, count in identities.items() if count > 1]
