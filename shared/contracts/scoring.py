"""What scoring publishes. Individual marks never leave the service."""

from typing import ClassVar, Literal

from shared.contracts.base import Code, Day, Event, Instant, Points, Text


class SheetAdopted(Event):
    """The council adopted the score sheet of a period; scoring is open."""

    TYPE: ClassVar[str] = "vn.thidua.scoring.sheet-adopted.v1"

    period: Code
    sheet_version: int
    document_number: Text
    adopted_on: Day

    @property
    def subject(self) -> str:
        return self.period


class ScoreComputed(Event):
    """What the criteria give so far: `self` as reported, `verified` once assessors marked it.

    `revision`: of the report that it is about; None in facts from before it was told.
    """

    TYPE: ClassVar[str] = "vn.thidua.scoring.score-computed.v1"

    participant: Code
    period: Code
    stage: Literal["self", "verified"]
    total: Points
    sheet_version: int
    revision: int | None = None

    @property
    def subject(self) -> str:
        return self.participant


class ResultFrozen(Event):
    """A participant's result in its khối; told to the participant itself, seen by the council."""

    TYPE: ClassVar[str] = "vn.thidua.scoring.result-frozen.v1"

    participant: Code
    period: Code
    group: Code
    block: Code
    block_title: Text
    total: Points
    grade: Text
    rank: int
    ranked: int
    late: bool
    frozen_at: Instant

    @property
    def subject(self) -> str:
        return self.participant
