"""`python -m services.intake publishers FILE`: a file's publishers and grants into the register.

The running service follows the register, so this works beside it or without it. Their topics are
made by `python -m deploy.topics`.
"""

import argparse
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from services.intake.admission import EXIT_REFUSED, ward_code
from services.intake.commands import publishers as commands
from services.intake.forms.publishers import (
    GrantEntry,
    PublisherEntry,
    PublisherForm,
    PublisherGrantForm,
)
from shared.calendar import ward_day
from shared.fields import field_problems
from shared.messaging import UnitOfWork, Works
from shared.refusal import Refusal
from shared.service import OwnCommand, Parts
from shared.web.identity import Person
from shared.web.problems import Problem

BY = "cli:publishers"
"""Who the record says did it; no person can be called so."""

Step = Callable[[UnitOfWork], Awaitable[bool]]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="YAML: name, source, grants")
    parser.add_argument("--ward", required=True, type=ward_code, help="whose operator registers")
    parser.add_argument("--document", default="", help="number of the paper; else the file's name")
    parser.add_argument(
        "--since", type=date.fromisoformat, help="first day of the grants; else today"
    )


async def _run(parts: Parts[Any], arguments: argparse.Namespace) -> int:
    """Repeatable, and what an operator has ended or taken back stays so; a line for each step."""
    entries = read_register(arguments.file)
    if entries is None:
        return EXIT_REFUSED
    refused = 0
    since = arguments.since or ward_day(parts.works.business.now())
    for entry in entries:
        document = arguments.document or arguments.file.name
        for words, step in _steps(entry, arguments.ward, document, since):
            refused += not await _done(parts.works, commands.key_of(entry.name), step, words)
    return EXIT_REFUSED if refused else 0


def read_register(path: Path) -> list[PublisherEntry] | None:
    """The file's publishers, or None when it cannot be used, which is then said."""
    try:
        data = YAML(typ="safe").load(path.read_text("utf-8"))
        return TypeAdapter(list[PublisherEntry]).validate_python(data)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        sys.stderr.write(f"{path} cannot be read: {error}\n")
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            sys.stderr.write(f"{path}: {problem.pointer}: {problem.detail}\n")
    return None


def _steps(
    entry: PublisherEntry, ward: str, document: str, since: date
) -> Iterator[tuple[str, Step]]:
    """Registering one, then each grant in the name of the ward that it is about."""
    form = PublisherForm(name=entry.name, source=entry.source, document=document)
    yield entry.name, lambda work: commands.enter(work, form, _operator(ward))
    for one in entry.grants:
        yield f"{entry.name} for {one.ward}", _granting(entry.name, one, document, since)


def _granting(name: str, entry: GrantEntry, document: str, since: date) -> Step:
    form = PublisherGrantForm(participants=entry.participants, since=since, document=document)

    return lambda work: commands.enter_grant(work, name, form, _operator(entry.ward))


def _operator(ward: str) -> Person:
    return Person(BY, BY, frozenset({"operator"}), "", ward)


async def _done(works: Works, key: str, step: Step, words: str) -> bool:
    """Do it and say so; False when it was refused."""
    try:
        async with works.begin(key) as work:
            new = await step(work)
    except (Refusal, Problem) as error:
        sys.stdout.write(f"refused: {words}: {error}\n")
        return False
    sys.stdout.write(f"{'done' if new else 'known'}: {words}\n")
    return True


PUBLISHERS: OwnCommand[Any] = OwnCommand(
    "publishers and what they may send, from a file", _arguments, _run
)
