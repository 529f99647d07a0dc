"""Where a participant stands in a period."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import pytest

from services.intake.domain.standing import STANDINGS, Standing, standing
from shared.calendar import WARD_ZONE
from shared.contracts.intake import Manner, ObligationKind

pytestmark = pytest.mark.unit

DUE = datetime(2025, 12, 9, 23, 59, 59, tzinfo=WARD_ZONE)
BEFORE, AFTER = DUE - timedelta(days=1), DUE + timedelta(seconds=1)


@dataclass(frozen=True)
class Line:
    manner: Manner = "owes"
    due: datetime | None = DUE
    plan_on_time: bool | None = None
    revision: int | None = None
    outcome: Literal["returned", "accepted", "withdrawn", "reopened"] | None = None


CASES: list[tuple[ObligationKind, Line, datetime, Standing]] = [
    ("annual-report", Line(), BEFORE, "open"),
    ("annual-report", Line(), DUE, "open"),
    ("annual-report", Line(), AFTER, "overdue"),
    ("annual-report", Line("invited"), AFTER, "open"),
    ("annual-report", Line("voluntary"), AFTER, "free"),
    ("annual-report", Line("proposed", None), AFTER, "free"),
    ("annual-report", Line("owes", None), AFTER, "free"),
    ("annual-report", Line(revision=1), AFTER, "received"),
    ("annual-report", Line("proposed", None, revision=1), AFTER, "received"),
    ("annual-report", Line(revision=1, outcome="returned"), AFTER, "returned"),
    ("annual-report", Line(revision=2, outcome="accepted"), BEFORE, "accepted"),
    ("annual-report", Line(revision=1, outcome="withdrawn"), AFTER, "withdrawn"),
    ("annual-report", Line(revision=1, outcome="reopened"), AFTER, "reopened"),
    ("annual-report", Line(plan_on_time=True), BEFORE, "open"),
    ("unit-plan", Line(), BEFORE, "open"),
    ("unit-plan", Line(), AFTER, "overdue"),
    ("unit-plan", Line("invited"), AFTER, "open"),
    ("unit-plan", Line("voluntary", None), AFTER, "free"),
    ("unit-plan", Line(plan_on_time=True), AFTER, "recorded"),
    ("unit-plan", Line(plan_on_time=False), AFTER, "recorded-late"),
    ("unit-plan", Line("voluntary", None, plan_on_time=True), AFTER, "recorded"),
    ("unit-plan", Line(revision=1), BEFORE, "open"),
    ("digital-literacy-plan", Line(plan_on_time=True), AFTER, "recorded"),
    ("midterm-report", Line(plan_on_time=False), AFTER, "overdue"),
    ("midterm-report", Line(revision=1), AFTER, "received"),
    ("final-report", Line(), AFTER, "overdue"),
    ("final-report", Line(revision=2, outcome="returned"), AFTER, "returned"),
]


@pytest.mark.parametrize(("kind", "line", "now", "expected"), CASES)
def test_where_a_participant_stands(
    kind: ObligationKind, line: Line, now: datetime, expected: Standing
) -> None:
    assert standing(kind, line, now) == expected


def test_every_word_is_used() -> None:
    assert {expected for *_, expected in CASES} == set(STANDINGS)
