"""HTTP routes of awards, under `/awards`."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.awards import views
from services.awards.commands import decisions, dossiers, sessions, voting
from services.awards.commands.keys import (
    achievement_key,
    dossier_key,
    dossier_keys,
    numbers_key,
    session_key,
)
from services.awards.domain.dossier import OFFICERS, is_own_unit
from services.awards.forms import (
    AttendanceForm,
    BallotForm,
    DecisionForm,
    DossierForm,
    PublicationForm,
    SessionForm,
)
from services.awards.settings import AwardsSettings
from services.awards.store import decisions as decision_store
from services.awards.store import sessions as session_store
from shared.contracts.base import Code
from shared.service import Parts
from shared.web.identity import SEES_ALL, Person, one_of, signed_in
from shared.web.problems import conflict, forbidden, not_found

router = APIRouter(tags=["awards"])
Answer = dict[str, Any]

Officer = Annotated[Person, Depends(one_of(*OFFICERS))]
Secretary = Annotated[Person, Depends(one_of("council-secretary"))]
Councillor = Annotated[Person, Depends(one_of("council"))]
Chairman = Annotated[Person, Depends(one_of("chairman"))]
Clerk = Annotated[Person, Depends(one_of("clerk"))]
Reader = Annotated[Person, Depends(one_of(*SEES_ALL, "clerk"))]


def _parts(request: Request) -> Parts[AwardsSettings]:
    parts: Parts[AwardsSettings] = request.app.state.parts
    return parts


async def _keys_of(parts: Parts[AwardsSettings], ward: str, session: str) -> Sequence[str]:
    """The locks of a session and of its dossiers, which never change once it is called."""
    async with parts.works.read() as connection:
        agenda = await session_store.agenda_of(connection, ward, session)
    return [session_key(ward, session), *dossier_keys(ward, agenda)]


@router.get("/shortlist")
async def shortlist(period: Code, request: Request, person: Reader) -> Answer:
    """Participants by khối with results, proposals and flags; the score only advises."""
    parts = _parts(request)
    async with parts.works.read() as connection:
        return await views.shortlist(connection, person.ward, period, parts.business.now())


@router.get("/dossiers")
async def list_dossiers(
    request: Request, person: Reader, period: Code | None = None
) -> list[Answer]:
    """Every dossier of the ward with its state, counts (never ballots) and decision."""
    async with _parts(request).works.read() as connection:
        return await views.dossiers(connection, person.ward, period)


@router.get("/awards")
async def list_awards(
    request: Request,
    person: Annotated[Person, Depends(signed_in)],
    period: Code | None = None,
) -> Answer:
    """The awards decided: name, unit, achievement, form, decision. Public knowledge."""
    async with _parts(request).works.read() as connection:
        return {"awards": await views.awards(connection, person.ward, period)}


@router.post("/dossiers")
async def open_dossier(form: DossierForm, request: Request, person: Officer) -> Answer:
    keys = (
        dossier_key(person.ward, form.dossier),
        achievement_key(person.ward, form.period, form.participant),
    )
    async with _parts(request).works.begin(*keys) as work:
        return await dossiers.open_dossier(work, form, person)


@router.post("/publications")
async def publish(form: PublicationForm, request: Request, person: Officer) -> Answer:
    parts = _parts(request)
    async with parts.works.begin(*dossier_keys(person.ward, form.dossiers)) as work:
        days = parts.settings.publication_days
        return await dossiers.publish_candidates(work, form, person, days)


@router.post("/sessions")
async def call_session(form: SessionForm, request: Request, person: Secretary) -> Answer:
    keys = [session_key(person.ward, form.session), *dossier_keys(person.ward, form.dossiers)]
    async with _parts(request).works.begin(*keys) as work:
        return await sessions.call_session(work, form, person)


@router.get("/sessions/{session}")
async def show_session(session: Code, request: Request, person: Reader) -> Answer:
    """Members, attendance and counts of a session; never who voted how."""
    async with _parts(request).works.read() as connection:
        return await views.session(connection, person.ward, session)


@router.post("/sessions/{session}/attendance")
async def take_attendance(
    session: Code, form: AttendanceForm, request: Request, person: Secretary
) -> Answer:
    async with _parts(request).works.begin(session_key(person.ward, session)) as work:
        return await sessions.take_attendance(work, session, form, person)


@router.post("/sessions/{session}/ballots")
async def cast_ballot(
    session: Code, form: BallotForm, request: Request, person: Councillor
) -> Answer:
    async with _parts(request).works.begin(session_key(person.ward, session)) as work:
        return await voting.cast_ballot(work, session, form, person)


@router.post("/sessions/{session}/closing")
async def close_session(session: Code, request: Request, person: Secretary) -> Answer:
    parts = _parts(request)
    async with parts.works.begin(*await _keys_of(parts, person.ward, session)) as work:
        return await voting.close_session(work, session, person)


@router.post("/sessions/{session}/approval")
async def approve_session(session: Code, request: Request, person: Chairman) -> Answer:
    parts = _parts(request)
    async with parts.works.begin(*await _keys_of(parts, person.ward, session)) as work:
        return await decisions.approve_session(work, session, person)


@router.post("/decisions")
async def enter_decision(form: DecisionForm, request: Request, person: Clerk) -> Answer:
    parts = _parts(request)
    keys = await _keys_of(parts, person.ward, form.session)
    numbers = numbers_key(person.ward, form.decided_on)
    async with parts.works.begin(*keys, numbers) as work:
        return await decisions.enter_decision(work, form, person)


@router.get("/documents/{dossier}", response_class=Response)
async def document(
    dossier: Code, request: Request, person: Annotated[Person, Depends(signed_in)]
) -> Response:
    """The certificate as printed: PDF. 409 when the file is not the one that was printed."""
    parts = _parts(request)
    async with parts.works.read() as connection:
        row = await decision_store.find_document(connection, person.ward, dossier)
    if row is None:
        raise not_found("giấy khen đã in cho hồ sơ này")
    own = is_own_unit(person.unit, row.participant, row.proposed_by)
    if not (person.sees_all or person.has("clerk") or (person.has("reporter") and own)):
        raise forbidden("Bạn chỉ xem được giấy khen của đơn vị mình.")
    path = parts.settings.documents / row.path
    if not path.is_file():
        raise not_found("tệp giấy khen; phần mềm sẽ in lại")
    content = await asyncio.to_thread(path.read_bytes)
    if sha256(content).hexdigest() != row.sha256:
        raise conflict("document-altered", "Tệp giấy khen khác với bản đã in.")
    name = f'inline; filename="{path.name}"'
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": name})
