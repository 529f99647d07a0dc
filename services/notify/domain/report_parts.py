"""The parts of a report in words."""

from collections.abc import Sequence

_PARTS = {
    "contents": "Nội dung",
    "items": "Tiêu chí",
    "indicators": "Chỉ tiêu",
    "role_models": "Gương điển hình",
    "nominations": "Đề nghị khen thưởng",
    "difficulties": "Khó khăn, vướng mắc",
    "situation": "Tình hình triển khai",
    "digital_literacy": "Bình dân học vụ số",
    "aims": "Mục tiêu",
    "lessons": "Bài học kinh nghiệm",
    "directions": "Phương hướng, kiến nghị",
}


def part_of_report(pointer: str, criteria: Sequence[str]) -> str:
    """The part that a JSON pointer into a report names, in words: "Tiêu chí a1".

    `criteria` are the codes of the report's items in their order.
    """
    names = pointer.strip("/").split("/")
    words = _PARTS.get(names[0])
    if words is None:
        return "Báo cáo"
    if len(names) == 1:
        return words
    place = names[1]
    if not (place.isascii() and place.isdigit()):
        return f"{words} {place}"
    number = int(place)
    if names[0] == "items" and number < len(criteria):
        return f"{words} {criteria[number]}"
    return f"{words} thứ {number + 1}"
