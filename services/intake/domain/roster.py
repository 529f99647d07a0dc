"""The roll over time: what may be said anew of a participant, and how one leaves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Place:
    """Where a participant stands on the roll: its group, its khối."""

    group: str
    block: str


def check_on_the_roll(has_left: bool) -> None:
    """Raises Refusal: of whoever has left, the record is closed."""
    if has_left:
        raise Refusal("left-already", "Đơn vị này đã thôi tham gia; danh sách không sửa được nữa.")


def check_place(place: Place, movement: Mapping[str, Any]) -> None:
    """Raises Refusal unless the movement's version has the khối, in that group."""
    groups = {block["code"]: block["group"] for block in movement.get("blocks", ())}
    if place.group not in {group["code"] for group in movement.get("groups", ())}:
        raise Refusal("unknown-group", f"Không có nhóm nào mang mã {place.group}.", "/group")
    if groups.get(place.block) != place.group:
        detail = f"Nhóm {place.group} không có khối nào mang mã {place.block}."
        raise Refusal("unknown-block", detail, "/block")


@dataclass(frozen=True, slots=True)
class Successor:
    """The unit that another is merged into."""

    code: str
    collective: bool
    has_left: bool


def check_departure(code: str, into: str | None, found: Successor | None, proposes: int) -> None:
    """Raises Refusal when somebody cannot leave so; `proposes`: how many individuals they propose.

    Whom a unit proposes belongs to one unit at a time: with it gone, another has to take them.
    """
    if into is None:
        if proposes:
            detail = f"Đơn vị còn đề nghị {proposes} cá nhân; hãy nêu đơn vị nhận họ."
            raise Refusal("still-proposes", detail, "/into")
        return
    if into == code:
        raise Refusal("same-unit", "Đơn vị nhận phải là đơn vị khác.", "/into")
    if found is None or not found.collective or found.has_left:
        detail = f"Không có đơn vị (tập thể) nào đang tham gia mang mã {into}."
        raise Refusal("unknown-unit", detail, "/into")
