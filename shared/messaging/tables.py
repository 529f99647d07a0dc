"""The tables that every service has, the same in every service's database."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared.database import metadata

kernel = metadata()

inbox = sa.Table(
    "inbox",
    kernel,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("publisher", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
)
"""Ids taken, for ever: they must outlive the topics, which are kept for the movement's life."""

position = sa.Table(
    "position",
    kernel,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
)
"""Where to read on. It is committed with the effects; Kafka's own offsets only show lag."""

outbox = sa.Table(
    "outbox",
    kernel,
    sa.Column("seq", sa.BigInteger, sa.Identity(cache=1), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)
"""Facts committed and not yet acknowledged by the broker."""

parked = sa.Table(
    "parked",
    kernel,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("trace", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="parked"),
    sa.Column("in_order", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column(
        "appended_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("discarded_by", sa.Text, nullable=True),
    sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True),
    sa.UniqueConstraint("consumer", "topic", "partition", "offset"),
    sa.CheckConstraint("state IN ('parked', 'discarded')", name="known_state"),
    sa.CheckConstraint(
        "num_nulls(reason, discarded_by, discarded_at)"
        " = CASE state WHEN 'discarded' THEN 0 ELSE 3 END",
        name="discarded_with_reason",
    ),
)
"""Events that could not be applied, and those that wait behind them.

`in_order`: it holds its key (the others parked alone). `attempts` 0: never tried, it waits.
An event that is applied after all has no row here any more; its row in the inbox says so.
"""

sa.Index(
    "ix_parked_waiting",
    parked.c.consumer,
    parked.c.topic,
    parked.c.key,
    parked.c.id,
    postgresql_where=parked.c.state == "parked",
)

parked_key = sa.Table(
    "parked_key",
    kernel,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
)
"""A key whose events wait. Its row is the lock between parking, appending and retrying."""

act = sa.Table(
    "act",
    kernel,
    sa.Column("seq", sa.BigInteger, sa.Identity(cache=1), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=True),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
)
"""The log of official acts; see `shared.records`."""

issuer_key = sa.Table(
    "issuer_key",
    kernel,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("jwk", JSONB, nullable=False),
)
"""The issuer's published keys as last seen, so that a restart does not need the issuer."""

ended_access = sa.Table(
    "ended_access",
    kernel,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("issued_before", sa.DateTime(timezone=True), nullable=False),
)
"""Tokens issued before are not believed; `session` "": of all sessions of the person."""

answer = sa.Table(
    "answer",
    kernel,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("ix_answer_created_at", "created_at"),
)
"""What was answered to a request with an Idempotency-Key, kept with what it did."""
