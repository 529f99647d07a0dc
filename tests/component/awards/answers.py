"""What awards is asked in its tests, and how a refusal is read."""

from typing import Any

import sqlalchemy as sa

from tests.component.awards_world import PERSON, Ward

SECRETARY = "council-secretary"
BALLOTS = "/sessions/phien-1/ballots"
YES = {"phong-a": "yes", "truong-1": "yes", PERSON: "yes"}


def problem(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    name: str = answer.json()["type"].rpartition(":")[2]
    return name


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json().get("errors", [])]


def of_ward(table: sa.Table, ward: Ward) -> sa.ColumnElement[bool]:
    return table.c.ward == ward.code
