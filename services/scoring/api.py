"""HTTP for the assessors and the council. Points go out as decimal strings."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring import commands
from services.scoring.answers import (
    AssessmentRow,
    Assessments,
    DerivationAnswer,
    Frozen,
    LineRow,
    Marked,
    Results,
    SheetAdopted,
    SheetInForce,
    SheetProposed,
    StandingRow,
)
from services.scoring.domain.assessment import State
from services.scoring.domain.standing import Standing, standing
from services.scoring.forms import AdoptionForm, MarksForm, SheetForm
from services.scoring.store import facts, periods, scopes, showing
from services.scoring.store.periods import PeriodFile
from services.scoring.store.scopes import Condition
from shared.contracts.base import Code
from shared.service import Parts
from shared.settings import Settings
from shared.web.etag import Tagged
from shared.web.identity import Person, SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging
from shared.web.problems import forbidden, not_found

router = APIRouter(tags=["scoring"])
PeriodAsked = Annotated[
    Code | None,
    Query(description="Left out: the latest frozen period, else the latest one opened."),
]


def parts_of(request: Request) -> Parts[Settings]:
    parts: Parts[Settings] = request.app.state.parts
    return parts


async def _keys_of_all(request: Request, ward: str, period: str) -> list[str]:
    async with parts_of(request).works.read() as connection:
        return await facts.keys_of_all(connection, ward, period)


@router.post("/sheets")
async def propose(form: SheetForm, person: SignedIn, once: Once) -> SheetProposed:
    """Store a proposed version of a period's sheet; it waits for the council."""
    async with once.begin(f"{person.ward}/{form.period}") as work:
        return once.says(await commands.propose_sheet(work, form, person))


@router.post("/sheets/{period}/adoption")
async def adopt(
    period: Code, form: AdoptionForm, request: Request, person: SignedIn, once: Once
) -> SheetAdopted:
    """Enter the council's document; scoring is open from then on."""
    keys = await _keys_of_all(request, person.ward, period)
    async with once.begin(*keys) as work:
        return once.says(await commands.adopt_sheet(work, period, form, person))


@router.post("/marks")
async def mark(form: MarksForm, person: SignedIn, once: Once) -> Marked:
    """Give or correct marks of one participant."""
    async with once.begin(f"{person.ward}/{form.participant}") as work:
        return once.says(await commands.give_marks(work, form, person))


@router.post("/periods/{period}/freeze")
async def freeze(period: Code, request: Request, person: SignedIn, once: Once) -> Frozen:
    """Freeze the results of a period and tell every unit its own."""
    keys = await _keys_of_all(request, person.ward, period)
    async with once.begin(*keys) as work:
        return once.says(await commands.freeze_results(work, period, person))


@router.get("/results")
async def results(
    request: Request, person: SignedIn, paging: Paging, period: PeriodAsked = None
) -> Results:
    """Standings by khối: all of them, or one's own units' and of those that these proposed."""
    after = paging.after(tuple[str, int, str, int, str])
    async with parts_of(request).works.read() as connection:
        file = await _file(connection, person, period, scopes.seen_by(person))
    rows = sorted(_standings(file, person), key=lambda one: _place(file, one))
    behind = [one for one in rows if after is None or _place(file, one) > after]
    page: Page[StandingRow] = paging.page(
        behind[: paging.limit + 1],
        lambda one: StandingRow.of(one, _title(file, one)),
        lambda one: _place(file, one),
    )
    return Results(**_about(file), items=tuple(page.items), next=page.next)


@router.get("/results/{period}/{participant}")
async def derivation(
    period: Code, participant: Code, request: Request, person: SignedIn, tagged: Tagged
) -> DerivationAnswer:
    """One total, line by line, to the unit itself or to whoever sees all.

    To others it is forbidden, whether there is such a participant or not.
    """
    sees_all = person.sees_all
    async with parts_of(request).works.read() as connection:
        seen = scopes.seen_by(person)
        file = await periods.load(connection, person.ward, period, of={participant}, seen=seen)
        one = file.assessments.get(participant) if file else None
        if not sees_all and one is None:
            raise forbidden("Bạn chỉ được xem kết quả của đơn vị mình.")
        if file is None or one is None:
            raise not_found("kết quả này trong kỳ")
        lines = await showing.shown_lines(connection, file, {participant}, sees_all=sees_all)
    shown = standing(one, file.results.get(participant), sees_all=sees_all)
    return tagged.says(
        DerivationAnswer(
            **_about(file),
            **StandingRow.of(shown, _title(file, shown)).model_dump(),
            lines=tuple(LineRow.of(line) for line in lines.get(participant, ())),
        )
    )


@router.get("/assessments")
async def assessments(
    request: Request,
    person: SignedIn,
    paging: Paging,
    period: PeriodAsked = None,
    stage: Literal["verified", "council"] = "verified",
) -> Assessments:
    """Accepted reports that await the assessors' marks, or verified ones before the council."""
    awaited = State.ACCEPTED if stage == "verified" else State.VERIFIED
    after = paging.after(tuple[str])
    async with parts_of(request).works.read() as connection:
        file = await _file(connection, person, period, scopes.assessed_by(person))
    found = sorted(file.assessments.items())
    waiting = [one for _, one in found if one.state is awaited and file.adoption]
    behind = [one for one in waiting if after is None or (one.participant.code,) > after]
    page: Page[AssessmentRow] = paging.page(
        behind[: paging.limit + 1],
        lambda one: AssessmentRow.of(one, file.texts.items(), person.stakes),
        lambda one: (one.participant.code,),
    )
    return Assessments(**_about(file), items=tuple(page.items), next=page.next)


async def _file(
    connection: AsyncConnection, person: Person, period: str | None, seen: Condition
) -> PeriodFile:
    code = period or await periods.period_to_show(connection, person.ward)
    file = await periods.load(connection, person.ward, code, seen=seen) if code else None
    if file is None:
        raise not_found(f"kỳ thi đua {code}" if code else "kỳ thi đua nào")
    return file


def _standings(file: PeriodFile, person: Person) -> list[Standing]:
    return [
        standing(one, file.results.get(code), sees_all=person.sees_all)
        for code, one in file.assessments.items()
    ]


def _place(file: PeriodFile, one: Standing) -> tuple[str, int, str, int, str]:
    """Groups, khối in the movement's order, ranks: none of it moves while somebody pages."""
    who, blocks = one.participant, list(file.blocks)
    at = blocks.index(who.block) if who.block in blocks else len(blocks)
    return who.group, at, who.block, one.rank or 0, who.code


def _title(file: PeriodFile, one: Standing) -> str:
    return file.blocks.get(one.participant.block, one.participant.block)


def _about(file: PeriodFile) -> dict[str, Any]:
    return {
        "period": file.code,
        "title": file.title,
        "sheet": SheetInForce.of(file.adoption),
        "frozen_at": file.frozen_at,
    }
