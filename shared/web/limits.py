"""How many requests a minute one person, or one address that is not signed in, may send."""

import threading
import time
from collections import OrderedDict
from hashlib import sha256
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

WINDOW_SECONDS = 60.0
MOST_TOKENS = 10_000


class _Asleep(threading.Timer):
    """The store's sweeper would start a thread for nearly every request; `Pace` sweeps itself."""

    def is_alive(self) -> bool:
        return True


class Pace:
    """A moving window of a minute in this process; `per_minute` 0: no limit.

    Whose a token is, is known only once it has been verified: until then its requests count
    against the address they come from, so that made-up tokens give nobody a budget of their own
    and use up nobody else's.
    """

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._store = MemoryStorage()
        self._store.timer.cancel()
        self._store.timer = _Asleep(0, lambda: None)
        self._limiter = MovingWindowRateLimiter(self._store)
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._owners: OrderedDict[bytes, str] = OrderedDict()

    def take(self, token: str, source: str) -> int:
        """Count a request. Returns 0, or after how many whole seconds to try again."""
        if self._limit is None:
            return 0
        who = self._owners.get(_digest(token), source) if token else source
        self._sweep(who)
        taken = self._limiter.hit(self._limit, who)
        key = self._limit.key_for(who)
        del self._store.events[key][self._limit.amount :]
        if taken:
            return 0
        reset, _ = self._limiter.get_window_stats(self._limit, who)
        return max(1, ceil(reset - time.time()))

    def learn(self, token: str, owner: str) -> None:
        """From now on, requests with this verified token count for its owner."""
        self._owners[_digest(token)] = owner
        while len(self._owners) > MOST_TOKENS:
            self._owners.popitem(last=False)

    def _sweep(self, who: str) -> None:
        """Forget who has been silent for a window."""
        now = time.monotonic()
        self._seen[who] = now
        self._seen.move_to_end(who)
        while now - (oldest := next(iter(self._seen.items())))[1] > WINDOW_SECONDS:
            del self._seen[oldest[0]]
            if self._limit is not None:
                self._limiter.clear(self._limit, oldest[0])


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
