"""Văn thư enters number and date of the Chairman's decision."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.awards import views
from services.awards.commands import decisions
from services.awards.commands.keys import dossier_keys, numbers_key, session_key
from services.awards.domain.decision import SIGNED_BY_CHAIRMAN
from services.awards.forms import DecisionForm
from services.awards.pages.board import pages, parts_of
from shared.calendar import WARD_ZONE
from shared.contracts.base import Code
from shared.fields import FieldProblem, field_problems
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.problems import Problem

router = APIRouter(tags=["pages"], include_in_schema=False)

SIGNERS: Mapping[str, tuple[str, ...]] = {
    "chairman": SIGNED_BY_CHAIRMAN,
    "for-the-chairman": ("KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH"),
}
"""Who signs, line by line, by the form's word for it."""
_DAY_WORDS = "Ghi ngày theo dạng ngày/tháng/năm, ví dụ 30/12/2025."
_FIELDS = {"number": "number", "decided_on": "decided_on", "signer_lines": "signer"}


@router.get("/sessions/{session}/decision", response_class=HTMLResponse)
async def ask(session: Code, request: Request, person: SignedIn) -> Response:
    """The form, or the decision that was entered."""
    return await _page(request, session, person, {}, ())


@router.post("/sessions/{session}/decision", response_class=HTMLResponse)
async def enter(session: Code, request: Request, person: SignedIn) -> Response:
    """Enter it as by HTTP; what is wrong is said beside its field."""
    typed = {name: str(value) for name, value in (await request.form()).items()}
    try:
        form = DecisionForm(
            session=session,
            number=typed.get("number", ""),
            decided_on=_day(typed.get("decided_on", "")),
            signer_lines=SIGNERS.get(typed.get("signer", ""), ()),
        )
        await _enter(request, form, person)
    except ValidationError as error:
        problems = [_in_words(problem) for problem in field_problems(error.errors())]
    except Refusal as refusal:
        problems = [FieldProblem(refusal.pointer, refusal.detail)]
    except Problem as problem:
        if problem.status != 409:
            raise
        problems = [FieldProblem("", problem.detail)]
    else:
        return RedirectResponse(f"/awards/sessions/{session}/decision", 303)
    return await _page(request, session, person, typed, [_beside(one) for one in problems], 422)


def _day(text: str) -> str:
    """30/12/2025 as the form takes it; what is no such day is left as it was typed."""
    try:
        moment = datetime.strptime(text.strip(), "%d/%m/%Y").replace(tzinfo=WARD_ZONE)
    except ValueError:
        return text
    return moment.date().isoformat()


def _in_words(problem: FieldProblem) -> FieldProblem:
    is_day = problem.pointer == "/decided_on"
    return FieldProblem(problem.pointer, _DAY_WORDS) if is_day else problem


def _beside(problem: FieldProblem) -> tuple[str, str]:
    """(name of the field, what is wrong), "" where it is about the whole form."""
    name = _FIELDS.get(problem.pointer.split("/")[-1], "")
    return name, "Hãy chọn người ký." if name == "signer" else problem.detail


async def _enter(request: Request, form: DecisionForm, person: Person) -> None:
    works, ward = parts_of(request).works, person.ward
    async with works.read() as connection:
        agenda = (await views.session(connection, person, form.session)).dossiers
    keys = [session_key(ward, form.session), *dossier_keys(ward, agenda)]
    async with works.begin(*keys, numbers_key(ward, form.decided_on)) as work:
        await decisions.enter_decision(work, form, person)


async def _page(
    request: Request,
    session: str,
    person: Person,
    typed: Mapping[str, str],
    problems: Sequence[tuple[str, str]],
    status: int = 200,
) -> Response:
    async with parts_of(request).works.read() as connection:
        sitting = await views.session(connection, person, session)
    values: dict[str, Any] = {
        "sitting": sitting,
        "typed": typed,
        "problems": problems,
        "wrong": {name: words for name, words in reversed(problems) if name},
        "signers": [(key, ", ".join(lines)) for key, lines in SIGNERS.items()],
    }
    return pages.render(request, "decision.html", values, status)
