"""The roll over time: what may be said anew of a participant, and how one leaves it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Place:
    """Where a participant stands on the roll: its group, its khối."""

    group: str
    block: str


@dataclass(frozen=True, slots=True)
class Successor:
    """The unit that another is merged into, or that proposes somebody."""

    code: str
    collective: bool
    has_left: bool


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
class OnFile:
    """A report of a person's in a period, by its date; `accepted`: nothing is to be done to it."""

    period: str
    due: datetime
    accepted: bool


def check_hand_over(files: Iterable[OnFile], now: datetime) -> None:
    """Raises Refusal: in one period a person belongs to one unit [design reading].

    The unit in which they reported is theirs until the period is over and the report accepted; a
    merger is no change of units.
    """
    for one in files:
        if one.due >= now or not one.accepted:
            detail = (
                f"Trong kỳ {one.period} người này đã báo cáo ở đơn vị đang đề nghị; mỗi kỳ một"
                " người thuộc một đơn vị, nên chỉ chuyển khi kỳ đã hết hạn và báo cáo đã được"
                " tiếp nhận."
            )
            raise Refusal("one-unit-a-period", detail, "/proposed_by")


def check_proposer(code: str | None, found: Successor | None) -> None:
    """Raises Refusal unless whoever proposes somebody is a unit that takes part."""
    there = found is not None and found.collective and not found.has_left
    if code is not None and not there:
        detail = f"Không có đơn vị (tập thể) nào đang tham gia mang mã {code}."
        raise Refusal("unknown-unit", detail, "/proposed_by")


def check_return(has_left: bool, proposed_by: str | None, proposer: Successor | None) -> None:
    """Raises Refusal unless somebody has left and may come back under their code.

    An enterprise joins and withdraws freely (plan II) [design reading], and a merger may have been
    entered by mistake: the code and all that was done under it go on. Whoever is proposed comes
    back only to a unit that is there.
    """
    if not has_left:
        raise Refusal("still-here", "Đơn vị, cá nhân này đang tham gia.")
    check_proposer(proposed_by, proposer)


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
