"""What awaits marks, and the form in which they are given."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.scoring import commands
from services.scoring.access import MARKERS
from services.scoring.answers import AssessmentRow
from services.scoring.domain.assessment import Assessment, Command, State, leads, may
from services.scoring.domain.marks import Kind, Mark, Slot, Stage
from services.scoring.forms import MarksForm
from services.scoring.pages.results import STATES, TONES, pages, parts_of
from services.scoring.pages.typed import names_of, typed_marks
from services.scoring.store import periods, scopes
from services.scoring.store.periods import PeriodFile
from shared.contracts.base import Code
from shared.fields import FieldProblem, field_problems
from shared.refusal import Refusal
from shared.web.export import export
from shared.web.identity import Person, SignedIn
from shared.web.listing import Column, Listing
from shared.web.page_route import PageRoute
from shared.web.problems import not_found

router = APIRouter(tags=["pages"], include_in_schema=False)
faces = APIRouter(tags=["pages"], include_in_schema=False, route_class=PageRoute)
"""What programs ask for at the same address."""

StageName = Literal["verified", "council"]
COLUMNS: tuple[Column[AssessmentRow], ...] = (
    Column("ten", "Đơn vị, cá nhân", lambda row: row.name),
    Column("khoi", "Khối", lambda row: row.block, chosen=True),
    Column("ban", "Bản báo cáo", lambda row: row.revision, numeric=True),
    Column("nhan", "Tiếp nhận lúc", lambda row: row.accepted_at),
    Column("muon", "Nộp", lambda row: "muộn" if row.late else "đúng hạn", chosen=True),
    Column("buoc", "Bước", lambda row: STATES[row.state], chosen=True),
)


@faces.get("/assessments")
async def list_assessments(
    request: Request, person: SignedIn, period: Code | None = None
) -> Response:
    """Accepted reports by what is to be done with them, the person's own step first."""
    async with parts_of(request).works.read() as connection:
        code = period or await periods.period_to_show(connection, person.ward)
        known = await periods.periods(connection, person.ward)
        seen = scopes.assessed_by(person)
        file = await periods.load(connection, person.ward, code, seen=seen) if code else None
    if file is None:
        return pages.render(request, "nothing.html", {"periods": known})
    rows = sorted(_rows(file, person), key=lambda row: not _is_due(row, person))
    listing = Listing(COLUMNS, rows, request.query_params)
    if file_asked := export(listing, f"cham-diem-{file.code}"):
        return file_asked
    values = {
        "file": file,
        "periods": known,
        "listing": listing,
        "states": STATES,
        "tones": TONES,
        "due": [row for row in rows if _is_due(row, person)],
        "marks": person.has(*MARKERS),
        "saved": request.query_params.get("saved") == "yes",
    }
    return pages.render(request, "assessments.html", values)


def _rows(file: PeriodFile, person: Person) -> list[AssessmentRow]:
    accepted = [one for one in file.assessments.values() if one.acceptance and file.adoption]
    found = [AssessmentRow.of(one, (), person.stakes) for one in accepted]
    return [
        row.model_copy(update={"block": file.blocks.get(row.block, row.block)}) for row in found
    ]


def _is_due(row: AssessmentRow, person: Person) -> bool:
    """Whether this person's step comes next: assessors first, the council after them."""
    if not row.may_mark:
        return False
    if row.state is State.ACCEPTED:
        return may(person.roles, Command.VERIFY)
    return row.state is State.VERIFIED and may(person.roles, Command.JUDGE)


@router.get("/assessments/{period}/{participant}", response_class=HTMLResponse)
async def show_assessment(
    period: Code, participant: Code, request: Request, person: SignedIn
) -> Response:
    """One report with its criteria; a form for whoever may mark it."""
    file, one = await _load(request, period, participant, person)
    return _page(request, file, one, person, _shown(one, _stage(one, person)), ())


@router.post("/assessments/{period}/{participant}", response_class=HTMLResponse)
async def mark(period: Code, participant: Code, request: Request, person: SignedIn) -> Response:
    """Give marks as by HTTP; what is wrong is said beside its field, and nothing typed is lost."""
    typed = {name: str(value) for name, value in (await request.form()).items()}
    body = typed_marks(period, participant, typed)
    try:
        form = MarksForm.model_validate(body)
        async with parts_of(request).works.begin(f"{person.ward}/{participant}") as work:
            await commands.give_marks(work, form, person)
    except ValidationError as error:
        problems = field_problems(error.errors())
    except Refusal as refusal:
        problems = [FieldProblem(refusal.pointer, refusal.detail)]
    else:
        return RedirectResponse(f"/scoring/assessments?period={period}&saved=yes", 303)
    file, one = await _load(request, period, participant, person)
    return _page(request, file, one, person, typed, names_of(problems, body), 422)


async def _load(
    request: Request, period: str, participant: str, person: Person
) -> tuple[PeriodFile, Assessment]:
    """Raises Problem (404): there is none, or it is not for this person to see."""
    async with parts_of(request).works.read() as connection:
        seen = scopes.assessed_by(person)
        file = await periods.load(connection, person.ward, period, of={participant}, seen=seen)
    one = file.assessments.get(participant) if file else None
    if file is None or one is None or one.acceptance is None:
        raise not_found("báo cáo đã tiếp nhận để chấm ở địa chỉ này")
    return file, one


def _stage(one: Assessment, person: Person) -> StageName | None:
    """The stage in which this person may mark it now; None: they may only read."""
    if one.participant.is_of(person.stakes) or one.sheet is None:
        return None
    steps: tuple[tuple[Command, StageName], ...] = (
        (Command.JUDGE, "council"),
        (Command.VERIFY, "verified"),
    )
    for command, stage in steps:
        if leads(one.state, command) and may(person.roles, command):
            return stage
    return None


def _shown(one: Assessment, stage: StageName | None) -> dict[str, str]:
    """What stands in the form: the marks of this stage, or the ones before it."""
    if stage is None:
        return {}
    shown: dict[str, str] = {}
    for slot in {slot.at(Stage(stage)) for slot in one.marks}:
        mark = one.marks.get(slot) or one.marks.get(slot.at(Stage.VERIFIED))
        if mark is not None:
            shown |= _in_form(slot, mark, given=slot in one.marks)
    return shown


def _in_form(slot: Slot, mark: Mark, *, given: bool) -> dict[str, str]:
    name = f"points-{slot.criterion}" if slot.kind is Kind.CRITERION else str(slot.kind)
    reason = f"reason-{slot.criterion}" if slot.kind is Kind.CRITERION else f"{slot.kind}_reason"
    return {name: f"{mark.points:f}".replace(".", ","), reason: mark.reason if given else ""}


def _page(
    request: Request,
    file: PeriodFile,
    one: Assessment,
    person: Person,
    typed: dict[str, str],
    problems: tuple[tuple[str, str], ...],
    status: int = 200,
) -> Response:
    row = AssessmentRow.of(one, file.texts.items(), person.stakes)
    values: dict[str, Any] = {
        "file": file,
        "row": row,
        "stage": _stage(one, person),
        "typed": typed,
        "problems": problems,
        "wrong": {name: words for name, words in reversed(problems) if name},
        "states": STATES,
        "sheet": one.sheet,
    }
    return pages.render(request, "assessment.html", values, status)
