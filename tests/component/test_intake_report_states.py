"""Every state of a report × command × role, over HTTP: what the table says, and no more.

What is allowed is tried on a participant of its own; what is refused, all on one participant of the
state, which is as it was afterwards.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from itertools import count, product
from typing import Any

import httpx
import pytest

from deploy.local.infrastructure import Provided
from shared.roles import ROLES
from tests.component.draft_room import enter_scans, scan_of
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    DeskRoom,
    judgement,
    moment,
    one_intake,
    open_the_year,
    participant,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component

STATES = (
    "none",
    "draft",
    "awaiting-head",
    "approved",
    "entering",
    "received",
    "returned",
    "accepted",
    "withdrawn",
    "reopened",
)
"""Of the report; before there is one, of the unit's draft. `entering`: the office has a draft."""
COMMANDS = (
    "save",
    "ask",
    "take-back",
    "approve",
    "send-back",
    "discard",
    "send",
    "enter",
    "submit",
    "return",
    "accept",
    "withdraw",
    "reopen",
)
OWN = ("reporter", "head")
OFFICE = ("officer", "substitute-officer")
ANY_OFFICE = (*OFFICE, "own-officer", "own-substitute-officer")
CALLERS = (*ROLES, "other-reporter", "other-head", "own-officer", "own-substitute-officer")
"""A role, for one's own unit where it is a unit's; `own-…`: in the office, and of this unit."""

_UNSENT = ("none", "draft", "awaiting-head", "approved", "entering")
_MAY_BE_SENT = (*_UNSENT, "received", "returned", "withdrawn", "reopened")
_WRITABLE = ("none", "draft", "entering", "received", "returned", "withdrawn", "reopened")


def _rules() -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Command, states in which it works, who may give it."""
    yield "save", _WRITABLE, OWN
    yield "save", _MAY_BE_SENT, ANY_OFFICE
    yield "ask", ("draft",), ("reporter",)
    yield "take-back", ("awaiting-head", "approved"), OWN
    yield "approve", ("awaiting-head",), ("head",)
    yield "send-back", ("awaiting-head",), ("head",)
    yield "discard", ("draft",), OWN
    yield "discard", ("entering",), ANY_OFFICE
    yield "send", ("draft", "approved"), OWN
    yield "send", ("awaiting-head",), ("head",)
    yield "enter", ("entering",), OFFICE
    yield "submit", _MAY_BE_SENT, (*OWN, *ANY_OFFICE)
    yield "return", ("received",), OFFICE
    yield "accept", ("received",), OFFICE
    yield "withdraw", ("received",), OWN
    yield "reopen", ("accepted",), OFFICE


ALLOWED = {
    (state, command, caller)
    for command, states, callers in _rules()
    for state in states
    for caller in callers
}
REPEATED = {
    *product(("returned",), ("return",), OFFICE),
    *product(("accepted",), ("accept",), OFFICE),
    *product(("withdrawn",), ("withdraw",), OWN),
    *product(("reopened",), ("reopen",), OFFICE),
}
"""Done before with the same words: said again, and nothing changes."""
LEADS_TO: Mapping[str, str] = {
    "ask": "awaiting-head",
    "take-back": "draft",
    "approve": "approved",
    "send-back": "draft",
    "discard": "none",
    "send": "received",
    "enter": "received",
    "submit": "received",
    "return": "returned",
    "accept": "accepted",
    "withdraw": "withdrawn",
    "reopen": "reopened",
}
STEPS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "none": (),
    "draft": (("save", "reporter"),),
    "awaiting-head": (("save", "reporter"), ("ask", "reporter")),
    "approved": (("save", "reporter"), ("ask", "reporter"), ("approve", "head")),
    "entering": (("save", "officer"),),
    "received": (("submit", "reporter"),),
    "returned": (("submit", "reporter"), ("return", "officer")),
    "accepted": (("submit", "reporter"), ("accept", "officer")),
    "withdrawn": (("submit", "reporter"), ("withdraw", "reporter")),
    "reopened": (("submit", "reporter"), ("accept", "officer"), ("reopen", "officer")),
}
_SENT = frozenset(STATES) - set(_UNSENT)
FIELDS = {"items.a1.self_score": "38,5", "items.a1.narrative": "Bản 1"}
PAPER = {"number": "15/BC", "dated": "2025-11-20", "received_on": "2025-11-21"}
"""Its scan is among the unit's files."""


