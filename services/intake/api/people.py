"""The directory by HTTP: who is in it, what they hold, for whom they act."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands import people as commands
from services.intake.domain.directory import is_found
from services.intake.forms.desk import PersonId
from services.intake.forms.people import (
    AccessEndForm,
    AccessWasEnded,
    AdmissionForm,
    Admitted,
    ContactForm,
    CorrectionAnswered,
    CorrectionAnswerForm,
    CorrectionAsked,
    CorrectionForm,
    CorrectionRow,
    Delegated,
    DelegationForm,
    Ended,
    EndForm,
    Erased,
    ErasureForm,
    Granted,
    GrantForm,
    PersonDetail,
    PersonRow,
)
from services.intake.store import people as store
from shared.calendar import ward_day
from shared.contracts.base import Text
from shared.messaging import Works
from shared.roles import Role
from shared.web.catalogue import vietnamese_order
from shared.web.etag import Match, Tagged, tag_of
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging
from shared.web.problems import not_found

router = APIRouter(tags=["people"])

Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Search = Annotated[Text, Field(max_length=100)]


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/people")
async def list_people(
    request: Request,
    person: SignedIn,
    paging: Paging,
    q: Annotated[Search, Query(description="Tên, địa chỉ hoặc mã; không dấu cũng tìm được.")] = "",
    role: Annotated[Role | None, Query(description="Chỉ người đang giữ vai trò này.")] = None,
) -> Page[PersonRow]:
    """The ward's people in the order of the Vietnamese alphabet."""
    works = _works(request)
    today = ward_day(works.business.now())
    after = paging.after(tuple[str, str])
    async with works.read() as connection:
        everybody = await store.everybody(connection, person.ward, role=role or "", on=today)
        found = [row for row in everybody if is_found(q, row.name, row.email, row.person)]
        rest = sorted(
            (
                row
                for row in found
                if after is None or _place(row.name, row.person) > _place(*after)
            ),
            key=lambda row: _place(row.name, row.person),
        )
        rows = rest[: paging.limit + 1]
        held = await store.held_by(connection, person.ward, [row.person for row in rows])
    return paging.page(
        rows,
        lambda row: PersonRow.of(row, held.get(row.person, ()), today),
        lambda row: (row.name, row.person),
    )


def _place(name: str, person: str) -> tuple[Any, str]:
    return vietnamese_order(name), person


async def _detail(connection: AsyncConnection, ward: str, person: str, on: date) -> PersonDetail:
    row = await store.find(connection, ward, person)
    if row is None:
        raise not_found(f"người mang mã {person}")
    roles = await store.roles_of(connection, ward, [person])
    delegations = await store.delegations_with(connection, ward, person)
    return PersonDetail.of(row, roles, delegations, on)


@router.get("/people/{person}")
async def show_person(
    person: PersonId, request: Request, by: SignedIn, tagged: Tagged
) -> PersonDetail:
    """All that the directory holds of somebody."""
    works = _works(request)
    today = ward_day(works.business.now())
    async with works.read() as connection:
        return tagged.says(await _detail(connection, by.ward, person, today))


@router.post("/people", status_code=HTTPStatus.CREATED)
async def admit(form: AdmissionForm, person: SignedIn, once: Once) -> Admitted:
    """Enter somebody in the directory; the same again changes nothing."""
    async with once.begin(commands.key_of(person.ward, form.person)) as work:
        change = await commands.admit(work, form, person)
        return once.says(Admitted(person=form.person, version=change.id, new=change.new))


@router.put("/people/{person}")
async def change_contact(
    person: PersonId, form: ContactForm, request: Request, by: SignedIn, match: Match
) -> Admitted:
    """Put another name, address or unit in place of what was shown."""
    async with _works(request).begin(commands.key_of(by.ward, person)) as work:
        today = ward_day(work.business.now())
        match.check(tag_of(await _detail(work.connection, by.ward, person, today)))
        version = await commands.change_contact(work, person, form, by)
    return Admitted(person=person, version=version, new=False)


