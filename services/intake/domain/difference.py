"""What differs between two versions of a report, and what of it may: parts that were not sent back
stay as they were.

A body is a report's JSON. Parts are known again by what they are about (a content's number, a
criterion's code) and not by their place in a list.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

Body = Mapping[str, Any]

TEXTS = ("situation", "digital_literacy", "difficulties", "lessons", "directions")
KEYED: Mapping[str, str] = {"contents": "content", "items": "criterion", "indicators": "code"}
LISTED: Mapping[str, str] = {"aims": "aim", "role_models": "name", "nominations": "subject"}
SECTIONS = (
    "situation",
    "aims",
    "contents",
    "items",
    "indicators",
    "role_models",
    "digital_literacy",
    "difficulties",
    "lessons",
    "directions",
    "nominations",
)
"""Of all forms, as a report is read."""

_KEPT = "Phần này không bị trả lại nên phải giữ nguyên như bản số {revision}."
_GONE = "Bản số {revision} có {count} mục không bị trả lại mà bản này bỏ đi: {names}."
_NEW = "Bản số {revision} không có mục này và phần này không bị trả lại nên chưa thêm được."
_LIST = "Chỉ sửa hoặc bỏ mục đã bị trả lại; các mục khác giữ nguyên như bản số {revision}."


@dataclass(frozen=True, slots=True)
class Change:
    """`place` as "items/a1/narrative"; None where one of the versions has nothing there."""

    place: str
    old: str | None
    new: str | None


def differences(old: Body, new: Body) -> list[Change]:
    """All that differs, by place, in the order of the report."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    places = [*before, *(place for place in after if place not in before)]
    changes = [Change(place, before.get(place), after.get(place)) for place in places]
    return sorted(
        (change for change in changes if change.old != change.new),
        key=lambda change: SECTIONS.index(change.place.partition("/")[0]),
    )


def _leaves(body: Body) -> Iterator[tuple[str, str]]:
    for name in TEXTS:
        if body.get(name):
            yield name, body[name]
    for section, by in {**KEYED, **LISTED}.items():
        seen: Counter[str] = Counter()
        for part in body.get(section, ()):
            key = str(part[by])
            seen[key] += 1
            place = f"{section}/{key}" + (f" ({seen[key]})" if seen[key] > 1 else "")
            yield from _leaves_of_part(place, part, by)


def _leaves_of_part(place: str, part: Body, by: str) -> Iterator[tuple[str, str]]:
    yield place, str(part[by])
    for name, value in part.items():
        if name == by or value in (None, "", False, []):
            continue
        if name == "evidence":
            for number, one in enumerate(value, 1):
                yield f"{place}/evidence/{number}", f"{one['title']} – {one.get('url') or ''}"
        else:
            yield f"{place}/{name}", "" if value is True else str(value)


@dataclass(frozen=True, slots=True)
class SentBack:
    """A version that the office sent back or opened again, and the places that it named: JSON
    pointers into the version, "" for all of it; `texts` say why.
    """

    revision: int
    body: Body
    pointers: tuple[str, ...]
    texts: tuple[str, ...] = ()

    def is_open(self, section: str, index: int | None = None) -> bool:
        """Whether a section, or the part at a place of its list, may be changed."""
        return any(_covers(pointer, section, index) for pointer in self.pointers)


def _covers(pointer: str, section: str, index: int | None) -> bool:
    names = pointer.strip("/").split("/")
    if names == [""]:
        return True
    if names[0] != section:
        return False
    return len(names) == 1 or (index is not None and names[1] == str(index))


def leads_somewhere(body: Body, pointer: str) -> bool:
    """Whether a pointer names the whole, a section, or a part that the report has."""
    names = pointer.strip("/").split("/")
    if names == [""]:
        return True
    if names[0] not in SECTIONS:
        return False
    if len(names) == 1 or names[0] in TEXTS:
        return len(names) == 1
    return names[1].isascii() and names[1].isdigit() and int(names[1]) < len(body.get(names[0], ()))


def locked_changes(before: SentBack, body: Body) -> dict[str, str]:
    """What a correction changes and may not: pointers into it, with words."""
    wrong: dict[str, str] = {}
    for name in TEXTS:
        if not before.is_open(name) and not _same_text(before.body, body, name):
            wrong[f"/{name}"] = _KEPT.format(revision=before.revision)
    for section, by in KEYED.items():
        if not before.is_open(section):
            wrong |= _locked_in_keyed(before, body, section, by)
    for section in LISTED:
        if not before.is_open(section):
            wrong |= _locked_in_list(before, body, section)
    return wrong


