"""A version of the movement, from draft to superseded, and what changed between two of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.refusal import Refusal

State = Literal["draft", "adopted", "superseded"]
Command = Literal["edit", "drop", "adopt", "supersede"]

TRANSITIONS: dict[tuple[State, Command], State | None] = {
    ("draft", "edit"): "draft",
    ("draft", "drop"): None,
    ("draft", "adopt"): "adopted",
    ("adopted", "supersede"): "superseded",
}
"""Where a command leads; None: there is no such version any more. An adopted version never
changes: what comes after it is another version.
"""

_STANDS: dict[State, str] = {
    "draft": "Phiên bản {number} còn là bản nháp.",
    "adopted": "Phiên bản {number} đã ban hành và không đổi được; hãy dùng số mới.",
    "superseded": "Phiên bản {number} đã được thay thế và không đổi được; hãy dùng số mới.",
}


def transition(state: State, command: Command, number: int) -> State | None:
    """Raises Refusal: whatever is not in the table is refused."""
    if (state, command) not in TRANSITIONS:
        raise Refusal("version-exists", _STANDS[state].format(number=number))
    return TRANSITIONS[state, command]


def check_number(number: int, adopted: int | None) -> None:
    """Raises Refusal unless the number is greater than that of the version in force."""
    if adopted is not None and number <= adopted:
        detail = f"Đã có phiên bản {adopted}; phiên bản mới phải mang số lớn hơn."
        raise Refusal("version-order", detail, "/version")


Section = Literal[
    "version",
    "contents",
    "groups",
    "criteria",
    "blocks",
    "forms",
    "phases",
    "rules",
    "strictness",
]
What = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: where, which, and its words before and after ("" for none)."""

    section: Section
    code: str
    what: What
    field: str
    before: str
    after: str


_PARTS: tuple[tuple[Section, str, str], ...] = (
    ("contents", "contents", "number"),
    ("groups", "groups", "code"),
    ("blocks", "blocks", "code"),
    ("forms", "forms", "code"),
    ("phases", "phases", "number"),
    ("rules", "rules", "code"),
    ("strictness", "strictness", "kind"),
)
_OF_VERSION = ("title", "place", "launched_on", "reminder_offsets", "corrections")
_NAMES = ("title", "text", "manner")
"""The field that says what a part is, for one that came or went."""


def difference(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[Change]:
    """All that differs between two versions as they were entered, in the order of a version."""
    found = list(_fields("version", "", _only(older, _OF_VERSION), _only(newer, _OF_VERSION)))
    for section, name, key in _PARTS:
        before, after = (_by_key(side.get(name, ()), key) for side in (older, newer))
        found += _parts(section, before, after, skip={key, "criteria"})
        if section == "groups":
            found += _parts("criteria", _criteria(older), _criteria(newer), skip={"code"})
    return found


def _only(side: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: side.get(name) for name in names}


def _by_key(parts: Sequence[Mapping[str, Any]], key: str) -> dict[str, Mapping[str, Any]]:
    return {str(part[key]): part for part in parts}


def _criteria(side: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By code; a criterion that went to another group has another `group`."""
    return {
        criterion["code"]: {**criterion, "group": group["code"]}
        for group in side.get("groups", ())
        for criterion in group["criteria"]
    }


def _parts(
    section: Section,
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
    skip: set[str],
) -> Iterator[Change]:
    for code, part in before.items():
        if code not in after:
            yield Change(section, code, "removed", "", _name(part), "")
    for code, part in after.items():
        if code not in before:
            yield Change(section, code, "added", "", "", _name(part))
            continue
        then, now = (
            {name: value for name, value in side.items() if name not in skip}
            for side in (before[code], part)
        )
        yield from _fields(section, code, then, now)


def _name(part: Mapping[str, Any]) -> str:
    return next((words_of(name, part[name]) for name in _NAMES if part.get(name)), "")


def _fields(
    section: Section, code: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        then, now = before.get(name), after.get(name)
        if (then or None) != (now or None) or (isinstance(then, bool) and then != now):
            yield Change(section, code, "changed", name, words_of(name, then), words_of(name, now))


_WORDS: dict[str, dict[object, str]] = {
    "manner": {
        "owes": "có trách nhiệm",
        "invited": "được mời",
        "voluntary": "tự nguyện",
        "proposed": "do đơn vị đề nghị",
    },
    "kind": {
        "unit-plan": "kế hoạch của đơn vị",
        "digital-literacy-plan": "kế hoạch Bình dân học vụ số",
        "annual-report": "báo cáo năm",
        "midterm-report": "báo cáo sơ kết",
        "final-report": "báo cáo tổng kết",
    },
    "corrections": {
        "by-their-own-date": "theo hạn chỉnh sửa",
        "by-the-deadline": "theo hạn của kỳ",
    },
}
_WORDS["manners"] = _WORDS["manner"]
_NOTHING = "không"


def words_of(name: str, value: Any) -> str:
    """A value of a version's field as people read it."""
    if isinstance(value, bool):
        return "có" if value else _NOTHING
    if value is None or value in ("", [], (), {}):
        return _NOTHING
    if isinstance(value, Mapping):
        return _deadline_words(value)
    if isinstance(value, list | tuple):
        return ", ".join(words_of(name, item) for item in value)
    if name in {"launched_on", "on"}:
        year, month, day = str(value).split("-")
        return f"{day}/{month}/{year}"
    return _WORDS.get(name, {}).get(value, str(value))


def _deadline_words(due: Mapping[str, Any]) -> str:
    if due.get("on"):
        day = words_of("on", due["on"])
    elif due.get("month"):
        day = f"{due['day']:02}/{due['month']:02} hằng năm"
    else:
        return "chưa ấn định"
    return f"trước ngày {day}" if due.get("before") else f"đến hết ngày {day}"
