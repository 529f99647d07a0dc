"""Marks as people type them into the page's form, and where in it something is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.fields import FieldProblem

POINTS, REASON = "points-", "reason-"
_ADJUSTMENTS = ("bonus", "deduction")


def typed_marks(period: str, participant: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """The body that a program would send; an empty field says nothing. Decimal commas are read."""
    body: dict[str, Any] = {
        "period": period,
        "participant": participant,
        "revision": typed.get("revision", ""),
        "stage": typed.get("stage", ""),
        "marks": [
            {
                "criterion": name.removeprefix(POINTS),
                "points": _points(value),
                "reason": typed.get(REASON + name.removeprefix(POINTS), ""),
            }
            for name, value in typed.items()
            if name.startswith(POINTS) and value.strip()
        ],
    }
    for name in _ADJUSTMENTS:
        if typed.get(name, "").strip():
            body |= {name: _points(typed[name]), f"{name}_reason": typed.get(f"{name}_reason", "")}
    return body


def _points(typed: str) -> str:
    return typed.strip().replace(",", ".")


def names_of(
    problems: Sequence[FieldProblem], body: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """(name of the field, what is wrong), "" where it is about the whole form."""
    return tuple((_name(problem.pointer, body), problem.detail) for problem in problems)


def _name(pointer: str, body: Mapping[str, Any]) -> str:
    parts = pointer.split("/")[1:]
    if len(parts) > 1 and parts[0] == "marks" and parts[1].isdigit():
        criterion: str = body["marks"][int(parts[1])]["criterion"]
        return (REASON if parts[-1] == "reason" else POINTS) + criterion
    known = {*_ADJUSTMENTS, *(f"{name}_reason" for name in _ADJUSTMENTS)}
    return parts[0] if parts and parts[0] in known else ""
