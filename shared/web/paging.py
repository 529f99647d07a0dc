"""Lists in pages: a cursor that says where to go on, never a number of rows to skip.

async def list_people(request: Request, person: SignedIn, paging: Paging) -> Page[PersonRow]:
    after = paging.after(tuple[str, int])
    query = keyset(query, (person.c.name, person.c.id), after).limit(paging.limit + 1)
    rows = (await connection.execute(query)).all()
    return paging.page(rows, PersonRow.of, lambda row: (row.name, row.id))
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from shared.web.problems import Problem

T = TypeVar("T")
Row = TypeVar("Row")
Place = TypeVar("Place", bound=tuple[Any, ...])

USUAL, MOST = 50, 200


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the cursor of the part behind it, null at the end."""

    items: list[T]
    next: str | None = Field(description="`cursor` of the next page; null: this is the last one.")


@dataclass(frozen=True, slots=True)
class Pager:
    """Where in a list, and how much of it."""

    request: Request
    response: Response
    limit: int
    cursor: str | None

    def after(self, kind: type[Place]) -> Place | None:
        """The sort key of the last row seen, of that type; None at the beginning.

        Raises Problem (422) on a cursor that is not one of this list's.
        """
        if self.cursor is None:
            return None
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            text = base64.b64decode(padded, altchars=b"-_", validate=True)
            if b"\\u0000" in text:
                raise _wrong()
            return TypeAdapter(kind).validate_json(text)
        except (binascii.Error, ValidationError, ValueError):
            raise _wrong() from None

    def page(
        self,
        rows: Sequence[Row],
        shape: Callable[[Row], T],
        place: Callable[[Row], tuple[Any, ...]],
    ) -> Page[T]:
        """The answer, of one row more than `limit` where there is more; adds the Link header."""
        shown = rows[: self.limit]
        following = cursor_of(place(shown[-1])) if len(rows) > self.limit else None
        if following is not None:
            query = self.request.query_params
            others = [(name, value) for name, value in query.multi_items() if name != "cursor"]
            address = self.request.url.replace(scheme="", netloc="").include_query_params
            url = address(**dict(others), cursor=following)
            self.response.headers["Link"] = f'<{url}>; rel="next"'
        return Page(items=[shape(row) for row in shown], next=following)


def _wrong() -> Problem:
    return Problem(
        HTTPStatus(422),
        "invalid-request",
        "Không thực hiện được",
        "Có trường chưa đúng.",
        parameters=[("query", "cursor", "Không phải con trỏ của danh sách này.")],
    )


async def pager(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most items of a page.")] = USUAL,
    cursor: Annotated[
        str | None,
        Query(
            description="`next` of the page before; opaque.",
            max_length=1000,
            pattern=r"^[A-Za-z0-9_-]+$",
        ),
    ] = None,
) -> Pager:
    return Pager(request, response, limit, cursor)


Paging = Annotated[Pager, Depends(pager)]


def cursor_of(place: tuple[Any, ...]) -> str:
    """A sort key as text that can stand in an address."""
    return base64.urlsafe_b64encode(to_json(place)).rstrip(b"=").decode()


def keyset(
    query: sa.Select[Any],
    columns: Sequence[sa.ColumnElement[Any]],
    after: tuple[Any, ...] | None,
    *,
    descending: bool = False,
) -> sa.Select[Any]:
    """Order by the columns (together unique, none NULL) and begin behind a place."""
    if after is not None:
        here = sa.tuple_(*columns)
        there = sa.tuple_(
            *(sa.literal(value, column.type) for value, column in zip(after, columns, strict=True))
        )
        query = query.where(here < there if descending else here > there)
    return query.order_by(*(column.desc() if descending else column for column in columns))
