"""Sends reports to a ward: a plain Kafka client, nothing of the ward's own code.

Each line of the file is one record:

    {"id": "…", "key": "tu-minh/tieu-hoc-1", "data": {…the report…}}

`raw` in place of `data` sends the text as it is; `type` replaces the event type. Run it as
`python publish.py --kafka host:port --publisher e-office reports.jsonl`; answers are on
`thidua.outbound.<publisher>.v1` (see answers.py).
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

REPORT_SUBMITTED = "vn.thidua.inbound.report-submitted.v1"


def headers(publisher: str, record: dict[str, Any]) -> dict[str, str | bytes | None]:
    """CloudEvents 1.0 in Kafka's binary mode: the context goes into headers."""
    ward, _, participant = record["key"].partition("/")
    values = {
        "ce_specversion": "1.0",
        "ce_id": record.get("id", ""),
        "ce_source": f"urn:thidua:publisher:{publisher}",
        "ce_type": record.get("type", REPORT_SUBMITTED),
        "ce_subject": participant,
        "ce_ward": ward,
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    return {name: value for name, value in values.items() if value}


def main() -> int:
    parser = argparse.ArgumentParser(description="Send reports to a ward")
    parser.add_argument("--kafka", required=True, help="host:port")
    parser.add_argument("--publisher", required=True, help="the name in the register")
    parser.add_argument("file", type=Path, help="records, one JSON object a line")
    options = parser.parse_args()
    producer = Producer(
        {"bootstrap.servers": options.kafka, "acks": "all", "enable.idempotence": True}
    )
    failures: list[str] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(str(error))

    for line in options.file.read_text("utf-8").splitlines():
        record = json.loads(line)
        body = record["raw"] if "raw" in record else json.dumps(record["data"])
        producer.produce(
            f"thidua.inbound.{options.publisher}.v1",
            key=record["key"].encode(),
            value=body.encode(),
            headers=headers(options.publisher, record),
            on_delivery=delivered,
        )
    producer.flush(30)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures or len(producer) else 0


if __name__ == "__main__":
    sys.exit(main())
