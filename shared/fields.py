"""What is wrong with a field, in Vietnamese, with a JSON pointer to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """`pointer` is a JSON pointer into the body; `detail` says what was expected."""

    pointer: str
    detail: str


DECIMAL = 'Phải là số thập phân viết dạng chuỗi, ví dụ "38.5".'
_MOMENT = "Phải là thời điểm có múi giờ, ví dụ 2025-12-05T09:30:00+07:00."
_DAY = "Phải là ngày, ví dụ 2025-12-05."
_CHOICE = "Không phải một trong các giá trị cho phép."

_EXPECTED = {
    "missing": "Thiếu trường này.",
    "extra_forbidden": "Không có trường này trong biểu mẫu.",
    "string_type": "Phải là văn bản.",
    "string_unicode": "Phải là văn bản mã hóa UTF-8.",
    "string_too_short": "Không được để trống.",
    "string_too_long": "Dài hơn quy định.",
    "string_pattern_mismatch": "Không đúng định dạng.",
    "uuid_parsing": "Phải là một UUID.",
    "timezone_aware": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "date_from_datetime_parsing": _DAY,
    "date_parsing": _DAY,
    "decimal_parsing": DECIMAL,
    "finite_number": DECIMAL,
    "decimal_type": DECIMAL,
    "decimal_max_places": "Có nhiều hơn hai chữ số sau dấu thập phân.",
    "decimal_max_digits": "Số quá lớn.",
    "int_parsing": "Phải là số nguyên.",
    "int_type": "Phải là số nguyên.",
    "bool_parsing": "Phải là true hoặc false.",
    "json_invalid": "Nội dung không phải JSON hợp lệ.",
    "too_short": "Phải có ít nhất một phần tử.",
    "too_long": "Có nhiều phần tử hơn quy định.",
    "greater_than_equal": "Nhỏ hơn mức cho phép.",
    "less_than_equal": "Lớn hơn mức cho phép.",
    "literal_error": _CHOICE,
    "enum": _CHOICE,
}


def field_problems(errors: Sequence[Any], skip: int = 0) -> list[FieldProblem]:
    """pydantic's errors as pointers and words; `skip` leading parts of each place.

    A list whose elements are wrong is also reported as too short: only the elements are named.
    """
    found = [(_pointer(_place(e, skip)), str(e["type"]), str(e["msg"])) for e in errors]
    return [
        FieldProblem(pointer, _words(kind, message))
        for pointer, kind, message in found
        if kind != "too_short" or not any(other.startswith(f"{pointer}/") for other, _, _ in found)
    ]


def _place(error: Any, skip: int) -> Sequence[int | str]:
    """Where in the body; a body that is no JSON has no places."""
    return () if error["type"] == "json_invalid" else tuple(error["loc"][skip:])


def _pointer(location: Sequence[int | str]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _words(kind: str, message: str) -> str:
    if kind == "value_error" and "decimal" in message:
        return DECIMAL
    if kind in {"too_long", "too_short"} and message.startswith("Value "):
        kind = f"string_{kind}"
    return _EXPECTED.get(kind, f"Giá trị không hợp lệ ({kind}).")
