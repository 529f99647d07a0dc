"""Waves by run: how a batch is cut so that handlers get much at once, and each key its order.

A wave holds, of every key, the next run of events of one type. A ward has few, hot keys, so a
wave of one event per key would collapse into a transaction's worth of tiny calls.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby
from typing import TypeVar

T = TypeVar("T")


def waves(
    events: Iterable[T], key: Callable[[T], Hashable], kind: Callable[[T], str]
) -> list[dict[str, list[T]]]:
    """Cut events into waves; each wave maps a kind to its events, in their order.

    Handling wave after wave, and in each wave kind after kind, keeps every key's order.
    """
    stories: dict[Hashable, list[T]] = {}
    for event in events:
        stories.setdefault(key(event), []).append(event)
    result: list[dict[str, list[T]]] = []
    for story in stories.values():
        for number, (name, run) in enumerate(_runs(story, kind)):
            if number == len(result):
                result.append({})
            result[number].setdefault(name, []).extend(run)
    return result


def _runs(story: Sequence[T], kind: Callable[[T], str]) -> Iterable[tuple[str, list[T]]]:
    return [(name, list(run)) for name, run in groupby(story, kind)]
