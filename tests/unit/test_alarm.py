"""When one error parks more than a few per cent of the keys, the consumer is to stop."""

import pytest

from shared.messaging import alarm
from shared.messaging.alarm import Alarm
from shared.messaging.errors import StopAndAlarm

pytestmark = pytest.mark.unit


def keys(first: int, last: int) -> list[tuple[str, str]]:
    return [("topic", f"w/{number}") for number in range(first, last + 1)]


def park(watch: Alarm, first: int, last: int, error: Exception | None = None) -> None:
    for key in keys(first, last):
        watch.parked(key, "thing-counted", error or ValueError("bad"))


def test_a_few_bad_keys_among_many_are_bad_data() -> None:
    watch = Alarm(share=0.05, least=3)
    watch.met(keys(1, 100))
    park(watch, 1, 5)
    with pytest.raises(StopAndAlarm, match="ValueError in thing-counted parks 6 of the last 100"):
        park(watch, 6, 6)


def test_few_keys_are_no_share() -> None:
    watch = Alarm(share=0.05, least=3)
    watch.met(keys(1, 4))
    park(watch, 1, 2)
    with pytest.raises(StopAndAlarm):
        park(watch, 3, 3)


def test_one_key_over_and_over_is_one_key() -> None:
    watch = Alarm(share=0.05, least=2)
    watch.met(keys(1, 4))
    for _ in range(10):
        park(watch, 1, 1)


def test_different_errors_and_handlers_are_counted_apart() -> None:
    watch = Alarm(share=0.05, least=2)
    watch.met(keys(1, 4))
    park(watch, 1, 1, ValueError("bad"))
    park(watch, 2, 2, KeyError("worse"))
    watch.parked(("topic", "w/3"), "thing-renamed", ValueError("bad"))
    with pytest.raises(StopAndAlarm):
        park(watch, 4, 4, KeyError("in other words"))


def test_what_the_window_has_left_behind_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "WINDOW", 10)
    watch = Alarm(share=0.1, least=2)
    watch.met(keys(1, 10))
    park(watch, 1, 1)
    watch.met(keys(11, 20))
    park(watch, 11, 11)
    watch.met(keys(11, 11))
    watch.met(keys(21, 29))
    with pytest.raises(StopAndAlarm):
        park(watch, 21, 21)


def test_a_share_of_one_never_stops() -> None:
    watch = Alarm(share=1, least=1)
    watch.met(keys(1, 10))
    park(watch, 1, 10)
