"""The rows of parked events: setting aside, finding, and what becomes of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.envelope import Headers
from shared.messaging.reading import Reading, appended_at
from shared.messaging.tables import parked, parked_key
from shared.messaging.trying import Failure

State = Literal["parked", "discarded"]
ERASED = "erased by a later tombstone"
"""The reason of such a discard, and what is left of an error that may quote the value."""

_PARK = sa.text(
    'INSERT INTO parked (consumer, topic, partition, "offset", key, event_id, event_type,'
    " headers, body, error, message, trace, attempts, first_at, last_at, in_order, appended_at)"
    " VALUES (:consumer, :topic, :partition, :offset, :key, :event_id, :event_type,"
    " CAST(:headers AS json), :body, :error, :message, :trace, :attempts, :now, :now,"
    " :in_order, :appended_at)"
    ' ON CONFLICT (consumer, topic, partition, "offset") DO NOTHING RETURNING id'
).bindparams(
    sa.bindparam("body", type_=sa.LargeBinary),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.bindparam("appended_at", type_=sa.DateTime(timezone=True)),
)
_HOLD = sa.text(
    "INSERT INTO parked_key (consumer, topic, key) VALUES (:consumer, :topic, :key)"
    " ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A parked record as Kafka's client had handed it over; `timestamp` in ms since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event that was set aside, with all that is known about it."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str
    event_id: str
    event_type: str
    headers: Headers
    body: bytes | None
    error: str
    message: str
    trace: str
    attempts: int
    first_at: datetime
    last_at: datetime
    state: State
    in_order: bool
    appended_at: datetime
    reason: str | None
    discarded_by: str | None
    discarded_at: datetime | None

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def record(self) -> StoredRecord:
        timestamp = round(self.appended_at.timestamp() * 1000)
        key = self.key.encode()
        return StoredRecord(
            self.topic, self.partition, self.offset, timestamp, key, self.body, self.headers
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which parked events are meant; what is not given does not narrow it.

    `since` is about when an event was parked; `ward` about its key.
    """

    ids: Sequence[int] | None = None
    key: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    ward: str | None = None
    state: State | None = "parked"

    def condition(self, consumer: str) -> sa.ColumnElement[bool]:
        conditions = [parked.c.consumer == consumer]
        if self.ids is not None:
            conditions.append(parked.c.id == sa.any_(sa.cast(self.ids, sa.ARRAY(sa.BigInteger))))
        if self.key is not None:
            conditions.append(parked.c.key == self.key)
        if self.event_type is not None:
            conditions.append(parked.c.event_type == self.event_type)
        if self.since is not None:
            conditions.append(parked.c.first_at >= self.since)
        if self.ward is not None:
            conditions.append(parked.c.key.startswith(f"{self.ward}/", autoescape=True))
        if self.state is not None:
            conditions.append(parked.c.state == self.state)
        return sa.and_(*conditions)


async def park(
    connection: AsyncConnection,
    consumer: str,
    reading: Reading,
    failure: Failure,
    *,
    now: datetime,
    in_order: bool,
) -> bool:
    """Set a record aside with all that is needed to look at it and to try it again.

    False when it was set aside before; then nothing changes, also when it has been discarded.
    """
    record = reading.record
    row = {
        "consumer": consumer,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": reading.key,
        "headers": json.dumps(_headers_as_text(record.headers)),
        "body": record.value,
        "attempts": failure.tries,
        "now": now,
        "in_order": in_order,
        "appended_at": appended_at(record),
        **_named(reading),
        **_told(failure),
    }
    stored = await connection.scalar(_PARK, row) is not None
    if stored and in_order:
        names = {"consumer": consumer, "topic": record.topic, "key": reading.key}
        await connection.execute(_HOLD, names)
    return stored


async def find(
    connection: AsyncConnection, consumer: str, selection: Selection, limit: int
) -> list[ParkedEvent]:
    """In the order in which they were parked."""
    chosen = sa.select(parked).where(selection.condition(consumer)).order_by(parked.c.id)
    return [_event(row) for row in await connection.execute(chosen.limit(limit))]


async def keys_of(
    connection: AsyncConnection, consumer: str, selection: Selection
) -> list[tuple[str, str]]:
    """The (topic, key) that the selected events hold, those parked first first."""
    chosen = (
        sa.select(parked.c.topic, parked.c.key)
        .where(selection.condition(consumer), parked.c.in_order)
        .group_by(parked.c.topic, parked.c.key)
        .order_by(sa.func.min(parked.c.id))
    )
    return [(topic, key) for topic, key in await connection.execute(chosen)]


async def alone(
    connection: AsyncConnection, consumer: str, selection: Selection
) -> list[tuple[int, str]]:
    """(id, key) of the selected events that parked alone."""
    chosen = sa.select(parked.c.id, parked.c.key).where(
        selection.condition(consumer), ~parked.c.in_order
    )
    return [(number, key) for number, key in await connection.execute(chosen.order_by(parked.c.id))]


