"""A report's form as a page: its sections and fields, what was typed as a report, and back.

The form (`domain/form.py`) is the one source: what a page asks for is the sections and fields of
its model, for the criteria, contents and reward forms of the movement's version. A field's name is
its place in the report with codes for numbers: "items.a1.narrative", "indicators.a1-1.value".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from annotated_types import MaxLen
from pydantic import BaseModel

from services.intake.domain.difference import TEXTS
from services.intake.domain.form import FORMS, Form, section_titles
from shared.contracts.forms import ReportModel
from shared.contracts.inbound import (
    AimResult,
    ContentResult,
    Evidence,
    Indicator,
    Item,
    NominationClaim,
    ReportSubmitted,
    RoleModel,
)

MOST_ROWS = 50
_NUMBER = re.compile(r"[0-9]{1,3}(?=\.|$)")
_INDICATOR = re.compile(r"indicators\.([a-z0-9-]{1,80})\.")
_SLOT = re.compile(r"(?P<criterion>.+)-(?P<number>[1-9][0-9]?)")

Kind = Literal["area", "line", "points", "standing", "reward", "reached"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the movement's version asks of a participant, (code, text) each, and on which form."""

    form: Form
    contents: Sequence[tuple[int, str]]
    criteria: Sequence[tuple[str, str]]
    rewards: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asking:
    """One field of the form; `limit`: the most characters, by the contract."""

    name: str
    label: str
    kind: Kind
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is sent back, or stays, together; `code` as "items.a1", `rule` the plan's words."""

    code: str
    title: str
    fields: tuple[Asking, ...]
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    code: str
    title: str
    parts: tuple[Part, ...]


TITLES: Mapping[str, str] = {
    name: title
    for form in reversed(FORMS)
    if issubclass(form.model, ReportModel)
    for name, title in section_titles(form).items()
}
"""Sections of all forms; what the annual report has is called as it is there."""
REACHED: Mapping[str, str] = {
    "reached": "Đạt",
    "partly": "Đạt một phần",
    "not-reached": "Chưa đạt",
}
STANDINGS: Mapping[str, str] = {
    "not-applicable": "Không áp dụng với đơn vị",
    "nothing-arose": "Không phát sinh trong kỳ",
}
_LABELS: Mapping[str, str] = {
    "text": "Kết quả",
    "self_score": "Điểm tự chấm",
    "standing": "Hoặc không chấm tiêu chí này vì",
    "reason": "Lý do",
    "narrative": "Thuyết minh, số liệu",
    "title": "Minh chứng {number}: tên",
    "url": "Minh chứng {number}: địa chỉ (https://…)",
    "name": "Tên tập thể, cá nhân, mô hình",
    "summary": "Tóm tắt",
    "subject": "Tập thể, cá nhân được đề nghị",
    "form": "Hình thức khen thưởng",
    "aim": "Mục tiêu",
    "reached": "Mức đạt",
    "result": "Kết quả cụ thể",
    "value": "Số liệu",
    "unit": "Đơn vị tính",
}
_NOMINATED_FOR = "Thành tích, lý do đề nghị"
_INDICATOR_TITLE = "Tên chỉ tiêu"
_NO_RESULT = "Hoặc không có kết quả vì"
_ROWS: Mapping[str, tuple[str, type[BaseModel], Sequence[tuple[str, Kind]]]] = {
    "aims": (
        "Mục tiêu",
        AimResult,
        (("aim", "line"), ("reached", "reached"), ("result", "area")),
    ),
    "role_models": ("Mục", RoleModel, (("name", "line"), ("summary", "area"))),
    "nominations": (
        "Đề nghị",
        NominationClaim,
        (("subject", "line"), ("form", "reward"), ("reason", "area")),
    ),
}
"""Sections whose rows are numbered."""


def _limit(model: type[BaseModel], name: str) -> int | None:
    found = [one for one in model.model_fields[name].metadata if isinstance(one, MaxLen)]
    return found[0].max_length if found else None


