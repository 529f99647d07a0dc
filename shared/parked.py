"""`python -m services.<name> parked …`: what operators do about parked events."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from shared.messaging.errors import Transient
from shared.messaging.parked_rows import ParkedEvent, Selection, State
from shared.messaging.parking import AlreadyDiscarded, NoSuchParkedEvent, Parking, Retried

EXIT_STILL_PARKED = 1
EXIT_REFUSED = 4
LONGEST_LIST = 10_000
_COLUMNS = ("id", "state", "key", "type", "error", "attempts", "parked", "message")


def add_command(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command line of `parked` and its sub-commands."""
    parser = parsers.add_parser("parked", help="events that were set aside")
    commands = parser.add_subparsers(dest="action", required=True)
    listing = commands.add_parser("list", help="one line an event, in the order of parking")
    _add_selection(listing)
    listing.add_argument("--state", choices=("parked", "discarded", "all"), default="parked")
    show = commands.add_parser("show", help="all that is known about one event, as JSON")
    show.add_argument("id", type=int)
    retry = commands.add_parser("retry", help="apply them in order; without a choice: all")
    retry.add_argument("id", type=int, nargs="*")
    _add_selection(retry)
    discard = commands.add_parser("discard", help="never apply this event; an act on record")
    discard.add_argument("id", type=int)
    discard.add_argument("--reason", required=True, type=_words)
    discard.add_argument("--by", required=True, type=_words, help="who decided it")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", help="such as tu-minh/phong-vhxh")
    parser.add_argument("--type", help="such as vn.thidua.intake.report-accepted.v1")
    parser.add_argument(
        "--since", type=_moment, help="parked then or later, such as 2026-11-20T08:00Z"
    )


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a time: {text!r}") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone; add Z or +07:00")
    return moment


async def run_command(parking: Parking, arguments: argparse.Namespace) -> int:
    """Do what the command line says; returns the exit code."""
    actions = {"list": _list, "show": _show, "retry": _retry, "discard": _discard}
    try:
        return await actions[arguments.action](parking, arguments)
    except NoSuchParkedEvent as error:
        sys.stderr.write(f"there is no parked event {error}\n")
    except AlreadyDiscarded as error:
        sys.stderr.write(f"discarded before: {error}\n")
    except Transient as error:
        sys.stderr.write(f"interrupted, run it again: {error}\n")
    return EXIT_REFUSED


async def _list(parking: Parking, arguments: argparse.Namespace) -> int:
    state = None if arguments.state == "all" else cast(State, arguments.state)
    events = await parking.find(_selection(arguments, state), LONGEST_LIST)
    _write("\t".join(_COLUMNS))
    for event in events:
        _write("\t".join(_line(event)))
    return 0


def _line(event: ParkedEvent) -> Sequence[str]:
    message = " ".join(event.message.split())[:120]
    parked = event.first_at.isoformat(timespec="seconds")
    named = (str(event.id), event.state, event.key, event.event_type or "-")
    return (*named, event.error, str(event.attempts), parked, message)


async def _show(parking: Parking, arguments: argparse.Namespace) -> int:
    event = await parking.show(arguments.id)
    _write(json.dumps(in_full(event), ensure_ascii=False, indent=2))
    return 0


async def _retry(parking: Parking, arguments: argparse.Namespace) -> int:
    retried = await parking.retry(_selection(arguments, "parked"))
    return await _tell(parking, retried)


async def _discard(parking: Parking, arguments: argparse.Namespace) -> int:
    retried = await parking.discard(arguments.id, arguments.reason, arguments.by)
    _write(f"discarded: {arguments.id}")
    return await _tell(parking, retried)


async def _tell(parking: Parking, retried: Retried) -> int:
    _write(f"applied: {retried.applied}")
    for number in retried.stopped_at:
        event = await parking.show(number)
        _write(f"stopped at {number}: {event.error}: {event.message}")
    return EXIT_STILL_PARKED if retried.stopped_at else 0


def _selection(arguments: argparse.Namespace, state: State | None) -> Selection:
    ids = getattr(arguments, "id", None) or None
    return Selection(ids, arguments.key, arguments.type, arguments.since, state=state)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


def in_short(event: ParkedEvent) -> dict[str, Any]:
    """What a list shows of an event, for JSON."""
    return {
        "id": event.id,
        "state": event.state,
        "key": event.key,
        "type": event.event_type,
        "event_id": event.event_id,
        "place": event.place,
        "error": event.error,
        "message": event.message,
        "attempts": event.attempts,
        "holds_its_key": event.in_order,
        "first_at": event.first_at.isoformat(),
        "last_at": event.last_at.isoformat(),
        "reason": event.reason,
        "discarded_by": event.discarded_by,
        "discarded_at": event.discarded_at.isoformat() if event.discarded_at else None,
    }


def in_full(event: ParkedEvent) -> dict[str, Any]:
    """Everything about an event, for JSON; bytes that are not UTF-8 are shown escaped."""
    return {
        **in_short(event),
        "appended_at": event.appended_at.isoformat(),
        "headers": [[name, _shown(value)] for name, value in event.headers],
        "body": _shown(event.body),
        "trace": event.trace,
    }


def _shown(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")
