"""Signing keys: published before they sign, and until the last token they signed has expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from shared.tokens import TOKEN_LIFE

SKEW = timedelta(minutes=2)
"""How far a verifier's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key signs for a `period`; it is published `ahead` of that, so that all have fetched it."""

    period: timedelta = timedelta(days=7)
    ahead: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.ahead < self.period:
            raise ValueError("a key must be published before it signs, and for less than a period")


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """A key signs from `signs_from` until a later one does."""

    kid: str
    signs_from: datetime


def signer(keys: Sequence[KeyTimes], now: datetime) -> KeyTimes | None:
    """The key that signs now: the latest that has begun to."""
    begun = [key for key in keys if key.signs_from <= now]
    return max(begun, key=lambda key: key.signs_from, default=None)


def next_key_signs_from(
    keys: Sequence[KeyTimes], now: datetime, rotation: Rotation
) -> datetime | None:
    """When a key that is made now would begin to sign; None while none is needed.

    The first of all signs at once: there is no other.
    """
    if not keys:
        return now
    due = max(key.signs_from for key in keys) + rotation.period
    return max(due, now + rotation.ahead) if now >= due - rotation.ahead else None


def withdrawn(keys: Sequence[KeyTimes], now: datetime) -> list[str]:
    """Keys with which nothing valid can be signed any more."""
    ordered = sorted(keys, key=lambda key: key.signs_from)
    return [
        key.kid
        for key, successor in pairwise(ordered)
        if successor.signs_from + TOKEN_LIFE + SKEW <= now
    ]
