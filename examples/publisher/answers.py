"""Reads what a ward answered a publisher: a plain Kafka client, nothing of the ward's own code.

`python answers.py --kafka host:port --publisher e-office [--seconds 10]` prints one JSON object
a line, from the first answer on, and ends when nothing more has come for a while.
"""

import argparse
import json
import sys
import uuid

from confluent_kafka import Consumer


def main() -> int:
    parser = argparse.ArgumentParser(description="Read a ward's answers")
    parser.add_argument("--kafka", required=True, help="host:port")
    parser.add_argument("--publisher", required=True, help="the name in the register")
    parser.add_argument("--seconds", type=float, default=10, help="how long to wait for more")
    options = parser.parse_args()
    consumer = Consumer(
        {
            "bootstrap.servers": options.kafka,
            "group.id": f"answers-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([f"thidua.outbound.{options.publisher}.v1"])
    try:
        while (message := consumer.poll(options.seconds)) is not None:
            value = message.value()
            if message.error() or value is None:
                continue
            kind = dict(message.headers() or [])["ce_type"]
            text = kind.decode() if isinstance(kind, bytes) else kind
            answer = {"type": text, **json.loads(value)}
            print(json.dumps(answer, ensure_ascii=False))
    finally:
        consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
