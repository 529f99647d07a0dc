"""HTTP for the assessors and the council. Points go out as decimal strings."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scoring import commands
from services.scoring.commands import Answer
from services.scoring.domain.assessment import Assessment, State
from services.scoring.domain.claim import criteria_of
from services.scoring.domain.marks import Kind, Slot, Stage, points_in
from services.scoring.domain.score import Line
from services.scoring.domain.sheet import Adoption, CriterionPoints
from services.scoring.domain.standing import Standing, Viewer, by_block, standing
from services.scoring.forms import AdoptionForm, MarksForm, SheetForm
from services.scoring.store import facts, periods, showing
from services.scoring.store.periods import PeriodFile
from shared.service import Parts
from shared.settings import Settings
from shared.web.identity import Person, one_of, signed_in
from shared.web.problems import forbidden, not_found

router = APIRouter()

Officer = Annotated[Person, Depends(one_of("officer"))]
Secretary = Annotated[Person, Depends(one_of("council-secretary"))]
Marker = Annotated[Person, Depends(one_of("assessor", "council", "council-secretary"))]
Onlooker = Annotated[
    Person,
    Depends(one_of("assessor", "officer", "substitute-officer", "council", "council-secretary")),
]
SignedIn = Annotated[Person, Depends(signed_in)]


def parts_of(request: Request) -> Parts[Settings]:
    parts: Parts[Settings] = request.app.state.parts
    return parts


async def _keys_of_all(parts: Parts[Settings], ward: str, period: str) -> list[str]:
    """The keys of a period and of all who may be told something when it opens or closes."""
    async with parts.works.read() as connection:
        everyone = await facts.everyone(connection, ward)
    return [f"{ward}/{code}" for code in (period, *everyone)]


@router.post("/sheets")
async def propose(form: SheetForm, request: Request, person: Officer) -> Answer:
    """Store a proposed version of a period's sheet; it waits for the council."""
    works = parts_of(request).works
    async with works.begin(f"{person.ward}/{form.period}") as work:
        return await commands.propose_sheet(work, form, person)


@router.post("/sheets/{period}/adoption")
async def adopt(period: str, form: AdoptionForm, request: Request, person: Secretary) -> Answer:
    """Enter the council's document; scoring is open from then on."""
    parts = parts_of(request)
    keys = await _keys_of_all(parts, person.ward, period)
    async with parts.works.begin(*keys) as work:
        return await commands.adopt_sheet(work, period, form, person)


@router.post("/marks")
async def mark(form: MarksForm, request: Request, person: Marker) -> Answer:
    """Give or correct marks of one participant."""
    works = parts_of(request).works
    async with works.begin(f"{person.ward}/{form.participant}") as work:
        return await commands.give_marks(work, form, person)


@router.post("/periods/{period}/freeze")
async def freeze(period: str, request: Request, person: Secretary) -> Answer:
    """Freeze the results of a period and tell every unit its own."""
    parts = parts_of(request)
    keys = await _keys_of_all(parts, person.ward, period)
    async with parts.works.begin(*keys) as work:
        return await commands.freeze_results(work, period, person)


async def _file(connection: AsyncConnection, ward: str, period: str | None) -> PeriodFile:
    code = period or await periods.period_to_show(connection, ward)
    file = await periods.load(connection, ward, code) if code else None
    if file is None:
        raise not_found(f"kỳ thi đua {code}" if code else "kỳ thi đua nào")
    return file


@router.get("/results")
async def results(request: Request, person: SignedIn, period: str | None = None) -> Answer:
    """Standings by khối: all of them, or one's own unit's and of those that it proposed."""
    viewer = Viewer(person.unit, person.sees_all)
    async with parts_of(request).works.read() as connection:
        file = await _file(connection, person.ward, period)
    standings = [
        standing(one, file.results.get(code), sees_all=viewer.sees_all)
        for code, one in file.assessments.items()
        if viewer.may_see(one.participant)
    ]
    return {
        **_about(file),
        "blocks": [
            {
                "group": block.group,
                "block": block.block,
                "title": block.title,
                "results": [_standing(one) for one in block.standings],
            }
            for block in by_block(standings, file.blocks)
        ],
    }


