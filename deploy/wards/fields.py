"""The kinds of value in a ward's files.

Descriptions are what a person is told was expected when a value is wrong, so they are Vietnamese.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

Label = Literal["plan", "found", "recalled", "design-reading"]
Kind = Literal[
    "office",
    "centre",
    "party-board",
    "armed-force",
    "front",
    "mass-organisation",
    "school",
    "health-station",
    "neighbourhood-group",
    "enterprise",
    "individual-official",
    "individual-other",
]
Duty = Literal["owes", "invited", "voluntary", "none"]
Manner = Literal["owes", "invited", "voluntary", "proposed"]
Role = Literal[
    "head",
    "officer",
    "substitute-officer",
    "assessor",
    "inspector",
    "chairman",
    "council-secretary",
    "council",
    "clerk",
    "communications-officer",
    "operator",
    "auditor",
]

INDIVIDUAL_KINDS: frozenset[Kind] = frozenset({"individual-official", "individual-other"})


def _decimal_string(value: object) -> Decimal:
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,2})?", value) is None:
        raise ValueError("not a decimal string")
    return Decimal(value)


def _month_moment(value: str) -> str:
    datetime.strptime(f"2001-{value}+0000", "%Y-%m-%d %H:%M:%S%z")
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("unknown zone")
    return value


Text = Annotated[str, Field(min_length=1, description="một dòng chữ không để trống")]
Code = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=60,
        description="một mã gồm chữ thường không dấu, chữ số và gạch nối, ví dụ phong-vhxh",
    ),
]
PersonCode = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$",
        max_length=80,
        description="một mã người, ví dụ phong-vhxh.reporter",
    ),
]
Email = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9._+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$",
        description="một địa chỉ thư điện tử viết thường, ví dụ van-phong@tu-minh.example",
    ),
]
Points = Annotated[
    Decimal,
    BeforeValidator(_decimal_string),
    Field(
        description='một số điểm viết trong dấu nháy, nhiều nhất hai số lẻ, ví dụ "40" hoặc "38.5"'
    ),
]
Day = Annotated[date, Field(description="một ngày có thật, viết NĂM-THÁNG-NGÀY, ví dụ 2025-08-31")]
MonthMoment = Annotated[
    str,
    AfterValidator(_month_moment),
    Field(
        description='một thời điểm trong năm, viết "THÁNG-NGÀY GIỜ:PHÚT:GIÂY" như "12-09 23:59:59"'
    ),
]
Year = Annotated[int, Field(ge=2000, le=2100, description="một năm, ví dụ 2025")]
Days = Annotated[int, Field(ge=0, le=366, description="một số ngày từ 0 đến 366")]
Version = Annotated[int, Field(ge=1, description="một số thứ tự từ 1")]
Zone = Annotated[
    str,
    AfterValidator(_zone),
    Field(description="tên một múi giờ, ví dụ Asia/Ho_Chi_Minh"),
]
