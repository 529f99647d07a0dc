"""The other system: a plain idempotent producer that sends until it is acknowledged."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

NAME = "e-office"
SOURCE = f"urn:thidua:publisher:{NAME}"
INBOUND = f"thidua.inbound.{NAME}.v1"
OUTBOUND = f"thidua.outbound.{NAME}.v1"
SUBMITTED = "vn.thidua.inbound.report-submitted.v1"
CONTACTS = "thidua.intake.contacts.v1"


@dataclass(frozen=True, slots=True)
class Letter:
    """One record. `bends` replaces headers; None leaves one out."""

    identity: str
    key: str
    body: bytes
    bends: tuple[tuple[str, str | None], ...] = ()
    topic: str = INBOUND

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class Publisher:
    """Sends letters in order, again and again until each is acknowledged; one thread uses it."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._lock = threading.Lock()
        self._open: OrderedDict[int, Letter] = OrderedDict()
        self._number = 0
        self._producer = self._make()

    def send(self, letter: Letter) -> None:
        with self._lock:
            self._number += 1
            number = self._number
            self._open[number] = letter
        self._produce(number, letter)
        self._producer.poll(0)

    @property
    def unacknowledged(self) -> int:
        return len(self._open)

    def flush(self, seconds: float) -> bool:
        """Whether everything is acknowledged by now; what failed is sent again first."""
        self._producer.flush(seconds)
        if self._open:
            self._again()
            self._producer.flush(seconds)
        return not self._open

    def _make(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._kafka,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 0,
                "log_level": 2,
            }
        )

    def _again(self) -> None:
        """A new producer for what an old one could not bring about (after a fatal error)."""
        self._producer = self._make()
        with self._lock:
            left = list(self._open.items())
        for number, letter in left:
            self._produce(number, letter)

    def _produce(self, number: int, letter: Letter) -> None:
        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is None:
                with self._lock:
                    self._open.pop(number, None)

        headers: dict[str, str | bytes | None] = dict(_headers(letter))
        while True:
            try:
                self._producer.produce(
                    letter.topic,
                    key=letter.key.encode(),
                    value=letter.body,
                    headers=headers,
                    on_delivery=delivered,
                )
            except BufferError:
                self._producer.poll(0.2)
            except KafkaException:
                self._again()
                return
            else:
                return


def _headers(letter: Letter) -> Mapping[str, str]:
    ward, _, participant = letter.key.partition("/")
    values: dict[str, str | None] = {
        "ce_specversion": "1.0",
        "ce_id": letter.identity,
        "ce_source": SOURCE,
        "ce_type": SUBMITTED,
        "ce_subject": participant,
        "ce_ward": ward,
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    values |= dict(letter.bends)
    return {name: value for name, value in values.items() if value is not None}


def erase(kafka: str, key: str) -> None:
    """A tombstone on the contacts topic: notify drops mails to that person from now on."""
    producer = Producer({"bootstrap.servers": kafka, "acks": "all", "enable.idempotence": True})
    producer.produce(CONTACTS, key=key.encode(), value=None)
    if producer.flush(30):
        raise TimeoutError("the tombstone was not acknowledged")


def body_of(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()
