"""A relay in a process of its own: `python -m bench.spikes.relaying ours|theirs`.

KAFKA and DATABASE_URL as in `bench/README.md`; WORKERS, FETCH, FLUSH are settings of
faststream-outbox. Runs until standard input ends, then says how many statements it sent.
"""

import asyncio
import json
import os
import sys

import sqlalchemy as sa
from faststream.kafka import KafkaBroker
from faststream_outbox import OutboxBroker, make_outbox_table
from faststream_outbox.annotations import OutboxMessage
from sqlalchemy import event as hooks
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import connect
from shared.messaging.client import producer_settings
from shared.messaging.relay import Relay

QUEUE = "facts"
TOPIC_HEADER, KEY_HEADER = "x-topic", "x-key"
facts = make_outbox_table(sa.MetaData(), "facts")


async def ours(engine: AsyncEngine, ended: asyncio.Event) -> None:
    relay = Relay(engine, os.environ["KAFKA"], "spike", str(os.getpid()))
    running = asyncio.create_task(relay.run())
    await ended.wait()
    relay.stop()
    await running


async def theirs(engine: AsyncEngine, ended: asyncio.Event) -> None:
    """Its documented relay to Kafka, with the settings of our producer."""
    settings = producer_settings(os.environ["KAFKA"], "spike", str(os.getpid()))
    settings["linger_ms"] = 0
    kafka = KafkaBroker(settings.pop("bootstrap_servers"), logger=None, **settings)
    outbox = OutboxBroker(engine, outbox_table=facts, logger=None)

    told = os.environ

    @outbox.subscriber(
        QUEUE,
        max_workers=int(told.get("WORKERS", "1")),
        fetch_batch_size=int(told.get("FETCH", "10")),
        terminal_flush_batch_size=int(told.get("FLUSH", "1")),
    )
    async def relay(message: OutboxMessage) -> None:
        headers = dict(message.headers)
        topic, key = headers.pop(TOPIC_HEADER), headers.pop(KEY_HEADER).encode()
        await kafka.publish(message.body, topic, key=key, headers=headers)

    await kafka.connect()
    await outbox.start()
    await ended.wait()
    await outbox.stop()
    await kafka.stop()


async def main(which: str) -> None:
    """Relay until standard input ends."""
    engine = connect(os.environ["DATABASE_URL"])
    statements = 0

    def sent(*_: object) -> None:
        nonlocal statements
        statements += 1

    hooks.listen(engine.sync_engine, "before_cursor_execute", sent)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await {"ours": ours, "theirs": theirs}[which](engine, ended)
    await engine.dispose()
    sys.stdout.write(json.dumps({"statements": statements}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
