"""When one error parks more than a few per cent of the keys, it is a bug: stop, do not park on."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.messaging.errors import StopAndAlarm

WINDOW = 1_000
"""How many keys, those that were met last, the share is taken of."""

Key = tuple[str, str]
"""Topic and key."""


@dataclass(slots=True)
class Alarm:
    """Watches one consumer. `share` of the window's keys and at least `least` of them.

    It remembers nothing across a restart: whoever restarts the service has seen to the fault,
    and if not, the consumer stops again after `least` keys more.
    """

    share: float
    least: int
    _window: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _parked: defaultdict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))

    def met(self, keys: Iterable[Key]) -> None:
        """These keys had events."""
        for key in keys:
            self._window[key] = None
            self._window.move_to_end(key)
        while len(self._window) > WINDOW:
            oldest, _ = self._window.popitem(last=False)
            for parked in self._parked.values():
                parked.discard(oldest)

    def parked(self, key: Key, event_type: str, error: Exception) -> None:
        """An event of the key was parked. Raises StopAndAlarm when that was one too many."""
        fault = f"{type(error).__name__} in {event_type or 'records that cannot be read'}"
        keys = self._parked[fault]
        keys.add(key)
        if len(keys) >= self.least and len(keys) > self.share * len(self._window):
            raise StopAndAlarm(f"{fault} parks {len(keys)} of the last {len(self._window)} keys")
