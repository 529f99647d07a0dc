"""Reading topics from their beginning up to given ends, in no group."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.client import make_reader
from shared.messaging.envelope import Record
from shared.messaging.errors import Transient

BATCH = 500
POLL_MS = 500
SILENCE_SECONDS = 30.0
"""How long the broker may give nothing that it should have."""

Ends = Mapping[tuple[str, int], int]
"""(topic, partition) -> the offset up to which, exclusively, is read."""


class HistoryIncomplete(Exception):
    """A topic does not hold what was read from it once."""


class History:
    """The records of some partitions, each in its order. `gaps`: partitions that miss offsets."""

    def __init__(self, kafka: str, service: str, ends: Ends) -> None:
        self.gaps: set[tuple[str, int]] = set()
        self._client: AIOKafkaConsumer = make_reader(kafka, service)
        self._next = dict.fromkeys(ends, 0)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._client.stop)
        await self._client.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def distance(self, ends: Ends) -> int:
        """Offsets between here and the ends."""
        return sum(max(0, end - self._next.get(part, 0)) for part, end in ends.items())

    async def up_to(self, ends: Ends) -> AsyncIterator[list[Record]]:
        """What was not read yet, up to the ends. Raises HistoryIncomplete, Transient."""
        await self._begin(ends)
        heard = time.monotonic()
        while waiting := [part for part, end in ends.items() if self._next[part] < end]:
            self._read_only(waiting)
            fetched: Mapping[TopicPartition, list[Any]] = await self._client.getmany(
                timeout_ms=POLL_MS, max_records=BATCH
            )
            before = dict(self._next)
            records = [
                record
                for partition, found in fetched.items()
                for record in self._before(partition, found, ends)
            ]
            for part in waiting:
                await self._skip_gap(part, ends[part])
            if records:
                yield records
            if self._next != before:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_SECONDS:
                raise Transient(f"nothing came of {waiting} in {SILENCE_SECONDS:g} s")

    async def _begin(self, ends: Ends) -> None:
        """Take partitions on that are new, at their beginning; the others stay where they are."""
        known = {(p.topic, p.partition) for p in self._client.assignment()}
        if set(ends) <= known:
            return
        self._next = {part: self._next.get(part, 0) for part in {*known, *ends}}
        partitions = [TopicPartition(*part) for part in self._next]
        self._client.assign(partitions)
        first = await self._client.beginning_offsets(partitions)
        last = await self._client.end_offsets(partitions)
        for partition in partitions:
            part = (partition.topic, partition.partition)
            if last[partition] < ends.get(part, 0):
                raise HistoryIncomplete(
                    f"{part[0]}/{part[1]} ends at {last[partition]}, before what was read of it"
                )
            if first[partition] > 0:
                raise HistoryIncomplete(
                    f"{part[0]}/{part[1]} begins at {first[partition]}: its beginning is gone"
                )
            self._client.seek(partition, self._next[part])

    def _read_only(self, waiting: list[tuple[str, int]]) -> None:
        wanted = {TopicPartition(*part) for part in waiting}
        self._client.pause(*(self._client.assignment() - wanted))
        self._client.resume(*wanted)

    def _before(self, partition: TopicPartition, found: list[Any], ends: Ends) -> list[Record]:
        part = (partition.topic, partition.partition)
        ours: list[Record] = [record for record in found if record.offset < ends[part]]
        for record in ours:
            if record.offset != self._next[part]:
                self.gaps.add(part)
            self._next[part] = record.offset + 1
        if len(ours) < len(found):
            self._next[part] = self._gap(part, ends[part])
            self._client.seek(partition, ends[part])
        return ours

    async def _skip_gap(self, part: tuple[str, int], end: int) -> None:
        """The client may have gone over offsets that hold nothing any more."""
        reached = min(end, await self._client.position(TopicPartition(*part)))
        if reached > self._next[part]:
            self._next[part] = self._gap(part, reached)

    def _gap(self, part: tuple[str, int], reached: int) -> int:
        if reached > self._next[part]:
            self.gaps.add(part)
        return reached