@router.post("/people/{person}/roles", status_code=HTTPStatus.CREATED)
async def grant_role(person: PersonId, form: GrantForm, by: SignedIn, once: Once) -> Granted:
    """Give a role; one that is held or to come already is answered as it is."""
    async with once.begin(commands.key_of(by.ward, person)) as work:
        change = await commands.grant(work, person, form, by)
        told = await commands.warnings(work, by.ward)
        return once.says(Granted(id=change.id, person=person, role=form.role, warnings=told))


@router.post("/people/{person}/roles/{number}/end")
async def end_role(
    person: PersonId, number: Number, form: EndForm, by: SignedIn, once: Once
) -> Ended:
    """End a role today; tokens that name it stop working within seconds."""
    async with once.begin(commands.key_of(by.ward, person)) as work:
        day = await commands.end_role(work, person, number, form.reason, by)
        return once.says(Ended(id=number, ended_on=day))


@router.post("/delegations", status_code=HTTPStatus.CREATED)
async def delegate(form: DelegationForm, person: SignedIn, once: Once) -> Delegated:
    """Let somebody act for somebody else, never in more than that person holds on the day."""
    keys = (commands.key_of(person.ward, one) for one in (form.principal, form.delegate))
    async with once.begin(*keys) as work:
        change = await commands.delegate(work, form, person)
        answer = Delegated(id=change.id, principal=form.principal, delegate=form.delegate)
        return once.says(answer)


@router.post("/delegations/{number}/end")
async def end_delegation(number: Number, form: EndForm, person: SignedIn, once: Once) -> Ended:
    """End acting for somebody else today."""
    async with once.begin() as work:
        day = await commands.end_delegation(work, number, form.reason, person)
        return once.says(Ended(id=number, ended_on=day))


@router.post("/people/{person}/access/end")
async def end_access(
    person: PersonId, form: AccessEndForm, by: SignedIn, once: Once
) -> AccessWasEnded:
    """Sign somebody out everywhere; with `roles` also end all that they hold."""
    async with once.begin(commands.key_of(by.ward, person)) as work:
        ended = await commands.end_access(work, person, form, by)
        return once.says(AccessWasEnded(person=person, roles_ended=ended))


@router.post("/people/{person}/erasure")
async def erase(person: PersonId, form: ErasureForm, by: SignedIn, once: Once) -> Erased:
    """Erase the name and address here and in every copy. It cannot be undone."""
    async with once.begin(commands.key_of(by.ward, person)) as work:
        day = await commands.erase(work, person, form.document, by)
        left = await commands.left_by(work, by.ward, person)
        return once.says(Erased(person=person, erased_on=day, warnings=left))


@router.post("/me/corrections", status_code=HTTPStatus.CREATED)
async def ask_correction(form: CorrectionForm, person: SignedIn, once: Once) -> CorrectionAsked:
    """Say what is wrong about oneself; an officer answers with a reason."""
    async with once.begin(commands.key_of(person.ward, person.id)) as work:
        number = await commands.ask_correction(work, form.text, person)
        return once.says(CorrectionAsked(id=number))


@router.get("/corrections")
async def list_corrections(request: Request, person: SignedIn) -> list[CorrectionRow]:
    """Requests for correction that nobody has answered yet, the oldest first."""
    async with _works(request).read() as connection:
        rows = await store.corrections(connection, person.ward, waiting=True)
    return [CorrectionRow.model_validate(row) for row in rows]


@router.post("/corrections/{number}/answer", status_code=HTTPStatus.CREATED)
async def answer_correction(
    number: Number, form: CorrectionAnswerForm, person: SignedIn, once: Once
) -> CorrectionAnswered:
    """Say what became of somebody's wish to have their data corrected."""
    async with once.begin() as work:
        await commands.answer_correction(work, number, form, person)
        return once.says(CorrectionAnswered(id=number, outcome=form.outcome))
