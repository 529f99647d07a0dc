"""HTTP routes of awards, under `/awards`."""

import asyncio
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.awards import views
from services.awards.access import READERS
from services.awards.answers import (
    Attendance,
    AwardRow,
    BallotTaken,
    DecisionEntered,
    DossierOpened,
    DossierRow,
    Published,
    SessionApproved,
    SessionCalled,
    SessionClosed,
    SessionDetail,
    Shortlist,
)
from services.awards.commands import decisions, dossiers, sessions, voting
from services.awards.commands.keys import (
    achievement_key,
    dossier_key,
    dossier_keys,
    numbers_key,
    session_key,
)
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
from services.awards.store import dossiers as dossier_store
from services.awards.store import sessions as session_store
from shared.contracts.base import Code
from shared.service import Parts
from shared.web.etag import Match, Tagged, tag_of
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging
from shared.web.problems import conflict, forbidden, not_found

router = APIRouter(tags=["awards"])
PeriodAsked = Annotated[Code | None, Query(description="Left out: of every period.")]


def _parts(request: Request) -> Parts[AwardsSettings]:
    parts: Parts[AwardsSettings] = request.app.state.parts
    return parts


async def _keys_of(request: Request, ward: str, session: str) -> Sequence[str]:
    """The locks of a session and of its dossiers, which never change once it is called."""
    async with _parts(request).works.read() as connection:
        agenda = await session_store.agenda_of(connection, ward, session)
    return [session_key(ward, session), *dossier_keys(ward, agenda)]


@router.get("/shortlist")
async def shortlist(period: Code, request: Request, person: SignedIn) -> Shortlist:
    """Participants by khối with results, proposals and flags; the score only advises."""
    parts = _parts(request)
    async with parts.works.read() as connection:
        return await views.shortlist(connection, person.ward, period, parts.business.now())


@router.get("/dossiers")
async def list_dossiers(
    request: Request, person: SignedIn, paging: Paging, period: PeriodAsked = None
) -> Page[DossierRow]:
    """Dossiers that the caller may see, with state, counts (never ballots) and decision."""
    after = paging.after(tuple[str, str])
    async with _parts(request).works.read() as connection:
        rows = await dossier_store.part_of(connection, person, period, after, paging.limit + 1)
    return paging.page(rows, DossierRow.of, lambda row: (row.period, row.dossier))


@router.get("/dossiers/{dossier}")
async def show_dossier(
    dossier: Code, request: Request, person: SignedIn, tagged: Tagged
) -> DossierRow:
    """One dossier; one that the caller may not see is answered like one that is not there."""
    async with _parts(request).works.read() as connection:
        row = await dossier_store.one_of(connection, person, dossier)
    if row is None:
        raise not_found("hồ sơ này")
    return tagged.says(DossierRow.of(row))


@router.get("/awards")
async def list_awards(
    request: Request, person: SignedIn, paging: Paging, period: PeriodAsked = None
) -> Page[AwardRow]:
    """The awards decided: name, unit, achievement, form, decision. Public knowledge."""
    after = paging.after(tuple[date, str, int])
    async with _parts(request).works.read() as connection:
        rows = await dossier_store.decided_part(
            connection, person.ward, period, after, paging.limit + 1
        )
    place = ("decided_on", "decided_in", "ordinal")
    return paging.page(rows, AwardRow.of, lambda row: tuple(getattr(row, n) for n in place))


@router.post("/dossiers")
async def open_dossier(form: DossierForm, person: SignedIn, once: Once) -> DossierOpened:
    """Open a dossier with its reason, by the law in force on the day."""
    keys = (
        dossier_key(person.ward, form.dossier),
        achievement_key(person.ward, form.period, form.participant),
    )
    async with once.begin(*keys) as work:
        return once.says(await dossiers.open_dossier(work, form, person))