async def hold(connection: AsyncConnection, consumer: str, topic: str, key: str) -> bool:
    """Take the row of a parked key, for oneself; False when the key is free."""
    row = sa.select(parked_key.c.key).where(_is_key(consumer, topic, key)).with_for_update()
    return await connection.scalar(row) is not None


async def waiting(
    connection: AsyncConnection, consumer: str, topic: str, key: str, limit: int
) -> list[ParkedEvent]:
    """The first events of a parked key."""
    chosen = sa.select(parked).where(_waits(consumer, topic, key)).order_by(parked.c.id)
    return [_event(row) for row in await connection.execute(chosen.limit(limit))]


async def one(connection: AsyncConnection, consumer: str, number: int) -> ParkedEvent | None:
    """The event, and its row for oneself, or None."""
    chosen = sa.select(parked).where(parked.c.consumer == consumer, parked.c.id == number)
    row = (await connection.execute(chosen.with_for_update())).one_or_none()
    return _event(row) if row else None


async def drop(connection: AsyncConnection, numbers: Sequence[int]) -> None:
    """They have been applied; the inbox says so."""
    gone = parked.c.id == sa.any_(sa.cast(numbers, sa.ARRAY(sa.BigInteger)))
    await connection.execute(sa.delete(parked).where(gone))


async def free_if_empty(connection: AsyncConnection, consumer: str, topic: str, key: str) -> bool:
    """Let the key go when nothing of it waits any more; the caller holds its row."""
    left = sa.select(sa.exists().where(_waits(consumer, topic, key)))
    if await connection.scalar(left):
        return False
    await connection.execute(sa.delete(parked_key).where(_is_key(consumer, topic, key)))
    return True


async def failed_again(
    connection: AsyncConnection, number: int, reading: Reading, failure: Failure, now: datetime
) -> None:
    """Keep what is known now; the headers may be readable by now, and so its id."""
    changed = {"attempts": parked.c.attempts + failure.tries, "last_at": now}
    await connection.execute(
        sa.update(parked)
        .where(parked.c.id == number)
        .values({**changed, **_named(reading), **_told(failure)})
    )


async def mark_discarded(
    connection: AsyncConnection, number: int, reason: str, person: str, now: datetime
) -> None:
    await connection.execute(
        sa.update(parked)
        .where(parked.c.id == number)
        .values(state="discarded", reason=reason, discarded_by=person, discarded_at=now)
    )


async def erase(
    connection: AsyncConnection, consumer: str, reading: Reading, now: datetime
) -> list[dict[str, str]]:
    """What a tombstone leaves of the events of its key: that they were there, not what they said.

    Those that wait are discarded, since nothing they say holds any more; returns what was. The
    caller holds the key's lock.
    """
    topic, key = reading.record.topic, reading.key
    columns = parked.c
    mine = sa.and_(columns.consumer == consumer, columns.topic == topic, columns.key == key)
    blank = sa.update(parked).where(mine).values(body=None, message=ERASED, trace="")
    if not (await connection.execute(blank)).rowcount:
        return []
    why = {"reason": ERASED, "discarded_by": reading.place, "discarded_at": now}
    gone = await connection.execute(
        sa.update(parked)
        .where(mine, columns.state == "parked")
        .values(state="discarded", **why)
        .returning(columns.event_id, columns.event_type, columns.partition, columns.offset)
    )
    await connection.execute(sa.delete(parked_key).where(_is_key(consumer, topic, key)))
    return [
        {"event": identity, "type": kind, "place": f"{topic}/{partition}/{offset}"}
        for identity, kind, partition, offset in gone
    ]


def _is_key(consumer: str, topic: str, key: str) -> sa.ColumnElement[bool]:
    columns = parked_key.c
    return sa.and_(columns.consumer == consumer, columns.topic == topic, columns.key == key)


def _waits(consumer: str, topic: str, key: str) -> sa.ColumnElement[bool]:
    columns = parked.c
    mine = sa.and_(columns.consumer == consumer, columns.topic == topic, columns.key == key)
    return sa.and_(mine, columns.in_order, columns.state == "parked")


def _named(reading: Reading) -> dict[str, str]:
    return {"event_id": reading.identity, "event_type": reading.event_type}


def _told(failure: Failure) -> dict[str, str]:
    return {
        "error": type(failure.error).__name__,
        "message": _storable(str(failure.error))[:4000],
        "trace": _storable(failure.trace)[-20_000:],
    }


def _event(row: sa.Row[Any]) -> ParkedEvent:
    values = dict(row._mapping)  # noqa: SLF001
    del values["consumer"]
    values["headers"] = tuple(
        (name, None if value is None else value.encode("latin-1"))
        for name, value in values["headers"]
    )
    return ParkedEvent(**values)


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _headers_as_text(headers: Sequence[tuple[str, bytes | None]]) -> list[list[str | None]]:
    return [[name, None if value is None else value.decode("latin-1")] for name, value in headers]
