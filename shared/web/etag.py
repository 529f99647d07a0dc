"""`ETag`, `If-None-Match` and `If-Match`: nothing sent twice, nothing overwritten unseen.

async def show_person(person: PersonId, request: Request, tagged: Tagged) -> PersonDetail:
    ...
    return tagged.says(detail)

async def change_contact(person: PersonId, form: ContactForm, match: Match) -> Admitted:
    async with works.begin(key) as work:
        match.check(tag_of(await the_detail_as_shown(work)))
        ...
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Header, Request, Response
from pydantic_core import to_jsonable_python

from shared.web.problems import Problem

T = TypeVar("T")

_FRESH = {"Cache-Control": "private, no-cache"}
"""It may be kept, and must be asked for again each time."""


class NotModified(Exception):
    """The caller has it already."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


def tag_of(answer: Any) -> str:
    """A strong tag: the same for the same JSON, whatever the order of its fields."""
    text = json.dumps(to_jsonable_python(answer, by_alias=True), sort_keys=True)
    return f'"{sha256(text.encode()).hexdigest()[:32]}"'


@dataclass(frozen=True, slots=True)
class Tagging:
    """Gives an answer its tag, or says that it has not changed."""

    response: Response
    known: str | None

    def says(self, answer: T) -> T:
        """Raises NotModified when `If-None-Match` names it."""
        tag = tag_of(answer)
        if _names(self.known, tag, weak=True):
            raise NotModified(tag)
        self.response.headers.update({"ETag": tag, **_FRESH})
        return answer


async def tagging(
    response: Response,
    if_none_match: Annotated[
        str | None,
        Header(description="Tags that the caller has; 304 if it is one of them.", max_length=1000),
    ] = None,
) -> Tagging:
    return Tagging(response, if_none_match)


@dataclass(frozen=True, slots=True)
class Matching:
    """What the caller believes to change."""

    expected: str | None

    def check(self, tag: str) -> None:
        """To be asked under the lock. Raises Problem: 428 without a tag, 412 with another."""
        if self.expected is None:
            raise Problem(
                HTTPStatus.PRECONDITION_REQUIRED,
                "precondition-required",
                "Thiếu điều kiện cập nhật",
                "Hãy gửi kèm If-Match với ETag của bản đang xem.",
                parameters=[("header", "If-Match", "Thiếu trường này.")],
            )
        if not _names(self.expected, tag, weak=False):
            raise Problem(
                HTTPStatus.PRECONDITION_FAILED,
                "precondition-failed",
                "Nội dung đã thay đổi",
                "Có người đã sửa trước; hãy mở lại bản mới nhất rồi sửa.",
            )


async def matching(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag of what is to be changed, as it was shown.",
            max_length=1000,
            examples=['"5f0d3c2e7a445b0e9a6f2f6d0a1c7e11"'],
        ),
    ] = None,
) -> Matching:
    return Matching(if_match)


def _names(header: str | None, tag: str, *, weak: bool) -> bool:
    if header is None:
        return False
    named = [part.strip() for part in header.split(",")]
    if weak:
        named = [part.removeprefix("W/") for part in named]
    return tag in named or named == ["*"]


Tagged = Annotated[Tagging, Depends(tagging)]
Match = Annotated[Matching, Depends(matching)]


def answer_not_modified(app: FastAPI) -> None:
    """Let an app say 304."""

    @app.exception_handler(NotModified)
    async def on_not_modified(_: Request, same: NotModified) -> Response:
        return Response(status_code=304, headers={"ETag": same.tag, **_FRESH})
