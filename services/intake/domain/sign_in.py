"""Sign-in links: a link is good once, for some minutes, in the browser that asked for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, get_args

LINK_LIFE = timedelta(minutes=10)
HOME = "/notify/"
"""Where a person lands who did not come for anything in particular: their to-do list."""

LinkState = Literal["asked", "mailed", "dropped", "used"]
LinkEvent = Literal["mail", "put-off", "drop", "open", "use"]
LINK_STATES: tuple[LinkState, ...] = get_args(LinkState)
LINK_EVENTS: tuple[LinkEvent, ...] = get_args(LinkEvent)


class Verdict(StrEnum):
    """What becomes of an event; all but GO leave the link as it is."""

    GO = "go"
    UNKNOWN = "unknown"
    ELSEWHERE = "elsewhere"
    USED = "used"
    EXPIRED = "expired"


_LEADS_TO: dict[tuple[LinkState, LinkEvent], LinkState] = {
    ("asked", "mail"): "mailed",
    ("asked", "drop"): "dropped",
    ("mailed", "put-off"): "asked",
    ("mailed", "open"): "mailed",
    ("mailed", "use"): "used",
}
_BY_THE_BROWSER: frozenset[LinkEvent] = frozenset({"open", "use"})


@dataclass(frozen=True, slots=True)
class Moved:
    """`state` is where the link stands after the event."""

    verdict: Verdict
    state: LinkState


def move(state: LinkState, event: LinkEvent, *, age: timedelta, here: bool) -> Moved:
    """What an event does to a link.

    `age` is the time since it was asked for; `here` is true in the browser that asked. Another
    browser learns nothing of the link but that it is another's. Opening changes nothing, so that
    a scanner of mails which follows links uses none up.
    """
    if event in _BY_THE_BROWSER and state in {"mailed", "used"}:
        if not here:
            return Moved(Verdict.ELSEWHERE, state)
        if state == "used":
            return Moved(Verdict.USED, state)
    after = _LEADS_TO.get((state, event))
    if after is None:
        return Moved(Verdict.UNKNOWN, state)
    if age >= LINK_LIFE and event != "drop":
        return Moved(Verdict.EXPIRED, state)
    return Moved(Verdict.GO, after)


_LOCAL = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]{0,1999}")


def local_path(wanted: str | None) -> str:
    """The path on this origin to go on to; `HOME` for whatever is not plainly one.

    No scheme, no host, no `//` in front, no backslash (browsers read it as a slash), no space or
    control character (browsers drop some of them), ASCII alone.
    """
    if wanted is None or not _LOCAL.fullmatch(wanted):
        return HOME
    return wanted


def plain_address(written: str) -> str:
    """An address as it is looked up and counted: no outer space, lower case."""
    return written.strip().lower()


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `times` in any `window`."""

    times: int
    window: timedelta

    def wait(self, earlier: Sequence[datetime], now: datetime) -> timedelta:
        """How long until one more is allowed; zero when it is now. `earlier` in any order."""
        counted = sorted(moment for moment in earlier if moment > now - self.window)
        if len(counted) < self.times:
            return timedelta(0)
        return counted[-self.times] + self.window - now


PER_ADDRESS = Allowance(5, timedelta(hours=1))
PER_SOURCE = Allowance(30, timedelta(hours=1))
