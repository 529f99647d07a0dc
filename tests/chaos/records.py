"""Everything on the topics and in the ledgers, read by plain clients."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from tests.chaos.databases import Databases
from tests.topics import messages

TOPICS = (
    "thidua.intake.v1",
    "thidua.intake.contacts.v1",
    "thidua.scoring.v1",
    "thidua.awards.v1",
    "thidua.notify.v1",
    "thidua.inbound.e-office.v1",
    "thidua.outbound.e-office.v1",
)
CHUNK = 20_000
ERASED = "vn.thidua.intake.contact-erased.v1"
"""What an empty record without headers on the contacts topic is."""


class Record(NamedTuple):
    """One record. `name` is the thing of its type (`report-received`), `told` what is checked of
    its body; `identity` is its place where it has no ce_id."""

    topic: str
    partition: int
    offset: int
    key: str
    identity: str
    type: str
    cause: str
    digest: bytes
    told: Any

    @property
    def name(self) -> str:
        parts = self.type.split(".")
        return parts[-2] if len(parts) > 1 else self.type

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Applied(NamedTuple):
    """One row of a ledger, in the order of `seq`."""

    topic: str
    partition: int
    offset: int
    key: str
    identity: str
    type: str

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass
class Story:
    """All records of a topic, per partition in order, repeated ones included."""

    records: tuple[Record, ...]

    @cached_property
    def first(self) -> Mapping[str, Record]:
        """Identity -> its first occurrence."""
        found: dict[str, Record] = {}
        for record in self.records:
            found.setdefault(record.identity, record)
        return found


Teller = Callable[[Mapping[str, Any]], Any]


def read_topics(
    kafka: str, topics: Sequence[str], tellers: Mapping[str, Teller]
) -> dict[str, Story]:
    """Every record up to the present ends. `tellers`: type -> what to keep of a body."""
    found: dict[str, list[Record]] = {topic: [] for topic in topics}
    for message in messages(kafka, topics):
        found[str(message.topic())].append(_record(message, tellers))
    return {topic: Story(tuple(records)) for topic, records in found.items()}


def _record(message: Any, tellers: Mapping[str, Teller]) -> Record:
    headers = {
        name: value.decode("utf-8", "replace") if value is not None else ""
        for name, value in message.headers() or ()
    }
    topic, body = str(message.topic()), message.value()
    place = f"{topic}/{message.partition()}/{message.offset()}"
    kind = headers.get("ce_type") or ("" if body is not None else ERASED)
    told = _tell(tellers[kind], body) if kind in tellers and body else None
    return Record(
        topic,
        int(message.partition()),
        int(message.offset()),
        (message.key() or b"").decode(),
        headers.get("ce_id") or place,
        kind,
        headers.get("ce_causationid", ""),
        hashlib.sha256(body or b"").digest()[:12],
        told,
    )


def _tell(teller: Teller, body: bytes) -> Any:
    """None where the body is no JSON: what other systems send may be anything."""
    try:
        return teller(json.loads(body))
    except ValueError:
        return None


def read_ledger(databases: Databases, service: str) -> list[Applied]:
    """What a service's handlers were given and committed, in that order."""
    rows: list[Applied] = []
    last = 0
    while True:
        chunk = databases.fetch(
            service,
            'SELECT seq, topic, partition, "offset", key, event_id, type FROM chaos_applied'
            f" WHERE seq > $1 ORDER BY seq LIMIT {CHUNK}",
            last,
        )
        if not chunk:
            return rows
        rows += [Applied(*row[1:]) for row in chunk]
        last = chunk[-1][0]
