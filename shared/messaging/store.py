"""The kernel's statements: few, whole-batch, sorted so that two owners cannot deadlock."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.reading import Reading

_TEXTS = ARRAY(sa.Text)


def _arrays(statement: str, **types: sa.types.TypeEngine[Any]) -> sa.TextClause:
    return sa.text(statement).bindparams(
        *(sa.bindparam(name, type_=kind) for name, kind in types.items())
    )


_TAKE = _arrays(
    "INSERT INTO inbox (consumer, publisher, event_id, digest)"
    " SELECT :consumer, publisher, event_id, digest"
    " FROM unnest(:publishers, :ids, :digests) AS t(publisher, event_id, digest)"
    " ORDER BY publisher, event_id"
    " ON CONFLICT DO NOTHING RETURNING publisher, event_id",
    publishers=_TEXTS,
    ids=_TEXTS,
    digests=_TEXTS,
)
_DIGESTS = _arrays(
    "SELECT publisher, event_id, digest FROM inbox"
    " JOIN unnest(:publishers, :ids) AS t(p, i) ON publisher = p AND event_id = i"
    " WHERE consumer = :consumer",
    publishers=_TEXTS,
    ids=_TEXTS,
)
_WAITING = _arrays(
    "SELECT topic, key FROM parked_key WHERE consumer = :consumer"
    " AND (topic, key) IN (SELECT * FROM unnest(:topics, :keys)) FOR SHARE",
    topics=_TEXTS,
    keys=_TEXTS,
)
_ADVANCE = _arrays(
    "INSERT INTO position (consumer, topic, partition, next_offset)"
    " SELECT :consumer, topic, part, next_offset"
    " FROM unnest(:topics, :partitions, :offsets) AS t(topic, part, next_offset)"
    " ORDER BY topic, part"
    " ON CONFLICT (consumer, topic, partition)"
    " DO UPDATE SET next_offset = greatest(position.next_offset, excluded.next_offset)",
    topics=_TEXTS,
    partitions=ARRAY(sa.Integer),
    offsets=ARRAY(sa.BigInteger),
)
_POSITIONS = sa.text(
    "SELECT topic, partition, next_offset FROM position WHERE consumer = :consumer"
)


async def take_into_inbox(
    connection: AsyncConnection, consumer: str, readings: Sequence[Reading]
) -> set[str]:
    """Record the ids; returns the places of the readings that are new (first of equal ids)."""
    if not readings:
        return set()
    first: dict[tuple[str, str], Reading] = {}
    for reading in readings:
        first.setdefault((reading.publisher, reading.identity), reading)
    rows = await connection.execute(
        _TAKE,
        {
            "consumer": consumer,
            "publishers": [publisher for publisher, _ in first],
            "ids": [identity for _, identity in first],
            "digests": [reading.digest for reading in first.values()],
        },
    )
    return {first[publisher, identity].place for publisher, identity in rows}


async def inbox_digests(
    connection: AsyncConnection, consumer: str, readings: Sequence[Reading]
) -> dict[tuple[str, str], str]:
    """What was taken under these ids: (publisher, id) -> digest of the value."""
    rows = await connection.execute(
        _DIGESTS,
        {
            "consumer": consumer,
            "publishers": [reading.publisher for reading in readings],
            "ids": [reading.identity for reading in readings],
        },
    )
    return {(publisher, identity): digest for publisher, identity, digest in rows}


async def parked_keys(
    connection: AsyncConnection, consumer: str, readings: Sequence[Reading]
) -> set[tuple[str, str]]:
    """Which of these (topic, key) hold parked events; their rows stay locked to the commit.

    A statement of its own after the inbox's: only then does it see what another owner, whose
    rows the inbox insert waited for, has committed.
    """
    if not readings:
        return set()
    pairs = {(reading.record.topic, reading.key) for reading in readings}
    rows = await connection.execute(
        _WAITING,
        {
            "consumer": consumer,
            "topics": [topic for topic, _ in pairs],
            "keys": [key for _, key in pairs],
        },
    )
    return {(topic, key) for topic, key in rows}


async def advance(connection: AsyncConnection, consumer: str, readings: Sequence[Reading]) -> None:
    """Move the consumer's position behind the readings."""
    ends: dict[tuple[str, int], int] = {}
    for reading in readings:
        record = reading.record
        ends[record.topic, record.partition] = record.offset + 1
    await pass_over(connection, consumer, ends)


async def pass_over(
    connection: AsyncConnection, consumer: str, ends: Mapping[tuple[str, int], int]
) -> None:
    """Move the consumer's position to these offsets of (topic, partition); never back."""
    await connection.execute(
        _ADVANCE,
        {
            "consumer": consumer,
            "topics": [topic for topic, _ in ends],
            "partitions": [partition for _, partition in ends],
            "offsets": list(ends.values()),
        },
    )


async def positions(connection: AsyncConnection, consumer: str) -> dict[tuple[str, int], int]:
    """(topic, partition) -> the offset to read next."""
    rows = await connection.execute(_POSITIONS, {"consumer": consumer})
    return {(topic, partition): offset for topic, partition, offset in rows}
