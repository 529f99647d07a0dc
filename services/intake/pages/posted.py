"""Forms that pages post: what was typed, and what is wrong with it, beside each field."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from shared.calendar import last_moment_of
from shared.fields import FieldProblem, field_problems
from shared.messaging import UnitOfWork, Works
from shared.refusal import Refusal
from shared.web.problems import Problem

F = TypeVar("F", bound=BaseModel)
_DAY = re.compile(r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})")
_UNPROCESSABLE = HTTPStatus(422)
DAY_WORDS = "Ghi ngày theo dạng ngày/tháng/năm, ví dụ 20/08/2025."


async def typed(request: Request) -> dict[str, str]:
    """The fields of a form; files are left out, of a repeated name the last one counts."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def read_day(text: str) -> date | None:
    """20/08/2025, or 2025-08-20 as browsers' own fields send it; None when it is no day."""
    match = _DAY.fullmatch(text.strip())
    try:
        if match is not None:
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def end_of(text: str) -> str:
    """The last second of a day that was typed, as a form's moment; "" when it is no day."""
    day = read_day(text)
    return last_moment_of(day).isoformat() if day else ""


@dataclass(slots=True)
class Wrong:
    """What is wrong with a form: by field, and for its summary (field or "", words)."""

    labels: Mapping[str, str]
    status: HTTPStatus = _UNPROCESSABLE
    fields: dict[str, str] = field(default_factory=dict)
    summary: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.summary)

    def add(self, name: str, words: str) -> None:
        """`name` "" or unknown: of the form as a whole."""
        if name not in self.labels:
            self.summary.append(("", words))
        elif name not in self.fields:
            self.fields[name] = words
            self.summary.append((name, f"{self.labels[name]}: {words}"))

    def add_invalid(self, error: ValidationError, days: Sequence[str] = ()) -> None:
        """pydantic's; `days` are fields in which people type a day."""
        for problem in field_problems(error.errors()):
            name = problem.pointer.removeprefix("/")
            self.add(name, DAY_WORDS if name in days else problem.detail)

    def add_refused(self, error: Refusal | Problem) -> None:
        """The domain's. Raises the error again when it is not about what was typed."""
        if isinstance(error, Refusal):
            self.add(error.pointer.removeprefix("/"), error.detail)
            return
        if error.status not in {HTTPStatus.CONFLICT, HTTPStatus(422)}:
            raise error
        self.status = error.status
        for problem in error.errors or (FieldProblem("", error.detail),):
            self.add(problem.pointer.removeprefix("/"), problem.detail)


def read(
    model: type[F], given: Mapping[str, Any], wrong: Wrong, days: Sequence[str] = ()
) -> F | None:
    """The form that was typed, or None, with what is wrong with it.

    `days` are fields of days; an empty one is none.
    """
    fields = {name: value for name, value in given.items() if name in model.model_fields}
    for name in fields.keys() & set(days):
        fields[name] = (read_day(fields[name]) or fields[name]) if fields[name] else None
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        wrong.add_invalid(error, days=days)
        return None


def is_confirmed(given: Mapping[str, str], wrong: Wrong) -> bool:
    """Whether the box of an act that is shown before it is done was ticked; else that is wrong."""
    if given.get("confirmed") == "yes":
        return True
    wrong.add("", "Hãy đánh dấu rằng bạn đã kiểm tra và vẫn muốn làm.")
    return False


def works_of(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


async def carried_out(
    request: Request,
    wrong: Wrong,
    keys: Sequence[str],
    act: Callable[[UnitOfWork], Awaitable[object]],
) -> bool:
    """Whether it was done; what the rules say against it is added to what is wrong."""
    try:
        async with works_of(request).begin(*keys) as work:
            await act(work)
    except (Refusal, Problem) as error:
        wrong.add_refused(error)
        return False
    return True
