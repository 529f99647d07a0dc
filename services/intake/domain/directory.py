"""The directory of people: roles held with scope and dates, and acting on somebody's behalf.

Which roles exclude each other, and which of them need a document, are design readings; each is
listed in `docs/decisions/directory.md`.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared.refusal import Refusal
from shared.roles import Role

Scope = Literal["ward", "unit", "session"]

_SCOPES: dict[Role, tuple[Scope, ...]] = {
    "reporter": ("unit",),
    "head": ("unit",),
    "substitute-officer": ("unit",),
    "council": ("ward", "session"),
    "council-secretary": ("ward", "session"),
}
OF_THE_UNIT: frozenset[Role] = frozenset({"reporter", "head"})
"""Who holds one of them for a unit belongs to it (law 10); a substitute does not."""
NAMED_BY_DECISION: frozenset[Role] = frozenset({"chairman", "council", "council-secretary"})
PERSONAL: frozenset[Role] = frozenset({"council", "auditor"})
"""Nobody acts for somebody else in these: a vote is the member's own [design reading]."""
_DECIDES: frozenset[Role] = frozenset(
    {"chairman", "council", "council-secretary", "assessor", "inspector", "clerk"}
)


def scopes_of(role: Role) -> tuple[Scope, ...]:
    """What a role can be held for."""
    return _SCOPES.get(role, ("ward",))


@dataclass(frozen=True, slots=True)
class Holding:
    """A role that somebody holds: `of` is the unit or session, "" for the ward.

    `until` is its last day, None while open; `ended_on` the first day on which it holds no more.
    """

    role: Role
    scope: Scope
    of: str
    since: date
    until: date | None = None
    ended_on: date | None = None
    granted_by: str = ""

    def in_force(self, on: date) -> bool:
        return in_force(self.since, self.until, self.ended_on, on)

    def is_open(self, on: date) -> bool:
        """In force on a day, or to come."""
        ended = self.ended_on is not None
        return not ended and (self.until is None or on <= self.until)


@dataclass(frozen=True, slots=True)
class Delegation:
    """`delegate` acts for `principal` in some roles, by a document with a number."""

    principal: str
    delegate: str
    roles: frozenset[Role]
    since: date
    until: date
    document: str
    ended_on: date | None = None

    def in_force(self, on: date) -> bool:
        return in_force(self.since, self.until, self.ended_on, on)


def in_force(since: date, until: date | None, ended_on: date | None, on: date) -> bool:
    """Whether a role or a delegation with these dates counts on a day."""
    ended = ended_on is not None and on >= ended_on
    return since <= on and (until is None or on <= until) and not ended


@dataclass(frozen=True, slots=True)
class Holdings:
    """What somebody is on a day. Without an address: nobody of this name is in the directory.

    `unit` is the participant they belong to, "" for none; `units` those that they hold a role of
    the unit for; `sessions` those that a role of theirs is limited to; `heads` the units that they
    head.
    """

    name: str
    email: str
    unit: str
    roles: frozenset[str]
    units: frozenset[str]
    sessions: frozenset[str]
    heads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Acting:
    """What somebody may do for a principal on a day: never more than the principal holds.

    `stakes`: all units of the principal's, by whatever role, lent or not.
    """

    id: int
    principal: str
    name: str
    unit: str
    roles: frozenset[str]
    units: frozenset[str]
    sessions: frozenset[str]
    document: str
    until: date
    heads: frozenset[str] = frozenset()
    stakes: frozenset[str] = frozenset()


def roles_on(held: Iterable[Holding], on: date) -> frozenset[Role]:
    return frozenset(one.role for one in held if one.in_force(on))


def units_on(held: Iterable[Holding], on: date) -> frozenset[str]:
    return frozenset(one.of for one in held if one.role in OF_THE_UNIT and one.in_force(on))


