"""Versions of the movement, what changes between them, the years and periods they open."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from services.intake.commands import movement as commands
from services.intake.commands.desk import roll_key
from services.intake.commands.movement_views import compare, detail_of, preview_of
from services.intake.forms.movement import (
    AdoptionForm,
    Differences,
    Dropped,
    Launched,
    MovementForm,
    PeriodForm,
    PeriodWasOpened,
    PhaseEnded,
    Preview,
    ReviewForm,
    VersionDetail,
    VersionForm,
    VersionRow,
    YearForm,
    YearWasOpened,
)
from services.intake.store import movement as store
from shared.contracts.base import Code
from shared.messaging import Works
from shared.web.etag import Match, Tagged, tag_of
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging

router = APIRouter(tags=["movements"])

Movement = Annotated[Code, Path()]
Number = Annotated[int, Path(ge=1, le=1000)]
Other = Annotated[int, Query(ge=1, le=1000, description="The version to compare with.")]


def works_of(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/movements")
async def list_versions(request: Request, person: SignedIn, paging: Paging) -> Page[VersionRow]:
    """All versions of the ward's movements, the newest of each first."""
    after = paging.after(tuple[str, int])
    async with works_of(request).read() as connection:
        rows = await store.versions(connection, person.ward)
    rest = [row for row in rows if after is None or _place(row) > (after[0], -after[1])]
    return paging.page(rest[: paging.limit + 1], _row, lambda row: (row.movement, row.version))


def _place(row: Any) -> tuple[str, int]:
    return row.movement, -row.version


def _row(row: Any) -> VersionRow:
    return VersionRow.model_validate(row._asdict())


@router.post("/movements", status_code=HTTPStatus.CREATED)
async def enter_version(form: MovementForm, person: SignedIn, once: Once) -> Launched:
    """Enter a version as a draft; with `adoption`, and where no open duty changes, in force."""
    async with once.begin(*commands.keys_of(person.ward, form.movement)) as work:
        state = await commands.enter(work, form, person)
        return once.says(Launched(movement=form.movement, version=form.version, state=state))


@router.get("/movements/{movement}/versions/{version}")
async def show_version(
    movement: Movement, version: Number, request: Request, person: SignedIn, tagged: Tagged
) -> VersionDetail:
    """A version whole: contents, criteria, forms, blocks, phases, rules."""
    async with works_of(request).read() as connection:
        row = await commands.existing(connection, person.ward, movement, version)
    return tagged.says(detail_of(row))


@router.put("/movements/{movement}/versions/{version}")
async def edit_draft(
    movement: Movement,
    version: Number,
    form: VersionForm,
    request: Request,
    person: SignedIn,
    match: Match,
) -> Launched:
    """Write a draft again, as it was last shown; an adopted version never changes."""
    async with works_of(request).begin(*commands.keys_of(person.ward, movement)) as work:
        known = await commands.existing(work.connection, person.ward, movement, version)
        match.check(tag_of(detail_of(known)))
        await commands.edit(work, known, form, person)
    return Launched(movement=movement, version=version, state="draft")


@router.delete("/movements/{movement}/versions/{version}")
async def drop_draft(
    movement: Movement, version: Number, request: Request, person: SignedIn, match: Match
) -> Dropped:
    """Throw a draft away, as it was last shown."""
    async with works_of(request).begin(*commands.keys_of(person.ward, movement)) as work:
        known = await commands.existing(work.connection, person.ward, movement, version)
        match.check(tag_of(detail_of(known)))
        await commands.drop(work, known, person)
    return Dropped(movement=movement, version=version)


@router.get("/movements/{movement}/versions/{version}/differences")
async def show_differences(
    movement: Movement,
    version: Number,
    request: Request,
    person: SignedIn,
    since: Other | None = None,
) -> Differences:
    """What changed since another version; since the one before it, if none is named."""
    async with works_of(request).read() as connection:
        return await compare(connection, person.ward, movement, version, since)


@router.get("/movements/{movement}/versions/{version}/adoption")
async def preview_adoption(
    movement: Movement, version: Number, request: Request, person: SignedIn
) -> Preview:
    """What adopting a version would do to open duties: laid anew, moved, withdrawn."""
    works = works_of(request)
    async with works.read() as connection:
        return await preview_of(connection, person.ward, movement, version, works.business.now())


@router.post("/movements/{movement}/versions/{version}/adoption", status_code=HTTPStatus.CREATED)
async def adopt_version(
    movement: Movement, version: Number, form: AdoptionForm, person: SignedIn, once: Once
) -> Launched:
    """Put a draft in force by its document, doing exactly what was shown, or refuse."""
    async with once.begin(*commands.keys_of(person.ward, movement)) as work:
        await commands.adopt(work, movement, version, form, form.preview, person)
        return once.says(Launched(movement=movement, version=version, state="adopted"))


@router.post("/movements/{movement}/years", status_code=HTTPStatus.CREATED)
async def open_year(
    movement: Movement, form: YearForm, person: SignedIn, once: Once
) -> YearWasOpened:
    """Open the periods that the rules have for a year, and lay their duties."""
    async with once.begin(*commands.keys_of(person.ward, movement)) as work:
        periods, laid = await commands.open_year(work, movement, form.year, person)
        return once.says(YearWasOpened(year=form.year, periods=tuple(periods), laid=laid))


@router.post("/movements/{movement}/reviews", status_code=HTTPStatus.CREATED)
async def record_review(
    movement: Movement, form: ReviewForm, person: SignedIn, once: Once
) -> PhaseEnded:
    """Record the ward's review of a phase, which ends the phase."""
    async with once.begin(*commands.keys_of(person.ward, movement)) as work:
        await commands.record_review(work, movement, form, person)
        ended = PhaseEnded(phase=form.phase, number=form.number, reviewed_on=form.reviewed_on)
        return once.says(ended)


@router.post("/periods", status_code=HTTPStatus.CREATED)
async def open_period(form: PeriodForm, person: SignedIn, once: Once) -> PeriodWasOpened:
    """Open a period by hand and lay its duty on all who are asked."""
    async with once.begin(roll_key(person.ward)) as work:
        opened = await commands.open_period(work, form, person)
        return once.says(PeriodWasOpened(period=form.period, obligations=opened))
