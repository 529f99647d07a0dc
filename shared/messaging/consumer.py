"""What a service author declares: which event goes to which handler.

Handlers take batches. All events of a batch are of one type; the events of one key come in
their order. A handler writes only rows of its events' own keys, reads what it likes, and never
needs a fact of another key or topic to accept an event.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.base import Event
from shared.messaging.envelope import Cause, Envelope, Headers
from shared.messaging.unit_of_work import UnitOfWork

E = TypeVar("E", bound=Event)


class Received(NamedTuple, Generic[E]):
    """One event of ours, read and validated."""

    data: E
    envelope: Envelope
    topic: str
    partition: int
    offset: int
    key: str
    appended_at: datetime

    @property
    def cause(self) -> Cause:
        return Cause.of(self.envelope)


@dataclass(frozen=True, slots=True)
class Inbound:
    """One record of another system, as it came; the handler answers for every one of them.

    `envelope` is None when the headers could not be read, and `problem` says why. `repeat` tells
    that the same id was taken before, with the same bytes or with other ones.
    """

    topic: str
    partition: int
    offset: int
    key: str
    headers: Headers
    body: bytes
    appended_at: datetime
    envelope: Envelope | None
    problem: str
    repeat: Literal["", "same-bytes", "other-bytes"] = ""

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def cause(self) -> Cause:
        """A repeated or unreadable record is known by its place, others by their id."""
        if self.envelope is None or self.repeat:
            return Cause(f"urn:kafka:{self.topic}", self.place, self.place, "")
        return Cause(f"urn:kafka:{self.topic}", self.envelope.id, self.envelope.id, "")


Handler = Callable[[Sequence[Received[E]], UnitOfWork], Awaitable[None]]
InboundHandler = Callable[[Sequence[Inbound], UnitOfWork], Awaitable[None]]
TopicSource = Callable[[AsyncConnection], Awaitable[Sequence[str]]]
Order = Literal["key", "none"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One row of a service's table of event -> handler."""

    event: type[Event]
    handler: Handler[Any]
    order: Order


@dataclass(frozen=True, slots=True)
class Projection:
    """Tables that hold what topics say and nothing else, so that they can be rebuilt from them.

    `folds`: event -> what writes these tables for it, in the order of a key, and does nothing else.
    """

    name: str
    tables: tuple[sa.Table, ...]
    folds: Mapping[type[Event], Handler[Any]]

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted({event.TOPIC for event in self.folds}))


class Consumer:
    """The subscriptions of one service; also the name in its inbox and its consumer group."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.subscriptions: dict[str, Subscription] = {}
        self.projections: dict[str, Projection] = {}
        self.inbound_handler: InboundHandler | None = None
        self.inbound_topics: frozenset[str] = frozenset()
        self.topic_source: TopicSource | None = None

    def on(self, event: type[E], *, order: Order = "key") -> Callable[[Handler[E]], Handler[E]]:
        """Handle a type of event. `order="none"`: a fault parks the event alone, not its key."""

        def declare(handler: Handler[E]) -> Handler[E]:
            if event.TYPE in self.subscriptions:
                raise ValueError(f"{self.name} handles {event.TYPE} twice")
            self.subscriptions[event.TYPE] = Subscription(event, handler, order)
            return handler

        return declare

    def projection(
        self, name: str, tables: Sequence[sa.Table], folds: Mapping[type[Event], Handler[Any]]
    ) -> None:
        """Declare, after the handlers, that `rebuild` may make these tables anew.

        Raises ValueError when it could not: an event that is not handled in the order of its key,
        a topic without its erasures, a table of another projection or without a key of its own.
        """
        if name in self.projections:
            raise ValueError(f"{self.name} has two projections {name}")
        for event in folds:
            subscription = self.subscriptions.get(event.TYPE)
            if subscription is None or subscription.order != "key":
                raise ValueError(f"{name}: {event.TYPE} is not handled in the order of its key")
            erasing = self.erasing_type(event.TOPIC)
            if erasing and erasing not in {other.TYPE for other in folds}:
                raise ValueError(f"{name}: {event.TOPIC} is read without {erasing}")
        taken = {t.name for other in self.projections.values() for t in other.tables}
        for table in tables:
            if table.name in taken:
                raise ValueError(f"{name}: {table.name} belongs to another projection")
            if not table.primary_key or any(c.identity or c.server_default for c in table.c):
                raise ValueError(f"{name}: {table.name} holds what no event says")
        self.projections[name] = Projection(name, tuple(tables), dict(folds))

    def on_inbound(self, handler: InboundHandler) -> InboundHandler:
        """Handle what other systems send, on the topics of `inbound_topics_from`."""
        self.inbound_handler = handler
        return handler

    def inbound_topics_from(self, source: TopicSource) -> TopicSource:
        """Declare where the names of the inbound topics, one a publisher, are read.

        It is asked again and again while the consumer runs: a topic is read from when it is named
        and exists, in every replica. One that is named no more is read until the process ends.
        """
        self.topic_source = source
        return source

    def listen_to(self, topics: Iterable[str]) -> None:
        """The inbound topics, as far as they are known now."""
        self.inbound_topics = frozenset(topics)

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic this consumer reads, sorted."""
        return tuple(sorted(self._own_topics() | self.inbound_topics))

    def is_inbound(self, topic: str) -> bool:
        """Whether another system's record: also in a process that reads no topics itself, such as
        a command that retries what was parked, and does not know their names.
        """
        if topic in self.inbound_topics:
            return True
        return self.inbound_handler is not None and topic not in self._own_topics()

    def _own_topics(self) -> set[str]:
        return {one.event.TOPIC for one in self.subscriptions.values()}

    def erasing_type(self, topic: str) -> str | None:
        """The type of a tombstone on a topic that carries no headers."""
        for name, subscription in self.subscriptions.items():
            if topic == subscription.event.TOPIC and subscription.event.ERASES:
                return name
        return None
