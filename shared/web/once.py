"""`Idempotency-Key`: a request that is sent again is answered again, and done once.

A route says:

    async def open_period(form: PeriodForm, person: SignedIn, once: Once) -> Opened:
        async with once.begin(roll_key(person.ward)) as work:
            opened = await commands.open_period(work, form, person)
            return once.says(Opened(period=form.period, obligations=opened))

The answer is stored in the transaction of what was done, so there is never one without the other.
A refusal did nothing and is not stored: the request is judged again when it comes again.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic_core import to_jsonable_python
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.tables import answer as kept
from shared.messaging.unit_of_work import UnitOfWork, Works
from shared.web.identity import Person
from shared.web.problems import Problem

T = TypeVar("T")
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=48)
SWEEP_SECONDS = 600.0
"""Whoever keeps an answer sweeps old ones out, no more often than this in one process."""

Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller, one for each act, such as a UUID. The same request with"
        f" the same key within {KEPT.total_seconds() / 3600:g} hours is done once and gets the"
        " same answer.",
        examples=["0190a5c2-7d34-7b51-9a53-2f0d1c7e11aa"],
    ),
]

_NOTHING: Any = object()
_swept: dict[str, float] = {}


class Replayed(Exception):
    """It has been done; this was the answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"answered before with {status}")
        self.status = status
        self.body = body


@dataclass(slots=True)
class Turn:
    """One request's way through the database, once for each key of a person."""

    request: Request
    key: str | None
    _said: Any = field(default=_NOTHING)

    @asynccontextmanager
    async def begin(self, *keys: str, of: str | None = None) -> AsyncIterator[UnitOfWork]:
        """A unit of work that holds the keys' locks, as `Works.begin`; `says` must end it.

        `of`: what tells the request's body from another, where it is not to be read whole. A
        second request with the same key waits here for the first. Raises Replayed when that has
        been done, Problem (422) when it was another request.
        """
        works: Works = self.request.app.state.parts.works
        person: Person | None = self.request.state.person
        if self.key is None or person is None:
            async with works.begin(*keys) as work:
                yield work
                self._check()
            return
        body = await self.request.body() if of is None else of.encode()
        digest = _digest(self.request, body)
        async with works.begin(f"answer/{person.ward}/{person.id}/{self.key}", *keys) as work:
            await _look_up(work, person, self.key, digest)
            yield work
            self._check()
            await self._keep(work, person, digest)

    def says(self, answer: T) -> T:
        """What is answered; must be said before the transaction ends."""
        self._said = answer
        return answer

    def _check(self) -> None:
        if self._said is _NOTHING:
            raise RuntimeError("a request was done without saying what is answered")

    async def _keep(self, work: UnitOfWork, person: Person, digest: str) -> None:
        row = {
            "ward": person.ward,
            "person": person.id,
            "key": self.key,
            "digest": digest,
            "status": self.request.scope["route"].status_code or HTTPStatus.OK,
            "body": to_jsonable_python(self._said, by_alias=True),
            "created_at": work.system.now(),
        }
        await work.connection.execute(sa.insert(kept).values(row))
        if time.monotonic() - _swept.get(work.service, -SWEEP_SECONDS) > SWEEP_SECONDS:
            _swept[work.service] = time.monotonic()
            await sweep(work.connection, work.system.now())


def _digest(request: Request, body: bytes) -> str:
    """Of the method, the address and the body as sent."""
    address = f"{request.method} {request.url.path}?{request.url.query}\n"
    return sha256(address.encode() + body).hexdigest()


async def _look_up(work: UnitOfWork, person: Person, key: str, digest: str) -> None:
    query = sa.select(kept.c.digest, kept.c.status, kept.c.body).where(
        kept.c.ward == person.ward, kept.c.person == person.id, kept.c.key == key
    )
    found = (await work.connection.execute(query)).one_or_none()
    if found is None:
        return
    if found.digest != digest:
        raise Problem(
            HTTPStatus(422),
            "idempotency-key-reused",
            "Không thực hiện được",
            "Khóa này đã dùng cho một yêu cầu khác; mỗi yêu cầu cần một khóa riêng.",
            parameters=[("header", HEADER, "Đã dùng cho một yêu cầu khác.")],
        )
    raise Replayed(found.status, found.body)


async def sweep(connection: AsyncConnection, now: datetime) -> int:
    """Forget answers that are older than `KEPT`; returns how many."""
    done = await connection.execute(sa.delete(kept).where(kept.c.created_at < now - KEPT))
    return done.rowcount


async def turn_of(request: Request, key: Key = None) -> Turn:
    """Not async, it would wait for a thread of its own."""
    return Turn(request, key)


Once = Annotated[Turn, Depends(turn_of)]


def answer_again(app: FastAPI) -> None:
    """Let an app answer what it has answered before."""

    @app.exception_handler(Replayed)
    async def on_replayed(_: Request, replayed: Replayed) -> JSONResponse:
        return JSONResponse(replayed.body, replayed.status, headers={REPLAYED: "true"})