def _same_text(old: Body, new: Body, name: str) -> bool:
    """Form 1 did not ask for every section: what it did not ask is not locked."""
    told = old.get(name, "")
    return told == new.get(name, "") or (not told and name != "difficulties" and _is_first(old))


def _is_first(body: Body) -> bool:
    is_annual = body.get("form", "annual-report") == "annual-report"
    return is_annual and bool(body["form_version"] == 1)


def _locked_in_keyed(before: SentBack, body: Body, section: str, by: str) -> dict[str, str]:
    old, new = _by_key(before.body, section, by), _by_key(body, section, by)
    same = partial(_all_same, is_first=_is_first(before.body))
    wrong: dict[str, str] = {}
    for key, parts in new.items():
        known = old.get(key)
        if known is not None and (_any_open(before, section, known) or same(known, parts)):
            continue
        words = (_NEW if known is None else _KEPT).format(revision=before.revision)
        wrong |= {f"/{section}/{place}": words for place, _ in parts}
    gone = [
        str(key)
        for key, parts in old.items()
        if key not in new and not _any_open(before, section, parts)
    ]
    if gone:
        wrong[f"/{section}"] = _GONE.format(
            revision=before.revision, count=len(gone), names=", ".join(gone)
        )
    return wrong


_Numbered = list[tuple[int, Body]]


def _any_open(before: SentBack, section: str, parts: _Numbered) -> bool:
    return any(before.is_open(section, place) for place, _ in parts)


def _all_same(old: _Numbered, new: _Numbered, *, is_first: bool) -> bool:
    return len(old) == len(new) and all(
        _same(one, other, is_first=is_first) for (_, one), (_, other) in zip(old, new, strict=True)
    )


def _by_key(body: Body, section: str, by: str) -> dict[Any, _Numbered]:
    found: dict[Any, _Numbered] = {}
    for place, part in enumerate(body.get(section, ())):
        found.setdefault(part[by], []).append((place, part))
    return found


_ASKED_LATER = ("nothing_arose", "reason", "title", "unit", "criterion", "evidence")
"""Fields of an item or an indicator that form 1 did not have, or not from the first."""


def _same(old: Body, new: Body, *, is_first: bool) -> bool:
    names = old.keys() | new.keys()
    if is_first and not old.get("reason"):
        names -= {"reason"}
    return all(_value(old, name) == _value(new, name) for name in names)


def _value(part: Body, name: str) -> Any:
    return (part.get(name) or None) if name in _ASKED_LATER else part.get(name)


def _locked_in_list(before: SentBack, body: Body, section: str) -> dict[str, str]:
    """Parts without a key keep their order: those sent back may change or go."""
    old: Sequence[Body] = before.body.get(section, ())
    new: Sequence[Body] = body.get(section, ())
    open_at = [before.is_open(section, place) for place in range(len(old))]
    if _fits(old, new, open_at):
        return {}
    if len(old) != len(new):
        return {f"/{section}": _LIST.format(revision=before.revision)}
    return {
        f"/{section}/{place}": _KEPT.format(revision=before.revision)
        for place in range(len(old))
        if not open_at[place] and old[place] != new[place]
    }


def _fits(old: Sequence[Body], new: Sequence[Body], open_at: Sequence[bool]) -> bool:
    """Whether `new` is `old` with each open part changed, kept or left out."""
    reached = {0}
    for part, is_open in zip(old, open_at, strict=True):
        onward = {at + 1 for at in reached if at < len(new) and (is_open or new[at] == part)}
        reached = onward | (reached if is_open else set())
    return len(new) in reached


def is_locked(before: SentBack, part: str) -> bool:
    """Whether a part of the form stays as it was sent; "situation", "items.a1", "role_models.0"."""
    section, _, key = part.partition(".")
    if before.is_open(section):
        return False
    if section in TEXTS:
        was_asked = section == "difficulties" or not _is_first(before.body)
        return was_asked or bool(before.body.get(section))
    by = KEYED.get(section)
    places = [
        place
        for place, one in enumerate(before.body.get(section, ()))
        if key == (str(one[by]) if by else str(place))
    ]
    return not any(before.is_open(section, place) for place in places)
