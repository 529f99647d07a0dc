"""What handlers were really given, and committed: a table beside the kernel's own, in tests only.

Each event adds a row in the transaction of its handler's effects. So the table says what was
applied, how often and in which order, whatever the kernel's inbox and position believe.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging import Consumer, Inbound, Received, UnitOfWork
from shared.messaging.consumer import Handler, InboundHandler
from tests.chaos.poison import Poison

TABLE = """
    CREATE TABLE IF NOT EXISTS chaos_applied (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        key text NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL
    )
"""
"""`event_id` of an inbound record whose headers cannot be read is empty."""

_TEXTS = ARRAY(sa.Text)
_WRITE = sa.text(
    'INSERT INTO chaos_applied (topic, partition, "offset", key, event_id, type)'
    " SELECT topic, part, place, key, event_id, type"
    " FROM unnest(:topics, :partitions, :offsets, :keys, :ids, :types) WITH ORDINALITY"
    " AS t(topic, part, place, key, event_id, type, number) ORDER BY number"
).bindparams(
    sa.bindparam("topics", type_=_TEXTS),
    sa.bindparam("partitions", type_=ARRAY(sa.Integer)),
    sa.bindparam("offsets", type_=ARRAY(sa.BigInteger)),
    sa.bindparam("keys", type_=_TEXTS),
    sa.bindparam("ids", type_=_TEXTS),
    sa.bindparam("types", type_=_TEXTS),
)

Given = Received[Any] | Inbound


async def make_ledger(url: str) -> None:
    """The table, in the database of a SQLAlchemy URL; it may be there already."""
    place = make_url(url)
    connection = await asyncpg.connect(
        host=place.host,
        port=place.port,
        user=place.username,
        password=place.password,
        database=place.database,
    )
    try:
        await connection.execute(TABLE)
    finally:
        await connection.close()


def watch(consumer: Consumer, poison: Poison) -> None:
    """Let every handler of a consumer write the ledger, and fail on what is poisoned."""
    for name, subscription in consumer.subscriptions.items():
        handler = _watched(subscription.handler, poison)
        consumer.subscriptions[name] = replace(subscription, handler=handler)
    if consumer.inbound_handler is not None:
        consumer.inbound_handler = _watched_inbound(consumer.inbound_handler, poison)


def _watched(handler: Handler[Any], poison: Poison) -> Handler[Any]:
    @wraps(handler)
    async def watched(events: Sequence[Received[Any]], work: UnitOfWork) -> None:
        await handler(events, work)
        await _write(work.connection, events)
        poison.spoil(events)

    return watched


def _watched_inbound(handler: InboundHandler, poison: Poison) -> InboundHandler:
    @wraps(handler)
    async def watched(records: Sequence[Inbound], work: UnitOfWork) -> None:
        await handler(records, work)
        await _write(work.connection, records)
        poison.spoil(records)

    return watched


async def _write(connection: AsyncConnection, given: Sequence[Given]) -> None:
    await connection.execute(
        _WRITE,
        {
            "topics": [one.topic for one in given],
            "partitions": [one.partition for one in given],
            "offsets": [one.offset for one in given],
            "keys": [one.key for one in given],
            "ids": [one.envelope.id if one.envelope else "" for one in given],
            "types": [_type(one) for one in given],
        },
    )


def _type(one: Given) -> str:
    return "inbound" if isinstance(one, Inbound) or one.envelope is None else one.envelope.type
