"""The published language as JSON Schemas, committed beside the models.

`python -m shared.contracts.schemas check` says how the models differ from the committed files;
`… write` brings the files up to date, unless the difference would break somebody: facts are kept
for the movement's life, so new code reads old events, and during an upgrade old code reads new
ones. Inside a version a field that exists stays as it is, and a new one is optional. Anything
else is a new version beside the old one.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.contracts import awards, inbound, intake, notify, scoring
from shared.contracts.base import Event

FOLDER = Path(__file__).with_name("schemas")
_MODULES = (awards, inbound, intake, notify, scoring)
_WORDS = ("title", "description")

Schema = Mapping[str, Any]


def events() -> dict[str, type[Event]]:
    """Every event of the published language: type -> model."""
    found: dict[str, type[Event]] = {}
    for module in _MODULES:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Event) and value.TYPE:
                found[value.TYPE] = value
    return dict(sorted(found.items()))


def schema_of(event: type[Event]) -> dict[str, Any]:
    """What stands in a record's value; null for a tombstone."""
    model = event.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:thidua:type:{event.TYPE}",
        "title": event.TYPE,
        "description": model.get("description", ""),
        "x-topic": event.TOPIC,
    }
    return {**head, "type": "null"} if event.ERASES else {**model, **head}


def current() -> dict[str, dict[str, Any]]:
    """The models' schemas, by type."""
    return {name: schema_of(event) for name, event in events().items()}


def committed(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The committed schemas, by type."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def breaking(old: Schema, new: Schema) -> list[str]:
    """What of a change would break a reader or the reading of kept events; empty: additive."""
    return list(_changes(_inlined(old, old), _inlined(new, new), ""))


def all_breaking(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """The same for the whole language; a type that is gone breaks its readers."""
    gone = [f"{name}: the type is gone" for name in old.keys() - new.keys()]
    both = old.keys() & new.keys()
    changed = [f"{name}{line}" for name in both for line in breaking(old[name], new[name])]
    return sorted(gone + changed)


def _inlined(schema: Any, root: Schema) -> Any:
    """The schema without references and without words for people."""
    if isinstance(schema, list):
        return [_inlined(item, root) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if reference := schema.get("$ref"):
        return _inlined(root["$defs"][reference.rpartition("/")[2]], root)
    return {
        key: {name: _inlined(field, root) for name, field in value.items()}
        if key == "properties"
        else _inlined(value, root)
        for key, value in schema.items()
        if key not in (*_WORDS, "$defs")
    }


def _changes(old: Any, new: Any, place: str) -> Iterator[str]:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            yield f"{place}: was {json.dumps(old)}, is {json.dumps(new)}"
        return
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if key == "properties":
            yield from _field_changes(before or {}, after or {}, place)
        elif key == "required":
            yield from _duty_changes(before or (), after or (), place)
        elif key in ("items", "anyOf") and type(before) is type(after):
            yield from _nested_changes(before, after, place)
        else:
            yield from _changes(before, after, f"{place} {key}")


def _nested_changes(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, list):
        if len(old) != len(new):
            yield f"{place}: was {json.dumps(old)}, is {json.dumps(new)}"
            return
        for before, after in zip(old, new, strict=True):
            yield from _changes(before, after, place)
    else:
        yield from _changes(old, new, f"{place}/*")


def _field_changes(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name, field in old.items():
        if name in new:
            yield from _changes(field, new[name], f"{place}/{name}")
        else:
            yield f"{place}/{name}: the field is gone"


def _duty_changes(old: Any, new: Any, place: str) -> Iterator[str]:
    for name in sorted(set(new) - set(old)):
        yield f"{place}/{name}: is required now, and kept events may lack it"
    for name in sorted(set(old) - set(new)):
        yield f"{place}/{name}: is required no more, and older readers need it"


def write(folder: Path = FOLDER) -> list[str]:
    """Write the models' schemas; writes nothing and returns the reasons when that would break."""
    new = current()
    reasons = all_breaking(committed(folder), new)
    if not reasons:
        folder.mkdir(exist_ok=True)
        for name, schema in new.items():
            text = json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True)
            (folder / f"{name}.json").write_text(f"{text}\n", "utf-8")
    return reasons


def check(folder: Path = FOLDER) -> list[str]:
    """Why the committed schemas are not the models'; empty: they are."""
    old, new = committed(folder), current()
    additive = sorted(name for name in new if old.get(name) != new[name])
    return all_breaking(old, new) or [
        f"{name}: has grown; run `python -m shared.contracts.schemas write`" for name in additive
    ]


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 when something is wrong, with a line for each reason."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.schemas")
    parser.add_argument("command", choices=("write", "check"))
    command = parser.parse_args(arguments).command
    reasons = write() if command == "write" else check()
    for reason in reasons:
        sys.stderr.write(f"{reason}\n")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