def own_units(unit: str, held: Iterable[Holding], on: date) -> frozenset[str]:
    """All units of somebody: the one they belong to, and those they answer for now or later."""
    answers_for = (one.of for one in held if one.role in OF_THE_UNIT and one.is_open(on))
    return frozenset({unit, *answers_for} - {""})


def stands_in_for(held: Iterable[Holding], on: date) -> frozenset[str]:
    """The units whose files somebody takes as a substitute, now or later."""
    return frozenset(one.of for one in held if one.role == "substitute-officer" and one.is_open(on))


def heads_on(held: Iterable[Holding], on: date) -> frozenset[str]:
    """The units that somebody heads: roles and units as two sets would not tell which."""
    return frozenset(one.of for one in held if one.role == "head" and one.in_force(on))


def sessions_on(held: Iterable[Holding], on: date) -> frozenset[str]:
    """The sessions that a role is limited to; one held for the ward as well is not limited."""
    now = [one for one in held if one.in_force(on)]
    everywhere = {one.role for one in now if one.scope == "ward"}
    limited = (one for one in now if one.scope == "session" and one.role not in everywhere)
    return frozenset(one.of for one in limited)


def holdings_on(name: str, email: str, unit: str, held: Sequence[Holding], on: date) -> Holdings:
    return Holdings(
        name,
        email,
        unit,
        roles_on(held, on),
        units_on(held, on),
        sessions_on(held, on),
        heads_on(held, on),
    )


def delegated_on(
    delegation: Delegation, principals: Iterable[Holding], on: date
) -> tuple[Holding, ...]:
    """The principal's own holdings in which the delegate acts on a day.

    Only what the principal holds themselves counts: what they may do for others goes no further.
    """
    if not delegation.in_force(on):
        return ()
    return tuple(one for one in principals if one.role in delegation.roles and one.in_force(on))


def check_grant(
    wanted: Holding,
    *,
    person: str,
    own: frozenset[str],
    stands_in: frozenset[str],
    also: frozenset[Role],
    by: frozenset[str],
    document: str,
) -> None:
    """Raises Refusal when a role may not be granted.

    `own` are the person's units, `stands_in` those whose files they take, `also` the other roles
    that they hold or act in, `by` who grants it and for whom, `document` the number of the
    decision that names them.
    """
    if person in by:
        raise Refusal("own-role", "Không ai tự giao vai trò cho mình; người khác sẽ giao.")
    if wanted.scope not in scopes_of(wanted.role):
        raise Refusal("wrong-scope", _scope_words(wanted.role), "/role")
    if (wanted.scope == "ward") == bool(wanted.of):
        raise Refusal("wrong-scope", _scope_words(wanted.role), "/role")
    _check_days(wanted.since, wanted.until)
    if wanted.role in NAMED_BY_DECISION and not document:
        detail = "Vai trò này cần số của quyết định cử người giữ."
        raise Refusal("document-missing", detail, "/document")
    if wanted.role == "substitute-officer":
        check_stands_in(own, frozenset({wanted.of}))
    elif wanted.role in OF_THE_UNIT:
        check_stands_in(frozenset({wanted.of}), stands_in)
    for one in sorted(also):
        check_together(wanted.role, one)


def check_stands_in(own: frozenset[str], stands_in: frozenset[str], pointer: str = "/unit") -> None:
    """Raises Refusal when somebody would take the file of a unit of their own."""
    if own & stands_in:
        detail = "Không ai xử lý hồ sơ của đơn vị mình; người thay phải thuộc đơn vị khác."
        raise Refusal("own-unit", detail, pointer)


def check_together(one: Role, other: Role) -> None:
    """Raises Refusal when nobody may hold both roles."""
    if one != other and "auditor" in (one, other):
        detail = "Người kiểm tra, giám sát xem tất cả và không sửa gì, nên không giữ vai trò khác."
        raise Refusal("roles-exclude", detail, "/role")
    if "operator" in (one, other) and not _DECIDES.isdisjoint((one, other)):
        detail = "Người vận hành hệ thống không chấm, không biểu quyết, không ký, không cấp số."
        raise Refusal("roles-exclude", detail, "/role")


