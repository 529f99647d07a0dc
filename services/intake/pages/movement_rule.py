"""One rule of a draft, as a form: by when, in which words, when it is reminded of."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from services.intake.commands import movement as commands
from services.intake.commands.movement_views import detail_of
from services.intake.domain.form import forms_of
from services.intake.forms.movement import VersionForm
from services.intake.pages.movement import (
    Movement,
    Number,
    form_of,
    href,
    pages,
    tag_seen,
)
from services.intake.pages.movement_words import FIELD_WORDS
from services.intake.pages.posted import Wrong, read_day, typed, works_of
from shared.contracts.base import Code
from shared.messaging import UnitOfWork
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.problems import Problem, not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)

RuleCode = Annotated[Code, Path()]
RULE = {
    "title": FIELD_WORDS["title"],
    "due": FIELD_WORDS["due"],
    "due_text": FIELD_WORDS["due_text"],
    "offsets": FIELD_WORDS["offsets"],
    "newcomer_days": FIELD_WORDS["newcomer_days"],
    "form": FIELD_WORDS["form"],
}
DUE_WORDS = "Ghi ngày/tháng, ví dụ 10/12, hoặc ngày/tháng/năm; để trống khi chưa ấn định."
NUMBERS_WORDS = "Ghi các số ngày cách nhau bằng dấu phẩy, ví dụ 30, 14, 7."


@faces.get("/movements/{movement}/versions/{version}/rules/{rule}", response_class=HTMLResponse)
async def show_rule(
    movement: Movement, version: Number, rule: RuleCode, request: Request, person: SignedIn
) -> Response:
    async with works_of(request).read() as connection:
        row = await commands.existing(connection, person.ward, movement, version)
    commands.check_draft(row)
    known = _rule(row.data, rule)
    given = {
        "title": known["title"],
        "due": _typed_due(known["due"]),
        "before": "yes" if known["due"].get("before") else "",
        "due_text": known["due_text"],
        "offsets": ", ".join(map(str, known["offsets"])),
        "newcomer_days": str(known["newcomer_days"] or ""),
        "form": known.get("form", ""),
        "seen": tag_seen(detail_of(row)),
    }
    return _page(request, movement, version, known, given, Wrong(RULE))


@faces.post("/movements/{movement}/versions/{version}/rules/{rule}")
async def edit_rule(
    movement: Movement, version: Number, rule: RuleCode, request: Request, person: SignedIn
) -> Response:
    """Nobody writes over what somebody else has changed meanwhile."""
    given, wrong = await typed(request), Wrong(RULE)
    async with works_of(request).read() as connection:
        row = await commands.existing(connection, person.ward, movement, version)
    commands.check_draft(row)
    known = _rule(row.data, rule)
    form = _read(row.data, rule, given, wrong)
    if form is not None and await _save(request, person, movement, version, form, given, wrong):
        return RedirectResponse(f"{href(movement, version)}?done=saved", HTTPStatus.SEE_OTHER)
    return _page(request, movement, version, known, given, wrong)


async def _save(
    request: Request,
    person: Person,
    movement: str,
    version: int,
    form: VersionForm,
    given: Mapping[str, str],
    wrong: Wrong,
) -> bool:
    async def act(work: UnitOfWork) -> None:
        known = await commands.existing(work.connection, person.ward, movement, version)
        if given.get("seen") != tag_seen(detail_of(known)):
            raise Refusal("changed-meanwhile", "Có người đã sửa trước; hãy mở lại rồi sửa.")
        await commands.edit(work, known, form, person)

    try:
        async with works_of(request).begin(*commands.keys_of(person.ward, movement)) as work:
            await act(work)
    except Refusal as error:
        wrong.add(error.pointer.rpartition("/")[2], error.detail)
        return False
    except Problem as error:
        wrong.add_refused(error)
        return False
    return True


def _rule(data: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Raises Problem (404)."""
    found = next((rule for rule in data.get("rules", ()) if rule["code"] == code), None)
    if found is None:
        raise not_found(f"quy định mang mã {code}")
    return dict(found)


def _typed_due(due: Mapping[str, Any]) -> str:
    if due.get("on"):
        year, month, day = due["on"].split("-")
        return f"{day}/{month}/{year}"
    return f"{due['day']:02}/{due['month']:02}" if due.get("month") else ""


def _read(
    data: Mapping[str, Any], code: str, given: Mapping[str, str], wrong: Wrong
) -> VersionForm | None:
    """The whole version with the rule as it was typed, or None, with what is wrong."""
    due = _due(given.get("due", ""), before=given.get("before") == "yes")
    offsets = _numbers(given.get("offsets", ""))
    days = _numbers(given.get("newcomer_days", ""))
    if due is None:
        wrong.add("due", DUE_WORDS)
    if offsets is None:
        wrong.add("offsets", NUMBERS_WORDS)
    if days is None or len(days) > 1:
        wrong.add("newcomer_days", "Ghi một số ngày, hoặc để trống.")
    if wrong or due is None:
        return None
    typed_in = {
        "title": given.get("title", ""),
        "due": due,
        "due_text": given.get("due_text", ""),
        "offsets": offsets,
        "newcomer_days": days[0] if days else None,
        "form": given.get("form", ""),
    }
    rules = [{**rule, **typed_in} if rule["code"] == code else rule for rule in data["rules"]]
    try:
        return form_of({**data, "rules": rules})
    except ValidationError as error:
        _tell(error, wrong)
        return None


def _tell(error: ValidationError, wrong: Wrong) -> None:
    """pydantic's, of the version; the form shows one rule of it."""
    for problem in error.errors():
        names = [part for part in problem["loc"] if isinstance(part, str) and part in RULE]
        name = names[0] if names else ""
        words = DUE_WORDS if name == "due" else "Chưa đúng hoặc còn trống."
        wrong.add(name, words)


def _due(text: str, *, before: bool) -> dict[str, Any] | None:
    """10/12 of every year, 30/11/2027, or nothing; None when it is none of these."""
    parts = text.replace(" ", "").split("/")
    if parts == [""]:
        return {"before": before}
    if len(parts) == len("dm") and all(part.isdecimal() for part in parts):
        return {"day": int(parts[0]), "month": int(parts[1]), "before": before}
    day = read_day(text)
    return None if day is None else {"on": day.isoformat(), "before": before}


def _forms(kind: str) -> list[tuple[str, str]]:
    """What a rule of a kind may name as its form, and in words."""
    found = forms_of(kind, "")
    any_of = [(form.code, f"{form.title}, bản nào cũng được") for form in found[:1]]
    return any_of + [(form.name, f"{form.title}, chỉ bản số {form.version}") for form in found]


def _numbers(text: str) -> list[int] | None:
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    return [int(part) for part in parts] if all(part.isdecimal() for part in parts) else None


def _page(
    request: Request,
    movement: str,
    version: int,
    known: Mapping[str, Any],
    given: Mapping[str, str],
    wrong: Wrong,
) -> Response:
    here = href(movement, version)
    values = {"rule": known, "given": given, "wrong": wrong, "here": here}
    values["forms"] = _forms(known["kind"])
    return pages.render(request, "movement-rule.html", values, int(wrong.status) if wrong else 200)
