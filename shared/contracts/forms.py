"""What each form of a report or plan asks for: a model each, whose fields are its sections.

The fields stand in their order, with the titles that people read. Which duty takes which form is in
intake's register (`services/intake/domain/form.py`). A version that was in force never changes;
another one stands beside it.

The plan words no form. The sections of the annual report are those of the plan's duties (VI.1);
those of the reviews follow "sơ kết, đánh giá, rút kinh nghiệm … để triển khai giai đoạn tiếp theo"
(V.1) and "tổng kết" (V.2) [design reading].
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.base import Code, Day, Text
from shared.contracts.inbound import (
    AimResult,
    ContentResult,
    Evidence,
    Indicator,
    Item,
    NominationClaim,
    ReportSubmitted,
    RoleModel,
)

LONG = 20_000
"""The most characters of a section in words."""


class FormModel(BaseModel):
    """What a form asks for. Fields that it does not have are not taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportModel(FormModel):
    """`SCORED`: criteria get points of the unit's own. `REASONED`: whatever is not applicable or
    did not arise says why.
    """

    SCORED: ClassVar[bool] = True
    REASONED: ClassVar[bool] = True


class AnnualReport1(ReportModel):
    REASONED: ClassVar[bool] = False

    situation: Text = Field(default="", max_length=LONG, title="Tình hình triển khai")
    contents: tuple[ContentResult, ...] = Field(
        default=(), max_length=20, title="Kết quả theo các nội dung thi đua"
    )
    items: tuple[Item, ...] = Field(min_length=1, max_length=50, title="Kết quả theo tiêu chí")
    indicators: tuple[Indicator, ...] = Field(
        default=(), max_length=200, title="Số liệu theo tiêu chí"
    )
    role_models: tuple[RoleModel, ...] = Field(
        default=(), max_length=50, title="Điển hình tiên tiến, mô hình, sáng kiến"
    )
    digital_literacy: Text = Field(default="", max_length=LONG, title="Bình dân học vụ số")
    difficulties: Text = Field(default="", max_length=LONG, title="Khó khăn, vướng mắc, kiến nghị")
    nominations: tuple[NominationClaim, ...] = Field(
        default=(), max_length=50, title="Đề nghị khen thưởng"
    )


class AnnualReport2(AnnualReport1):
    """From this version on whatever is not applicable or did not arise says why."""

    REASONED: ClassVar[bool] = True


class ReviewedItem(FormModel):
    """What became of one criterion in the phase. It has no points: each year had its own."""

    criterion: Code
    narrative: Text = Field(default="", max_length=LONG)
    not_applicable: bool = False
    nothing_arose: bool = False
    reason: Text = Field(default="", max_length=5_000)
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=50)


class MidtermReview1(ReportModel):
    """Sơ kết: the phase against its aims, its lessons, and where to go on from there."""

    SCORED: ClassVar[bool] = False

    situation: Text = Field(
        default="", max_length=LONG, title="Tình hình triển khai trong giai đoạn"
    )
    aims: tuple[AimResult, ...] = Field(
        min_length=1, max_length=50, title="Kết quả so với mục tiêu của giai đoạn"
    )
    contents: tuple[ContentResult, ...] = Field(
        default=(), max_length=20, title="Kết quả theo các nội dung thi đua"
    )
    items: tuple[ReviewedItem, ...] = Field(
        min_length=1, max_length=50, title="Kết quả theo tiêu chí"
    )
    indicators: tuple[Indicator, ...] = Field(
        default=(), max_length=200, title="Số liệu theo tiêu chí"
    )
    role_models: tuple[RoleModel, ...] = Field(
        default=(), max_length=50, title="Điển hình tiên tiến, mô hình, sáng kiến"
    )
    digital_literacy: Text = Field(default="", max_length=LONG, title="Bình dân học vụ số")
    difficulties: Text = Field(
        default="", max_length=LONG, title="Hạn chế, khó khăn và nguyên nhân"
    )
    lessons: Text = Field(min_length=1, max_length=LONG, title="Bài học kinh nghiệm")
    directions: Text = Field(
        min_length=1, max_length=LONG, title="Phương hướng, nhiệm vụ giai đoạn tiếp theo"
    )
    nominations: tuple[NominationClaim, ...] = Field(
        default=(), max_length=50, title="Đề nghị khen thưởng"
    )


class FinalReview1(MidtermReview1):
    """Tổng kết: the same for all of the movement; nothing comes after it that must be planned."""

    situation: Text = Field(default="", max_length=LONG, title="Tình hình triển khai Phong trào")
    aims: tuple[AimResult, ...] = Field(
        min_length=1, max_length=50, title="Kết quả so với mục tiêu của Phong trào"
    )
    directions: Text = Field(
        default="", max_length=LONG, title="Kiến nghị, đề xuất sau khi kết thúc Phong trào"
    )


class Plan1(FormModel):
    """A document of the unit's own, judged by its date of issue. `evidence`: where the signed one
    is to be seen, a file brought here or a link; it may be handed in later.
    """

    number: Text = Field(min_length=1, max_length=100, title="Số kế hoạch")
    issued_on: Day = Field(title="Ngày ban hành")
    evidence: Evidence | None = Field(default=None, title="Bản sao kế hoạch đã ký")


def titles_of(model: type[FormModel]) -> Mapping[str, str]:
    """The form's sections in their order, as people read them."""
    return {name: field.title or name for name, field in model.model_fields.items()}


@cache
def _told_otherwise(model: type[FormModel]) -> frozenset[str]:
    """Sections whose parts are other models than those of a report as it comes in."""
    theirs = ReportSubmitted.model_fields
    mine = model.model_fields.items()
    return frozenset(n for n, f in mine if n in theirs and f.annotation != theirs[n].annotation)


def faults(
    model: type[FormModel], report: ReportSubmitted, sections: Iterable[str]
) -> Sequence[Any]:
    """pydantic's errors of the sections that are filled in; none where they fit the form.

    Parts that are the same models were judged when the report came in, and are not judged again.
    """
    body = {name: value for name in sections if (value := getattr(report, name))}
    for name in _told_otherwise(model) & body.keys():
        body[name] = [part.model_dump(exclude_defaults=True) for part in body[name]]
    try:
        model.model_validate(body)
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False, include_input=False)
    return ()
