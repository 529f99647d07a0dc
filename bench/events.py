"""The events of the benchmark: what is read, and what follows from it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.contracts.base import Code, Event, Instant, Part, Points, Text

TOPIC = "thidua.bench.v1"
RESULTS = "thidua.bench.results.v1"

Who = tuple[str, str]
"""Ward and participant."""
Total = Annotated[Decimal, Field(max_digits=14, decimal_places=2)]


class Mark(Part):
    criterion: Code
    points: Points


class ReportMarked(Event):
    """A participant's report got points; about 430 bytes of JSON."""

    TYPE: ClassVar[str] = "vn.thidua.bench.report-marked.v1"

    participant: Code
    period: Code
    report_id: UUID
    revision: int = Field(ge=1)
    marked_at: Instant
    points: Points
    parts: tuple[Mark, ...]
    note: Text = ""

    @property
    def subject(self) -> str:
        return self.participant

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum((part.points for part in self.parts), Decimal(0)) != self.points:
            raise ValueError("the parts do not add up to the points")
        return self


class ScoreCounted(Event):
    """What a participant has after one more report."""

    TYPE: ClassVar[str] = "vn.thidua.bench.score-counted.v1"
    TOPIC: ClassVar[str] = RESULTS

    participant: Code
    report_id: UUID
    added: Points
    points: Total
    reports: int

    @property
    def subject(self) -> str:
        return self.participant


def counted(
    events: Sequence[ReportMarked], ends: Mapping[Who, tuple[Decimal, int]]
) -> list[ScoreCounted]:
    """What each event leads to, given points and reports of each participant after the last."""
    now = dict(ends)
    facts: list[ScoreCounted] = []
    for event in reversed(events):
        who = event.ward, event.participant
        points, reports = now[who]
        facts.append(
            ScoreCounted(
                ward=event.ward,
                participant=event.participant,
                report_id=event.report_id,
                added=event.points,
                points=points,
                reports=reports,
            )
        )
        now[who] = points - event.points, reports - 1
    return facts[::-1]
