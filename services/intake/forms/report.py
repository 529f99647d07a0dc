"""The report's form: its sections and fields, what was typed in them as a report, and back.

The contract (`shared.contracts.inbound`) is the one source: what a page asks for is the fields of
its models, for the criteria, contents and reward forms of the movement's version. A field's name
is its place in the report with codes for numbers: "items.a1.narrative".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from annotated_types import MaxLen
from pydantic import BaseModel

from shared.contracts.inbound import (
    ContentResult,
    Evidence,
    Item,
    NominationClaim,
    ReportSubmitted,
    RoleModel,
)

FORM_VERSION = 2
"""The form that pages write."""
MOST_ROWS = 50
_NUMBER = re.compile(r"[0-9]{1,3}(?=\.|$)")

Kind = Literal["area", "line", "points", "standing", "reward"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the movement's version asks of a participant: (code, text) each."""

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
    "situation": "Tình hình triển khai",
    "contents": "Kết quả theo các nội dung thi đua",
    "items": "Kết quả theo tiêu chí",
    "indicators": "Chỉ tiêu",
    "role_models": "Điển hình tiên tiến, mô hình, sáng kiến",
    "digital_literacy": "Bình dân học vụ số",
    "difficulties": "Khó khăn, vướng mắc, kiến nghị",
    "nominations": "Đề nghị khen thưởng",
}
"""Sections of the annual report, in their order."""
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
}
_NOMINATED_FOR = "Thành tích, lý do đề nghị"


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
        Part(f"items.{code}", f"Tiêu chí {code}", tuple(_item(f"items.{code}", fields)), text)
        for code, text in asked.criteria
    )
    models = tuple(
        _row(
            f"role_models.{at}", f"Mục {at + 1}", RoleModel, (("name", "line"), ("summary", "area"))
        )
        for at in range(rows(fields, "role_models") + 1)
    )
    nominations = tuple(
        _row(
            f"nominations.{at}",
            f"Đề nghị {at + 1}",
            NominationClaim,
            (("subject", "line"), ("form", "reward"), ("reason", "area")),
        )
        for at in range(rows(fields, "nominations") + 1)
    )
    parts = {
        "contents": contents,
        "items": items,
        "role_models": models,
        "nominations": nominations,
    }
    return [
        Section(code, title, parts.get(code) or (_text(code, title),))
        for code, title in TITLES.items()
        if code != "indicators"
    ]


def _text(code: str, title: str) -> Part:
    return Part(code, title, (Asking(code, title, "area", _limit(ReportSubmitted, code)),))


def _item(place: str, fields: Mapping[str, str]) -> Iterator[Asking]:
    yield _asking(Item, place, "self_score", "points")
    yield Asking(f"{place}.standing", _LABELS["standing"], "standing")
    yield _asking(Item, place, "reason", "line")
    yield _asking(Item, place, "narrative", "area")
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
    found = Read({"indicators": list(before.get("indicators", ()))})
    for code in ("situation", "digital_literacy", "difficulties"):
        found.content[code] = fields.get(code, "")
        found.places[f"/{code}"] = code
    _read_parts(found, "contents", (_content(number, fields) for number, _ in asked.contents))
    kept = {item["criterion"]: item for item in before.get("items", ())}
    _read_parts(
        found, "items", (_item_of(code, fields, kept.get(code, {})) for code, _ in asked.criteria)
    )
    for section, names in (("role_models", ("name", "summary")), ("nominations", _NOMINATION)):
        found_rows = (
            _row_of(f"{section}.{at}", names, fields) for at in range(rows(fields, section))
        )
        _read_parts(found, section, found_rows)
    return found


_NOMINATION = ("subject", "form", "reason")
_Part = tuple[dict[str, Any], dict[str, str]] | None


def _read_parts(found: Read, section: str, parts: Iterator[_Part]) -> None:
    there = [part for part in parts if part is not None]
    found.content[section] = [content for content, _ in there]
    for at, (_, places) in enumerate(there):
        found.places |= {f"/{section}/{at}{below}": name for below, name in places.items()}
    found.places.setdefault(f"/{section}", "")


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
    evidence = [
        (at, one)
        for at in range(rows(fields, f"{place}.evidence"))
        if (one := _row_of(f"{place}.evidence.{at}", ("title", "url"), fields)) is not None
    ]
    if not any(texts.values()) and not evidence:
        return None
    known = {one["url"]: one for one in kept.get("evidence", ())}
    content = {
        "criterion": code,
        "self_score": texts["self_score"].replace(",", ".") or None,
        "narrative": texts["narrative"],
        "not_applicable": texts["standing"] == "not-applicable",
        "nothing_arose": texts["standing"] == "nothing-arose",
        "reason": texts["reason"],
        "evidence": [{**known.get(one["url"], {}), **one} for _, (one, _) in evidence],
    }
    places = {f"/{name}": f"{place}.{name}" for name in ("self_score", "reason", "narrative")}
    places |= {"/nothing_arose": f"{place}.standing", "/evidence": f"{place}.evidence.0.title"}
    for number, (_, (_, below)) in enumerate(evidence):
        places |= {f"/evidence/{number}{at}": name for at, name in below.items()}
    return content, places


def fields_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a report that was sent, to go on from."""
    found = {code: body.get(code, "") for code in ("situation", "digital_literacy", "difficulties")}
    for one in body["contents"]:
        found[f"contents.{one['content']}.text"] = one["text"]
    for item in body["items"]:
        found |= _fields_of_item(f"items.{item['criterion']}", item)
    for section, names in (("role_models", ("name", "summary")), ("nominations", _NOMINATION)):
        for at, one in enumerate(body[section]):
            found |= {f"{section}.{at}.{name}": one[name] for name in names}
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
    for at, one in enumerate(item["evidence"]):
        found |= {
            f"{place}.evidence.{at}.title": one["title"],
            f"{place}.evidence.{at}.url": one["url"],
        }
    return found
