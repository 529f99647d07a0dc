"""The fifth service of docs/messaging.md, cut out of the page and run as it stands."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.state import ROOT
from shared.contracts.base import Event
from shared.contracts.intake import ReportReceived
from tests.component.kafka_tools import create_topic, produce, read_all
from tests.kernel import NOW, record_of

pytestmark = pytest.mark.component

_FILE = re.compile(r"`tally/(?P<name>[\w/.]+)`\n\n```python\n(?P<text>.*?)^```", re.DOTALL | re.M)
TOPICS = (ReportReceived.TOPIC, "thidua.tally.v1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    page = (ROOT / "docs" / "messaging.md").read_text("utf-8")
    files = {found["name"]: found["text"] for found in _FILE.finditer(page)}
    assert set(files) == {"app.py", "migrations/env.py", "migrations/versions/0001_first.py"}
    for name, text in files.items():
        file = tmp_path / "tally" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path / "tally"


def received(participant: str, report: UUID) -> Event:
    return ReportReceived(
        ward="tu-minh",
        participant=participant,
        period="2026-annual",
        report_id=report,
        revision=1,
        received_at=NOW,
        late=False,
        days_late=0,
        door="http",
        items=(),
    )


async def _make_topics(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    known = set(await admin.list_topics())
    await admin.close()
    for topic in TOPICS:
        if topic not in known:
            await create_topic(kafka, topic, 3)


async def test_the_page_s_service_counts_each_report_once(
    folder: Path, kafka: str, make_database: Callable[[str], str]
) -> None:
    await _make_topics(kafka)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("THIDUA_")}
    environment = kept | {
        "PYTHONPATH": str(ROOT),
        "THIDUA_DATABASE_URL": make_database("tally"),
        "THIDUA_KAFKA": kafka,
        "THIDUA_HTTP_PORT": "0",
        "THIDUA_ALARM_SHARE": "1",
    }

    async def run(command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, str(folder / "app.py"), command, env=environment
        )

    assert await (await run("migrate")).wait() == 0
    participants = [f"page-{uuid4().hex[:8]}" for _ in range(2)]
    records = [
        record_of(received(participant, uuid4()), number)
        for number, participant in enumerate([*participants, participants[0]])
    ]
    await produce(kafka, [*records, records[0]])
    service = await run("serve")
    try:
        told = await _told(kafka, participants)
    finally:
        service.terminate()
        assert await service.wait() == 0
    assert told == {participants[0]: 2, participants[1]: 1}


async def _told(kafka: str, participants: list[str]) -> dict[str, int]:
    """The last count of each participant, when nothing more is said for a while."""
    async with asyncio.timeout(60):
        while sum((told := await _counts(kafka, participants)).values()) < 3:
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)
        later = await _counts(kafka, participants)
    assert later == told
    return later


async def _counts(kafka: str, participants: list[str]) -> dict[str, int]:
    facts = [json.loads(record.value) for record in await read_all(kafka, TOPICS[1])]
    return {f["participant"]: f["reports"] for f in facts if f["participant"] in participants}