def _asking(
    model: type[BaseModel], place: str, name: str, kind: Kind, label: str = "", number: int = 0
) -> Asking:
    words = label or _LABELS[name].format(number=number)
    return Asking(f"{place}.{name}", words, kind, _limit(model, name))


def sections(asked: Asked, fields: Mapping[str, str]) -> list[Section]:
    """The form for what is asked, with a row more than is filled in wherever rows may be added."""
    contents = tuple(
        Part(
            f"contents.{number}",
            f"Nội dung {number}",
            (_asking(ContentResult, f"contents.{number}", "text", "area"),),
            text,
        )
        for number, text in asked.contents
    )
    items = tuple(
        Part(
            f"items.{code}",
            f"Tiêu chí {code}",
            tuple(_item(f"items.{code}", fields, scored=is_scored(asked.form))),
            text,
        )
        for code, text in asked.criteria
    )
    indicators = tuple(
        _indicator(code, of, number, fields) for code, of, number in _indicators(asked, fields)
    )
    parts = {"contents": contents, "items": items, "indicators": indicators}
    parts |= {
        section: tuple(
            _row(f"{section}.{at}", f"{title} {at + 1}", model, names)
            for at in range(rows(fields, section) + 1)
        )
        for section, (title, model, names) in _ROWS.items()
    }
    return [
        Section(code, title, parts[code] if code in parts else (_text(code, title),))
        for code, title in section_titles(asked.form).items()
    ]


def is_scored(form: Form) -> bool:
    """Whether a report on it has points of the unit's own."""
    return issubclass(form.model, ReportModel) and form.model.SCORED


def _text(code: str, title: str) -> Part:
    return Part(code, title, (Asking(code, title, "area", _limit(ReportSubmitted, code)),))


def _item(place: str, fields: Mapping[str, str], *, scored: bool) -> Iterator[Asking]:
    if scored:
        yield _asking(Item, place, "self_score", "points")
    label = _LABELS["standing"] if scored else _NO_RESULT
    yield Asking(f"{place}.standing", label, "standing")
    yield _asking(Item, place, "reason", "line")
    yield _asking(Item, place, "narrative", "area")
    yield from _evidence(place, fields)