def _check_days(since: date, until: date | None) -> None:
    if until is not None and until < since:
        raise Refusal("days-reversed", "Ngày cuối phải từ ngày đầu trở đi.", "/until")


def _scope_words(role: Role) -> str:
    scopes = scopes_of(role)
    if scopes == ("unit",):
        return "Vai trò này giữ cho một đơn vị; hãy nêu mã đơn vị, không nêu phiên họp."
    if "session" in scopes:
        return "Vai trò này giữ cho cả phường hoặc cho một phiên họp, không cho một đơn vị."
    return "Vai trò này giữ cho cả phường; không nêu đơn vị hay phiên họp."


def check_delegation(
    wanted: Delegation,
    *,
    principals: Iterable[Holding],
    delegates: frozenset[Role],
    by: frozenset[str],
    own: frozenset[str] = frozenset(),
) -> None:
    """Raises Refusal when nobody may act so. `delegates`: roles the delegate holds or acts in,
    `own`: the delegate's units.

    A principal gives their own roles away themselves; who enters it for others may not be the one
    who gets them.
    """
    if wanted.principal == wanted.delegate:
        raise Refusal("same-person", "Người được ủy quyền phải là người khác.", "/delegate")
    if wanted.delegate in by:
        raise Refusal("own-role", "Không ai tự nhận ủy quyền cho mình.", "/delegate")
    _check_days(wanted.since, wanted.until)
    if not wanted.document:
        raise Refusal("document-missing", "Cần số của văn bản ủy quyền.", "/document")
    principals = tuple(principals)
    lasting = roles_on(principals, wanted.since)
    for role in sorted(wanted.roles):
        if role in PERSONAL:
            detail = "Vai trò này gắn với chính người giữ, không ủy quyền được."
            raise Refusal("role-personal", detail, "/roles")
        if role not in lasting:
            detail = "Chỉ ủy quyền được vai trò mà người ủy quyền giữ vào ngày bắt đầu."
            raise Refusal("role-not-held", detail, "/roles")
        for other in sorted(delegates):
            check_together(role, other)
        if role == "substitute-officer":
            check_stands_in(own, stands_in_for(principals, wanted.since), "/delegate")


def warnings_of(held: Iterable[tuple[Role, str]], competing: Iterable[str]) -> tuple[str, ...]:
    """What a ward should be told about who holds what today, in its words.

    `held`: (role, unit): the holder's own unit, or for a substitute the one they stand in for.
    `competing`: units on the roll.
    """
    pairs = set(held)
    stands_in = {unit for role, unit in pairs if role == "substitute-officer"}
    own = {unit for role, unit in pairs if role == "officer" and unit}
    lacking = sorted((own & set(competing)) - stands_in)
    missing = [role for role in ("officer", "operator") if role not in {r for r, _ in pairs}]
    return (
        *(f"Đơn vị {unit} vừa xét báo cáo vừa dự thi: cần cử người thay." for unit in lacking),
        *(_NOBODY[role] for role in missing),
    )


_NOBODY = {
    "officer": "Chưa ai giữ vai trò công chức phụ trách thi đua, khen thưởng.",
    "operator": "Chưa ai giữ vai trò người vận hành hệ thống.",
}


def is_found(search: str, *texts: str) -> bool:
    """Whether a text holds what is sought; written without marks it also finds words with them."""
    wanted = unicodedata.normalize("NFC", search).strip().casefold()
    text = unicodedata.normalize("NFC", " ".join(texts)).casefold()
    return wanted in (_without_marks(text) if wanted == _without_marks(wanted) else text)


def _without_marks(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if not unicodedata.combining(c)).replace("đ", "d")
