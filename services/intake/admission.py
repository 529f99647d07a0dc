"""`python -m services.intake admit FILE`: a ward's first people, before anybody can sign in."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from services.intake.commands import people as commands
from services.intake.commands.people import Change
from services.intake.forms.people import AdmissionFile, AdmittedEntry
from shared.calendar import ward_day
from shared.contracts.base import Code
from shared.fields import field_problems
from shared.messaging import UnitOfWork, Works
from shared.refusal import Refusal
from shared.service import OwnCommand, Parts
from shared.web.identity import Person
from shared.web.problems import Problem

EXIT_REFUSED = 4
BY = "cli:admit"
"""Who the record says admitted them; no person can be called so."""

Step = Callable[[UnitOfWork], Awaitable[Change]]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="YAML: person, name, roles, …")
    parser.add_argument("--ward", required=True, type=ward_code, help="such as tu-minh")
    parser.add_argument(
        "--document", default="", help="number of the decision that names chairman and council"
    )
    parser.add_argument(
        "--since", type=date.fromisoformat, help="first day of the roles; else today"
    )


def ward_code(text: str) -> str:
    """For argparse."""
    try:
        return TypeAdapter(Code).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError(f"not a ward's code: {text!r}") from None


async def _run(parts: Parts[Any], arguments: argparse.Namespace) -> int:
    """Repeatable: what is there already stays; a line for each person and role says what it did."""
    file = _read(arguments.file)
    if file is None:
        return EXIT_REFUSED
    by = Person(BY, BY, frozenset({"operator"}), "", arguments.ward)
    since = arguments.since or ward_day(parts.works.business.now())
    refused = 0
    for entry in file.people:
        for words, step in _steps(entry, by, since, arguments.document):
            reason = await _do(parts.works, commands.key_of(by.ward, entry.person), step, words)
            refused += bool(reason)
    return EXIT_REFUSED if refused else 0


def _read(path: Path) -> AdmissionFile | None:
    """The file, or None when it cannot be used, which is then said."""
    try:
        data = YAML(typ="safe").load(path.read_text("utf-8"))
        return AdmissionFile.model_validate(data)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        sys.stderr.write(f"{path} cannot be read: {error}\n")
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            sys.stderr.write(f"{path}: {problem.pointer}: {problem.detail}\n")
    return None


def _steps(
    entry: AdmittedEntry, by: Person, since: date, document: str
) -> Iterator[tuple[str, Step]]:
    """Admitting somebody, then each of their roles."""
    yield entry.person, lambda work: commands.admit(work, entry.admission(), by)
    for form in entry.grants(since, document):
        whose = f" of {form.unit}" if form.unit else ""
        words = f"{entry.person} {form.role}{whose}"
        yield words, lambda work, form=form: commands.grant(work, entry.person, form, by)  # type: ignore[misc]


async def _do(works: Works, key: str, step: Step, words: str) -> str:
    """Do it and say so; returns why it was refused, "" when it was not."""
    try:
        async with works.begin(key) as work:
            change = await step(work)
    except (Refusal, Problem) as error:
        sys.stdout.write(f"refused: {words}: {error}\n")
        return str(error)
    sys.stdout.write(f"{'done' if change.new else 'known'}: {words}\n")
    return ""


ADMIT: OwnCommand[Any] = OwnCommand("people and roles from a file, to begin with", _arguments, _run)
