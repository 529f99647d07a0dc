"""When everything that was on its way has arrived; and the business clock, moved only then."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from shared.clock import Anchor, set_business_clock

SERVICES = ("intake", "scoring", "awards", "notify")
POLL_SECONDS = 0.05


class NotQuiet(RuntimeError):
    """Something stayed on its way for too long; says what."""


@dataclass(slots=True)
class Flow:
    """The state of the four services' flow, as their operators see it."""

    addresses: dict[str, str]
    check: Callable[[], None]
    patience: float = 120.0

    def wait_until_quiet(self) -> None:
        """Until two looks in a row find every service idle and nothing moved in between.

        One look is not enough: an event can leave a service that was not looked at yet for one
        that was. Between two equal looks no position moved, so nothing was on its way.
        """
        deadline = time.monotonic() + self.patience
        before: Any = None
        with httpx.Client(timeout=10, trust_env=False) as client:
            while True:
                seen = self._look(client)
                if seen is not None and seen == before and all(s["idle"] for s in seen):
                    return
                before = seen
                self.check()
                if time.monotonic() > deadline:
                    raise NotQuiet(f"still on its way after {self.patience:g} s: {seen}")
                time.sleep(POLL_SECONDS)

    def _look(self, client: httpx.Client) -> list[dict[str, Any]] | None:
        try:
            return [
                client.get(f"{self.addresses[name]}/{name}/flow").raise_for_status().json()
                for name in SERVICES
            ]
        except httpx.HTTPError:
            return None

    def parked(self) -> int:
        """How many events the services have set aside."""
        with httpx.Client(timeout=10, trust_env=False) as client:
            seen = self._look(client) or []
        return sum(int(state["parked"]) for state in seen)


@dataclass(slots=True)
class WardClock:
    """Sets the business clock of the embedded stack."""

    file: Path

    def stand_at(self, business: datetime) -> None:
        """From now on it is this moment, until the clock is set again."""
        set_business_clock(self.file, Anchor(datetime.now(UTC), business, 0))

    def run_from(self, business: datetime) -> None:
        """From now on business time passes as time does."""
        set_business_clock(self.file, Anchor(datetime.now(UTC), business, 1))
