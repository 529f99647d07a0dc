"""A report while it is being written: who may do what with it, and how two authors' texts meet."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from shared.refusal import Refusal

State = Literal["none", "draft", "awaiting-head", "approved"]
Command = Literal["save", "ask", "take-back", "approve", "send-back", "discard", "submit"]
Author = Literal["author", "head", "office"]
"""A unit's reporter, its head, or the office on behalf of a unit."""
Side = Literal["unit", "office"]

_ALL: frozenset[Author] = frozenset({"author", "head", "office"})
_UNIT: frozenset[Author] = frozenset({"author", "head"})
_HEAD: frozenset[Author] = frozenset({"head"})


@dataclass(frozen=True, slots=True)
class Step:
    """Where a command leads, and who may give it. Sent or thrown away, a draft is gone."""

    to: State
    who: frozenset[Author]


TRANSITIONS: Mapping[tuple[State, Command], Step] = {
    ("none", "save"): Step("draft", _ALL),
    ("draft", "save"): Step("draft", _ALL),
    ("draft", "ask"): Step("awaiting-head", frozenset({"author"})),
    ("draft", "discard"): Step("none", _ALL),
    ("draft", "submit"): Step("none", _ALL),
    ("awaiting-head", "take-back"): Step("draft", _UNIT),
    ("awaiting-head", "approve"): Step("approved", _HEAD),
    ("awaiting-head", "send-back"): Step("draft", _HEAD),
    ("awaiting-head", "submit"): Step("none", _HEAD),
    ("approved", "take-back"): Step("draft", _UNIT),
    ("approved", "submit"): Step("none", _UNIT),
}

_NOT_NOW: Mapping[State, str] = {
    "none": "Chưa có bản soạn nào.",
    "draft": "Bản soạn chưa được trình người đứng đầu.",
    "awaiting-head": "Bản soạn đang chờ người đứng đầu duyệt; rút về rồi mới sửa hoặc gửi được.",
    "approved": "Bản soạn đã được người đứng đầu duyệt; rút về rồi mới sửa được.",
}


def transition(state: State, command: Command, author: Author, *, head_approves: bool) -> State:
    """Raises Refusal: an unknown transition is refused, and one that somebody may not make.

    `head_approves`: the unit wants its head's approval before anything of it is sent.
    """
    step = TRANSITIONS.get((state, command))
    if step is None:
        raise Refusal(f"cannot-{command}", _NOT_NOW[state])
    if author not in step.who:
        raise Refusal("not-yours-to-do", "Việc này do người khác của đơn vị làm.")
    if state == "draft" and command == "submit" and author == "author" and head_approves:
        words = "Đơn vị yêu cầu người đứng đầu duyệt trước khi gửi; hãy trình duyệt."
        raise Refusal("approval-needed", words)
    return step.to


NEVER = -1
"""Seen by somebody who saw no version that counts: all that differs clashes."""


class Stamp(NamedTuple):
    """When a field was changed last: `at` which version, what it `was` before (as a digest: it is
    only ever compared), `since` when.
    """

    at: int
    since: int
    was: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`fields`: name -> text, none of them empty; `stamps` of those that were ever changed.

    `version` grows with each save, from `begun` on, which is greater than any version of a draft
    before it; 0: nothing is saved.
    """

    version: int = 0
    begun: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, Stamp] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Characters, with what is kept of fields that are empty by now."""
        kept = sum(len(name) + len(stamp.was) for name, stamp in self.stamps.items())
        return kept + sum(map(len, self.fields.values()))


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that two have changed: what stands there now, and what was typed."""

    name: str
    theirs: str
    mine: str


def clashes(now: Draft, seen: int, typed: Mapping[str, str]) -> list[Clash]:
    """Where saving what was typed over version `seen` would lose what others saved since.

    Of a draft that is gone by now everything that differs clashes.
    """
    is_gone = seen != 0 and not now.begun <= seen <= now.version
    return [
        Clash(name, now.fields.get(name, ""), text)
        for name, text in typed.items()
        if text != now.fields.get(name, "")
        and (is_gone or not _is_free(now.stamps.get(name), seen, text))
    ]


def _is_free(stamp: Stamp | None, seen: int, text: str) -> bool:
    """Nobody changed the field since, or whoever typed did not."""
    return stamp is None or stamp.at <= seen or _is_theirs(stamp, seen, text)


def merge(now: Draft, seen: int, typed: Mapping[str, str], first: int) -> Draft:
    """The next version, `first` of a draft that begins. There are no clashes; of fields that others
    changed since `seen`, theirs stays where it was not typed over.
    """
    fields, stamps = dict(now.fields), dict(now.stamps)
    version = now.version + 1 if now.version else first
    for name, text in typed.items():
        before, stamp = fields.get(name, ""), stamps.get(name)
        if text == before or _is_theirs(stamp, seen, text):
            continue
        stamps[name] = Stamp(version, stamp.at if stamp else 0, _digest(before))
        if text:
            fields[name] = text
        else:
            del fields[name]
    begun = now.begun or version
    return replace(now, version=version, begun=begun, fields=fields, stamps=stamps)


def _is_theirs(stamp: Stamp | None, seen: int, text: str) -> bool:
    return stamp is not None and stamp.at > seen >= stamp.since and _digest(text) == stamp.was


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
