"""The published language as a page: `python -m deploy.events` writes `docs/events.md`.

Models, tables of handlers and examples are the source; a test compares the page with them.
"""

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from deploy.local.stack import SERVICES
from deploy.local.state import ROOT
from shared.contracts.base import Event
from shared.contracts.examples import EXAMPLES
from shared.contracts.schemas import FOLDER, events, schema_of
from shared.service import Service

PAGE = ROOT / "docs" / "events.md"
OTHERS = "other systems"
UNITS = {
    "content": "number of a content of the plan",
    "days_late": "calendar days after the deadline's day",
    "days_left": "calendar days to the deadline's day",
    "draft": "version of a draft, which grows",
    "number": "number of a content of the plan",
    "offset_days": "calendar days before the deadline's day, as planned",
    "overdue": "duties that are late",
    "overdue_new": "of them late since the summary before",
    "waiting": "reports that nobody has judged",
    "waiting_new": "of them in since the summary before",
    "ordinal": "place among the decision's awards, from 1",
    "rank": "place in its khối, from 1",
    "ranked": "how many its khối ranks",
    "revision": "number of the report's version, from 1",
    "sheet_version": "number of the score sheet's version, from 1",
    "form_version": "number of the form of a report",
    "version": "number of the movement's version, from 1",
    "year": "calendar year",
}
"""What the whole numbers count; a number without a unit is not published."""
_PATTERNS = {
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "code",
    r"^-?[0-9]{1,5}(\.[0-9]{1,2})?$": "decimal text, points or a rate",
}
_FORMATS = {"date-time": "moment with its zone", "date": "day", "uuid": "UUID"}
_PLAIN = {"string": "text", "integer": "whole number", "boolean": "yes or no", "null": "null"}
_HEAD = """# Events

Made by `python -m deploy.events` from the models (`shared/contracts`), the services' tables of
handlers and `shared/contracts/examples.py`; a test compares. An event is CloudEvents 1.0 in Kafka's
binary mode under the key `<ward>/<subject>`; its JSON Schema stands in `shared/contracts/schemas`.
Inside a version fields are only added, and optional; readers skip what they do not know. What holds
for order, repeats and bad records is in [messaging.md](messaging.md); what other systems send, in
[publishing.md](publishing.md).
"""


def _services() -> Mapping[str, Service[Any]]:
    return {name: import_module(f"services.{name}.app").service for name in SERVICES}


def sayers(event: type[Event]) -> list[str]:
    """Which services publish it; of what comes in, the other systems."""
    found = [name for name, one in _services().items() if event in one.publishes]
    return found or [OTHERS]


def readers(event: type[Event]) -> list[str]:
    """Which services have a handler for it; of what goes out, the other systems."""
    found = [
        name
        for name, one in _services().items()
        if event.TYPE in one.consumer.subscriptions
        or (event.PUBLISHER == "inbound" and one.consumer.inbound_handler is not None)
    ]
    return [*found, OTHERS] if event.PUBLISHER == "outbound" else found


def fields_of(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """(name, what it is, whether it must be there), with the fields of parts behind theirs."""
    yield from _fields(schema, schema.get("$defs", {}), "")


def _fields(
    schema: Mapping[str, Any], parts: Mapping[str, Any], before: str
) -> Iterator[tuple[str, str, bool]]:
    for name, one in schema.get("properties", {}).items():
        words, part = _words(one, parts)
        unit = UNITS.get(name, "") if "whole number" in words else ""
        must = name in schema.get("required", ())
        yield f"{before}{name}", words.replace("whole number", unit or "whole number"), must
        if part:
            yield from _fields(parts[part], parts, f"{before}{name}[].")


def _words(one: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[str, str]:
    """What a field holds, and the part it is a list of, if it is."""
    if reference := one.get("$ref"):
        return "", str(reference).rpartition("/")[2]
    if one.get("type") == "array":
        words, part = _words(one["items"], parts)
        return f"list{f' of {words}' if words else ''}", part
    if choices := one.get("anyOf"):
        told = [_words(choice, parts)[0] for choice in choices]
        return " or ".join(told), ""
    if values := one.get("enum", [one["const"]] if "const" in one else None):
        return " ".join(f"`{value}`" for value in values), ""
    known = _PATTERNS.get(one.get("pattern", "")) or _FORMATS.get(one.get("format", ""))
    return known or _PLAIN[one["type"]], ""


def _said(event: type[Event]) -> str:
    """What the event says, without the words for programmers."""
    return inspect.getdoc(event) or event.TYPE


def _example(event: type[Event]) -> str:
    one = EXAMPLES[event.TYPE]
    if event.ERASES:
        return f"Key `{one.key}`, no value.\n"
    shown = json.dumps(one.model_dump(mode="json"), ensure_ascii=False, indent=1)
    return f"Key `{one.key}`:\n\n```json\n{shown}\n```\n"


def _section(event: type[Event]) -> str:
    schema = schema_of(event)
    rows = "\n".join(
        f"| `{name}` | {words} | {'yes' if must else ''} |"
        for name, words, must in fields_of(schema)
    )
    table = f"| field | what | required |\n|---|---|---|\n{rows}\n" if rows else ""
    facts = (
        f"Topic `{event.TOPIC}` · said by {', '.join(sayers(event))}"
        f" · read by {', '.join(readers(event)) or 'nobody yet'}"
        f" · [schema](../{FOLDER.relative_to(ROOT)}/{event.TYPE}.json)"
    )
    parts = (f"### {event.TYPE}\n", f"{_said(event)}\n", f"{facts}\n", table, _example(event))
    return "\n".join(part for part in parts if part)


def _contents(found: Iterable[type[Event]]) -> str:
    rows = "\n".join(
        f"| [`{event.TYPE}`](#{event.TYPE.replace('.', '')}) | {', '.join(sayers(event))}"
        f" | {', '.join(readers(event)) or '–'} |"
        for event in found
    )
    return f"| event | said by | read by |\n|---|---|---|\n{rows}\n"


def page() -> str:
    """The whole page."""
    found = list(events().values())
    return "\n".join((_HEAD, _contents(found), *(_section(event) for event in found)))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
