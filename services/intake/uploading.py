"""A file on its way in: read piece by piece to a place on disk, and looked at there."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, cast

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect
from starlette.types import Message

from services.intake.commands import evidence as commands
from services.intake.domain.evidence import MOST_BYTES
from services.intake.evidence_settings import EvidenceSettings
from services.intake.store.desk import Key
from shared.refusal import Refusal
from shared.service import Parts
from shared.web.identity import Person
from shared.web.problems import Problem, http_problem

BODY_LIMIT = MOST_BYTES + (64 << 10)
"""Of the routes that take a file: the file, and what a form puts around it."""
SECONDS = 300.0
"""In which a body has to come in: 20 MB at 70 kB a second."""
GRACE = 10.0
"""Seconds in which a sender may be silent, all in all."""
LEAST_RATE = 32_000
"""Bytes a second beside that: whoever is slower gives the turn back."""
AT_ONCE = 3
"""Bodies that are read at a time in one process, so that they fit a /tmp of 64 MB. More wait a
little, and of one person there is never more than one."""
PATIENCE = 15.0
"""Seconds that a body waits for its turn: longer than the silent are waited for."""
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "criterion": {"type": "string", "maxLength": 80},
                    },
                },
                "example": {"file": "%PDF-1.7 …", "criterion": "a1"},
            }
        },
    }
}
"""The body, for the API's description."""
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_turns = asyncio.Semaphore(AT_ONCE)
_bringing: set[tuple[str, str]] = set()
"""Who brings a file just now: ward, person."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that may be taken; `file` lasts as long as `uploaded` is open."""

    file: BinaryIO
    looked: commands.Looked

    @property
    def told(self) -> str:
        """What tells this upload from another."""
        looked = self.looked
        return f"{looked.sha256} {looked.criterion} {looked.name}"


def parts_of(request: Request) -> Parts[EvidenceSettings]:
    return cast(Parts[EvidenceSettings], request.app.state.parts)


@asynccontextmanager
async def uploaded(request: Request, person: Person) -> AsyncIterator[Upload]:
    """The file of a form, on disk where it is large. Raises Refusal, Problem."""
    async with form_of(request, person, 3) as form:
        yield await _look_at(form.get("file"), form.get("criterion"), parts_of(request))


async def keep(request: Request, person: Person, key: Key, file: Any) -> Any:
    """The row of a form's file, which is kept for a participant's period; None where none was
    chosen. Raises Refusal, Problem.
    """
    if not isinstance(file, UploadFile) or not file.filename:
        return None
    parts = parts_of(request)
    upload = await _look_at(file, "", parts)
    shelf, most = parts.settings.shelf, parts.settings.evidence_files
    delivery = await commands.deliver(shelf, upload.file, upload.looked, key, person.ward)
    return await commands.enter_by_itself(parts.works, shelf, delivery, person, most)


@asynccontextmanager
async def form_of(request: Request, person: Person, fields: int) -> AsyncIterator[FormData]:
    """A form of so many texts and one file at most, while it is somebody's turn. Raises Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise _not_a_form()
    async with _turn(person):
        try:
            form = await _paced(request).form(max_files=1, max_fields=fields, max_part_size=4096)
        except TimeoutError:
            raise _too_slow() from None
        except ClientDisconnect:
            raise http_problem(HTTPStatus.BAD_REQUEST) from None
        try:
            yield form
        finally:
            await form.close()


def waited_for(received: int) -> float:
    """How many seconds after its beginning the next piece of a body has to be there."""
    return min(GRACE + received / LEAST_RATE, SECONDS)


def _paced(request: Request) -> Request:
    """The same request; reading its body raises TimeoutError once its sender is too slow."""
    clock = asyncio.get_running_loop().time
    begun, received = clock(), 0

    async def receive() -> Message:
        nonlocal received
        async with asyncio.timeout_at(begun + waited_for(received)):
            message = await request.receive()
        received += len(message.get("body", b""))
        return message

    return Request(request.scope, receive)


@asynccontextmanager
async def _turn(person: Person) -> AsyncIterator[None]:
    """Raises Problem where the person brings a file already, or others do for too long."""
    who = (person.ward, person.id)
    if who in _bringing:
        raise _one_at_a_time()
    _bringing.add(who)
    try:
        try:
            async with asyncio.timeout(PATIENCE):
                await _turns.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            yield
        finally:
            _turns.release()
    finally:
        _bringing.discard(who)


async def _look_at(file: Any, criterion: Any, parts: Parts[EvidenceSettings]) -> Upload:
    if not isinstance(file, UploadFile) or not file.filename:
        raise Refusal("file-missing", "Hãy chọn một tệp.", "/file")
    code = criterion.strip() if isinstance(criterion, str) else ""
    if code and (len(code) > 80 or not _CODE.fullmatch(code)):
        raise Refusal("unknown-criterion", "Không phải mã của một tiêu chí.", "/criterion")
    most = parts.settings.evidence_bytes
    looked = await commands.look_at(file.file, file.filename, code, most)
    return Upload(file.file, looked)


def _not_a_form() -> Problem:
    return Problem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Không nhận dạng nội dung này",
        "Hãy gửi tệp trong một biểu mẫu multipart/form-data, trường file.",
    )


def _one_at_a_time() -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "one-file-at-a-time",
        "Đang tải lên một tệp khác",
        "Mỗi lần chỉ tải lên một tệp; hãy đợi tệp trước tải xong rồi gửi lại.",
        headers={"Retry-After": "5"},
    )


def _busy() -> Problem:
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "uploads-busy",
        "Nhiều người đang tải tệp lên",
        "Xin gửi lại tệp sau ít phút.",
        headers={"Retry-After": "30"},
    )


def _too_slow() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_TIMEOUT,
        "request-timeout",
        "Tải lên quá lâu",
        "Đường truyền quá chậm; hãy giảm kích thước tệp hoặc thử lại sau.",
        headers={"Retry-After": "60"},
    )