@router.post("/publications")
async def publish(
    form: PublicationForm, request: Request, person: SignedIn, once: Once
) -> Published:
    """Show candidates to the public for opinion."""
    days = _parts(request).settings.publication_days
    async with once.begin(*dossier_keys(person.ward, form.dossiers)) as work:
        return once.says(await dossiers.publish_candidates(work, form, person, days))


@router.post("/sessions")
async def call_session(form: SessionForm, person: SignedIn, once: Once) -> SessionCalled:
    """Call a session of the council for published dossiers."""
    keys = [session_key(person.ward, form.session), *dossier_keys(person.ward, form.dossiers)]
    async with once.begin(*keys) as work:
        return once.says(await sessions.call_session(work, form, person))


@router.get("/sessions/{session}")
async def show_session(
    session: Code, request: Request, person: SignedIn, tagged: Tagged
) -> SessionDetail:
    """Members, attendance and counts of a session; never who voted how."""
    async with _parts(request).works.read() as connection:
        return tagged.says(await views.session(connection, person, session))


@router.post("/sessions/{session}/attendance")
async def take_attendance(
    session: Code, form: AttendanceForm, person: SignedIn, once: Once, match: Match
) -> Attendance:
    """Enter who is present; a later roll corrects an earlier one.

    With the session's ETag in `If-Match` it corrects only the roll that was looked at.
    """
    async with once.begin(session_key(person.ward, session)) as work:
        if match.expected is not None:
            match.check(tag_of(await views.session(work.connection, person, session)))
        return once.says(await sessions.take_attendance(work, session, form, person))


@router.post("/sessions/{session}/ballots")
async def cast_ballot(
    session: Code, form: BallotForm, request: Request, person: SignedIn
) -> BallotTaken:
    """Cast a ballot. A second one changes nothing.

    It keeps no answer under an Idempotency-Key: a digest of the body beside the voter's name
    would give the vote away.
    """
    async with _parts(request).works.begin(session_key(person.ward, session)) as work:
        return await voting.cast_ballot(work, session, form, person)


@router.post("/sessions/{session}/closing")
async def close_session(
    session: Code, request: Request, person: SignedIn, once: Once
) -> SessionClosed:
    """Count the ballots and conclude every dossier of the agenda."""
    async with once.begin(*await _keys_of(request, person.ward, session)) as work:
        return once.says(await voting.close_session(work, session, person))


@router.post("/sessions/{session}/approval")
async def approve_session(
    session: Code, request: Request, person: SignedIn, once: Once
) -> SessionApproved:
    """Approve what the council agreed to."""
    async with once.begin(*await _keys_of(request, person.ward, session)) as work:
        return once.says(await decisions.approve_session(work, session, person))


@router.post("/decisions")
async def enter_decision(
    form: DecisionForm, request: Request, person: SignedIn, once: Once
) -> DecisionEntered:
    """Enter number and date of the Chairman's decision."""
    keys = await _keys_of(request, person.ward, form.session)
    numbers = numbers_key(person.ward, form.decided_on)
    async with once.begin(*keys, numbers) as work:
        return once.says(await decisions.enter_decision(work, form, person))


@router.get("/documents/{dossier}", response_class=Response)
async def document(dossier: Code, request: Request, person: SignedIn) -> Response:
    """The certificate as printed: PDF. 409 when the file is not the one that was printed."""
    parts = _parts(request)
    async with parts.works.read() as connection:
        row = await decision_store.find_document(connection, person, dossier)
    if row is None and not person.has(*READERS):
        raise forbidden("Bạn chỉ xem được giấy khen của đơn vị mình.")
    if row is None:
        raise not_found("giấy khen đã in cho hồ sơ này")
    path = parts.settings.documents / row.path
    if not path.is_file():
        raise not_found("tệp giấy khen; phần mềm sẽ in lại")
    content = await asyncio.to_thread(path.read_bytes)
    if sha256(content).hexdigest() != row.sha256:
        raise conflict("document-altered", "Tệp giấy khen khác với bản đã in.")
    name = f'inline; filename="{path.name}"'
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": name})
