"""What comes to the assessors by HTTP. Points are decimal strings."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.marks import Given, Kind, Slot, Stage
from services.scoring.domain.sheet import CriterionPoints, Grade, GroupSheet, Part, Sheet
from shared.contracts.base import Code, Day, Points, Text

Positive = Annotated[Points, Field(gt=0)]
NotNegative = Annotated[Points, Field(ge=0)]
Words = Annotated[Text, Field(min_length=1, max_length=300)]
Reason = Annotated[Text, Field(max_length=2000)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartForm(_Form):
    code: Code
    title: Words
    max_points: Positive


class CriterionForm(_Form):
    code: Code
    max_points: Positive
    parts: tuple[PartForm, ...] = ()


class GroupForm(_Form):
    code: Code
    criteria: tuple[CriterionForm, ...] = Field(min_length=1)


class GradeForm(_Form):
    name: Words
    from_points: NotNegative


class SheetForm(_Form):
    """A proposed version of a period's sheet; grades from the highest to the one from "0"."""

    period: Code
    version: int = Field(ge=1, le=1000)
    groups: tuple[GroupForm, ...] = Field(min_length=1)
    bonus_cap: NotNegative
    deduction_cap: NotNegative
    late_deduction: NotNegative
    grades: tuple[GradeForm, ...] = Field(min_length=1)
    not_applicable: Literal["rescale"] = "rescale"

    def to_sheet(self) -> Sheet:
        return Sheet(
            self.version,
            tuple(_group(group) for group in self.groups),
            self.bonus_cap,
            self.deduction_cap,
            self.late_deduction,
            tuple(Grade(grade.name, grade.from_points) for grade in self.grades),
            self.not_applicable,
        )


def _group(form: GroupForm) -> GroupSheet:
    return GroupSheet(form.code, tuple(_criterion(criterion) for criterion in form.criteria))


def _criterion(form: CriterionForm) -> CriterionPoints:
    parts = tuple(Part(part.code, part.title, part.max_points) for part in form.parts)
    return CriterionPoints(form.code, form.max_points, parts)


class AdoptionForm(_Form):
    """The council's document that puts a version in force."""

    sheet_version: int = Field(ge=1, le=1000)
    document_number: Words
    adopted_on: Day


class MarkForm(_Form):
    criterion: Code
    points: Points
    reason: Reason = ""


class MarksForm(_Form):
    """Marks for the accepted revision of one participant's report."""

    period: Code
    participant: Code
    revision: int = Field(ge=1, le=1000)
    stage: Literal["verified", "council"]
    marks: tuple[MarkForm, ...] = Field(max_length=50)
    bonus: Points | None = None
    bonus_reason: Reason = ""
    deduction: Points | None = None
    deduction_reason: Reason = ""

    def given(self) -> Iterator[Given]:
        """Every mark of the form with its place in it."""
        stage = Stage(self.stage)
        for number, mark in enumerate(self.marks):
            slot = Slot(stage, Kind.CRITERION, mark.criterion)
            here = f"/marks/{number}"
            yield Given(slot, mark.points, mark.reason, here, f"{here}/reason")
        if self.bonus is not None:
            slot = Slot(stage, Kind.BONUS)
            yield Given(slot, self.bonus, self.bonus_reason, "/bonus", "/bonus_reason")
        if self.deduction is not None:
            slot = Slot(stage, Kind.DEDUCTION)
            reason = self.deduction_reason
            yield Given(slot, self.deduction, reason, "/deduction", "/deduction_reason")