@pytest.fixture(scope="module")
async def room(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    folder = tmp_path_factory.mktemp("intake")
    async with one_intake(infrastructure, folder, per_minute=0) as opened:
        await opened.begin_anew()
        await open_the_year(opened)
        units = [participant(unit) for unit in _units()]
        await opened.must(OFFICER, "/participants", {"participants": units})
        opened.clock.time = moment("2025-12-01 09:00")
        await enter_scans(opened, *_units())
        yield opened


def _units() -> Iterator[str]:
    yield from (f"all-{state}" for state in STATES)
    yield from (f"one-{number}" for number in range(len(ALLOWED)))


@cache
def bearer(caller: str, unit: str) -> str:
    """Somebody in a role; reporters, heads and `own-…` are of the unit."""
    role = caller.removeprefix("other-").removeprefix("own-")
    theirs = caller in OWN or caller.startswith("own-")
    of = unit if theirs else "elsewhere"
    return token(f"somebody.{caller}", roles=[role], unit=of, heads=[of] if role == "head" else [])


async def give(room: DeskRoom, unit: str, state: str, command: str, caller: str) -> httpx.Response:
    """A command as a program gives it, such that in the right state and hands it works."""
    headers = {"Authorization": f"Bearer {bearer(caller, unit)}", "If-Match": "*"}
    draft, revision = f"/drafts/{unit}/{PERIOD}", 2 if state in _SENT else 1
    judged, paper = judgement(unit, 1), PAPER | {"scan": scan_of(unit)}
    bodies: dict[str, tuple[str, str, dict[str, Any]]] = {
        "save": ("PUT", draft, {"fields": FIELDS}),
        "send": ("POST", f"{draft}/submission", {"commitment": True}),
        "enter": ("POST", f"{draft}/submission", {"commitment": True, "paper": paper}),
        "submit": ("POST", "/reports", _report(unit, revision)),
        "return": ("POST", "/reports/returns", returning(unit)),
        "accept": ("POST", "/reports/acceptances", judged),
        "withdraw": ("POST", "/reports/withdrawals", judged),
        "reopen": ("POST", "/reports/reopenings", returning(unit)),
    }
    act = ("POST", f"{draft}/acts", {"act": command, "said": "Xem lại."})
    method, path, body = bodies.get(command, act)
    return await room.client.request(method, f"/intake{path}", json=body, headers=headers)


def _report(unit: str, revision: int) -> dict[str, Any]:
    items = [{"criterion": "a1", "self_score": "38.5", "narrative": "Bản 1"}]
    return report(unit, revision=revision, items=items)


async def bring(room: DeskRoom, unit: str, state: str) -> None:
    """A unit's report into a state."""
    for command, caller in STEPS[state]:
        answer = await give(room, unit, "none", command, caller)
        assert answer.is_success, (state, command, answer.text)


async def states(room: DeskRoom) -> dict[str, str]:
    """Each unit's state, as the database has it."""
    rows = await room.rows(
        "SELECT p.participant, (SELECT CASE side WHEN 'office' THEN 'entering' ELSE state END"
        "  FROM draft WHERE draft.participant = p.participant ORDER BY side DESC LIMIT 1),"
        " (SELECT CASE WHEN o.revision IS NOT NULL THEN 'reopened' ELSE"
        "   coalesce(j.outcome, 'received') END FROM report r"
        "   LEFT JOIN judgement j USING (ward, participant, period, revision)"
        "   LEFT JOIN reopening o USING (ward, participant, period, revision)"
        "   WHERE r.participant = p.participant ORDER BY r.revision DESC LIMIT 1)"
        " FROM participant p"
    )
    return {unit: sent or drafted or "none" for unit, drafted, sent in rows}


async def test_the_states_are_what_they_are_called(room: DeskRoom) -> None:
    for state in STATES:
        await bring(room, f"all-{state}", state)
    found = await states(room)
    assert {state: found[f"all-{state}"] for state in STATES} == {one: one for one in STATES}


async def test_what_is_refused_is_refused_to_everybody_and_changes_nothing(
    room: DeskRoom,
) -> None:
    wrong = []
    before = await states(room)
    for case in product(STATES, COMMANDS, CALLERS):
        if case in ALLOWED:
            continue
        answer = await give(room, f"all-{case[0]}", *case)
        expected = {201} if case in REPEATED else {403, 404, 409, 422}
        if answer.status_code not in expected:
            wrong.append((case, answer.status_code, answer.text[:200]))
    assert wrong == []
    assert await states(room) == before


async def test_what_is_allowed_leads_where_it_should(room: DeskRoom) -> None:
    wrong, expected, number = [], {}, count()
    for state, command, caller in sorted(ALLOWED):
        unit = f"one-{next(number)}"
        await bring(room, unit, state)
        answer = await give(room, unit, state, command, caller)
        if not answer.is_success:
            wrong.append((state, command, caller, answer.status_code, answer.text[:200]))
        expected[unit] = (state, command, caller)
    assert wrong == []
    found = await states(room)
    assert {
        unit: (case, found[unit]) for unit, case in expected.items() if found[unit] != after(*case)
    } == {}


def after(state: str, command: str, caller: str) -> str:
    """Where a report is after a command that worked."""
    if command != "save":
        return LEADS_TO[command]
    if state in _SENT:
        return state
    return "entering" if caller in ANY_OFFICE and state in {"none", "entering"} else _kept(state)


def _kept(state: str) -> str:
    return "draft" if state in {"none", "entering"} else state
