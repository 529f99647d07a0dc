"""The directory's forms: each act on a page of its own; what cannot be undone is asked twice."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from services.intake.commands import people as commands
from services.intake.domain.directory import PERSONAL, scopes_of
from services.intake.forms.people import (
    AccessEndForm,
    AdmissionForm,
    ContactForm,
    CorrectionAnswerForm,
    CorrectionForm,
    DelegationForm,
    EndForm,
    ErasureForm,
    GrantForm,
)
from services.intake.pages.people import (
    ADMISSION,
    Number,
    Who,
    detail_of,
    lent_words,
    pages,
    people_page,
    role_words,
)
from services.intake.pages.posted import Wrong, carried_out, is_confirmed, read, typed, works_of
from services.intake.pages.role_words import ROLE_WORDS
from services.intake.store import people as store
from shared.messaging import UnitOfWork
from shared.refusal import Refusal
from shared.roles import ROLES
from shared.web.identity import Person, SignedIn
from shared.web.page_route import PageRoute
from shared.web.problems import not_found

faces = APIRouter(include_in_schema=False, route_class=PageRoute)

F = TypeVar("F", bound=BaseModel)
Given = Mapping[str, str]
DAYS = ("since", "until")
GRANT = {
    "role": "Vai trò",
    "unit": "Đơn vị",
    "session": "Phiên họp",
    "since": "Từ ngày",
    "until": "Đến hết ngày",
    "document": "Số quyết định",
}
LEND = {
    "principal": "Người ủy quyền",
    "delegate": "Người được ủy quyền",
    "roles": "Vai trò",
    "since": "Từ ngày",
    "until": "Đến hết ngày",
    "document": "Số văn bản ủy quyền",
}
END = {"reason": "Lý do"}
ERASURE = {"document": "Số văn bản yêu cầu"}
CORRECTION = {"text": "Chỗ chưa đúng"}
ANSWER = {"outcome": "Kết quả", "reason": "Lý do"}


def _read(model: type[F], given: Mapping[str, Any], wrong: Wrong) -> F | None:
    return read(model, given, wrong, DAYS)


def _on(path: str, done: str) -> RedirectResponse:
    return RedirectResponse(f"/intake{path}?done={done}", HTTPStatus.SEE_OTHER)


def _page(request: Request, template: str, wrong: Wrong, **values: Any) -> Response:
    status = int(wrong.status) if wrong else 200
    return pages.render(request, template, {"wrong": wrong, **values}, status)


@faces.post("/people")
async def admit(request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(ADMISSION)
    form = _read(AdmissionForm, given, wrong)
    if form is not None:
        keys = [commands.key_of(by.ward, form.person)]
        if await carried_out(request, wrong, keys, lambda work: commands.admit(work, form, by)):
            return _on(f"/people/{form.person}", "admitted")
    return await people_page(request, by, given, wrong)


@faces.get("/people/{person}/contact")
async def show_contact(person: Who, request: Request, by: SignedIn) -> Response:
    detail = await detail_of(request, by, person)
    shown = {"name": detail.name, "email": detail.email, "unit": detail.unit}
    given = {**shown, "seen": str(detail.version)}
    return await _contact_page(request, person, by, given, Wrong(ADMISSION))


@faces.post("/people/{person}/contact")
async def change_contact(person: Who, request: Request, by: SignedIn) -> Response:
    """Nobody writes over what somebody else has changed meanwhile."""
    given, wrong = await typed(request), Wrong(ADMISSION)
    form = _read(ContactForm, given, wrong)

    async def change(work: UnitOfWork) -> None:
        known = await commands.existing(work, by.ward, person)
        if given.get("seen") != str(known.version):
            raise Refusal("changed-meanwhile", "Có người đã sửa trước; hãy mở lại rồi sửa.")
        if form is not None:
            await commands.change_contact(work, person, form, by)

    keys = [commands.key_of(by.ward, person)]
    if form is not None and await carried_out(request, wrong, keys, change):
        return _on(f"/people/{person}", "changed")
    return await _contact_page(request, person, by, given, wrong)


async def _contact_page(
    request: Request, person: str, by: Person, given: Given, wrong: Wrong
) -> Response:
    async with works_of(request).read() as connection:
        units = await store.units_of(connection, by.ward)
    values = {"person": person, "given": given, "units": sorted(units.items())}
    return _page(request, "person-contact.html", wrong, form=values)


@faces.get("/people/{person}/roles")
async def show_grant(person: Who, request: Request, by: SignedIn) -> Response:
    return await _grant_page(request, person, by, {}, Wrong(GRANT))


@faces.post("/people/{person}/roles")
async def grant_role(person: Who, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(GRANT)
    form = _read(GrantForm, given, wrong)
    keys = [commands.key_of(by.ward, person)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.grant(work, person, form, by)
    ):
        return _on(f"/people/{person}", "role")
    return await _grant_page(request, person, by, given, wrong)


async def _grant_page(
    request: Request, person: str, by: Person, given: Given, wrong: Wrong
) -> Response:
    detail = await detail_of(request, by, person)
    async with works_of(request).read() as connection:
        units = await store.units_of(connection, by.ward)
    of_units = [ROLE_WORDS[role] for role in ROLES if scopes_of(role) == ("unit",)]
    values = {
        "detail": detail,
        "given": given,
        "units": sorted(units.items()),
        "roles": [(role, ROLE_WORDS[role]) for role in ROLES],
        "of_units": "; ".join(of_units),
    }
    return _page(request, "person-role.html", wrong, **values)


@faces.get("/people/{person}/roles/{number}/end")
async def ask_end_role(person: Who, number: Number, request: Request, by: SignedIn) -> Response:
    return await _end_role_page(request, person, number, by, {}, Wrong(END))


@faces.post("/people/{person}/roles/{number}/end")
async def end_role(person: Who, number: Number, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(END)
    form = _confirmed(EndForm, given, wrong)
    keys = [commands.key_of(by.ward, person)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.end_role(work, person, number, form.reason, by)
    ):
        return _on(f"/people/{person}", "ended")
    return await _end_role_page(request, person, number, by, given, wrong)


def _confirmed(model: type[F], given: Given, wrong: Wrong) -> F | None:
    return _read(model, given, wrong) if is_confirmed(given, wrong) else None


async def _end_role_page(
    request: Request, person: str, number: int, by: Person, given: Given, wrong: Wrong
) -> Response:
    detail = await detail_of(request, by, person)
    found = next((role for role in detail.roles if role.id == number), None)
    if found is None:
        raise not_found(f"vai trò số {number} của người này")
    about = {
        "title": "Thôi vai trò?",
        "what": f"{detail.name or person}: {role_words(found)}",
        "then": "Quyền theo vai trò này hết hiệu lực trong vài giây, ở mọi nơi.",
        "action": f"/intake/people/{person}/roles/{number}/end",
        "button": "Thôi vai trò",
        "back": f"/intake/people/{person}",
        "labels": END,
    }
    return _page(request, "person-confirm.html", wrong, about=about, given=given)


@faces.get("/people/{person}/access/end")
async def ask_end_access(person: Who, request: Request, by: SignedIn) -> Response:
    return await _access_page(request, person, by, {}, Wrong(END))


@faces.post("/people/{person}/access/end")
async def end_access(person: Who, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(END)
    form = _confirmed(AccessEndForm, given, wrong)
    keys = [commands.key_of(by.ward, person)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.end_access(work, person, form, by)
    ):
        return _on(f"/people/{person}", "out")
    return await _access_page(request, person, by, given, wrong)


async def _access_page(
    request: Request, person: str, by: Person, given: Given, wrong: Wrong
) -> Response:
    detail = await detail_of(request, by, person)
    about = {
        "title": "Đăng xuất ở mọi nơi?",
        "what": detail.name or person,
        "then": "Mọi phiên đăng nhập của người này dừng trong vài giây; còn vai trò thì vẫn đăng"
        " nhập lại được.",
        "action": f"/intake/people/{person}/access/end",
        "button": "Đăng xuất người này",
        "back": f"/intake/people/{person}",
        "labels": END,
        "tick": ("roles", "true", "Thôi luôn mọi vai trò và ủy quyền của người này"),
    }
    return _page(request, "person-confirm.html", wrong, about=about, given=given)


@faces.get("/people/{person}/erasure")
async def ask_erasure(person: Who, request: Request, by: SignedIn) -> Response:
    return await _erasure_page(request, person, by, {}, Wrong(ERASURE))


@faces.post("/people/{person}/erasure")
async def erase(person: Who, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(ERASURE)
    form = _confirmed(ErasureForm, given, wrong)
    keys = [commands.key_of(by.ward, person)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.erase(work, person, form.document, by)
    ):
        return _on(f"/people/{person}", "erased")
    return await _erasure_page(request, person, by, given, wrong)


async def _erasure_page(
    request: Request, person: str, by: Person, given: Given, wrong: Wrong
) -> Response:
    detail = await detail_of(request, by, person)
    async with works_of(request).read() as connection:
        codes = await store.reports_for(connection, by.ward, person)
    then = "Họ tên, địa chỉ thư và mọi bản sao bị xóa; vai trò và phiên đăng nhập dừng. Việc đã làm"
    left = f" Cần cử đầu mối khác cho: {', '.join(codes)}." if codes else ""
    about = {
        "title": "Xóa thông tin cá nhân?",
        "what": detail.name or person,
        "then": f"{then} vẫn còn trong hồ sơ dưới mã {person}.{left}",
        "action": f"/intake/people/{person}/erasure",
        "button": "Xóa thông tin",
        "back": f"/intake/people/{person}",
        "labels": ERASURE,
    }
    return _page(request, "person-confirm.html", wrong, about=about, given=given)


@faces.get("/delegations")
async def show_lend(request: Request, by: SignedIn) -> Response:
    given = {"principal": request.query_params.get("principal", by.id)}
    return _lend_page(request, given, (), Wrong(LEND))


@faces.post("/delegations")
async def lend(request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(LEND)
    roles = [str(role) for role in (await request.form()).getlist("roles")]
    form = _read(DelegationForm, {**given, "roles": roles}, wrong)
    if form is not None:
        keys = [commands.key_of(by.ward, one) for one in (form.principal, form.delegate)]
        if await carried_out(request, wrong, keys, lambda work: commands.delegate(work, form, by)):
            keeps = by.has("officer", "operator")
            return _on(f"/people/{form.principal}" if keeps else "/session", "lent")
    return _lend_page(request, given, roles, wrong)


def _lend_page(request: Request, given: Given, roles: Sequence[str], wrong: Wrong) -> Response:
    options = [(role, ROLE_WORDS[role]) for role in ROLES if role not in PERSONAL]
    return _page(request, "delegation.html", wrong, given=given, chosen=roles, options=options)


@faces.get("/delegations/{number}/end")
async def ask_end_lending(number: Number, request: Request, by: SignedIn) -> Response:
    return await _end_lending_page(request, number, by, {}, Wrong(END))


@faces.post("/delegations/{number}/end")
async def end_lending(number: Number, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(END)
    form = _confirmed(EndForm, given, wrong)
    if form is not None and await carried_out(
        request, wrong, [], lambda work: commands.end_delegation(work, number, form.reason, by)
    ):
        return _on("/people" if by.has("officer", "operator") else "/session", "lent-ended")
    return await _end_lending_page(request, number, by, given, wrong)


async def _end_lending_page(
    request: Request, number: int, by: Person, given: Given, wrong: Wrong
) -> Response:
    async with works_of(request).read() as connection:
        row = await store.delegation_row(connection, by.ward, number)
    if row is None or not (by.id == row.principal or by.has("officer", "operator")):
        raise not_found(f"ủy quyền số {number}")
    about = {
        "title": "Thôi ủy quyền?",
        "what": f"{row.principal} ủy quyền cho {row.delegate}: {lent_words(row.roles)}",
        "then": "Người được ủy quyền không làm thay được nữa, trong vài giây.",
        "action": f"/intake/delegations/{number}/end",
        "button": "Thôi ủy quyền",
        "back": "/intake/session",
        "labels": END,
    }
    return _page(request, "person-confirm.html", wrong, about=about, given=given)


@faces.get("/me/correction")
async def show_correction(request: Request, by: SignedIn) -> Response:
    return _page(request, "correction.html", Wrong(CORRECTION), given={})


@faces.post("/me/corrections")
async def ask_correction(request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(CORRECTION)
    form = _read(CorrectionForm, given, wrong)
    keys = [commands.key_of(by.ward, by.id)]
    if form is not None and await carried_out(
        request, wrong, keys, lambda work: commands.ask_correction(work, form.text, by)
    ):
        return _on("/me", "asked")
    return _page(request, "correction.html", wrong, given=given)


@faces.get("/corrections/{number}/answer")
async def show_answer(number: Number, request: Request, by: SignedIn) -> Response:
    return await _answer_page(request, number, by, {}, Wrong(ANSWER))


@faces.post("/corrections/{number}/answer")
async def answer(number: Number, request: Request, by: SignedIn) -> Response:
    given, wrong = await typed(request), Wrong(ANSWER)
    form = _read(CorrectionAnswerForm, given, wrong)
    if form is not None and await carried_out(
        request, wrong, [], lambda work: commands.answer_correction(work, number, form, by)
    ):
        return _on("/corrections", "answered")
    return await _answer_page(request, number, by, given, wrong)


async def _answer_page(
    request: Request, number: int, by: Person, given: Given, wrong: Wrong
) -> Response:
    async with works_of(request).read() as connection:
        rows: Any = await store.corrections(connection, by.ward, waiting=True)
    row = next((one for one in rows if one.id == number), None)
    if row is None:
        raise not_found(f"yêu cầu số {number} đang chờ trả lời")
    return _page(request, "correction-answer.html", wrong, row=row, given=given)
