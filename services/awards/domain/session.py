"""A session of the council: its members, who is there, and whether they are enough."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from shared.refusal import Refusal

_SHARE = re.compile(r"^([0-9]{1,3})/([0-9]{1,3})$")


def parse_share(text: str, pointer: str) -> Fraction:
    """`2/3` as an exact fraction, above 0 and at most 1. Raises Refusal."""
    match = _SHARE.fullmatch(text)
    if match is None or int(match[2]) == 0 or not 0 < Fraction(text) <= 1:
        detail = 'Phải là phân số lớn hơn 0 và không quá 1, ví dụ "2/3".'
        raise Refusal("bad-share", detail, pointer)
    return Fraction(text)


def has_quorum(present: int, members: int, quorum: Fraction) -> bool:
    """Whether those present are enough; exactly two thirds of the members are two thirds.

    Written opinions count as votes, not as attendance [design reading].
    """
    return members > 0 and present >= quorum * members


@dataclass(frozen=True, slots=True)
class Roll:
    """Who is present, and whose written opinion stands for them."""

    present: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()

    @property
    def voting(self) -> frozenset[str]:
        return self.present | self.written


def check_members(members: Sequence[str]) -> None:
    """Raises Refusal when a member is named twice."""
    _once(members, "/members")


def call_roll(
    members: Collection[str],
    present: Sequence[str],
    written: Sequence[str],
    voted: Collection[str] = (),
) -> Roll:
    """The roll. Raises Refusal for a stranger, a double entry, or a voter who would vanish."""
    _once(present, "/present")
    _once(written, "/written")
    for pointer, people in (("/present", present), ("/written", written)):
        for place, person in enumerate(people):
            if person not in members:
                detail = "Người này không phải là thành viên của phiên họp."
                raise Refusal("not-a-member", detail, f"{pointer}/{place}")
    for place, person in enumerate(written):
        if person in present:
            detail = "Người có mặt thì không ghi ý kiến bằng văn bản."
            raise Refusal("present-and-written", detail, f"/written/{place}")
    roll = Roll(frozenset(present), frozenset(written))
    if not set(voted) <= roll.voting:
        detail = "Không thể bỏ khỏi danh sách người đã bỏ phiếu."
        raise Refusal("voter-left-out", detail, "/present")
    return roll


def check_open(roll: Roll | None, members: int, quorum: Fraction) -> None:
    """Raises Refusal unless attendance was taken and reaches the quorum."""
    if roll is None:
        raise Refusal("no-roll", "Chưa điểm danh phiên họp nên chưa thể bỏ phiếu.")
    if not has_quorum(len(roll.present), members, quorum):
        detail = (
            f"Có mặt {len(roll.present)} trên {members} thành viên, chưa đủ "
            f"{quorum.numerator}/{quorum.denominator} để bỏ phiếu."
        )
        raise Refusal("no-quorum", detail)


def _once(people: Sequence[str], pointer: str) -> None:
    seen: set[str] = set()
    for place, person in enumerate(people):
        if person in seen:
            raise Refusal("named-twice", "Người này đã có trong danh sách.", f"{pointer}/{place}")
        seen.add(person)
