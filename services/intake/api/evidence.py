"""Files of evidence by HTTP: brought, listed, fetched in whole or in part, taken away."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import Response, StreamingResponse

from services.intake.commands import evidence as commands
from services.intake.domain.evidence import MEDIA, Span, disposition, span_of
from services.intake.forms.evidence import EvidenceFile, EvidenceRemoved
from services.intake.shelf import NotThere, ShelfAway
from services.intake.store import duty as duties
from services.intake.store import evidence as store
from services.intake.uploading import BODY_LIMIT, FORM, parts_of, uploaded
from shared.contracts.base import Code
from shared.web.etag import NotModified
from shared.web.identity import SignedIn
from shared.web.once import Once
from shared.web.paging import Page, Paging
from shared.web.problems import MEDIA_TYPE, Problem, not_found

router = APIRouter(tags=["evidence"])

Name = Annotated[Code, Path()]
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Whatever is in a file, it runs nothing in our name."""
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": dict.fromkeys(MEDIA.values(), _BYTES)},
    206: {"description": "The part asked for.", "content": dict.fromkeys(MEDIA.values(), _BYTES)},
    416: {"description": "There is no such part.", "content": {MEDIA_TYPE: _PROBLEM}},
}


@router.get("/files/{participant}/{period}/evidence")
async def list_evidence(
    participant: Name, period: Name, request: Request, person: SignedIn, paging: Paging
) -> Page[EvidenceFile]:
    """The files that were brought for a participant's period, in their order."""
    parts, key = parts_of(request), (participant, period)
    after = paging.after(tuple[datetime, UUID])
    async with parts.works.read() as connection:
        if await duties.of_period(connection, person, key) is None:
            raise not_found("hồ sơ này, hoặc hồ sơ này không thuộc về bạn")
        rows = await store.of_file(connection, person, key, after, paging.limit + 1)
    origin = parts.settings.origin
    return paging.page(
        rows, lambda row: EvidenceFile.of(row, origin), lambda row: (row.uploaded_at, row.id)
    )


@router.post(
    "/files/{participant}/{period}/evidence",
    status_code=HTTPStatus.CREATED,
    max_body_size=BODY_LIMIT,
    openapi_extra=FORM,
)
async def bring_evidence(
    participant: Name, period: Name, request: Request, person: SignedIn, once: Once
) -> EvidenceFile:
    """Bring a file, as a form (multipart/form-data) of `file` and, if it belongs to one,
    `criterion`. What holds the same as a file that is here already is that file.
    """
    parts, key = parts_of(request), (participant, period)
    async with parts.works.read() as connection:
        await commands.check_may_bring(connection, key, person)
    shelf, settings = parts.settings.shelf, parts.settings
    async with uploaded(request, person) as upload:
        delivery = await commands.deliver(shelf, upload.file, upload.looked, key, person.ward)
    entered = None
    try:
        async with once.begin(delivery.lock, of=upload.told) as work:
            row = await commands.enter(work, shelf, delivery, person, settings.evidence_files)
            answer = once.says(EvidenceFile.of(row, settings.origin))
        entered = row.id
        return answer
    finally:
        if entered != delivery.id:
            await commands.drop_unless_entered(parts.works, shelf, delivery)


@router.get("/evidence/{file}", response_class=Response, responses=_ANSWERS)
async def fetch_evidence(
    file: UUID,
    request: Request,
    person: SignedIn,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
    range_: Annotated[
        str | None,
        Header(alias="Range", max_length=200, description="One part, as `bytes=0-99`."),
    ] = None,
) -> Response:
    """A file, to be saved. Its ETag is its sha256; a broken download goes on by Range."""
    parts = parts_of(request)
    async with parts.works.read() as connection:
        row = await store.find(connection, person, file)
    if row is None:
        raise not_found("tệp này, hoặc tệp này không thuộc về bạn")
    tag = f'"{row.sha256}"'
    if _names(if_none_match, tag):
        raise NotModified(tag)
    span = span_of(range_, row.size) if if_range in {None, tag} else None
    if span == "none":
        raise _no_such_part(row.size)
    await _check_stands(request, row)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(row.name),
        "Content-Security-Policy": SANDBOX,
        "ETag": tag,
    }
    part = span or Span(0, row.size)
    headers["Content-Length"] = str(len(part))
    if span is not None:
        headers["Content-Range"] = span.of(row.size)
    pieces = parts.settings.shelf.read(commands.name_of(row), part.start, part.end)
    status = HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.OK
    return StreamingResponse(pieces, status, headers, MEDIA[row.kind])


async def _check_stands(request: Request, row: Any) -> None:
    """Before anything is said of it. Raises ShelfAway."""
    try:
        size = await parts_of(request).settings.shelf.size(commands.name_of(row))
    except NotThere:
        size = None
    if size != row.size:
        raise ShelfAway(f"the bytes of evidence {row.id} are not what their row says")


def _names(header: str | None, tag: str) -> bool:
    named = [part.strip().removeprefix("W/") for part in (header or "").split(",")]
    return tag in named or named == ["*"]


def _no_such_part(size: int) -> Problem:
    return Problem(
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        "range-not-satisfiable",
        "Không có phần tệp này",
        f"Tệp dài {size} byte.",
        headers={"Content-Range": f"bytes */{size}"},
    )


@router.delete("/evidence/{file}")
async def remove_evidence(file: UUID, request: Request, person: SignedIn) -> EvidenceRemoved:
    """Take away a file that no report that was sent names."""
    parts = parts_of(request)
    async with parts.works.begin() as work:
        row = await commands.remove(work, file, person)
    await commands.take_away(parts.settings.shelf, [row])
    return EvidenceRemoved(id=row.id, name=row.name)