@router.get("/results/{period}/{participant}")
async def derivation(period: str, participant: str, request: Request, person: SignedIn) -> Answer:
    """One total, line by line, to the unit itself or to whoever sees all."""
    viewer = Viewer(person.unit, person.sees_all)
    async with parts_of(request).works.read() as connection:
        file = await periods.load(connection, person.ward, period, of={participant})
        one = file.assessments.get(participant) if file else None
        if not viewer.sees_all and (one is None or not viewer.may_see(one.participant)):
            raise forbidden("Bạn chỉ được xem kết quả của đơn vị mình.")
        if file is None or one is None:
            raise not_found(f"kết quả của {participant} trong kỳ {period}")
        lines = await showing.shown_lines(connection, file, {participant}, sees_all=viewer.sees_all)
    shown = standing(one, file.results.get(participant), sees_all=viewer.sees_all)
    return {
        **_about(file),
        **_standing(shown),
        "group": one.participant.group,
        "block": one.participant.block,
        "block_title": file.blocks.get(one.participant.block, one.participant.block),
        "lines": [_line(line) for line in lines.get(participant, ())],
    }


@router.get("/assessments")
async def assessments(
    request: Request,
    person: Onlooker,
    period: str | None = None,
    stage: Literal["verified", "council"] = "verified",
) -> Answer:
    """Accepted reports that await the assessors' marks, or verified ones before the council."""
    awaited = State.ACCEPTED if stage == "verified" else State.VERIFIED
    async with parts_of(request).works.read() as connection:
        file = await _file(connection, person.ward, period)
    waiting = [one for one in file.assessments.values() if one.state is awaited]
    shown = waiting if file.adoption else []
    return {**_about(file), "assessments": [_assessment(one, file, person) for one in shown]}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _about(file: PeriodFile) -> Answer:
    frozen = file.frozen_at
    return {
        "period": file.code,
        "title": file.title,
        "sheet": _sheet(file.adoption),
        "frozen_at": None if frozen is None else frozen.isoformat(),
    }


def _sheet(adoption: Adoption | None) -> Answer | None:
    if adoption is None:
        return None
    return {
        "version": adoption.sheet.version,
        "document_number": adoption.document_number,
        "adopted_on": adoption.adopted_on.isoformat(),
    }


def _standing(one: Standing) -> Answer:
    return {
        "participant": one.participant.code,
        "name": one.participant.name,
        "state": one.state,
        "basis": one.basis,
        "total": _text(one.total),
        "grade": one.grade or None,
        "rank": one.rank,
        "ranked": one.ranked,
        "late": one.late,
    }


def _line(line: Line) -> Answer:
    return {
        "kind": line.kind,
        "criterion": line.criterion or None,
        "text": line.text,
        "max": _text(line.max_points),
        "self": _text(line.self_score),
        "verified": _text(line.verified),
        "council": _text(line.council),
        "counted": _text(line.counted),
        "note": line.note,
    }


def _assessment(one: Assessment, file: PeriodFile, person: Person) -> Answer:
    who, accepted = one.participant, one.acceptance
    return {
        "participant": who.code,
        "name": who.name,
        "group": who.group,
        "block": who.block,
        "report_id": str(one.claim.report_id) if one.claim else None,
        "revision": accepted.revision if accepted else None,
        "accepted_at": accepted.accepted_at.isoformat() if accepted else None,
        "late": one.late,
        "state": one.state,
        "may_mark": not who.is_of(person.unit),
        "items": list(_items(one, file)),
    }


def _items(one: Assessment, file: PeriodFile) -> Iterable[Answer]:
    if one.group is None or one.claim is None:
        return
    for criterion in criteria_of(one.group, one.claim):
        item = one.claim.item(criterion.code)
        yield {
            "criterion": criterion.code,
            "text": file.texts.get(criterion.code, ""),
            "max_points": _text(criterion.max_points),
            "parts": _parts(criterion),
            "not_applicable": not one.claim.applies(criterion.code),
            "self_score": _text(item.self_score) if item else None,
            "narrative": item.narrative if item else "",
            "verified": _text(_marked(one, Stage.VERIFIED, criterion.code)),
            "council": _text(_marked(one, Stage.COUNCIL, criterion.code)),
        }


def _marked(one: Assessment, stage: Stage, criterion: str) -> Decimal | None:
    return points_in(one.marks, Slot(stage, Kind.CRITERION, criterion))


def _parts(criterion: CriterionPoints) -> list[dict[str, Any]]:
    return [
        {"code": part.code, "title": part.title, "max_points": _text(part.max_points)}
        for part in criterion.parts
    ]
