"""The board of a year, reminding by hand, and a participant's timeline by HTTP."""

from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath

from services.intake.access import DIRECTORY_READERS
from services.intake.commands import reminding as commands
from services.intake.domain.year import CellState, Sort, Wanted
from services.intake.forms.board import DutyCell, Happening, RemindedByHand, YearRow
from services.intake.store import board as store
from services.intake.store import timeline as story
from shared.calendar import ward_day
from shared.contracts.base import Code
from shared.contracts.intake import Manner, ObligationKind
from shared.messaging import Works
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging
from shared.web.problems import not_found

router = APIRouter(tags=["intake"])

CodeQuery = Annotated[str, Query(max_length=80, pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")]


async def _wanted(
    year: Annotated[int, Query(ge=2000, le=2100)],
    block: CodeQuery = "",
    kind: CodeQuery = "",
    manner: Manner | Literal[""] = "",
    duty: ObligationKind | Literal[""] = "",
    state: Annotated[
        CellState | Literal["waiting", "escalated", ""],
        Query(
            description="Of any duty of the row; waiting: open or overdue; escalated: still open"
            " after the unit's head was told."
        ),
    ] = "",
    q: Annotated[str, Query(max_length=80, description="Part of a name, marks aside.")] = "",
    sort: Sort = "name",
) -> Wanted:
    return Wanted(year, (), block, kind, manner, duty, state, q, sort)


Asked = Annotated[Wanted, Depends(_wanted)]


@router.get("/duties")
async def list_duties(
    asked: Asked, request: Request, person: SignedIn, paging: Paging
) -> Page[YearRow]:
    """All duties of a year of everybody whom one may see, a participant a row."""
    works: Works = request.app.state.parts.works
    now = works.business.now()
    after = paging.after(tuple[int, str, str])
    limit = paging.limit + 1
    async with works.read() as connection:
        cells = await store.rows(
            connection, person, asked, now, ward_day(now), after=after, limit=limit
        )
    rows = [list(found) for _, found in groupby(cells, key=lambda cell: cell.participant)]
    return paging.page(rows, _row, lambda row: store.place_of(row[0]))


def _row(cells: Sequence[Any]) -> YearRow:
    first = cells[0]
    return YearRow(
        participant=first.participant,
        name=first.name,
        block=first.block,
        kind=first.kind_of,
        manner=first.manner,
        proposed_by=first.proposed_by,
        duties=[_cell(cell) for cell in cells],
    )


def _cell(cell: Any) -> DutyCell:
    fields = cell._asdict()
    told = {"manner": fields["asked_manner"], "reminded_today": fields["today"]}
    return DutyCell.model_validate({**fields, **told})


@router.post("/duties/{obligation}/reminders", status_code=HTTPStatus.CREATED)
async def remind(
    obligation: UUID, request: Request, person: SignedIn, once: Once
) -> RemindedByHand:
    """Remind somebody of a duty now, beside what is planned; a duty a few times a day at most."""
    most = request.app.state.parts.settings.hand_reminders_a_day
    async with once.begin() as work:
        sent = await commands.remind(work, obligation, person, most)
        duty = sent.duty
        answer = RemindedByHand(
            obligation=duty.id,
            participant=duty.participant,
            period=duty.period,
            day=ward_day(work.business.now()),
            number=duty.today + 1,
            days_left=sent.days_left,
        )
        return once.says(answer)


@router.get("/participants/{participant}/timeline")
async def show_timeline(
    participant: Annotated[Code, InPath()], request: Request, person: SignedIn
) -> list[Happening]:
    """What a participant owed and did, when, who checked it, under which rule; the oldest first."""
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        found = await story.of_participant(
            connection, person, participant, with_roles=person.has(*DIRECTORY_READERS)
        )
    if found is None:
        raise not_found("đơn vị này, hoặc đơn vị này không thuộc về bạn")
    return [Happening.model_validate(act) for act in found.acts]
