"""What faults act on, and how it is seen that a service is getting on again."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from tests.chaos.databases import Databases
from tests.chaos.door import Door
from tests.chaos.load import Load
from tests.chaos.poison import PoisonChest
from tests.chaos.stack import ChaosStack

RECOVERY_SECONDS = 90.0
"""A service that shows no effect for that long after a fault has not recovered."""
ASK_SECONDS = 1.0
BEHIND_SECONDS = 5.0

_APPLIED = "SELECT coalesce(max(seq), 0) FROM chaos_applied"


class NotRecovered(Exception):
    """A service did not get on after a fault was over."""


class DidNotHappen(Exception):
    """The fault could not be brought about; it does not count."""


@dataclass
class Field:
    """`locks` are held by whoever harms a service: one fault a service at a time."""

    stack: ChaosStack
    databases: Databases
    load: Load
    chest: PoisonChest
    make_door: Callable[[], Door]
    locks: dict[str, Lock] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.locks = {name: Lock() for name in self.stack.services}

    @property
    def services(self) -> Sequence[str]:
        return self.stack.services

    def applied(self, service: str) -> int:
        """The newest row of a service's ledger. Raises when the database does not answer."""
        found: int = self.databases.value(service, _APPLIED)
        return found

    def applied_when_it_answers(self, service: str) -> int:
        """The same, of a database that is just coming back."""
        found: int = self._until(service, lambda: self.applied(service) + 1)
        return found - 1

    def await_effect(self, service: str, before: int) -> float:
        """Until the ledger grows beyond `before`; returns the moment. Raises NotRecovered."""

        def grown() -> bool:
            return self.applied(service) > before

        self._until(service, grown)
        return time.monotonic()

    def parked(self, service: str, key: str) -> int:
        """How many events of a key wait."""
        query = "SELECT count(*) FROM parked WHERE state = 'parked' AND key = $1"
        found: int = self.databases.value(service, query, key)
        return found

    def await_parked(self, service: str, key: str) -> None:
        """Until an event of the key is set aside, and for a moment for those behind it."""
        self._until(service, lambda: self.parked(service, key))
        deadline = time.monotonic() + BEHIND_SECONDS
        while self.parked(service, key) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)

    def _until(self, service: str, seen: Callable[[], Any]) -> Any:
        """Ask, and stir the service from time to time, until there is an answer that is true."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        asked = 0.0
        last: Exception | None = None
        while time.monotonic() < deadline:
            if time.monotonic() - asked > ASK_SECONDS:
                self.load.stir(service)
                asked = time.monotonic()
            try:
                if answer := seen():
                    return answer
            except Exception as error:  # the database is away just now
                last = error
            time.sleep(0.05)
        raise NotRecovered(f"{service} showed nothing for {RECOVERY_SECONDS:g} s ({last!r})")
