"""From a ward's folder to a :class:`Ward`, or to every problem with its line and expectation."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deploy.wards import checks
from deploy.wards.expectations import expected_at
from deploy.wards.models import (
    Movement,
    ParticipantsFile,
    PeopleFile,
    PublishersFile,
    ScoreSheet,
    Ward,
)
from deploy.wards.source import NodePath, Plain, Problem, Source, WardFileError, read, shown

__all__ = ["Problem", "WardFileError", "load_ward"]

FileModel = TypeVar("FileModel", bound=BaseModel)


def load_ward(folder: Path) -> Ward:
    """Read and check the five files of a ward.

    Raises :class:`WardFileError` with all problems. What depends on a file that is itself wrong is
    checked once that file is right.
    """
    names = ("movement", "score-sheet", "participants", "people", "publishers")
    sources = {name: read(folder / f"{name}.yaml") for name in names}
    movement = _parse(Movement, sources["movement"])
    sheet = _parse(ScoreSheet, sources["score-sheet"])
    listed = _parse(ParticipantsFile, sources["participants"])
    people = _parse(PeopleFile, sources["people"])
    publishers = _parse(PublishersFile, sources["publishers"])
    if movement:
        checks.check_movement(movement, sources["movement"])
        movement = None if sources["movement"].problems else movement
    if movement and sheet:
        checks.check_sheet(sheet, movement, sources["score-sheet"])
    if movement and listed:
        checks.check_participants(listed, movement, sources["participants"])
    if people and listed:
        checks.check_people(people, listed, sources["people"])
    if publishers and listed and movement:
        checks.check_publishers(publishers, listed, movement, sources["publishers"])
    problems = [problem for source in sources.values() for problem in source.problems]
    if problems or not (movement and sheet and listed and people and publishers):
        raise WardFileError(problems)
    return Ward(
        movement=movement,
        sheet=sheet,
        blocks=listed.blocks,
        participants=listed.participants,
        people=people.people,
        publishers=publishers.root,
    )


def _parse(model: type[FileModel], source: Source) -> FileModel | None:
    if source.problems:
        return None
    try:
        return model.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False)
        inner = {details["loc"][:depth] for details in told for depth in range(len(details["loc"]))}
        for details in told:
            if details["loc"] not in inner:
                _report(model, source, details)
        return None


def _report(model: type[BaseModel], source: Source, details: ErrorDetails) -> None:
    path = _known(details["loc"], source, missing=details["type"] == "missing")
    expected = expected_at(model, path)
    if details["type"] == "missing":
        source.report(path, f"thiếu trường này; cần {expected}")
    elif details["type"] == "extra_forbidden":
        expected = expected_at(model, path[:-1])
        source.report(path, f"không có trường này trong mẫu; cần {expected}", at_key=True)
    else:
        found = shown(_value_at(source.data, path))
        source.report(path, f"sai giá trị; cần {expected}; đang là {found}")


def _known(loc: Iterable[str | int], source: Source, *, missing: bool) -> NodePath:
    """The part of an error's place that is a place in the file; pydantic adds names of types."""
    parts = tuple(loc)
    path: NodePath = ()
    for position, part in enumerate(parts):
        is_missing_leaf = missing and position == len(parts) - 1
        if is_missing_leaf or (*path, part) in source.value_lines:
            path = (*path, part)
    return path


def _value_at(data: Plain, path: NodePath) -> Plain:
    for part in path:
        match data, part:
            case dict(), str():
                data = data[part]
            case list(), int():
                data = data[part]
    return data
