"""One dossier: what it says, what happened to it, what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from services.awards.access import CHAIRMAN, CLERK, READERS
from services.awards.answers import DossierRow
from services.awards.domain.dossier import TRANSITIONS, WORDS, Command, State, steps_from
from services.awards.pages.board import TONES, pages, parts_of
from services.awards.store import dossiers as dossier_store
from shared.calendar import vietnamese_date
from shared.contracts.base import Code
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.problems import not_found

faces = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)
"""What programs ask for at the same address."""

OFFICES = {
    "officer": "công chức phụ trách",
    "substitute-officer": "công chức được cử thay",
    "council": "thành viên Hội đồng",
    "council-secretary": "thư ký Hội đồng",
    "chairman": "Chủ tịch",
    "clerk": "văn thư",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the timeline."""

    at: datetime
    who: str
    what: str
    rule: str


@faces.get("/dossiers/{dossier}")
async def show(dossier: Code, request: Request, person: SignedIn) -> Response:
    """One that they may not see looks like one that is not there."""
    async with parts_of(request).works.read() as connection:
        row = await dossier_store.one_of(connection, person, dossier)
        if row is None:
            raise not_found("hồ sơ này")
        steps = await dossier_store.steps_of(connection, person.ward, dossier)
    values = {
        "row": DossierRow.of(row),
        "words": WORDS,
        "tones": TONES,
        "acts": [_act(step, row, person) for step in steps],
        "next": _next(row, person),
    }
    return pages.render(request, "dossier.html", values)


def _act(step: Any, row: Any, person: Person) -> Act:
    """Who did it: the office, and for those inside the person too."""
    who = _offices(_roles(Command(step.command)))
    if person.has(*READERS):
        who = f"{who} ({step.actor})"
    return Act(step.at, who, WORDS[State(step.state)], _rule(Command(step.command), row))


def _roles(command: Command) -> Sequence[str]:
    return next(t.roles for (_, c), t in TRANSITIONS.items() if c is command)


def _offices(roles: Sequence[str]) -> str:
    words = " hoặc ".join(OFFICES[role] for role in roles)
    return words[0].upper() + words[1:]


def _rule(command: Command, row: Any) -> str:
    """The rule or document that an act rests on, where one is on record."""
    if command is Command.OPEN:
        since = vietnamese_date(date.fromisoformat(row.law))
        return f"quy định áp dụng từ ngày {since}"
    if command is Command.DECIDE and row.number is not None:
        return f"Quyết định số {row.number} ngày {vietnamese_date(row.decided_on)}"
    return ""


def _way(row: Any, person: Person) -> str:
    """Where the person does their part of it."""
    here = f"/awards/sessions/{row.session}"
    if row.state == State.PASSED and person.has(*CHAIRMAN):
        return f"{here}/approval"
    if row.state == State.APPROVED and person.has(*CLERK):
        return f"{here}/decision"
    return ""


def _next(row: Any, person: Person) -> list[dict[str, Any]]:
    """What may be done now, by whom, whether it is theirs to do, and where."""
    return [
        {
            "what": what[0].upper() + what[1:],
            "who": _offices(roles),
            "mine": not person.roles.isdisjoint(roles),
            "href": _way(row, person),
        }
        for what, roles in steps_from(State(row.state))
    ]