def _indicators(asked: Asked, fields: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """(code, criterion, number in it) of each: those of the criteria, each with one more than is
    there, then what another system has named otherwise ("", 0).
    """
    codes = dict.fromkeys(found[1] for name in fields if (found := _INDICATOR.match(name)))
    by_criterion: dict[str, int] = {code: 0 for code, _ in asked.criteria}
    for code in codes:
        slot = _SLOT.fullmatch(code)
        if slot is not None and slot["criterion"] in by_criterion:
            of = slot["criterion"]
            by_criterion[of] = max(by_criterion[of], int(slot["number"]))
    for of, most in by_criterion.items():
        for number in range(1, min(most + 1, MOST_ROWS) + 1):
            codes.pop(f"{of}-{number}", None)
            yield f"{of}-{number}", of, number
    yield from ((code, "", 0) for code in codes)


def _indicator(code: str, of: str, number: int, fields: Mapping[str, str]) -> Part:
    place = f"indicators.{code}"
    asking = [
        _asking(Indicator, place, "title", "line", _INDICATOR_TITLE),
        _asking(Indicator, place, "value", "points"),
        _asking(Indicator, place, "unit", "line"),
    ]
    if any(fields.get(one.name) for one in asking) or rows(fields, f"{place}.evidence"):
        asking += _evidence(place, fields)
    title = f"Tiêu chí {of}, số liệu {number}" if of else f"Chỉ tiêu {code}"
    return Part(place, title, tuple(asking))


def _evidence(place: str, fields: Mapping[str, str]) -> Iterator[Asking]:
    for at in range(rows(fields, f"{place}.evidence") + 1):
        of = f"{place}.evidence.{at}"
        yield _asking(Evidence, of, "title", "line", number=at + 1)
        yield _asking(Evidence, of, "url", "line", number=at + 1)


def _row(place: str, title: str, model: type[BaseModel], names: Sequence[tuple[str, Kind]]) -> Part:
    nominated = model is NominationClaim
    return Part(
        place,
        title,
        tuple(
            _asking(
                model, place, name, kind, _NOMINATED_FOR if nominated and name == "reason" else ""
            )
            for name, kind in names
        ),
    )


def rows(fields: Mapping[str, str], place: str) -> int:
    """How many rows of a list are filled in, or begun: one more than the last one's number."""
    begins = f"{place}."
    numbers = [
        int(found[0])
        for name in fields
        if name.startswith(begins)
        and (found := _NUMBER.match(name.removeprefix(begins))) is not None
    ]
    return min(max(numbers, default=-1) + 1, MOST_ROWS)


def known_names(asked: Asked, fields: Mapping[str, str]) -> frozenset[str]:
    """The fields that a draft may have."""
    return frozenset(
        one.name
        for section in sections(asked, fields)
        for part in section.parts
        for one in part.fields
    )


@dataclass(slots=True)
class Read:
    """A report's content as JSON, and which field each place of it was read from."""

    content: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def name_of(self, pointer: str) -> str:
        """The field that a pointer leads to, or the first of the part; "" for the whole."""
        while pointer:
            if pointer in self.places:
                return self.places[pointer]
            below = [name for at, name in self.places.items() if at.startswith(f"{pointer}/")]
            if below:
                return below[0]
            pointer = pointer.rpartition("/")[0]
        return ""


def read(asked: Asked, fields: Mapping[str, str], before: Mapping[str, Any]) -> Read:
    """What was typed as the content of a report; empty parts are left out.

    `before`: the version that it follows, {} for none; what the form does not ask for is its.
    """
    found = Read()
    for code in section_titles(asked.form):
        if code in TEXTS:
            found.content[code] = fields.get(code, "")
            found.places[f"/{code}"] = code
        elif code in _ROWS:
            names = [name for name, _ in _ROWS[code][2]]
            numbers = range(rows(fields, code))
            _read_parts(found, code, (_row_of(f"{code}.{at}", names, fields) for at in numbers))
    _read_parts(found, "contents", (_content(number, fields) for number, _ in asked.contents))
    kept = {item["criterion"]: item for item in before.get("items", ())}
    _read_parts(
        found, "items", (_item_of(code, fields, kept.get(code, {})) for code, _ in asked.criteria)
    )
    known = {one["code"]: one for one in before.get("indicators", ())}
    _read_parts(
        found,
        "indicators",
        (
            _indicator_of(code, of, fields, known.get(code, {}))
            for code, of, _ in _indicators(asked, fields)
        ),
    )
    return found


_Part = tuple[dict[str, Any], dict[str, str]] | None


def _read_parts(found: Read, section: str, parts: Iterator[_Part]) -> None:
    there = [part for part in parts if part is not None]
    found.content[section] = [content for content, _ in there]
    for at, (_, places) in enumerate(there):
        found.places |= {f"/{section}/{at}{below}": name for below, name in places.items()}
    first = f"{section}.0.{_ROWS[section][2][0][0]}" if section in _ROWS else ""
    found.places.setdefault(f"/{section}", first)


def _content(number: int, fields: Mapping[str, str]) -> _Part:
    name = f"contents.{number}.text"
    if not fields.get(name):
        return None
    return {"content": number, "text": fields[name]}, {"/text": name}


def _row_of(place: str, names: Sequence[str], fields: Mapping[str, str]) -> _Part:
    content = {name: fields.get(f"{place}.{name}", "") for name in names}
    if not any(content.values()):
        return None
    return content, {f"/{name}": f"{place}.{name}" for name in names}


def _item_of(code: str, fields: Mapping[str, str], kept: Mapping[str, Any]) -> _Part:
    place = f"items.{code}"
    texts = {
        name: fields.get(f"{place}.{name}", "")
        for name in ("self_score", "standing", "reason", "narrative")
    }
    evidence, below = _evidence_of(place, fields, kept)
    if not any(texts.values()) and not evidence:
        return None
    content = {
        "criterion": code,
        "self_score": texts["self_score"].replace(",", ".") or None,
        "narrative": texts["narrative"],
        "not_applicable": texts["standing"] == "not-applicable",
        "nothing_arose": texts["standing"] == "nothing-arose",
        "reason": texts["reason"],
        "evidence": evidence,
    }
    places = {f"/{name}": f"{place}.{name}" for name in ("self_score", "reason", "narrative")}
    return content, places | {"/nothing_arose": f"{place}.standing"} | below


def _indicator_of(code: str, of: str, fields: Mapping[str, str], kept: Mapping[str, Any]) -> _Part:
    place = f"indicators.{code}"
    texts = {name: fields.get(f"{place}.{name}", "") for name in ("title", "value", "unit")}
    evidence, below = _evidence_of(place, fields, kept)
    if not any(texts.values()) and not evidence:
        return None
    content = {
        **texts,
        "code": code,
        "value": texts["value"].replace(",", ".") or None,
        "criterion": kept.get("criterion") if kept else of or None,
        "evidence": evidence,
    }
    places = {f"/{name}": f"{place}.{name}" for name in texts}
    return content, places | {"/code": f"{place}.title"} | below


def _evidence_of(
    place: str, fields: Mapping[str, str], kept: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Evidence as it was typed, with what is kept of it, and where each was typed."""
    known = {one["url"]: one for one in kept.get("evidence", ())}
    found: list[dict[str, Any]] = []
    places = {"/evidence": f"{place}.evidence.0.title"}
    for at in range(rows(fields, f"{place}.evidence")):
        row = _row_of(f"{place}.evidence.{at}", ("title", "url"), fields)
        if row is not None:
            one, below = row
            places |= {f"/evidence/{len(found)}{name}": where for name, where in below.items()}
            found.append({**known.get(one["url"], {}), **one})
    return found, places


def fields_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a report that was sent, to go on from."""
    found = {code: body.get(code, "") for code in TEXTS}
    for one in body["contents"]:
        found[f"contents.{one['content']}.text"] = one["text"]
    for item in body["items"]:
        found |= _fields_of_item(f"items.{item['criterion']}", item)
    for one in body["indicators"]:
        found |= _fields_of_indicator(f"indicators.{one['code']}", one)
    for section, (_, _, names) in _ROWS.items():
        for at, one in enumerate(body.get(section, ())):
            found |= {f"{section}.{at}.{name}": one[name] for name, _ in names}
    return {name: text for name, text in found.items() if text}


def _fields_of_item(place: str, item: Mapping[str, Any]) -> dict[str, str]:
    standing = "not-applicable" if item["not_applicable"] else ""
    if item.get("nothing_arose"):
        standing = "nothing-arose"
    found = {
        f"{place}.self_score": (item["self_score"] or "").replace(".", ","),
        f"{place}.standing": standing,
        f"{place}.reason": item.get("reason", ""),
        f"{place}.narrative": item["narrative"],
    }
    return found | _fields_of_evidence(place, item)


def _fields_of_indicator(place: str, indicator: Mapping[str, Any]) -> dict[str, str]:
    found = {f"{place}.{name}": indicator.get(name, "") for name in ("title", "unit")}
    found[f"{place}.value"] = indicator["value"].replace(".", ",")
    return found | _fields_of_evidence(place, indicator)


def _fields_of_evidence(place: str, part: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{place}.evidence.{at}.{name}": one[name]
        for at, one in enumerate(part.get("evidence", ()))
        for name in ("title", "url")
    }
